//! The deletion of keys whose waiting period is over.

use crate::audit::{AuditRecord, AuditResource};
use crate::error::KmsError;
use crate::key::Key;
use crate::kms::Kms;
use crate::port::StoreError;

/// How many keys are deleted before the store is asked again.
const BATCH: usize = 100;

/// Deletes every key whose deletion date has come, with its material, tags and aliases. External keys are not touched.
pub async fn delete_due_keys(kms: &Kms) -> Result<(), KmsError> {
    loop {
        let due = kms.catalog.store().keys_due_for_deletion(kms.clock.now(), BATCH).await?;
        for key in &due {
            delete(kms, key).await?;
        }
        if due.len() < BATCH {
            return Ok(());
        }
    }
}

/// The record is written first: a crash in between leaves a key that is deleted, and recorded, once more, never one that vanished silently.
async fn delete(kms: &Kms, key: &Key) -> Result<(), KmsError> {
    let now = kms.clock.now();
    let mut record = AuditRecord::of_service_event("DeleteKey", &key.region, &key.account, now, kms.new_uuid());
    record.resources = Some(vec![AuditResource::key(&key.account, &key.arn().to_string())]);
    if let Some(id) = key.origin.custom_key_store_id() {
        record.additional_event_data.insert("customKeyStoreId".to_owned(), id.as_str().into());
    }
    kms.audit_log.write(record).await?;
    match kms.catalog.delete_key(key).await {
        // Cancelled, or deleted by another node, since it was read.
        Ok(()) | Err(StoreError::Conflict | StoreError::NotFound) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
