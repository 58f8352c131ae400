//! Sessions: temporary credentials (AWS STS API Reference).

use std::collections::{BTreeMap, BTreeSet};

use keystead_model::Timestamp;
use keystead_policy::NamedPolicy;

use super::{Principal, PrincipalPolicies};

/// What a session adds to the identity that it is of.
#[derive(Clone, PartialEq, Debug)]
pub struct Session {
    /// When it began.
    pub issued: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// Session policies; `None` if none were given, which is no limit.
    pub policies: Option<Vec<NamedPolicy>>,
    /// Session tags.
    pub tags: BTreeMap<String, String>,
    /// Which of them stay when the session assumes another role.
    pub transitive_tag_keys: BTreeSet<String>,
    /// Who is behind it, as said when it began; stays when the session assumes another role.
    pub source_identity: Option<String>,
    /// The provider that vouched for who began it: the ARN of an OpenID Connect provider.
    pub federated_provider: Option<String>,
}

/// Whether the credentials of `principal` no longer stand for anyone: its user or role is gone, or another one has its name, so that there
/// are no `policies` of it; or its sessions that began before a later moment were revoked, which a root user's can be too. To be asked for
/// each request.
///
/// Long-term credentials belong to no session, and only go with their user.
pub fn is_revoked(principal: &Principal, policies: Option<&PrincipalPolicies>) -> bool {
    let Some(policies) = policies else { return true };
    match (&principal.session, policies.sessions_revoked_before) {
        (Some(session), Some(before)) => session.issued < before,
        (None, _) | (_, None) => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use keystead_model::arn::AccountId;

    use super::*;

    fn principal(issued: Option<i64>) -> Principal {
        let session = issued.map(|issued| Session {
            issued: Timestamp::from_millis(issued),
            expires: Timestamp::from_millis(10_000),
            policies: None,
            tags: BTreeMap::new(),
            transitive_tag_keys: BTreeSet::new(),
            source_identity: None,
            federated_provider: None,
        });
        Principal { session: session.map(Arc::new), ..Principal::root(AccountId::parse("111122223333").unwrap()) }
    }

    #[test]
    fn sessions_that_began_before_the_revocation_are_refused_and_nothing_else_is() {
        for (issued, revoked_before, revoked) in [
            (Some(1000), None, false),
            (Some(1000), Some(999), false),
            (Some(1000), Some(1000), false),
            (Some(1000), Some(1001), true),
            (None, Some(1001), false),
            (None, None, false),
        ] {
            let revoked_before = revoked_before.map(Timestamp::from_millis);
            let policies = PrincipalPolicies { sessions_revoked_before: revoked_before, ..Default::default() };
            let principal = principal(issued);
            assert_eq!(is_revoked(&principal, Some(&policies)), revoked, "{issued:?}, {revoked_before:?}");
            assert!(is_revoked(&principal, None), "nobody has the name and the ID any more");
        }
    }
}
