//! IAM policy documents: read, validated, and evaluated for one request at a time.
//!
//! Sans-IO: texts and a request's facts in, verdicts out. What verdicts of several documents mean together (identity policies, key
//! policies, grants, boundaries) is for the caller. Source: IAM User Guide, "IAM JSON policy reference" and "Policy evaluation logic".

mod condition;
mod context;
mod document;
mod duplicate_keys;
mod element;
mod evaluation;
#[cfg(test)]
mod evaluation_tests;
mod parse;
mod pattern;
mod principal;
mod variable;

pub use condition::{Condition, InvalidCondition};
pub use context::{ContextValue, RequestContext};
pub use document::{Effect, PolicyDocument, PolicyKind, Statement};
pub use evaluation::{AccessRequest, StatementMatch, Verdict};
pub use parse::MalformedPolicy;
pub use principal::{Identity, PrincipalMatch};
