//! DeleteImportedKeyMaterial.

use keystead_model::kms::{DeleteImportedKeyMaterialRequest, DeleteImportedKeyMaterialResponse, KeySpec};

use super::import_key_material::parse_material_id;
use super::key_lookup::{AcceptedForms, authorized_key};
use crate::crash_point::{self, CrashPoint};
use crate::error::KmsError;
use crate::key::{EffectiveState, delete_material, refuse_in_state};
use crate::kms::{Call, Kms};

/// Deletes key material of a key of origin EXTERNAL: the current one unless another one is named. It can be imported again.
pub(super) async fn delete_imported_key_material(
    kms: &Kms,
    call: &mut Call<'_>,
    request: DeleteImportedKeyMaterialRequest,
) -> Result<DeleteImportedKeyMaterialResponse, KmsError> {
    let key = authorized_key(kms, call, &request.key_id, AcceptedForms::IdOrArn).await?;
    let named = request.key_material_id.as_deref().map(parse_material_id).transpose()?;
    let mut deleted = None;
    let changed = kms.catalog.change_related_keys(&key, &*kms.entropy, |keys| {
        if let Some(stored) = keys.iter().find(|stored| stored.region == key.key.region) {
            refuse_in_state(call.operation.name, EffectiveState::of(stored, true, call.now), stored)?;
        }
        deleted = delete_material(keys, &key.key.region, named, call.now)?;
        crash_point::reached(CrashPoint::DeleteImportedKeyMaterialStore);
        Ok(())
    });
    changed.await?;
    crash_point::reached(CrashPoint::DeleteImportedKeyMaterialStored);
    let shown = deleted.filter(|_| key.key.spec == KeySpec::SymmetricDefault);
    Ok(DeleteImportedKeyMaterialResponse { key_id: key.key.arn(), key_material_id: shown.map(|id| id.to_string()) })
}
