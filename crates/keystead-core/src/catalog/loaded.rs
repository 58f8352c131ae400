//! Records as operations use them: unsealed.

use std::sync::Arc;

use keystead_model::arn::AccountId;

use crate::access::Resource;
use crate::key::{Key, KeyMaterial};
use crate::key_store::CustomKeyStore;
use crate::port::{HsmLink, KeyStoreLink};

/// A key and its material.
#[derive(Debug)]
pub struct LoadedKey {
    /// The key as stored.
    pub key: Key,
    /// Its ARN, printed once.
    pub arn: String,
    /// Its material, unsealed; `None` for a key whose only material is in HSMs.
    pub material: Option<KeyMaterial>,
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
    /// The way to what is behind it, credentials unsealed.
    pub link: LoadedLink,
}

/// The way to what is behind a custom key store.
#[derive(Clone, Debug)]
pub enum LoadedLink {
    /// To the proxy of an external key store.
    External(KeyStoreLink),
    /// To the HSMs of an AWS CloudHSM key store.
    CloudHsm(Arc<HsmLink>),
}
