//! `KeyMetadata`, as CreateKey and DescribeKey give it.

use keystead_model::kms::{
    EncryptionAlgorithmSpec, KeyManagerType, KeyMetadata, KeySpec, KeyState, KeyUsageType, XksKeyConfiguration,
};

use crate::key::{EffectiveState, Key, KeyOrigin, KeyStatus};
use crate::key_store::CustomKeyStore;

/// What callers are told of a key in this state (KMS core digest 2.8, external key stores digest 4.2,
/// CloudHSM key stores digest 3.3). `key_store` is the one that the key is in.
pub(super) fn key_metadata(key: &Key, state: EffectiveState, key_store: Option<&CustomKeyStore>) -> KeyMetadata {
    let key_state = state.key_state();
    let deletion_date = match key.status {
        KeyStatus::PendingDeletion { deletion_date, .. } => Some(deletion_date),
        KeyStatus::Enabled | KeyStatus::Disabled => None,
    };
    let (xks_key_configuration, current_key_material_id) = match &key.origin {
        KeyOrigin::AwsKms => (None, Some(key.material.id.to_string())),
        KeyOrigin::ExternalKeyStore { xks_key_id, .. } => (Some(XksKeyConfiguration { id: xks_key_id.clone() }), None),
        KeyOrigin::AwsCloudhsm { .. } => (None, None),
    };
    KeyMetadata {
        aws_account_id: key.account,
        key_id: key.id,
        arn: key.arn(),
        creation_date: key.created,
        enabled: key_state == KeyState::Enabled,
        description: key.description.clone(),
        key_usage: KeyUsageType::EncryptDecrypt,
        key_state,
        deletion_date,
        valid_to: None,
        origin: key.origin.origin_type(),
        custom_key_store_id: key.origin.custom_key_store_id().cloned(),
        // The cluster now: all keys of a key store move with it to another one.
        cloud_hsm_cluster_id: key_store
            .and_then(CustomKeyStore::cloud_hsm)
            .map(|cloud_hsm| cloud_hsm.cluster_id.clone()),
        expiration_model: None,
        key_manager: KeyManagerType::Customer,
        customer_master_key_spec: KeySpec::SymmetricDefault,
        key_spec: KeySpec::SymmetricDefault,
        encryption_algorithms: Some(vec![EncryptionAlgorithmSpec::SymmetricDefault]),
        signing_algorithms: None,
        key_agreement_algorithms: None,
        multi_region: false,
        multi_region_configuration: None,
        pending_deletion_window_in_days: None,
        mac_algorithms: None,
        xks_key_configuration,
        current_key_material_id,
    }
}
