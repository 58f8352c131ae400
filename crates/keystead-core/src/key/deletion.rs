//! The deletion of keys whose waiting period is over.

use keystead_model::arn::CustomKeyStoreId;
use serde_json::json;

use crate::audit::{AuditRecord, AuditResource};
use crate::catalog::{LoadedKeyStore, LoadedLink};
use crate::crash_point::{self, CrashPoint};
use crate::error::KmsError;
use crate::key::{Key, KeyOrigin, KeyStatus};
use crate::kms::Kms;
use crate::port::{BackingKeyId, StoreError};

/// How many keys are deleted before the store is asked again.
const BATCH: usize = 100;

/// Deletes every key whose deletion date has come, with its material, tags and aliases. External keys are not touched; of a key in HSMs,
/// the backing key is destroyed if that can be done now, and is otherwise left to the owner of the cluster.
///
/// Then the waiting period begins of each multi-Region primary key that waited for its last replica to go.
///
/// A key that cannot be deleted stays for the next time and does not keep the others.
pub async fn delete_due_keys(kms: &Kms) -> Result<(), KmsError> {
    loop {
        let due = kms.catalog.store().keys_due_for_deletion(kms.clock.now(), BATCH).await?;
        let mut failed = false;
        for key in &due {
            if let Err(error) = delete(kms, key).await {
                tracing::error!(key = %key.arn(), %error, "a key whose deletion date has come could not be deleted");
                failed = true;
            }
        }
        if due.len() < BATCH || failed {
            return begin_waiting_periods(kms).await;
        }
    }
}

/// A crash between the deletion of the last replica and this loses nothing: the store finds such a primary key at any time.
async fn begin_waiting_periods(kms: &Kms) -> Result<(), KmsError> {
    loop {
        let waiting = kms.catalog.store().keys_without_replicas_left(BATCH).await?;
        let mut failed = false;
        for key in &waiting {
            if let Err(error) = begin_waiting_period(kms, key).await {
                tracing::error!(key = %key.arn(), %error, "the waiting period of a primary key could not begin");
                failed = true;
            }
        }
        if waiting.len() < BATCH || failed {
            return Ok(());
        }
    }
}

/// From PendingReplicaDeletion to PendingDeletion (KMS Developer Guide, "Deleting multi-Region keys").
async fn begin_waiting_period(kms: &Kms, key: &Key) -> Result<(), KmsError> {
    let KeyStatus::PendingReplicaDeletion { pending_window_in_days } = key.status else { return Ok(()) };
    let deletion_date = kms.clock.now().plus_days(pending_window_in_days.into());
    let status = KeyStatus::PendingDeletion { deletion_date, pending_window_in_days };
    crash_point::reached(CrashPoint::BeginWaiting);
    match kms.catalog.update_keys(std::slice::from_ref(key), &[Key { status, ..key.clone() }]).await {
        Ok(()) => {
            tracing::info!(key = %key.arn(), pending_window_in_days, "the key's last replica is gone: its waiting period begins");
            Ok(())
        }
        // Cancelled, or begun by another node, since it was read.
        Err(StoreError::Conflict) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Deleted first, recorded then: the record of a deletion that was cancelled at the last moment would be false. A record that cannot be
/// written is at least in the log.
async fn delete(kms: &Kms, key: &Key) -> Result<(), KmsError> {
    let now = kms.clock.now();
    crash_point::reached(CrashPoint::DeleteKeyMetadata);
    match kms.catalog.delete_key(key).await {
        Ok(()) => {}
        // Cancelled, or deleted by another node, since it was read.
        Err(StoreError::Conflict | StoreError::NotFound) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    tracing::info!(key = %key.arn(), "the key's deletion date has come: it is deleted");
    let mut record = AuditRecord::of_service_event("DeleteKey", &key.region, &key.account, now, kms.new_uuid());
    record.resources = Some(vec![AuditResource::key(&key.account, &key.arn().to_string())]);
    if let Some(id) = key.origin.custom_key_store_id() {
        record.additional_event_data.insert("customKeyStoreId".to_owned(), id.as_str().into());
    }
    if let KeyOrigin::AwsCloudhsm { custom_key_store_id, backing_key_id } = &key.origin {
        crash_point::reached(CrashPoint::DeleteKeyDestroy);
        let outcome = destroy_backing_key(kms, custom_key_store_id, backing_key_id).await;
        outcome.note(backing_key_id, &mut record);
    }
    crash_point::reached(CrashPoint::DeleteKeyRecord);
    Ok(kms.audit_log.write(record).await?)
}

/// What became of the backing key of a deleted key.
struct Destruction {
    cluster_id: Option<String>,
    destroyed: bool,
}

impl Destruction {
    /// The members of a DeleteKey event, whose values are JSON texts (CloudHSM key stores digest, 1.11). There is no `keyHandle` in them:
    /// a handle is of one login to one HSM.
    fn note(self, backing_key_id: &BackingKeyId, record: &mut AuditRecord) {
        let id = backing_key_id.to_string();
        let status = if self.destroyed { "SUCCESS" } else { "FAILURE" };
        let keys = json!([{ "backingKeyId": id }]).to_string();
        let statuses = json!([{ "backingKeyId": id, "deletionStatus": status }]).to_string();
        let data = &mut record.additional_event_data;
        if let Some(cluster_id) = self.cluster_id {
            data.insert("clusterId".to_owned(), cluster_id.into());
        }
        data.insert("backingKeys".to_owned(), keys.into());
        data.insert("backingKeysDeletionStatus".to_owned(), statuses.into());
    }
}

/// Tried once: a backing key that stays is an orphan, which the owner of the cluster deletes in audit mode.
async fn destroy_backing_key(kms: &Kms, key_store: &CustomKeyStoreId, id: &BackingKeyId) -> Destruction {
    let (cluster_id, destroyed) = match kms.catalog.key_store(key_store).await {
        Ok(Some(loaded)) => {
            let cluster_id = loaded.key_store.cloud_hsm().map(|cloud_hsm| cloud_hsm.cluster_id.clone());
            (cluster_id, destroyed_everywhere(kms, &loaded, id).await)
        }
        Ok(None) => (None, Err("the key store is gone".to_owned())),
        Err(error) => (None, Err(error.to_string())),
    };
    if let Err(why) = &destroyed {
        tracing::warn!(
            custom_key_store_id = %key_store, backing_key_id = %id, why,
            "the backing key of a deleted key is left in the cluster; delete it in audit mode"
        );
    }
    Destruction { cluster_id, destroyed: destroyed.is_ok() }
}

async fn destroyed_everywhere(kms: &Kms, key_store: &LoadedKeyStore, id: &BackingKeyId) -> Result<(), String> {
    let LoadedLink::CloudHsm(link) = &key_store.link else { return Err("the key store has no HSMs".to_owned()) };
    if !key_store.key_store.connection.is_connected() {
        return Err(format!("the key store is {}", key_store.key_store.connection.state_type()));
    }
    match kms.hsm_backend.destroy_key(link, id).await {
        Ok(true) => Ok(()),
        Ok(false) => Err("not every HSM has confirmed it".to_owned()),
        Err(failure) => Err(failure.row().cause.to_owned()),
    }
}
