//! The `Principal` element, and who is who in a request.

use serde_json::Value;

use crate::document::Effect;

/// One who calls, with all the names under which a policy may speak of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The account, 12 digits.
    pub account: String,
    /// `arn:aws:iam::ACCOUNT:root`, `...:user/NAME`, or `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
    pub arn: String,
    /// `arn:aws:iam::ACCOUNT:role/NAME` of a role session.
    pub role_arn: Option<String>,
    /// The unique ID of the user, or of the role whose session it is: it is never given again, as names are.
    pub unique_id: Option<String>,
    /// The provider of a web identity, which acts for itself until it has a role.
    pub federated_provider: Option<String>,
}

/// How a policy speaks of a principal. The later in this list, the less can limit what is allowed so.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum PrincipalMatch {
    /// As anyone of the account: identity policies decide.
    Account,
    /// By the role of the session.
    Role,
    /// As anyone at all.
    Anyone,
    /// By its own ARN.
    Itself,
}

/// A `Principal` element.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Principals {
    /// `"*"`.
    anyone: bool,
    /// `"AWS": "*"`: anyone who has an account. The guide calls both the same, and speaks of no web identity there (unverified): one is let
    /// in by its provider's name, or by a policy that says anyone of any kind, and is kept out by both.
    anyone_of_aws: bool,
    /// Account IDs.
    accounts: Vec<String>,
    /// Users, roles and sessions.
    named: Vec<Named>,
    /// Identity providers.
    federated: Vec<String>,
    /// Names of services, and canonical users: nobody here is one.
    others: Vec<String>,
}

/// A user, a role or a session that an element names.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Named {
    arn: String,
    /// The unique ID of the user or role that had the name when the document was stored; `None`: whoever has the name is meant.
    unique_id: Option<String>,
}

impl Named {
    /// Whether `arn`, which is a name of `identity`, is meant.
    fn means(&self, arn: &str, identity: &Identity) -> bool {
        self.arn == arn && (self.unique_id.is_none() || self.unique_id == identity.unique_id)
    }
}

/// A principal that cannot be, as it is written: `"AWS":"alice"`.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidPrincipal(String);

impl InvalidPrincipal {
    pub(crate) fn new(kind: &str, name: &str) -> Self {
        Self(format!("{kind:?}:{name:?}"))
    }
}

impl Principals {
    pub(crate) fn read(element: &Value) -> Result<Self, InvalidPrincipal> {
        let mut principals = Self::default();
        match element {
            Value::String(text) if text == "*" => principals.anyone = true,
            Value::Object(kinds) if !kinds.is_empty() => {
                for (kind, names) in kinds {
                    let names = crate::condition::texts(names);
                    for name in names.ok_or_else(|| InvalidPrincipal(format!("{kind:?} has no names")))? {
                        principals.add(kind, name)?;
                    }
                }
            }
            other => return Err(InvalidPrincipal(other.to_string())),
        }
        Ok(principals)
    }

    fn add(&mut self, kind: &str, name: String) -> Result<(), InvalidPrincipal> {
        match kind {
            "AWS" if name == "*" => self.anyone_of_aws = true,
            "AWS" if is_account(&name) => self.accounts.push(name),
            "AWS" => match root_of(&name) {
                Some(account) => self.accounts.push(account.to_owned()),
                None if is_principal_arn(&name) => self.named.push(Named { arn: name, unique_id: None }),
                None => return Err(InvalidPrincipal::new(kind, &name)),
            },
            "Federated" if !name.is_empty() => self.federated.push(name),
            "Service" if is_service(&name) => self.others.push(name),
            "CanonicalUser" if !name.is_empty() => self.others.push(name),
            _ => return Err(InvalidPrincipal::new(kind, &name)),
        }
        Ok(())
    }

    /// The ARNs of users and roles that the element names.
    pub(crate) fn arns(&self) -> impl Iterator<Item = &str> {
        self.named.iter().map(|named| named.arn.as_str())
    }

    /// Lets each ARN to which `id_of` gives a unique ID speak only of who has that ID.
    pub(crate) fn bind(&mut self, id_of: impl Fn(&str) -> Option<String>) {
        for named in &mut self.named {
            named.unique_id = id_of(&named.arn);
        }
    }

    fn names(&self, arn: &str, identity: &Identity) -> bool {
        self.named.iter().any(|named| named.means(arn, identity))
    }

    /// The way in which the element speaks of `identity` that the least can limit.
    pub(crate) fn speaks_of(&self, identity: &Identity, effect: Effect) -> Option<PrincipalMatch> {
        let provider = identity.federated_provider.as_ref();
        if self.names(&identity.arn, identity) || provider.is_some_and(|provider| self.federated.contains(provider)) {
            return Some(PrincipalMatch::Itself);
        }
        if self.means_anyone_like(identity, effect == Effect::Deny) {
            return Some(PrincipalMatch::Anyone);
        }
        if identity.role_arn.as_ref().is_some_and(|role| self.names(role, identity)) {
            return Some(PrincipalMatch::Role);
        }
        self.names_account_of(identity).then_some(PrincipalMatch::Account)
    }

    /// Whether the element means anyone, or anyone of the kind that `identity` is of; `in_doubt` is what is taken for true where nobody knows.
    fn means_anyone_like(&self, identity: &Identity, in_doubt: bool) -> bool {
        self.anyone || (self.anyone_of_aws && (in_doubt || identity.federated_provider.is_none()))
    }

    /// Whether the element names the account of `identity`. A web identity is of no account until it has a role.
    pub(crate) fn names_account_of(&self, identity: &Identity) -> bool {
        identity.federated_provider.is_none() && self.accounts.contains(&identity.account)
    }

    /// Whether every name of `identity` is among those listed: who is left out of a `NotPrincipal` must be named with their account, and a
    /// session with its role as well (IAM User Guide, "NotPrincipal"). A web identity has no name but its provider's.
    pub(crate) fn lists_all_names_of(&self, identity: &Identity) -> bool {
        if self.means_anyone_like(identity, false) {
            return true;
        }
        if let Some(provider) = &identity.federated_provider {
            return self.federated.contains(provider);
        }
        let is_root = root_of(&identity.arn).is_some();
        let account = self.accounts.contains(&identity.account);
        let itself = is_root || self.names(&identity.arn, identity);
        account && itself && identity.role_arn.as_ref().is_none_or(|role| self.names(role, identity))
    }
}

/// Twelve digits.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A service is named like a host: `logs.us-east-1.amazonaws.com`. Which ones there are is not known here.
fn is_service(text: &str) -> bool {
    let is_label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    text.contains('.') && text.split('.').all(is_label)
}

/// The account of `arn:aws:iam::ACCOUNT:root`.
fn root_of(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:aws:iam::")?.strip_suffix(":root").filter(|account| is_account(account))
}

/// An ARN of a user, a role, a session or a federated user. No part of it may be a wildcard, and groups are no principals.
fn is_principal_arn(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", "aws", service, "", account, resource] = parts[..] else { return false };
    let Some((kind, name)) = resource.split_once('/') else { return false };
    let known = match service {
        "iam" => matches!(kind, "user" | "role"),
        "sts" => matches!(kind, "assumed-role" | "federated-user"),
        _ => false,
    };
    let session = kind != "assumed-role" || name.split('/').filter(|part| !part.is_empty()).count() == 2;
    known && session && is_account(account) && !name.is_empty() && !name.contains(['*', '?'])
}
