//! The imported materials of a key and of its related keys: what may come in, and what goes when one is deleted or expires.
//!
//! Source: KMS Developer Guide, "Importing key material" and "Importing key material into multi-Region keys"; KMS API Reference,
//! ImportKeyMaterial and DeleteImportedKeyMaterial.
//!
//! Imported material is never copied between Regions. So each key of a multi-Region set has, of the materials of the set, those that
//! ciphertexts may need, whether KMS holds them there or not; and of one that waits for its rotation nothing before it is imported there.

use keystead_model::Timestamp;
use keystead_model::arn::Region;
use keystead_model::kms::{Exception, ImportType};

use super::{Import, Key, KeyMaterialRecord, MaterialId, MaterialState, not_a_primary_key};
use crate::error::KmsError;
use crate::sealing::Sealed;

/// Key material that was unwrapped, and what was said of it.
pub struct ImportedMaterial {
    /// What the material and the KMS key make its ID.
    pub id: MaterialId,
    /// Sealed for the key that it is imported into.
    pub sealed: Sealed,
    /// Whether the key has had it before; if it was not said, it must have had it, unless it never had any.
    pub import_type: Option<ImportType>,
    /// The ID that it must turn out to have.
    pub expected_id: Option<MaterialId>,
    /// When it expires.
    pub valid_to: Option<Timestamp>,
    /// 0..=256 characters; that of the last import of the same material if it was not said.
    pub description: Option<String>,
}

/// Imports a material into the key in `region`, one of these related keys.
///
/// Fails with `IncorrectKeyMaterialException`, `KMSInvalidStateException`, and for new material in a replica with
/// `UnsupportedOperationException`. Texts that the digest does not give are unverified.
pub fn import_material(
    keys: &mut [Key],
    region: &Region,
    material: &ImportedMaterial,
    now: Timestamp,
) -> Result<(), KmsError> {
    let had_any = keys.iter().any(|key| !key.materials.is_empty());
    let default = if had_any { ImportType::ExistingKeyMaterial } else { ImportType::NewKeyMaterial };
    let known = keys.iter().flat_map(|key| &key.materials).find(|known| known.id == material.id).cloned();
    let template = match (material.import_type.unwrap_or(default), known) {
        (ImportType::NewKeyMaterial, None) => {
            let state = new_material_state(keys, region, &material.id, now)?;
            KeyMaterialRecord { id: material.id, state, sealed: None, import: None, rotation: None }
        }
        (ImportType::NewKeyMaterial, Some(_)) => {
            return Err(incorrect_key_material("The key material is associated with the KMS key already."));
        }
        (ImportType::ExistingKeyMaterial, Some(known)) => known,
        (ImportType::ExistingKeyMaterial, None) => {
            return Err(incorrect_key_material(
                "The key material is not one that was imported into the KMS key before.",
            ));
        }
    };
    // IDs are compared as they come: they are no secret, and tell no part of a material but whether it is the same.
    if material.expected_id.is_some_and(|expected| expected != material.id) {
        return Err(incorrect_key_material("The key material does not have the KeyMaterialId of the request."));
    }
    for key in keys.iter_mut().filter(|key| key.region == *region) {
        put(key, &template, material);
    }
    settle_waiting_material(keys, now);
    Ok(())
}

/// What a material that the key never had becomes. What waited for a rotation, and has expired meanwhile, makes room for it.
fn new_material_state(
    keys: &mut [Key],
    region: &Region,
    id: &MaterialId,
    now: Timestamp,
) -> Result<MaterialState, KmsError> {
    for key in keys.iter_mut() {
        if key.region == *region && key.is_replica() {
            return Err(not_a_primary_key(key));
        }
        key.materials.retain(|material| material.state.is_permanent() || material.is_usable(now));
    }
    let waiting = keys.iter().flat_map(|key| &key.materials).find(|material| !material.state.is_permanent());
    if let (Some(waiting), Some(key)) = (waiting, keys.iter().find(|key| key.region == *region)) {
        return Err(KmsError::new(
            Exception::KmsInvalidState,
            format!(
                "New key material (id: {id}) cannot be imported into KMS key {}, because another key material (id: {}) is pending rotation.",
                key.arn(),
                waiting.id
            ),
        ));
    }
    let first = keys.iter().all(|key| key.materials.is_empty());
    Ok(if first { MaterialState::Current } else { MaterialState::PendingRotation })
}

/// Stores the material in its place among those of the key, or behind them.
fn put(key: &mut Key, template: &KeyMaterialRecord, material: &ImportedMaterial) {
    let position = key.materials.iter().position(|stored| stored.id == material.id);
    let said = |stored: Option<&Import>| material.description.clone().or_else(|| stored?.description.clone());
    let stored = position.and_then(|position| key.materials[position].import.as_ref());
    let record = KeyMaterialRecord {
        sealed: Some(material.sealed.clone()),
        import: Some(Import { valid_to: material.valid_to, description: said(stored) }),
        ..template.clone()
    };
    match position {
        Some(position) => key.materials[position] = record,
        None => key.materials.push(record),
    }
}

/// Deletes a material of the key in `region`, one of these related keys: the one of that ID, or else the current one. Returns its ID;
/// `None` if the key never had any.
///
/// A material that ciphertexts may need stays known, so that it can be imported again. One that waits for its rotation is forgotten, and by
/// the primary key for all replicas. Fails with `NotFoundException` (unverified) if the key does not have that material.
pub fn delete_material(
    keys: &mut [Key],
    region: &Region,
    id: Option<MaterialId>,
    now: Timestamp,
) -> Result<Option<MaterialId>, KmsError> {
    let Some(key) = keys.iter().find(|key| key.region == *region) else { return Ok(None) };
    let Some(id) = id.or_else(|| key.current_material().map(|current| current.id)) else { return Ok(None) };
    let everywhere = !key.is_replica();
    let mut known = false;
    for key in keys.iter_mut().filter(|key| everywhere || key.region == *region) {
        let local = key.region == *region;
        known |= key.materials.iter().any(|material| material.id == id && (local || !material.state.is_permanent()));
        key.materials.retain(|material| material.id != id || material.state.is_permanent());
        if local {
            key.materials.iter_mut().filter(|material| material.id == id).for_each(forget);
        }
    }
    if !known {
        let arn = keys.iter().find(|key| key.region == *region).map(Key::arn);
        let of = arn.map(|arn| format!(" of KMS key {arn}")).unwrap_or_default();
        return Err(KmsError::not_found(format!("Key material {id}{of} is not found.")));
    }
    settle_waiting_material(keys, now);
    Ok(Some(id))
}

fn forget(material: &mut KeyMaterialRecord) {
    material.sealed = None;
    if let Some(import) = &mut material.import {
        import.valid_to = None;
    }
}

/// Drops what KMS holds of the materials of a key whose time is over, and returns their IDs.
pub fn drop_expired_materials(key: &mut Key, now: Timestamp) -> Vec<MaterialId> {
    let expired = key.materials.iter_mut().filter(|material| material.sealed.is_some() && material.has_expired(now));
    expired
        .map(|material| {
            material.sealed = None;
            material.id
        })
        .collect()
}

/// Sets, among these related keys, the state of the material that waits for its rotation: whether it is in every one of them.
///
/// What changes that besides imports are replicas that come and go, and time. So whoever acts on the state or shows it asks this first.
pub fn settle_waiting_material(keys: &mut [Key], now: Timestamp) {
    let waiting =
        |key: &Key| key.materials.iter().find(|material| !material.state.is_permanent()).map(|found| found.id);
    let Some(id) = keys.iter().find_map(waiting) else { return };
    let held = |key: &Key| key.materials.iter().any(|material| material.id == id && material.is_usable(now));
    // A single-Region key has nowhere else to wait for.
    let state = if keys.len() == 1 || keys.iter().all(held) {
        MaterialState::PendingRotation
    } else {
        MaterialState::PendingMultiRegionImportAndRotation
    };
    for material in keys.iter_mut().flat_map(|key| &mut key.materials).filter(|material| material.id == id) {
        material.state = state;
    }
}

/// The material that a rotation on demand of these related keys makes the current one: it is in every one of them.
pub fn material_ready_for_rotation(keys: &[Key], now: Timestamp) -> Option<MaterialId> {
    let mut keys = keys.to_vec();
    settle_waiting_material(&mut keys, now);
    let ready =
        |material: &&KeyMaterialRecord| material.state == MaterialState::PendingRotation && material.is_usable(now);
    keys.iter().flat_map(|key| &key.materials).find(ready).map(|material| material.id)
}

/// `IncorrectKeyMaterialException`; the texts are unverified.
pub(crate) fn incorrect_key_material(message: &str) -> KmsError {
    KmsError::new(Exception::IncorrectKeyMaterial, message)
}
