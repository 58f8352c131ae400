//! Who calls, and what they may do.

mod account;
mod authorize;
mod named_principal;
mod principal;

pub use account::{AccessKey, AccessKeyStatus, Account, User};
pub use authorize::{
    AccountScope, Authorized, RequestContext, Resource, access_denied, authorize, authorize_retirement,
};
pub use named_principal::{Identity, NamedPrincipal};
pub use principal::{Credential, Principal, PrincipalKind};
