//! The names under which grants speak of a caller.

use keystead_model::Timestamp;

use super::{NamedPrincipal, Principal, PrincipalKind, PrincipalPolicies};

/// A name under which a grant may speak of a caller.
pub struct GranteeName {
    /// The ARN, as grants hold it.
    pub arn: String,
    /// It is the name of a user or role, which may be deleted and made again.
    of_identity: bool,
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
        let identities = identities.map(|arn| Self { arn, of_identity: true });
        identities.chain([Self { arn: account, of_identity: false }]).collect()
    }

    /// Whether a grant that was made at `granted` to this name is meant for the user or role that has the name now. Who was made later is
    /// somebody else of the same name (unverified: key policies are documented to go by the unique IDs of identities, of grants nothing is
    /// said).
    pub fn is_meant(&self, policies: &PrincipalPolicies, granted: Timestamp) -> bool {
        !self.of_identity || policies.created.is_none_or(|made| made <= granted)
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
    fn who_was_made_after_a_grant_is_not_meant_by_it() {
        let at = Timestamp::from_millis;
        let policies = PrincipalPolicies { created: Some(at(10)), ..PrincipalPolicies::default() };
        for (of_identity, granted, meant) in [(true, 9, false), (true, 10, true), (true, 11, true), (false, 9, true)] {
            let name = GranteeName { arn: String::new(), of_identity };
            assert_eq!(name.is_meant(&policies, at(granted)), meant, "{of_identity} {granted}");
        }
    }
}
