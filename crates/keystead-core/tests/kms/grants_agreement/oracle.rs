//! What the documented rules of grants say, word by word, and slowly.
//!
//! Source: KMS Developer Guide, "Grants in AWS KMS", "Retiring and revoking grants"; KMS core digest 4.2 and 4.3. The keys' policies allow
//! everything to the root user of their account, and nothing to anybody else.

use std::collections::BTreeMap;

pub(crate) type Context = BTreeMap<String, String>;

/// One who calls.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) arn: String,
    pub(crate) role: Option<String>,
    pub(crate) account: String,
    /// What its own policies allow.
    pub(crate) allowed: Vec<&'static str>,
    /// What they deny.
    pub(crate) denied: Vec<&'static str>,
    /// Whether it is of the account that owns the keys.
    pub(crate) at_home: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Constraint {
    None,
    Equals(Context),
    Subset(Context),
}

/// A grant that there is.
#[derive(Clone, Debug)]
pub(crate) struct Granted {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) key: usize,
    pub(crate) grantee: String,
    pub(crate) retiring: Option<String>,
    /// The account that made it, by the ARN of its root user.
    pub(crate) issuer: String,
    pub(crate) operations: Vec<&'static str>,
    pub(crate) constraint: Constraint,
}

/// What somebody would like to grant.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) key: usize,
    pub(crate) operations: Vec<&'static str>,
    pub(crate) constraint: Constraint,
}

/// Whether grants let a person do an operation with a key. `context`: the encryption context of operations that have one.
pub(crate) fn may_use(
    grants: &[Granted],
    person: &Person,
    operation: &'static str,
    key: usize,
    context: Option<&Context>,
) -> bool {
    if person.denied.contains(&operation) {
        return false;
    }
    for grant in grants {
        let says_so = grant.key == key && grant.operations.contains(&operation);
        if says_so && is_satisfied(&grant.constraint, context) && reaches(&grant.grantee, person, operation) {
            return true;
        }
    }
    false
}

/// Whether grants let a person make another grant.
pub(crate) fn may_grant(grants: &[Granted], person: &Person, wish: &Wish) -> bool {
    if person.denied.contains(&"CreateGrant") {
        return false;
    }
    for grant in grants {
        let says_so = grant.key == wish.key && grant.operations.contains(&"CreateGrant");
        let has_all = wish.operations.iter().all(|operation| grant.operations.contains(operation));
        let is_strict = is_as_strict(&wish.constraint, &grant.constraint);
        if says_so && has_all && is_strict && reaches(&grant.grantee, person, "CreateGrant") {
            return true;
        }
    }
    false
}

/// Whether a person may retire a grant.
pub(crate) fn may_retire(person: &Person, grant: &Granted, key_owner: &str) -> bool {
    if person.denied.contains(&"RetireGrant") {
        return false;
    }
    let mut names = vec![grant.issuer.as_str(), key_owner];
    if let Some(retiring) = &grant.retiring {
        names.push(retiring);
    }
    if grant.operations.contains(&"RetireGrant") {
        names.push(&grant.grantee);
    }
    for name in names {
        if name == person.arn || Some(name) == person.role.as_deref() {
            return true;
        }
        if name == person.account && person.allowed.contains(&"RetireGrant") {
            return true;
        }
    }
    false
}

/// Whether a grant to `grantee` is one to this person. Across accounts, and where the account as a whole is named, the person's own policies
/// must allow it too.
fn reaches(grantee: &str, person: &Person, operation: &'static str) -> bool {
    let allowed = person.allowed.contains(&operation);
    if grantee == person.account {
        return allowed;
    }
    let named = grantee == person.arn || Some(grantee) == person.role.as_deref();
    named && (person.at_home || allowed)
}

fn is_satisfied(constraint: &Constraint, context: Option<&Context>) -> bool {
    let Some(context) = context else {
        return true;
    };
    match constraint {
        Constraint::None => true,
        Constraint::Equals(pairs) => pairs == context,
        Constraint::Subset(pairs) => contains(context, pairs),
    }
}

fn is_as_strict(child: &Constraint, parent: &Constraint) -> bool {
    match (parent, child) {
        (Constraint::None, _) => true,
        (Constraint::Equals(parent), Constraint::Equals(child)) => parent == child,
        (Constraint::Equals(_), Constraint::None | Constraint::Subset(_)) => false,
        (Constraint::Subset(parent), Constraint::Equals(child) | Constraint::Subset(child)) => contains(child, parent),
        (Constraint::Subset(parent), Constraint::None) => parent.is_empty(),
    }
}

fn contains(large: &Context, small: &Context) -> bool {
    small.iter().all(|(name, value)| large.get(name) == Some(value))
}
