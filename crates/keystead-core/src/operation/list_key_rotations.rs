//! ListKeyRotations.

use keystead_model::Timestamp;
use keystead_model::kms::{IncludeKeyMaterial, ListKeyRotationsRequest, ListKeyRotationsResponse, RotationsListEntry};

use super::key_lookup::{AcceptedForms, authorized_key};
use super::page::LIST_KEY_ROTATIONS;
use crate::error::KmsError;
use crate::key::{EffectiveState, Key, KeyMaterialRecord, refuse_in_state, settle_waiting_material};
use crate::kms::{Call, Kms};

/// Lists the rotations of a key, the oldest first; if asked for, its first material and the one that waits for a rotation, too.
pub(super) async fn list_key_rotations(
    kms: &Kms,
    call: &mut Call<'_>,
    request: ListKeyRotationsRequest,
) -> Result<ListKeyRotationsResponse, KmsError> {
    let key = authorized_key(kms, call, &request.key_id, AcceptedForms::IdOrArn).await?;
    refuse_in_state(call.operation.name, EffectiveState::of(&key.key, true, call.now), &key.key)?;
    let include = request.include_key_material.unwrap_or(IncludeKeyMaterial::RotationsOnly);
    let filters = [key.key.id.as_str(), include.as_str()];
    let page = LIST_KEY_ROTATIONS.page(kms, call, request.limit, request.marker.as_deref(), &filters)?;
    let after = page.after(|id| Some(id.to_owned()))?;
    let key = with_settled_materials(kms, &key.key, call.now).await?;
    let mut rotations: Vec<RotationsListEntry> = key
        .materials
        .iter()
        .filter(|material| include == IncludeKeyMaterial::AllKeyMaterial || material.rotation.is_some())
        .skip_while(|material| after.as_ref().is_some_and(|after| *after != material.id.to_string()))
        .skip(usize::from(after.is_some()))
        .take(page.wanted())
        .map(|material| entry(&key, material, call.now))
        .collect();
    let next_marker = page.cut(&mut rotations, |last| last.key_material_id.clone().unwrap_or_default());
    Ok(ListKeyRotationsResponse { rotations, truncated: next_marker.is_some(), next_marker })
}

/// The key with the true state of the material that waits for its rotation, which depends on the key's replicas.
async fn with_settled_materials(kms: &Kms, key: &Key, now: Timestamp) -> Result<Key, KmsError> {
    if key.multi_region.is_none() || key.materials.iter().all(|material| material.state.is_permanent()) {
        return Ok(key.clone());
    }
    let mut related = kms.catalog.store().related_keys(&key.account, &key.id).await?;
    settle_waiting_material(&mut related, now);
    Ok(related.into_iter().find(|related| related.region == key.region).unwrap_or_else(|| key.clone()))
}

/// What is told of one material. That an expiry is told only of material that KMS holds is unverified.
fn entry(key: &Key, material: &KeyMaterialRecord, now: Timestamp) -> RotationsListEntry {
    let import = material.import.as_ref();
    let held = import.filter(|_| material.is_usable(now));
    RotationsListEntry {
        key_id: key.id,
        key_material_id: Some(material.id.to_string()),
        key_material_description: import.and_then(|import| import.description.clone()),
        import_state: material.import_state(now),
        key_material_state: Some(material.state.key_material_state()),
        expiration_model: held.map(|import| import.expiration_model()),
        valid_to: held.and_then(|import| import.valid_to),
        rotation_date: material.rotation.map(|rotation| rotation.date),
        rotation_type: material.rotation.map(|rotation| rotation.rotation_type),
    }
}
