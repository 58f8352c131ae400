//! GetParametersForImport.

use keystead_model::Blob;
use keystead_model::kms::{GetParametersForImportRequest, GetParametersForImportResponse};

use super::key_lookup::{AcceptedForms, authorized_key};
use super::key_material_wrapping::wrapping;
use crate::error::KmsError;
use crate::key::{EffectiveState, ImportToken, refuse_in_state};
use crate::kms::{Call, Kms};

/// How long token and wrapping key are valid.
const VALIDITY_DAYS: u32 = 1;

/// Gives a wrapping key, made for this one answer, and the token that goes with it.
pub(super) async fn get_parameters_for_import(
    kms: &Kms,
    call: &mut Call<'_>,
    request: GetParametersForImportRequest,
) -> Result<GetParametersForImportResponse, KmsError> {
    let key = authorized_key(kms, call, &request.key_id, AcceptedForms::IdOrArn).await?;
    refuse_in_state(call.operation.name, EffectiveState::of(&key.key, true, call.now), &key.key)?;
    let (algorithm, spec) = wrapping(key.key.spec, request.wrapping_algorithm, request.wrapping_key_spec)?;
    let wrapping_key = kms.wrapping_keys.take(kms, key.key.account, spec).await?;
    let private_key = wrapping_key.to_pkcs8().map_err(|error| KmsError::internal(&error))?;
    let valid_to = call.now.plus_days(VALIDITY_DAYS);
    let token = ImportToken { spec, algorithm, valid_to, private_key };
    Ok(GetParametersForImportResponse {
        key_id: key.key.arn(),
        import_token: Blob::from(token.seal(kms.catalog.root_key(), &key.arn, &*kms.entropy)?),
        public_key: Blob::from(wrapping_key.public_key_der().to_vec()),
        parameters_valid_to: valid_to,
    })
}
