//! The background poll of external key store proxies (`KmsHealthCheck`).
//!
//! It only watches: a poll that fails changes no connection state. Nothing is sent to a key store that is not connected.

use crate::catalog::LoadedLink;
use crate::error::KmsError;
use crate::kms::Kms;
use crate::port::CallMetadata;

/// Asks every connected key store for its health once, all at the same time, so that one that is down delays no other.
pub async fn poll_health(kms: &Kms) -> Result<(), KmsError> {
    let mut polls = tokio::task::JoinSet::new();
    for key_store in kms.catalog.store().connected_custom_key_stores().await? {
        // What an HSM answers shows at its next use; there is no health check of clusters.
        if key_store.external().is_none() {
            continue;
        }
        let id = key_store.id.clone();
        let loaded = match kms.catalog.load_key_store(key_store) {
            Ok(loaded) => loaded,
            // One key store's damaged credential must not end the polls of the others.
            Err(error) => {
                tracing::error!(custom_key_store_id = %id, %error, "the stored proxy credential cannot be used");
                continue;
            }
        };
        let LoadedLink::External(link) = loaded.link else { continue };
        let (backend, request_id) = (kms.backend.clone(), kms.new_uuid());
        polls.spawn(async move {
            let metadata = CallMetadata {
                kms_request_id: &request_id,
                kms_operation: "KmsHealthCheck",
                aws_principal_arn: None,
                aws_source_vpc: None,
                aws_source_vpce: None,
                kms_key_arn: None,
            };
            match backend.check_health(&link, &metadata).await {
                Ok(()) => tracing::debug!(custom_key_store_id = %id, "healthy"),
                Err(failure) => {
                    let row = failure.row();
                    tracing::warn!(custom_key_store_id = %id, cause = row.cause, remedy = row.remedy, "unhealthy");
                }
            }
        });
    }
    while let Some(poll) = polls.join_next().await {
        if let Err(error) = poll {
            tracing::error!(%error, "a health poll ended by a bug");
        }
    }
    Ok(())
}
