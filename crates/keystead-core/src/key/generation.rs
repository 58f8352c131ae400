//! Making key material, apart from the requests that others wait for.

use keystead_model::kms::KeySpec;

use super::KeyMaterial;
use crate::error::KmsError;
use crate::kms::Kms;

/// Makes material for a key of this spec.
pub(crate) async fn generate_material(kms: &Kms, spec: KeySpec) -> Result<KeyMaterial, KmsError> {
    let entropy = kms.entropy.clone();
    tokio::task::spawn_blocking(move || KeyMaterial::generate(spec, &*entropy))
        .await
        .map_err(|error| KmsError::internal(&error))?
        .map_err(|error| KmsError::internal(&error))
}
