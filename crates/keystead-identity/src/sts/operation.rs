//! The operations of STS, and what is served of them.

use keystead_core::kms::Caller;
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::{assume_role, caller_identity, session_token};
use crate::error::IdentityError;
use crate::user_session;

/// An operation of STS.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) name: &'static str,
    served: bool,
    /// Whether its caller signs nothing.
    pub(super) unsigned: bool,
    /// Whether its answer has credentials.
    pub(super) gives_credentials: bool,
    /// Whether credentials of GetSessionToken may call it (AWS STS API Reference, GetSessionToken).
    with_session_of_user: bool,
}

const NOT_SERVED: Operation =
    Operation { name: "", served: false, unsigned: false, gives_credentials: false, with_session_of_user: false };
const SERVED: Operation = Operation { served: true, ..NOT_SERVED };

/// All that the service model has.
const OPERATIONS: &[Operation] = &[
    Operation { name: "AssumeRole", gives_credentials: true, with_session_of_user: true, ..SERVED },
    Operation { name: "AssumeRoleWithSAML", unsigned: true, ..NOT_SERVED },
    Operation { name: "AssumeRoleWithWebIdentity", unsigned: true, gives_credentials: true, ..SERVED },
    Operation { name: "AssumeRoot", ..NOT_SERVED },
    Operation { name: "DecodeAuthorizationMessage", ..NOT_SERVED },
    Operation { name: "GetAccessKeyInfo", ..SERVED },
    Operation { name: "GetCallerIdentity", with_session_of_user: true, ..SERVED },
    Operation { name: "GetDelegatedAccessToken", ..NOT_SERVED },
    Operation { name: "GetFederationToken", ..NOT_SERVED },
    Operation { name: "GetSessionToken", gives_credentials: true, ..SERVED },
    Operation { name: "GetWebIdentityToken", ..NOT_SERVED },
];

/// The operation of that name.
pub(super) fn named(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.name == name)
}

impl Operation {
    /// The operation itself; fails if it is not served.
    pub(super) fn served(&'static self) -> Result<&'static Self, IdentityError> {
        if self.served {
            return Ok(self);
        }
        let message = format!("{} is not served here. Temporary credentials come from AssumeRole, ", self.name)
            + "AssumeRoleWithWebIdentity and GetSessionToken.";
        Err(IdentityError::new("InvalidAction", 400, message))
    }
}

/// Serves a signed request.
pub(super) async fn dispatch(
    operation: &'static Operation,
    call: &Call<'_>,
    caller: &Caller,
    parameters: Parameters,
) -> Result<Structure, IdentityError> {
    refuse_session_of_user(operation, caller)?;
    match operation.name {
        "AssumeRole" => assume_role::assume_role(call, caller, parameters).await,
        "GetCallerIdentity" => caller_identity::get_caller_identity(caller, parameters),
        "GetAccessKeyInfo" => caller_identity::get_access_key_info(call, caller, parameters).await,
        "GetSessionToken" => session_token::get_session_token(call, caller, parameters),
        // Whoever has signed it may leave the signature out, which the front end does not know (unverified).
        "AssumeRoleWithWebIdentity" => super::web_identity::assume_role_with_web_identity(call, parameters).await.0,
        other => Err(IdentityError::internal(&format!("{other} has no line here"))),
    }
}

fn refuse_session_of_user(operation: &Operation, caller: &Caller) -> Result<(), IdentityError> {
    if !user_session::is_of_user(&caller.principal) || operation.with_session_of_user {
        return Ok(());
    }
    let message = format!("Cannot call {} with session credentials", operation.name);
    Err(IdentityError::new("AccessDenied", 403, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_served_says_so() {
        let not_served: Vec<&str> = OPERATIONS.iter().filter(|row| row.served().is_err()).map(|row| row.name).collect();
        assert_eq!(
            not_served,
            [
                "AssumeRoleWithSAML",
                "AssumeRoot",
                "DecodeAuthorizationMessage",
                "GetDelegatedAccessToken",
                "GetFederationToken",
                "GetWebIdentityToken"
            ]
        );
    }
}
