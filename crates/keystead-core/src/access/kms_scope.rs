//! KMS itself as a resource: of operations that are about no key in particular.

use keystead_model::arn::{AccountId, Region};

use super::Resource;

/// KMS in one Region of an account. Policies name it `*`, or `arn:aws:kms:REGION:ACCOUNT:*` (KMS core digest 4.2).
#[derive(Clone, Debug)]
pub struct KmsScope {
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
}

impl Resource for KmsScope {
    fn owner(&self) -> &AccountId {
        &self.account
    }

    fn resource_name(&self) -> String {
        format!("arn:aws:kms:{}:{}:*", self.region, self.account)
    }

    fn name_in_refusals(&self) -> String {
        "*".to_owned()
    }
}

/// All keys in one Region of an account: whoever gives a new key tags needs leave to tag each of them (KMS core digest 2.2).
#[derive(Clone, Debug)]
pub struct AllKeys(pub KmsScope);

impl Resource for AllKeys {
    fn owner(&self) -> &AccountId {
        &self.0.account
    }

    fn resource_name(&self) -> String {
        format!("arn:aws:kms:{}:{}:key/*", self.0.region, self.0.account)
    }
}
