//! Records as operations use them: unsealed.

use std::sync::Arc;

use keystead_model::arn::AccountId;

use crate::access::Resource;
use crate::key::{Key, KeyMaterial};
use crate::key_store::CustomKeyStore;
use crate::port::KeyStoreLink;

/// A key and its material.
#[derive(Debug)]
pub struct LoadedKey {
    /// The key as stored.
    pub key: Key,
    /// Its ARN, printed once.
    pub arn: String,
    /// Its material, unsealed.
    pub material: KeyMaterial,
}

impl Resource for Arc<LoadedKey> {
    fn owner(&self) -> &AccountId {
        &self.key.account
    }

    fn resource_name(&self) -> String {
        self.arn.clone()
    }
}

/// A custom key store and the way to what is behind it.
#[derive(Debug)]
pub struct LoadedKeyStore {
    /// The custom key store as stored.
    pub key_store: CustomKeyStore,
    /// The way to its proxy, credential unsealed.
    pub link: KeyStoreLink,
}
