//! ImportKeyMaterial.

use keystead_cryptography::WrappingKey;
use keystead_model::Timestamp;
use keystead_model::kms::{
    Exception, ExpirationModelType, ImportKeyMaterialRequest, ImportKeyMaterialResponse, ImportType, KeySpec,
};

use super::key_lookup::{AcceptedForms, authorized_key};
use crate::catalog::LoadedKey;
use crate::crash_point::{self, CrashPoint};
use crate::error::KmsError;
use crate::key::{
    EffectiveState, ImportToken, ImportedMaterial, KeyMaterial, MaterialId, import_material, incorrect_key_material,
    refuse_in_state,
};
use crate::kms::{Call, Kms};

/// The latest expiry, in days from the request (KMS API Reference, ImportKeyMaterial, ValidTo).
const VALID_DAYS_MAX: u32 = 365;

/// Unwraps key material and gives it to a key of origin EXTERNAL.
pub(super) async fn import_key_material(
    kms: &Kms,
    call: &mut Call<'_>,
    request: ImportKeyMaterialRequest,
) -> Result<ImportKeyMaterialResponse, KmsError> {
    call.defaulted_parameters.push(("expirationModel", ExpirationModelType::KeyMaterialExpires.as_str().into()));
    let key = authorized_key(kms, call, &request.key_id, AcceptedForms::IdOrArn).await?;
    refuse_in_state(call.operation.name, EffectiveState::of(&key.key, true, call.now), &key.key)?;
    let valid_to = check_expiration(&request, call.now)?;
    let expected_id = check_members(&request, key.key.spec)?;
    let unwrapped = unwrap(kms, call, &key, &request).await?;
    let material = ImportedMaterial {
        id: unwrapped.id,
        sealed: kms.catalog.seal_material(&key.arn, &unwrapped.id, &unwrapped.material, &*kms.entropy)?,
        import_type: request.import_type,
        expected_id,
        valid_to,
        description: request.key_material_description,
    };
    let changed = kms.catalog.change_related_keys(&key, &*kms.entropy, |keys| {
        if let Some(stored) = keys.iter().find(|stored| stored.region == key.key.region) {
            refuse_in_state(call.operation.name, EffectiveState::of(stored, true, call.now), stored)?;
        }
        import_material(keys, &key.key.region, &material, call.now)?;
        crash_point::reached(CrashPoint::ImportKeyMaterialStore);
        Ok(())
    });
    changed.await?;
    crash_point::reached(CrashPoint::ImportKeyMaterialStored);
    let symmetric = key.key.spec == KeySpec::SymmetricDefault;
    Ok(ImportKeyMaterialResponse {
        key_id: key.key.arn(),
        key_material_id: symmetric.then(|| unwrapped.id.to_string()),
    })
}

/// When the material expires. Of the texts, AWS KMS was seen to give the first and emulators have the second; the others are unverified.
fn check_expiration(request: &ImportKeyMaterialRequest, now: Timestamp) -> Result<Option<Timestamp>, KmsError> {
    let model = request.expiration_model.unwrap_or(ExpirationModelType::KeyMaterialExpires);
    let refused = |message: &str| Err(KmsError::validation(message));
    match (model, request.valid_to) {
        (ExpirationModelType::KeyMaterialExpires, None) => {
            refused("A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES")
        }
        (ExpirationModelType::KeyMaterialExpires, Some(valid_to)) if valid_to <= now => {
            refused("ValidTo must be in the future")
        }
        (ExpirationModelType::KeyMaterialExpires, Some(valid_to)) if valid_to > now.plus_days(VALID_DAYS_MAX) => {
            refused("ValidTo must be at most 365 days from now.")
        }
        (ExpirationModelType::KeyMaterialExpires, valid_to) => Ok(valid_to),
        (ExpirationModelType::KeyMaterialDoesNotExpire, None) => Ok(None),
        (ExpirationModelType::KeyMaterialDoesNotExpire, Some(_)) => {
            refused("ValidTo must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE.")
        }
    }
}

/// What goes with symmetric encryption keys alone, and what does not go together; the texts are unverified.
fn check_members(request: &ImportKeyMaterialRequest, spec: KeySpec) -> Result<Option<MaterialId>, KmsError> {
    let members = [
        ("ImportType", request.import_type.is_some()),
        ("KeyMaterialDescription", request.key_material_description.is_some()),
        ("KeyMaterialId", request.key_material_id.is_some()),
    ];
    if let (Some((member, _)), true) = (members.iter().find(|(_, given)| *given), spec != KeySpec::SymmetricDefault) {
        return Err(KmsError::validation(format!("{member} can only be used with symmetric encryption KMS keys.")));
    }
    if request.import_type == Some(ImportType::NewKeyMaterial) && request.key_material_id.is_some() {
        return Err(KmsError::validation("KeyMaterialId cannot be specified with ImportType NEW_KEY_MATERIAL."));
    }
    request.key_material_id.as_deref().map(parse_material_id).transpose()
}

/// The model lets nothing else through.
pub(super) fn parse_material_id(text: &str) -> Result<MaterialId, KmsError> {
    MaterialId::parse(text).ok_or_else(|| KmsError::validation("KeyMaterialId must be 64 hexadecimal digits."))
}

/// Key material as it came out of its wrapping.
struct Unwrapped {
    id: MaterialId,
    material: KeyMaterial,
}

/// Opens the token, and with it the material.
///
/// In this order, each told alone: a token that is none, or of another key; one that has expired; material that does not unwrap, whatever
/// is wrong with it; and material that no key of this spec can have. The texts are unverified.
async fn unwrap(
    kms: &Kms,
    call: &Call<'_>,
    key: &LoadedKey,
    request: &ImportKeyMaterialRequest,
) -> Result<Unwrapped, KmsError> {
    let token =
        ImportToken::open(request.import_token.as_ref(), kms.catalog.root_key(), &key.arn).ok_or_else(|| {
            KmsError::new(
                Exception::InvalidImportToken,
                "The import token is not valid, or is for a different KMS key.",
            )
        })?;
    if token.valid_to <= call.now {
        return Err(KmsError::new(
            Exception::ExpiredImportToken,
            "The import token has expired. Call GetParametersForImport for a new one, with a new wrapping key.",
        ));
    }
    let (spec, key_id) = (key.key.spec, key.key.id);
    let encrypted = request.encrypted_key_material.as_ref().to_vec();
    kms.private_key_work
        .run(call.caller.principal.account, move || {
            let wrapping_key =
                WrappingKey::from_pkcs8(token.spec, &token.private_key).map_err(|error| KmsError::internal(&error))?;
            let bytes = wrapping_key
                .unwrap(token.algorithm, &encrypted)
                .map_err(|_| KmsError::bare(Exception::InvalidCiphertext))?;
            let material = KeyMaterial::restore(spec, bytes).ok_or_else(|| {
                incorrect_key_material(&format!("The key material is not what a KMS key of key spec {spec} has."))
            })?;
            let bytes = material.expose().map_err(|error| KmsError::internal(&error))?;
            Ok(Unwrapped { id: MaterialId::derive(key_id.as_str(), &bytes), material })
        })
        .await?
}
