//! IAM policy documents: read, validated, and evaluated.
//!
//! Sans-IO: texts and a request's facts in, verdicts out. [`PolicyDocument::evaluate`] tells what one document says,
//! [`PolicyDocument::explain`] why, and [`decide`] what all of them say together: identity policies, the resource's policy, grants,
//! permissions boundary, session policies. Source: IAM User Guide, "IAM JSON policy reference" and "Policy evaluation logic".

mod arn_pattern;
mod budget;
mod characters;
mod condition;
mod context;
mod decision;
mod document;
mod duplicate_keys;
mod element;
mod evaluation;
#[cfg(test)]
mod evaluation_tests;
mod explanation;
mod grant;
mod parse;
mod pattern;
#[cfg(test)]
mod pattern_tests;
mod places;
mod policy_text;
mod principal;
mod question;
mod sides;
mod trust;
mod variable;

pub use condition::{Condition, InvalidCondition};
pub use context::{ConditionKeys, ContextValue, RequestContext};
pub use decision::{DecidingStatement, Decision, Layer, Permission, decide};
pub use document::{Effect, PolicyDocument, PolicyKind, Statement};
pub use evaluation::{AccessRequest, StatementMatch, Verdict};
pub use explanation::{Mismatch, StatementExplanation};
pub use grant::{GrantConstraint, GrantMatch, GrantTerms, GrantedUse};
pub use parse::MalformedPolicy;
pub use policy_text::{with_full_principals, with_unique_ids};
pub use principal::{Identity, InvalidPrincipal, PrincipalMatch};
pub use question::{IdentitySide, NamedPolicy, Question, ResourceSide};
