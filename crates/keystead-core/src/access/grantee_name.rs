//! The names under which grants speak of a caller.

use super::{NamedPrincipal, Principal, PrincipalKind};

/// A name under which a grant may speak of a caller.
pub struct GranteeName {
    /// The ARN, as grants hold it.
    pub arn: String,
    /// The unique ID of the user or role that has the name now; `None` for the name of an account.
    unique_id: Option<String>,
}

impl GranteeName {
    /// The caller's own ARN, that of the role whose session it is, and that of its account. A web identity has none: no grant can name it.
    pub fn all_of(principal: &Principal) -> Vec<Self> {
        if let PrincipalKind::WebIdentity { .. } = principal.kind {
            return Vec::new();
        }
        let account = NamedPrincipal::of_account(principal.account).to_string();
        let own = (principal.arn != account).then(|| principal.arn.clone());
        let identities = own.into_iter().chain(principal.policy_identity.role_arn.clone());
        let unique_id = &principal.policy_identity.unique_id;
        let identities = identities.map(|arn| Self { arn, unique_id: unique_id.clone() });
        identities.chain([Self { arn: account, unique_id: None }]).collect()
    }

    /// Whether a grant to `arn`, which stood for `unique_id` when the grant was made, is to this one, and not to somebody who had the name
    /// before (unverified: key policies are documented to go by the unique IDs of identities, of grants nothing is said).
    pub fn is_meant(&self, arn: &str, unique_id: Option<&str>) -> bool {
        self.arn == arn && (unique_id.is_none() || self.unique_id.as_deref() == unique_id)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use keystead_model::arn::AccountId;

    use super::*;

    fn arns(principal: &Principal) -> Vec<String> {
        GranteeName::all_of(principal).into_iter().map(|name| name.arn).collect()
    }

    #[test]
    fn a_session_is_named_by_itself_by_its_role_and_by_its_account() {
        let account = AccountId::parse("111122223333").unwrap();
        let root = "arn:aws:iam::111122223333:root";
        assert_eq!(arns(&Principal::root(account)), [root]);
        let (session, role) = ("arn:aws:sts::111122223333:assumed-role/r/s", "arn:aws:iam::111122223333:role/path/r");
        let kind = PrincipalKind::AssumedRole {
            role_name: "r".to_owned(),
            role_id: "AROA".to_owned(),
            role_arn: role.to_owned(),
            session_name: "s".to_owned(),
        };
        assert_eq!(arns(&Principal::new(account, kind, session.to_owned(), None)), [session, role, root]);
        // Until it has a role, a web identity is of no account.
        let web =
            PrincipalKind::WebIdentity { provider: root.to_owned(), audience: String::new(), subject: String::new() };
        assert!(arns(&Principal::new(account, web, root.to_owned(), None)).is_empty());
    }

    #[test]
    fn who_has_the_name_of_a_former_grantee_is_not_meant() {
        let name = GranteeName { arn: "alice".to_owned(), unique_id: Some("AIDASECOND".to_owned()) };
        for (arn, unique_id, meant) in [
            ("alice", Some("AIDASECOND"), true),
            ("alice", Some("AIDAFIRST"), false),
            ("alice", None, true),
            ("bob", Some("AIDASECOND"), false),
            ("bob", None, false),
        ] {
            assert_eq!(name.is_meant(arn, unique_id), meant, "{arn} {unique_id:?}");
        }
    }
}
