//! Records as operations use them: unsealed, policies compiled.

use std::collections::BTreeMap;
use std::sync::Arc;

use keystead_model::arn::{AccountId, AliasName};
use keystead_policy::{ContextValue, NamedPolicy, PolicyDocument, PolicyKind};

use crate::access::{Authorized, Resource};
use crate::error::KmsError;
use crate::key::{Key, KeyFacts, KeyMaterial, MaterialId};
use crate::key_store::CustomKeyStore;
use crate::port::{HsmLink, KeyStoreLink};

/// A key, its materials, and what authorization looks at.
#[derive(Debug)]
pub struct LoadedKey {
    /// The key as stored.
    pub key: Key,
    /// Its ARN, printed once.
    pub arn: String,
    /// Its key policy, ready to be evaluated.
    pub policy: NamedPolicy,
    /// Its aliases; `None` if there are more than the quota allows: then policies see none.
    pub aliases: Option<Vec<AliasName>>,
    /// Those of its materials that KMS holds, unsealed; whether one may still be used its record tells.
    pub(super) materials: Vec<(MaterialId, KeyMaterial)>,
}

impl LoadedKey {
    /// What it takes of memory, roughly: 4 KiB (measured with a small policy, two tags, and one material), and what may be much longer. A
    /// compiled policy takes about three times its text, which is there as well.
    pub(crate) fn approximate_bytes(&self) -> u64 {
        const USUAL: usize = 4096;
        let tags: usize = self.key.tags.iter().map(|tag| tag.tag_key.len() + tag.tag_value.len()).sum();
        // A private key is held sealed and ready for use.
        let sealed = self.key.materials.iter().filter_map(|material| material.sealed.as_ref());
        let materials: usize = sealed.map(|sealed| 4 * sealed.as_bytes().len()).sum();
        let ids = self.key.policy_principals.iter();
        let ids: usize = ids.map(|(arn, unique_id)| 128 + arn.len() + unique_id.len()).sum();
        let aliases: usize = self.aliases.iter().flatten().map(|alias| alias.as_str().len()).sum();
        (USUAL + 4 * self.key.policy.len() + self.key.description.len() + tags + aliases + materials + ids) as u64
    }
}

impl Authorized<Arc<LoadedKey>> {
    /// The material of that ID, if KMS holds it.
    pub fn material(&self, id: &MaterialId) -> Option<&KeyMaterial> {
        self.materials.iter().find(|(held, _)| held == id).map(|(_, material)| material)
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

    fn policy(&self) -> Option<&NamedPolicy> {
        Some(&self.policy)
    }

    fn condition_key(&self, key: &str) -> Option<ContextValue> {
        KeyFacts::of(&self.key).condition_key(key)
    }

    fn condition_key_of_identities(&self, key: &str) -> Option<ContextValue> {
        let aliases = self.aliases.as_ref().filter(|aliases| key == "kms:resourcealiases" && !aliases.is_empty())?;
        Some(aliases.iter().map(|alias| alias.as_str().to_owned()).collect::<Vec<_>>().into())
    }
}

/// What takes the place of a policy that cannot be read: no one may do anything with the key, whatever grants say.
const NOTHING_ALLOWED: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"*","Resource":"*"}]}"#;

/// The key policy of the key with this ARN, ready to be evaluated, its principals bound to those unique IDs.
///
/// Policies are read before they are stored. One that an early version stored and that cannot be read any more locks everyone out, until the
/// operator has put another one in its place: what it was to deny nobody knows.
pub(super) fn compiled_key_policy(
    arn: &str,
    policy: &str,
    principals: &BTreeMap<String, String>,
) -> Result<NamedPolicy, KmsError> {
    let name = format!("key policy of {arn}");
    let document = PolicyDocument::parse(policy, PolicyKind::Key).or_else(|error| {
        tracing::error!(key = arn, %error, "the stored key policy cannot be read: nobody may use the key");
        PolicyDocument::parse(NOTHING_ALLOWED, PolicyKind::Key).map_err(|error| KmsError::internal(&error))
    })?;
    Ok(NamedPolicy { name, document: document.bound_to(principals) })
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
