//! What is done to keys by itself when the time has come: rotations, and the deletion of imported material that has expired.
//!
//! Each step is one transaction that is decided on what is stored then. So a crash leaves a step done or not begun, and the next look finds
//! what is still to do; of two servers that look at once the one that comes second finds nothing left.

use keystead_model::Timestamp;
use serde_json::{Value, json};

use super::{
    Key, KeyMaterial, KeyMaterialRecord, KeyOrigin, MaterialId, Rotation, drop_expired_materials,
    material_ready_for_rotation,
};
use crate::audit::{AuditRecord, AuditResource};
use crate::crash_point::{self, CrashPoint};
use crate::error::KmsError;
use crate::kms::Kms;

/// How many keys are looked at before the store is asked again.
const BATCH: usize = 100;

/// Rotates every key whose automatic rotation is due, and every one whose rotation on demand was asked for a while ago.
///
/// A key that cannot be rotated stays for the next time and does not keep the others.
pub async fn rotate_due_keys(kms: &Kms) -> Result<(), KmsError> {
    loop {
        let (now, on_demand_until) = moments(kms);
        let due = kms.catalog.store().keys_due_for_rotation(now, on_demand_until, BATCH).await?;
        let mut failed = false;
        for key in &due {
            if let Err(error) = rotate(kms, key).await {
                tracing::error!(key = %key.arn(), %error, "a key that is due for rotation could not be rotated");
                failed = true;
            }
        }
        if due.len() < BATCH || failed {
            return Ok(());
        }
    }
}

/// Now, and since when a rotation on demand must have been asked for to be done now.
fn moments(kms: &Kms) -> (Timestamp, Timestamp) {
    let now = kms.clock.now();
    let least = i64::try_from(kms.settings.key_transition_min.as_millis()).unwrap_or(i64::MAX);
    (now, now.plus_millis(-least))
}

/// What became of a rotation that was due.
enum Outcome {
    /// Another server was faster, or the key was changed.
    NotDue,
    /// The material that was to become current is gone.
    NothingToRotateTo,
    /// Done.
    Rotated(Done),
}

/// A rotation that was done.
struct Done {
    rotation: Rotation,
    previous: MaterialId,
    current: MaterialId,
}

/// Rotated first, recorded then: the record of a rotation that another server had done would be false. A record that cannot be written is
/// at least in the log.
async fn rotate(kms: &Kms, due: &Key) -> Result<(), KmsError> {
    let mut outcome = Outcome::NotDue;
    let rotate = |keys: &mut [Key]| {
        outcome = rotate_related_keys(kms, keys)?;
        crash_point::reached(CrashPoint::RotateKeyStore);
        Ok(())
    };
    let keys = kms.catalog.change_related_keys_of(due, &*kms.entropy, rotate).await?;
    let Some(key) = keys.iter().find(|key| !key.is_replica()) else { return Ok(()) };
    match outcome {
        Outcome::NotDue => Ok(()),
        Outcome::NothingToRotateTo => {
            tracing::warn!(key = %key.arn(), "the material for the rotation on demand was deleted or has expired: there is none");
            Ok(())
        }
        Outcome::Rotated(done) => {
            tracing::info!(key = %key.arn(), rotation_type = %done.rotation.rotation_type, "the key was rotated");
            crash_point::reached(CrashPoint::RotateKeyRecord);
            kms.audit_log.write(rotate_key_record(kms, key, &done)).await?;
            // Imported material was not copied.
            if keys.len() > 1 && key.origin == KeyOrigin::AwsKms {
                kms.audit_log.write(synchronize_record(kms, key, done.rotation.date)).await?;
            }
            Ok(())
        }
    }
}

/// Rotates the primary key, and its replicas to the same material.
fn rotate_related_keys(kms: &Kms, keys: &mut [Key]) -> Result<Outcome, KmsError> {
    let (now, on_demand_until) = moments(kms);
    let Some(primary) = keys.iter().find(|key| !key.is_replica()) else { return Ok(Outcome::NotDue) };
    let Some(rotation_type) = primary.due_rotation(now, on_demand_until) else { return Ok(Outcome::NotDue) };
    let rotation = Rotation { date: now, rotation_type };
    let replaced = match primary.origin {
        KeyOrigin::External => rotate_to_imported(keys, rotation),
        KeyOrigin::AwsKms | KeyOrigin::ExternalKeyStore { .. } | KeyOrigin::AwsCloudhsm { .. } => {
            rotate_to_new(kms, keys, rotation)?
        }
    };
    Ok(match replaced {
        Some((previous, current)) => Outcome::Rotated(Done { rotation, previous, current }),
        None => {
            keys.iter_mut().for_each(|key| key.rotation.give_up_on_demand());
            Outcome::NothingToRotateTo
        }
    })
}

/// The material that was imported into each of the keys becomes current; `None` if there is none any more.
fn rotate_to_imported(keys: &mut [Key], rotation: Rotation) -> Option<(MaterialId, MaterialId)> {
    let current = material_ready_for_rotation(keys, rotation.date)?;
    let previous: Vec<_> = keys.iter_mut().filter_map(|key| key.make_current(&current, rotation)).collect();
    Some((*previous.first()?, current))
}

/// New material becomes current, the same in each of the keys.
fn rotate_to_new(
    kms: &Kms,
    keys: &mut [Key],
    rotation: Rotation,
) -> Result<Option<(MaterialId, MaterialId)>, KmsError> {
    let Some((id, spec)) = keys.first().map(|key| (key.id, key.spec)) else { return Ok(None) };
    let material = KeyMaterial::generate(spec, &*kms.entropy).map_err(|error| KmsError::internal(&error))?;
    let bytes = material.expose().map_err(|error| KmsError::internal(&error))?;
    let current = MaterialId::derive(id.as_str(), &bytes);
    let mut previous = None;
    for key in keys {
        let sealed = kms.catalog.seal_material(&key.arn().to_string(), &current, &material, &*kms.entropy)?;
        previous = key.rotate_to(KeyMaterialRecord::first(current, Some(sealed)), rotation);
        if previous.is_none() {
            return Err(KmsError::internal(&format!("{} has no current material to rotate", key.arn())));
        }
    }
    Ok(previous.map(|previous| (previous, current)))
}

/// The event's members: KMS core digest 7.2.
fn rotate_key_record(kms: &Kms, key: &Key, done: &Done) -> AuditRecord {
    let mut details = serde_json::Map::new();
    details.insert("rotationType".to_owned(), done.rotation.rotation_type.as_str().into());
    details.insert("keyOrigin".to_owned(), key.origin.origin_type().as_str().into());
    details.insert("previousKeyMaterialId".to_owned(), done.previous.to_string().into());
    details.insert("currentKeyMaterialId".to_owned(), done.current.to_string().into());
    details.insert("keyId".to_owned(), key.id.as_str().into());
    service_event(kms, "RotateKey", key, done.rotation.date, details)
}

/// That the replicas were given the new material. It names the primary key alone (KMS Developer Guide, SynchronizeMultiRegionKey); an event
/// type of AwsApiCall is what the guide shows.
fn synchronize_record(kms: &Kms, primary: &Key, at: Timestamp) -> AuditRecord {
    let mut record = service_event(kms, "SynchronizeMultiRegionKey", primary, at, serde_json::Map::new());
    record.event_type = "AwsApiCall";
    record.response_elements = json!({ "keyId": primary.arn().to_string() });
    record
}

fn service_event(
    kms: &Kms,
    event_name: &str,
    key: &Key,
    at: Timestamp,
    details: serde_json::Map<String, Value>,
) -> AuditRecord {
    let mut record = AuditRecord::of_service_event(event_name, &key.region, &key.account, at, kms.new_uuid());
    record.resources = Some(vec![AuditResource::key(&key.account, &key.arn().to_string())]);
    record.service_event_details = details;
    record
}

/// Deletes what KMS holds of imported materials whose time is over. They are of no use from that time on; this is how their bytes go.
///
/// A key for which that fails stays for the next time and does not keep the others.
pub async fn delete_expired_materials(kms: &Kms) -> Result<(), KmsError> {
    loop {
        let expired = kms.catalog.store().keys_with_expired_material(kms.clock.now(), BATCH).await?;
        let mut failed = false;
        for key in &expired {
            if let Err(error) = delete_expired(kms, key).await {
                tracing::error!(key = %key.arn(), %error, "the expired key material of a key could not be deleted");
                failed = true;
            }
        }
        if expired.len() < BATCH || failed {
            return Ok(());
        }
    }
}

/// Expiry is each Region's own: related keys are left alone. Deleted first, recorded then, as a rotation is.
async fn delete_expired(kms: &Kms, found: &Key) -> Result<(), KmsError> {
    let now = kms.clock.now();
    let mut deleted = Vec::new();
    let delete = |keys: &mut [Key]| {
        let stored = keys.iter_mut().find(|key| key.region == found.region);
        deleted = stored.map(|key| drop_expired_materials(key, now)).unwrap_or_default();
        crash_point::reached(CrashPoint::DeleteExpiredKeyMaterialStore);
        Ok(())
    };
    kms.catalog.change_related_keys_of(found, &*kms.entropy, delete).await?;
    for id in deleted {
        tracing::info!(key = %found.arn(), key_material_id = %id, "imported key material has expired: it is deleted");
        crash_point::reached(CrashPoint::DeleteExpiredKeyMaterialRecord);
        let mut details = serde_json::Map::new();
        details.insert("keyId".to_owned(), found.id.as_str().into());
        // In the guide's newer samples; whether it is there for keys that are not symmetric is unverified.
        details.insert("keyMaterialId".to_owned(), id.to_string().into());
        kms.audit_log.write(service_event(kms, "DeleteExpiredKeyMaterial", found, now, details)).await?;
    }
    Ok(())
}
