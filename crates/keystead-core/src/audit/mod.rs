//! What is recorded of each request, in the shape of a CloudTrail record.
//!
//! Source: KMS Developer Guide, "Logging AWS KMS API calls with AWS CloudTrail"; KMS core digest 7.1, external key stores digest 8.5.

mod elements;
mod record;
mod shared_event;
mod user_identity;

pub use elements::{request_parameters, response_elements};
pub use record::{AuditRecord, AuditResource, TlsDetails, iso8601};
pub use user_identity::{SessionAttributes, SessionContext, SessionIssuer, UserIdentity, WebIdFederationData};
