//! What the operations on a key's rotation share.

use keystead_model::kms::Exception;

use super::key_lookup::{AcceptedForms, authorized_key};
use crate::error::KmsError;
use crate::key::{EffectiveState, Key, RotationSettings, not_a_primary_key, refuse_in_state};
use crate::kms::{Call, Kms};

/// Changes how a key rotates, and the same for its replicas in the same transaction: rotation is the primary key's, and replicas follow it
/// (KMS Developer Guide, "Rotate AWS KMS keys": multi-Region keys). `change` sees the key, and all its related keys.
pub(super) async fn change_rotation(
    kms: &Kms,
    call: &mut Call<'_>,
    key_id: &str,
    mut change: impl FnMut(&mut RotationSettings, &Key, &[Key]) -> Result<(), KmsError> + Send,
) -> Result<Key, KmsError> {
    let key = authorized_key(kms, call, key_id, AcceptedForms::IdOrArn).await?;
    let region = call.region().clone();
    let changed = kms.catalog.change_related_keys(&key, &*kms.entropy, |keys| {
        let Some(stored) = keys.iter().find(|stored| stored.region == region) else { return Ok(()) };
        refuse_in_state(call.operation.name, EffectiveState::of(stored, true, call.now), stored)?;
        refuse_replica(stored)?;
        let mut settings = stored.rotation;
        change(&mut settings, stored, keys)?;
        keys.iter_mut().for_each(|key| key.rotation = settings);
        Ok(())
    });
    let changed = changed.await?.into_iter().find(|stored| stored.region == region);
    changed.ok_or_else(|| KmsError::internal(&format!("{} is not among its related keys", key.arn)))
}

/// The text is that of other operations on replicas (that AWS gives it here is unverified).
fn refuse_replica(key: &Key) -> Result<(), KmsError> {
    if key.is_replica() {
        return Err(not_a_primary_key(key));
    }
    Ok(())
}

/// `ConflictException`; the text is unverified.
pub(super) fn rotation_conflict(key: &Key, what: &str) -> KmsError {
    KmsError::new(Exception::Conflict, format!("{what} of {}. Try again when it is over.", key.arn()))
}
