//! Making key material and key pairs.

use keystead_cryptography::KeyPair;
use keystead_model::arn::AccountId;
use keystead_model::kms::KeySpec;

use super::KeyMaterial;
use crate::error::KmsError;
use crate::kms::Kms;

/// Makes material for a key of this spec. RSA keys wait for the account's turn: `ThrottlingException` if too many wait already.
pub(crate) async fn generate_material(kms: &Kms, account: AccountId, spec: KeySpec) -> Result<KeyMaterial, KmsError> {
    let entropy = kms.entropy.clone();
    generate(kms, account, spec, move || KeyMaterial::generate(spec, &*entropy)).await
}

/// Makes a key pair that is to leave; RSA as with [`generate_material`].
pub(crate) async fn generate_key_pair(kms: &Kms, account: AccountId, spec: KeySpec) -> Result<KeyPair, KmsError> {
    generate(kms, account, spec, move || KeyPair::generate(spec)).await
}

/// Any other key takes less than a millisecond, and is made at once.
async fn generate<T, E, F>(kms: &Kms, account: AccountId, spec: KeySpec, make: F) -> Result<T, KmsError>
where
    T: Send + 'static,
    E: std::fmt::Display + Send + 'static,
    F: FnOnce() -> Result<T, E> + Send + 'static,
{
    let made = match spec {
        KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => kms.generation_queue.run(account, make).await?,
        _ => make(),
    };
    made.map_err(|error| KmsError::internal(&error))
}
