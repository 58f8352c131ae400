//! GetSessionToken.

use keystead_core::access::{PrincipalKind, SessionPrincipal};
use keystead_core::kms::Caller;
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::credentials::{credentials_structure, issue, new_session};
use super::text::{USER_DURATION, duration};
use crate::error::IdentityError;

/// In seconds.
const DURATION_DEFAULT: u32 = 43_200;
/// A longer session of a root user becomes one of this length.
const ROOT_DURATION_MAX: u32 = 3600;

/// Gives a user, or the root user, temporary credentials with all that it may do. No policy can allow or deny it (AWS STS API Reference,
/// GetSessionToken).
pub(super) fn get_session_token(
    call: &Call<'_>,
    caller: &Caller,
    mut parameters: Parameters,
) -> Result<Structure, IdentityError> {
    let asked = duration(&mut parameters, &USER_DURATION, DURATION_DEFAULT)?;
    parameters.finish()?;
    let principal = &caller.principal;
    let (of, seconds) = match &principal.kind {
        PrincipalKind::Root => (SessionPrincipal::Root, asked.min(ROOT_DURATION_MAX)),
        PrincipalKind::User { user_name, user_id } => {
            let (user_name, user_id) = (user_name.clone(), user_id.clone());
            (SessionPrincipal::User { user_name, user_id, arn: principal.arn.clone() }, asked)
        }
        PrincipalKind::AssumedRole { .. } | PrincipalKind::WebIdentity { .. } => {
            return Err(IdentityError::new(
                "AccessDenied",
                403,
                "Cannot call GetSessionToken with session credentials",
            ));
        }
    };
    let credentials = issue(call, &new_session(call, principal.account, of, seconds))?;
    Ok(Structure::default().with("Credentials", credentials_structure(&credentials)))
}
