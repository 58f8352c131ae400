//! Who calls, and what they may do.

mod account;
mod authorize;
mod principal;

pub use account::{AccessKey, AccessKeyStatus, Account, User};
pub use authorize::{AccountScope, Authorized, RequestContext, Resource, access_denied, authorize};
pub use principal::{Credential, Principal, PrincipalKind};
