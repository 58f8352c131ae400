//! Principals as policies and grants name them.
//!
//! Source: IAM User Guide, "AWS JSON policy elements: Principal", "IAM identifiers", "IAM and AWS STS quotas".

use std::fmt;

use keystead_model::arn::AccountId;

/// The most characters of a user's, a role's or a session's name.
const NAME_CHARACTERS_MAX: usize = 64;
/// The most characters of a path, with the slashes around it.
const PATH_CHARACTERS_MAX: usize = 512;

/// A principal that a text names. Whether there is such a one is another matter.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct NamedPrincipal {
    account: AccountId,
    name: PrincipalName,
}

/// What of an account a principal is, and the name that ARNs have for it there.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum PrincipalName {
    /// The account as a whole.
    Account,
    /// An IAM user, by path and name.
    User(String),
    /// An IAM role, by path and name.
    Role(String),
    /// A session of a role: the role's name, `/`, the session's name.
    AssumedRole(String),
    /// A federated user session, by name.
    FederatedUser(String),
}

impl NamedPrincipal {
    /// An account as a whole.
    pub fn of_account(account: AccountId) -> Self {
        Self { account, name: PrincipalName::Account }
    }

    /// Reads an ARN, or the 12 digits of an account. `None` for whatever is no principal: wildcards, groups, services, unique IDs, ARNs of
    /// another partition.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(account) = AccountId::parse(text) {
            return Some(Self::of_account(account));
        }
        let (service, rest) = text.strip_prefix("arn:aws:")?.split_once("::")?;
        let (account, resource) = rest.split_once(':')?;
        Some(Self { account: AccountId::parse(account)?, name: PrincipalName::parse(service, resource)? })
    }

    /// The account that it belongs to.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// What of the account it is.
    pub fn name(&self) -> &PrincipalName {
        &self.name
    }
}

impl PrincipalName {
    fn parse(service: &str, resource: &str) -> Option<Self> {
        if (service, resource) == ("iam", "root") {
            return Some(Self::Account);
        }
        let (kind, name) = resource.split_once('/')?;
        match (service, kind) {
            ("iam", "user") if is_path_and_name(name) => Some(Self::User(name.to_owned())),
            ("iam", "role") if is_path_and_name(name) => Some(Self::Role(name.to_owned())),
            ("sts", "assumed-role") if is_role_and_session(name) => Some(Self::AssumedRole(name.to_owned())),
            ("sts", "federated-user") if is_name(name) => Some(Self::FederatedUser(name.to_owned())),
            _ => None,
        }
    }
}

impl fmt::Display for NamedPrincipal {
    /// The ARN.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let account = self.account;
        match &self.name {
            PrincipalName::Account => write!(f, "arn:aws:iam::{account}:root"),
            PrincipalName::User(name) => write!(f, "arn:aws:iam::{account}:user/{name}"),
            PrincipalName::Role(name) => write!(f, "arn:aws:iam::{account}:role/{name}"),
            PrincipalName::AssumedRole(name) => write!(f, "arn:aws:sts::{account}:assumed-role/{name}"),
            PrincipalName::FederatedUser(name) => write!(f, "arn:aws:sts::{account}:federated-user/{name}"),
        }
    }
}

fn is_path_and_name(text: &str) -> bool {
    match text.rsplit_once('/') {
        Some((path, name)) => path.len() + 2 <= PATH_CHARACTERS_MAX && is_within_path(path) && is_name(name),
        None => is_name(text),
    }
}

/// Whether a text is the path of a user, a group or a role: a slash, or printable characters of ASCII between two (IAM API Reference,
/// `pathType`).
pub fn is_identity_path(text: &str) -> bool {
    let within = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
    text == "/" || text.len() <= PATH_CHARACTERS_MAX && within.is_some_and(is_within_path)
}

fn is_within_path(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_role_and_session(text: &str) -> bool {
    text.split_once('/').is_some_and(|(role, session)| is_name(role) && is_name(session))
}

fn is_name(text: &str) -> bool {
    (1..=NAME_CHARACTERS_MAX).contains(&text.len()) && text.bytes().all(is_of_name)
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_shown_as_its_arn() {
        for arn in [
            "arn:aws:iam::111122223333:root",
            "arn:aws:iam::111122223333:user/alice",
            "arn:aws:iam::111122223333:user/division/team/alice@example.com",
            "arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
            "arn:aws:iam::111122223333:role/team#1/a:b//ExampleRole",
            "arn:aws:sts::111122223333:assumed-role/ExampleRole/session-1",
            "arn:aws:sts::111122223333:federated-user/bob",
        ] {
            assert_eq!(NamedPrincipal::parse(arn).unwrap().to_string(), arn);
        }
        let account = NamedPrincipal::parse("111122223333").unwrap();
        assert_eq!(account.to_string(), "arn:aws:iam::111122223333:root");
    }

    #[test]
    fn what_is_no_principal_is_refused() {
        let long = format!("arn:aws:iam::111122223333:user/{}", "a".repeat(65));
        for text in [
            "",
            "*",
            "11112222333",
            "1111222233334",
            "AIDACKCEVSQ6C2EXAMPLE",
            "sns.amazonaws.com",
            "arn:aws:iam::111122223333:group/admins",
            "arn:aws:iam::111122223333:user/",
            "arn:aws:iam::111122223333:user/*",
            "arn:aws:iam::111122223333:user//alice",
            "arn:aws:iam::111122223333:user/pa th/alice",
            "arn:aws:iam::111122223333:user/p\u{e4}th/alice",
            "arn:aws:iam::111122223333:role",
            "arn:aws:iam::111122223333:",
            "arn:aws:iam::*:root",
            "arn:aws:iam:us-east-1:111122223333:root",
            "arn:aws-cn:iam::111122223333:root",
            "arn:aws:sts::111122223333:assumed-role/ExampleRole",
            "arn:aws:sts::111122223333:assumed-role/path/ExampleRole/session",
            "arn:aws:sts::111122223333:root",
            "arn:aws:iam::111122223333:instance-profile/a",
            "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            long.as_str(),
        ] {
            assert_eq!(NamedPrincipal::parse(text), None, "{text}");
        }
    }
}
