//! What is given to who may have it: the credentials of a session.

use std::time::Duration;

use keystead_core::access::{AssumableRole, SessionContent, SessionPrincipal, TemporaryCredentials};
use keystead_core::audit::iso8601;
use keystead_model::SecretString;
use keystead_model::Timestamp;
use keystead_model::arn::AccountId;
use keystead_query::Structure;
use zeroize::Zeroizing;

use super::call::Call;
use crate::error::IdentityError;

/// How long a session of a role is unless the request says otherwise, in seconds.
pub(super) const ROLE_DURATION_DEFAULT: u32 = 3600;
/// The longest session of a role that another role's session has assumed, in seconds.
const CHAINED_DURATION_MAX: u32 = 3600;

/// A session that begins now.
pub(super) fn new_session(call: &Call<'_>, account: AccountId, of: SessionPrincipal, seconds: u32) -> SessionContent {
    let expires: Timestamp = call.now.plus(Duration::from_secs(u64::from(seconds)));
    SessionContent::new(account, of, call.now, expires, call.kms.entropy())
}

/// Checks how long a session of a role may be, in seconds.
pub(super) fn role_duration(role: &AssumableRole, seconds: u32, chained: bool) -> Result<u32, IdentityError> {
    if chained && seconds > CHAINED_DURATION_MAX {
        let message =
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.";
        return Err(IdentityError::validation(message));
    }
    if seconds > role.role.max_session_duration {
        let message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
        return Err(IdentityError::validation(message));
    }
    Ok(seconds)
}

/// Makes the credentials, unless what the session has with it is too large.
pub(super) fn issue(call: &Call<'_>, content: &SessionContent) -> Result<TemporaryCredentials, IdentityError> {
    if let Some(size) = content.packed_policy_size().filter(|size| *size > 100) {
        let message = format!("Packed policy consumes {size}% of allotted space, please use smaller policy.");
        return Err(IdentityError::new("PackedPolicyTooLarge", 400, message));
    }
    call.kms.catalog().issue_session(content).map_err(|error| IdentityError::internal(&error))
}

/// `Credentials` in an answer.
pub(super) fn credentials_structure(credentials: &TemporaryCredentials) -> Structure {
    let secret = |secret: &SecretString| Zeroizing::new(secret.expose().to_owned());
    Structure::default()
        .with("AccessKeyId", &credentials.access_key_id)
        .with("SecretAccessKey", secret(&credentials.secret_access_key))
        .with("SessionToken", secret(&credentials.session_token))
        .with("Expiration", iso8601(credentials.expires))
}

/// What every answer with the session of a role has.
pub(super) fn role_session_structure(
    role: &AssumableRole,
    content: &SessionContent,
    credentials: &TemporaryCredentials,
    session_name: &str,
) -> Structure {
    let role = &role.role;
    let user = Structure::default()
        .with("AssumedRoleId", format!("{}:{session_name}", role.role_id))
        .with("Arn", format!("arn:aws:sts::{}:assumed-role/{}/{session_name}", role.account, role.role_name));
    let size = content.packed_policy_size().and_then(|size| i64::try_from(size).ok());
    Structure::default()
        .with("Credentials", credentials_structure(credentials))
        .with("AssumedRoleUser", user)
        .with_some("PackedPolicySize", size)
        .with_some("SourceIdentity", content.source_identity.as_ref())
}
