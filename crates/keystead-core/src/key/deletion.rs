//! The deletion of keys whose waiting period is over.

use crate::audit::{AuditRecord, AuditResource};
use crate::error::KmsError;
use crate::key::Key;
use crate::kms::Kms;
use crate::port::StoreError;

/// How many keys are deleted before the store is asked again.
const BATCH: usize = 100;

/// Deletes every key whose deletion date has come, with its material, tags and aliases. External keys are not touched.
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
            return Ok(());
        }
    }
}

/// Deleted first, recorded then: the record of a deletion that was cancelled at the last moment would be false. A record that cannot be
/// written is at least in the log.
async fn delete(kms: &Kms, key: &Key) -> Result<(), KmsError> {
    let now = kms.clock.now();
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
    Ok(kms.audit_log.write(record).await?)
}
