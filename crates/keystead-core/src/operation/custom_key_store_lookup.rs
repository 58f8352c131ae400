//! From a `CustomKeyStoreId` to a custom key store of the caller's account.

use std::sync::Arc;

use keystead_model::arn::CustomKeyStoreId;
use keystead_model::kms::Exception;

use crate::access::{Authorized, KmsScope};
use crate::catalog::LoadedKeyStore;
use crate::error::KmsError;
use crate::key_store::CustomKeyStore;
use crate::kms::Kms;

/// The custom key store, from this node's view.
pub(super) async fn key_store_of_account(
    kms: &Kms,
    scope: &Authorized<KmsScope>,
    id: &CustomKeyStoreId,
) -> Result<Arc<LoadedKeyStore>, KmsError> {
    let key_store = kms.catalog.key_store(id).await?;
    key_store.filter(|found| belongs(&found.key_store, scope)).ok_or_else(|| not_found(id))
}

/// The custom key store as it is stored now, to be changed.
pub(super) async fn stored_key_store(
    kms: &Kms,
    scope: &Authorized<KmsScope>,
    id: &CustomKeyStoreId,
) -> Result<CustomKeyStore, KmsError> {
    let key_store = kms.catalog.store().custom_key_store(id).await?;
    key_store.filter(|found| belongs(found, scope)).ok_or_else(|| not_found(id))
}

/// Of another account is, to this caller, none at all.
fn belongs(key_store: &CustomKeyStore, scope: &KmsScope) -> bool {
    key_store.account == scope.account && key_store.region == scope.region
}

/// The text is unverified.
pub(super) fn not_found(id: &CustomKeyStoreId) -> KmsError {
    KmsError::new(Exception::CustomKeyStoreNotFound, format!("Custom key store {id} does not exist."))
}

/// `CustomKeyStoreInvalidStateException`. The text is unverified.
pub(super) fn invalid_state(key_store: &CustomKeyStore, what_to_do: &str) -> KmsError {
    KmsError::new(
        Exception::CustomKeyStoreInvalidState,
        format!(
            "The connection state of custom key store {} is {}. {what_to_do}",
            key_store.id,
            key_store.connection.state_type()
        ),
    )
}
