//! Records as operations use them: unsealed.

use std::sync::Arc;

use keystead_model::arn::AccountId;

use crate::access::Resource;
use crate::key::{Key, KeyMaterial, MaterialId};
use crate::key_store::CustomKeyStore;
use crate::port::{HsmLink, KeyStoreLink};

/// A key and its materials.
#[derive(Debug)]
pub struct LoadedKey {
    /// The key as stored.
    pub key: Key,
    /// Its ARN, printed once.
    pub arn: String,
    /// Those of its materials that KMS holds, unsealed; whether one may still be used its record tells.
    pub materials: Vec<(MaterialId, KeyMaterial)>,
}

impl LoadedKey {
    /// The material of that ID, if KMS holds it.
    pub fn material(&self, id: &MaterialId) -> Option<&KeyMaterial> {
        self.materials.iter().find(|(held, _)| held == id).map(|(_, material)| material)
    }

    /// What it takes of memory, roughly: 4 KiB (measured with a small policy, two tags, and one material), and what may be much longer.
    pub(crate) fn approximate_bytes(&self) -> u64 {
        const USUAL: usize = 4096;
        let tags: usize = self.key.tags.iter().map(|tag| tag.tag_key.len() + tag.tag_value.len()).sum();
        // A private key is held sealed and ready for use.
        let sealed = self.key.materials.iter().filter_map(|material| material.sealed.as_ref());
        let materials: usize = sealed.map(|sealed| 4 * sealed.as_bytes().len()).sum();
        (USUAL + self.key.policy.len() + self.key.description.len() + tags + materials) as u64
    }

    /// The material that encrypts, if KMS holds it.
    pub fn current_material(&self) -> Option<&KeyMaterial> {
        self.material(&self.key.current_material()?.id)
    }
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
