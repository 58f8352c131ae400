//! Keeping `kmsuser` logged in to the HSMs of connected key stores.
//!
//! An HSM that restarts has nobody logged in. KMS logs in again when a key is used, but keys may rest, and until then another could log in
//! as `kmsuser` although the key store is connected, and lock KMS out. So it is looked after all the time, and right after a start of the
//! server.

use std::time::Duration;

use tokio::task::JoinSet;

use crate::catalog::LoadedLink;
use crate::error::KmsError;
use crate::kms::Kms;

/// How long an HSM that restarted may be without the login of a key store that rests.
pub(crate) const LOGIN_KEEP_INTERVAL: Duration = Duration::from_secs(1);

/// Looks at the logins of every connected AWS CloudHSM key store once, all at the same time, so that one that hangs delays no other.
pub(crate) async fn keep_logged_in(kms: &Kms) -> Result<(), KmsError> {
    let mut keepers = JoinSet::new();
    for key_store in kms.catalog.store().connected_custom_key_stores().await? {
        if key_store.cloud_hsm().is_none() {
            continue;
        }
        let id = key_store.id.clone();
        match kms.catalog.key_store(&id).await {
            Ok(Some(loaded)) => {
                if let LoadedLink::CloudHsm(link) = &loaded.link {
                    let (backend, link) = (kms.hsm_backend.clone(), link.clone());
                    keepers.spawn(async move { backend.keep_logged_in(&link).await });
                }
            }
            Ok(None) => {}
            // One key store's damaged passwords must not keep the others from being logged in.
            Err(error) => tracing::error!(custom_key_store_id = %id, %error, "the stored passwords cannot be used"),
        }
    }
    while let Some(keeper) = keepers.join_next().await {
        if let Err(error) = keeper {
            tracing::error!(%error, "looking at a key store's logins ended by a bug");
        }
    }
    Ok(())
}
