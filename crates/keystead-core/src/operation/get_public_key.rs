//! GetPublicKey.

use keystead_cryptography::key_spec;
use keystead_model::Blob;
use keystead_model::kms::{Exception, GetPublicKeyRequest, GetPublicKeyResponse, KeySpec, KeyUsageType};

use super::cryptography::{KeyRole, usable_key};
use super::key_lookup::{AcceptedForms, authorized_key};
use super::key_metadata::unless_empty;
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// Gives the public key of a key pair. Other keys are `UnsupportedOperationException`, which carries no message here.
pub(super) async fn get_public_key(
    kms: &Kms,
    call: &mut Call<'_>,
    request: GetPublicKeyRequest,
) -> Result<GetPublicKeyResponse, KmsError> {
    let key = authorized_key(kms, call, &request.key_id, AcceptedForms::All).await?;
    if key.key.spec == KeySpec::SymmetricDefault || key.key.usage == KeyUsageType::GenerateVerifyMac {
        return Err(KmsError::bare(Exception::UnsupportedOperation));
    }
    let key = usable_key(kms, call, key, KeyRole::Only).await?;
    let public_key = key.key_pair()?.public_key_der().to_vec();
    let key = &key.loaded().key;
    Ok(GetPublicKeyResponse {
        key_id: key.arn(),
        public_key: Blob::from(public_key),
        customer_master_key_spec: key.spec,
        key_spec: key.spec,
        key_usage: key.usage,
        encryption_algorithms: unless_empty(key_spec::encryption_algorithms(key.spec, key.usage)),
        signing_algorithms: unless_empty(key_spec::signing_algorithms(key.spec, key.usage)),
        key_agreement_algorithms: unless_empty(key_spec::key_agreement_algorithms(key.spec, key.usage)),
    })
}
