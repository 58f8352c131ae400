//! What CreateCustomKeyStore and UpdateCustomKeyStore check alike for key stores of both types.

use keystead_model::arn::CustomKeyStoreId;
use keystead_model::kms::{CustomKeyStoreType, Exception};

use super::cloudhsm_key_store_settings::cluster_in_use;
use super::external_key_store_settings::uri_in_use;
use crate::access::{Authorized, KmsScope};
use crate::error::KmsError;
use crate::key_store::{CustomKeyStore, CustomKeyStoreKind};
use crate::kms::{Call, Kms};
use crate::port::{StoreError, UniqueConstraint};
use crate::quota::exceeded_message;

/// Notes for the audit record which key store a call is about.
pub(super) fn note_key_store(call: &mut Call<'_>, key_store: &CustomKeyStore) {
    call.note("customKeyStoreName", key_store.name.as_str());
    if let Some(cloud_hsm) = key_store.cloud_hsm() {
        call.note("clusterId", cloud_hsm.cluster_id.as_str());
    }
}

/// Refuses parameters that belong to the other type of key store. Which exception AWS gives is unverified.
pub(super) fn refuse_foreign_parameters(
    own_type: CustomKeyStoreType,
    foreign: &[(&str, bool)],
) -> Result<(), KmsError> {
    match foreign.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((name, _)) => Err(KmsError::validation(format!(
            "{name} is not valid for a custom key store of type {own_type}. Leave it out."
        ))),
    }
}

/// A parameter that was left out although the type of key store needs it. Which exception AWS gives is unverified.
pub(super) fn required(own_type: CustomKeyStoreType, member: &str) -> KmsError {
    KmsError::validation(format!("{member} is required for a custom key store of type {own_type}."))
}

/// More than any quota allows: what is read of an account's key stores at a time.
pub(super) const CUSTOM_KEY_STORES_MAX: usize = 10_000;

/// The key stores of the account other than `except`; the quota bounds how many there are.
pub(super) async fn other_key_stores(
    kms: &Kms,
    scope: &Authorized<KmsScope>,
    except: Option<&CustomKeyStoreId>,
) -> Result<Vec<CustomKeyStore>, KmsError> {
    let store = kms.catalog.store();
    let mut all = store.custom_key_stores(&scope.account, &scope.region, None, CUSTOM_KEY_STORES_MAX).await?;
    all.retain(|key_store| Some(&key_store.id) != except);
    Ok(all)
}

/// Refuses one key store more than the quota allows. The store decides in the end.
pub(super) fn check_quota(kms: &Kms, others: &[CustomKeyStore]) -> Result<(), KmsError> {
    let (current, quota) = (others.len() as u64, kms.settings.resource_quotas.custom_key_stores);
    if current < quota { Ok(()) } else { Err(quota_exceeded(current, quota)) }
}

/// Refuses a name that another key store has. The store's unique constraint decides in the end.
pub(super) fn check_name(others: &[CustomKeyStore], name: &str) -> Result<(), KmsError> {
    if others.iter().any(|other| other.name == name) { Err(name_in_use(name)) } else { Ok(()) }
}

/// What the operations answer when the store refuses. Texts are unverified.
pub(super) fn store_failure(kms: &Kms, error: StoreError, key_store: &CustomKeyStore) -> KmsError {
    match (error, &key_store.kind) {
        (StoreError::Duplicate(UniqueConstraint::CustomKeyStoreName), _) => name_in_use(&key_store.name),
        (StoreError::Duplicate(UniqueConstraint::XksProxyUri), CustomKeyStoreKind::External(external)) => {
            uri_in_use(&external.uri_endpoint, &external.uri_path)
        }
        (StoreError::Duplicate(UniqueConstraint::HsmCluster), CustomKeyStoreKind::CloudHsm(cloud_hsm)) => {
            cluster_in_use(&cloud_hsm.cluster_id)
        }
        (StoreError::QuotaExceeded { current }, _) => {
            quota_exceeded(current, kms.settings.resource_quotas.custom_key_stores)
        }
        (error, _) => error.into(),
    }
}

fn quota_exceeded(current: u64, quota: u64) -> KmsError {
    KmsError::new(Exception::LimitExceeded, exceeded_message("Custom key stores", quota, current))
}

fn name_in_use(name: &str) -> KmsError {
    KmsError::new(
        Exception::CustomKeyStoreNameInUse,
        format!(
            "The custom key store name {name} is already assigned to another custom key store in the account. Choose another name."
        ),
    )
}
