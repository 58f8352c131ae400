//! The identity that a simulation pretends to be.

use std::collections::BTreeMap;

use keystead_core::access::{Group, Role, User};
use keystead_core::audit::iso8601;
use keystead_model::Timestamp;
use keystead_policy::{Identity, RequestContext};

/// The session's name where a role is simulated: nobody has one.
const SESSION_NAME: &str = "simulation";

/// Who is simulated, and what policies are told of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct SimulatedCaller {
    pub(super) identity: Identity,
    /// The keys that every request of theirs has.
    keys: BTreeMap<String, String>,
}

impl SimulatedCaller {
    pub(super) fn user(user: &User) -> Self {
        let mut caller = Self::named(user.account.to_string(), user.arn());
        caller.set("aws:PrincipalType", "User");
        caller.set("aws:username", &user.user_name);
        caller.set("aws:userid", &user.user_id);
        caller.set_tags(&user.tags);
        caller
    }

    /// A session of the role.
    pub(super) fn role(role: &Role) -> Self {
        let session = format!("arn:aws:sts::{}:assumed-role/{}/{SESSION_NAME}", role.account, role.role_name);
        let mut caller = Self::named(role.account.to_string(), session);
        caller.identity.role_arn = Some(role.arn());
        caller.set("aws:PrincipalType", "AssumedRole");
        caller.set("aws:PrincipalArn", &role.arn());
        caller.set("aws:userid", &format!("{}:{SESSION_NAME}", role.role_id));
        caller.set_tags(&role.tags);
        caller
    }

    /// Somebody who is in the group and of whom nothing else is known.
    pub(super) fn member(group: &Group) -> Self {
        let identity = identity(group.account.to_string(), group.arn());
        Self { identity, keys: BTreeMap::new() }
    }

    /// A user of whom nothing but this is known.
    pub(super) fn named(account: String, arn: String) -> Self {
        let mut caller = Self { identity: identity(account.clone(), arn.clone()), keys: BTreeMap::new() };
        caller.set("aws:PrincipalAccount", &account);
        caller.set("aws:PrincipalArn", &arn);
        caller
    }

    /// Adds what is known of the caller, and the time, to the keys that were given; those win. AWS tells which of them it fills in for no one
    /// but users' names (unverified).
    pub(super) fn complete(&self, context: &mut RequestContext, now: Timestamp) {
        let time = [("aws:CurrentTime", iso8601(now)), ("aws:EpochTime", now.millis().div_euclid(1000).to_string())];
        let known = self.keys.iter().map(|(key, value)| (key.as_str(), value.clone()));
        for (key, value) in known.chain(time) {
            if context.get(key).is_none() {
                context.set(key, value);
            }
        }
    }

    fn set(&mut self, key: &str, value: &str) {
        self.keys.insert(key.to_owned(), value.to_owned());
    }

    fn set_tags(&mut self, tags: &BTreeMap<String, String>) {
        for (name, value) in tags {
            self.set(&format!("aws:PrincipalTag/{name}"), value);
        }
    }
}

fn identity(account: String, arn: String) -> Identity {
    Identity { account, arn, role_arn: None, unique_id: None, federated_provider: None }
}
