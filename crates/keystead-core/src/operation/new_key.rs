//! A key that is about to be made, as policies see it.

use std::ops::Deref;

use keystead_model::arn::AccountId;
use keystead_model::kms::MultiRegionKeyType;
use keystead_policy::ContextValue;

use crate::access::{KmsScope, Resource};
use crate::key::{Key, KeyFacts};

/// A key that is about to be made, as its own policy sees it. It has no ID yet that a policy could name.
pub(super) struct NewKey<'a> {
    pub(super) scope: &'a KmsScope,
    pub(super) facts: KeyFacts<'a>,
}

impl Resource for NewKey<'_> {
    fn owner(&self) -> &AccountId {
        &self.scope.account
    }

    fn resource_name(&self) -> String {
        format!("arn:aws:kms:{}:{}:key/", self.scope.region, self.scope.account)
    }

    fn condition_key(&self, key: &str) -> Option<ContextValue> {
        self.facts.condition_key(key)
    }
}

/// KMS in the Region of a replica that is about to be made. Policies see what it is to be (KMS Developer Guide, "Condition keys for AWS
/// KMS": CreateKey has kms:MultiRegionKeyType).
pub(super) struct ReplicaScope<'a> {
    scope: KmsScope,
    facts: KeyFacts<'a>,
}

impl<'a> ReplicaScope<'a> {
    pub(super) fn of(scope: KmsScope, primary: &'a Key) -> Self {
        Self { scope, facts: facts_of_replica(primary) }
    }
}

/// A replica is what its primary key is. What tags it is to have the request tells.
pub(super) fn facts_of_replica(primary: &Key) -> KeyFacts<'_> {
    KeyFacts { multi_region: Some(MultiRegionKeyType::Replica), tags: &[], ..KeyFacts::of(primary) }
}

impl Deref for ReplicaScope<'_> {
    type Target = KmsScope;

    fn deref(&self) -> &KmsScope {
        &self.scope
    }
}

impl Resource for ReplicaScope<'_> {
    fn owner(&self) -> &AccountId {
        self.scope.owner()
    }

    fn resource_name(&self) -> String {
        self.scope.resource_name()
    }

    fn name_in_refusals(&self) -> String {
        self.scope.name_in_refusals()
    }

    fn condition_key(&self, key: &str) -> Option<ContextValue> {
        self.facts.condition_key(key)
    }
}
