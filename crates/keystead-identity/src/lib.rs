//! Who there is, and how they prove it: the IAM API (users, access keys, groups, roles, policies, identity providers) and the STS API
//! (sessions), both in the AWS query protocol.
//!
//! Source: IAM API Reference, AWS STS API Reference, IAM User Guide. The entities and their store are the core's
//! ([`keystead_core::access`], [`keystead_core::port::IdentityStore`]); what they may do is decided there too.

mod answer;
mod constraint;
mod error;
mod iam;
mod protocol;
mod recorded;
mod request;
mod sts;
mod user_session;

pub use iam::IamService;
pub use sts::StsService;
