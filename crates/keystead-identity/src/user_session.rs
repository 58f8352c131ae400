//! Sessions of users: the temporary credentials that GetSessionToken gives.

use keystead_core::access::{Principal, PrincipalKind};

/// Whether a caller has credentials of GetSessionToken: those of a user, or of the root user. They call less than the user does.
pub(crate) fn is_of_user(principal: &Principal) -> bool {
    match principal.kind {
        PrincipalKind::Root | PrincipalKind::User { .. } => principal.session.is_some(),
        PrincipalKind::AssumedRole { .. } | PrincipalKind::WebIdentity { .. } => false,
    }
}
