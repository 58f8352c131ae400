//! Backing keys: made in the HSMs of an AWS CloudHSM key store for one KMS key each, and never left there without anybody knowing.
//!
//! A backing key is entered into a journal before any HSM is asked to make it, and leaves the journal in the transaction that stores its
//! KMS key. So whatever ends CreateKey in between, what it left in the HSMs is in the journal. It is marked as abandoned first, from when
//! on no KMS key can be stored for it, then destroyed, and taken out of the journal once every HSM has confirmed that.

use std::time::Duration;

use keystead_model::Timestamp;

use crate::catalog::LoadedLink;
use crate::crash_point::{self, CrashPoint};
use crate::error::KmsError;
use crate::key_store::HsmFailure;
use crate::kms::Kms;
use crate::port::{BackingKeyId, HsmLink, PendingBackingKey, StoreError};

/// How long CreateKey waits for the HSMs to make a key on all of them.
const GENERATE_DEADLINE: Duration = Duration::from_secs(30);
/// How old, in milliseconds, an entry of the journal is before it is taken for a leftover: far longer than any CreateKey goes on.
const LEFTOVER_AGE_MS: i64 = 300_000;
/// How many leftovers of a key store are looked at in one sweep.
const BATCH: usize = 100;

/// Has the HSMs generate a backing key, on two of them in different Availability Zones at least.
///
/// On failure nothing is left behind, or the journal has it.
pub(crate) async fn generate_backing_key(kms: &Kms, link: &HsmLink, label: String) -> Result<BackingKeyId, KmsError> {
    let mut random = [0; 16];
    kms.entropy.fill(&mut random);
    let backing_key_id = BackingKeyId::from_bytes(random);
    let entry = PendingBackingKey {
        backing_key_id,
        custom_key_store_id: link.custom_key_store_id.clone(),
        label,
        created: kms.clock.now(),
    };
    crash_point::reached(CrashPoint::CreateKeyJournal);
    kms.catalog.store().insert_pending_backing_key(&entry).await?;
    crash_point::reached(CrashPoint::CreateKeyGenerate);
    let generated =
        tokio::time::timeout(GENERATE_DEADLINE, kms.hsm_backend.generate_key(link, &backing_key_id, &entry.label));
    let failure = match generated.await {
        Ok(Ok(())) => return Ok(backing_key_id),
        Ok(Err(failure)) => failure,
        Err(_) => HsmFailure::TimedOut,
    };
    if failure == HsmFailure::TimedOut {
        // An HSM may still make it after it was destroyed elsewhere: the sweep comes later.
        abandon(kms, &backing_key_id).await;
    } else {
        discard_backing_key(kms, link, &backing_key_id).await;
    }
    Err(KmsError::hsm_create_key(failure))
}

/// Gives up a backing key that no KMS key uses. What cannot be destroyed now, the sweep destroys.
pub(crate) async fn discard_backing_key(kms: &Kms, link: &HsmLink, id: &BackingKeyId) {
    if !abandon(kms, id).await {
        return;
    }
    match kms.hsm_backend.destroy_key(link, id).await {
        Ok(true) => {
            if let Err(error) = kms.catalog.store().delete_pending_backing_key(id).await {
                tracing::warn!(backing_key_id = %id, %error, "a destroyed backing key stays in the journal for now");
            }
        }
        Ok(false) => {
            tracing::warn!(backing_key_id = %id, "not every HSM has confirmed that a backing key is destroyed")
        }
        Err(failure) => {
            tracing::warn!(backing_key_id = %id, cause = failure.row().cause, "a backing key cannot be destroyed now");
        }
    }
}

/// Whether it may be destroyed now. It may not if a KMS key uses it, or where the store cannot tell.
async fn abandon(kms: &Kms, id: &BackingKeyId) -> bool {
    match kms.catalog.store().abandon_pending_backing_key(id).await {
        Ok(()) => true,
        Err(StoreError::Conflict) => false,
        Err(error) => {
            tracing::warn!(backing_key_id = %id, %error, "a backing key is left to the next sweep");
            false
        }
    }
}

/// Entries of the journal from this moment or earlier are leftovers: those that are old, and those from before this server began. HSMs
/// have one server at a time (nobody else is logged in to them as kmsuser), so the CreateKey that made these ended with the server before.
fn leftovers_until(kms: &Kms) -> Timestamp {
    let old = kms.clock.now().plus_millis(-LEFTOVER_AGE_MS);
    let of_another_server = kms.begun.plus_millis(-1);
    old.max(of_another_server)
}

/// Destroys what was left in the HSMs of each connected key store by a CreateKey that did not come to its end.
pub async fn sweep_backing_keys(kms: &Kms) -> Result<(), KmsError> {
    let created_until = leftovers_until(kms);
    for key_store in kms.catalog.store().connected_custom_key_stores().await? {
        if key_store.cloud_hsm().is_none() {
            continue;
        }
        let id = key_store.id.clone();
        let leftovers = kms.catalog.store().pending_backing_keys(&id, created_until, BATCH).await?;
        if leftovers.is_empty() {
            continue;
        }
        let link = match kms.catalog.load_key_store(key_store) {
            Ok(loaded) => loaded.link,
            // One key store's damaged passwords must not keep the others from being swept.
            Err(error) => {
                tracing::error!(custom_key_store_id = %id, %error, "the stored passwords of kmsuser cannot be used");
                continue;
            }
        };
        let LoadedLink::CloudHsm(link) = link else { continue };
        for leftover in leftovers {
            tracing::info!(
                custom_key_store_id = %id, backing_key_id = %leftover.backing_key_id, label = leftover.label,
                "a backing key that no KMS key uses is destroyed"
            );
            discard_backing_key(kms, &link, &leftover.backing_key_id).await;
        }
    }
    Ok(())
}
