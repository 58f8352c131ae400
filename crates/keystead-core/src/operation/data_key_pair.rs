//! Data key pairs: what GenerateDataKeyPair and GenerateDataKeyPairWithoutPlaintext share.

use keystead_cryptography::key_spec;
use keystead_model::kms::{DataKeyPairSpec, KeySpec};
use zeroize::Zeroizing;

use super::cryptography::{KeyRole, UsableKey, dry_run_operation, usable_key};
use super::encryption::Encryption;
use super::key_lookup::{AcceptedForms, authorized_key};
use crate::error::KmsError;
use crate::key::{Key, generate_key_pair};
use crate::kms::{Call, Kms};

/// What both operations are asked.
pub(super) struct DataKeyPairRequest<'a> {
    pub(super) key_id: &'a str,
    pub(super) key_pair_spec: DataKeyPairSpec,
    /// Symmetric.
    pub(super) encryption: Encryption,
    pub(super) dry_run: bool,
}

/// What both operations make.
pub(super) struct DataKeyPair {
    /// PKCS #8, DER.
    pub(super) private_key: Zeroizing<Vec<u8>>,
    /// The same, encrypted.
    pub(super) private_key_ciphertext: Vec<u8>,
    /// SubjectPublicKeyInfo, DER.
    pub(super) public_key: Vec<u8>,
    pub(super) key: UsableKey,
}

impl DataKeyPairRequest<'_> {
    /// Makes a key pair and encrypts its private key.
    pub(super) async fn generate(&self, kms: &Kms, call: &mut Call<'_>) -> Result<DataKeyPair, KmsError> {
        let key = self.usable_key(kms, call).await?;
        if self.dry_run {
            return Err(dry_run_operation());
        }
        let pair = generate_key_pair(kms, key.loaded().key.account, key_spec_of(self.key_pair_spec)).await?;
        // An RSA key pair has taken its time: the key may have been disabled since.
        let key = self.usable_key(kms, call).await?;
        let private_key = pair.to_pkcs8().map_err(|error| KmsError::internal(&error))?;
        let private_key_ciphertext = key.encrypt(kms, call, &private_key, &self.encryption).await?;
        Ok(DataKeyPair { private_key, private_key_ciphertext, public_key: pair.public_key_der().to_vec(), key })
    }

    async fn usable_key(&self, kms: &Kms, call: &mut Call<'_>) -> Result<UsableKey, KmsError> {
        let key = authorized_key(kms, call, self.key_id, AcceptedForms::All).await?;
        self.encryption.check_key(call.operation.name, &key.key)?;
        self.check_supported(call.operation.name, &key.key)?;
        usable_key(kms, call, key, KeyRole::Only).await
    }

    /// Refuses keys in custom key stores (CloudHSM key stores digest 3.4, external key stores digest 5.3), and key pairs that this Region
    /// does not have. The texts are unverified.
    fn check_supported(&self, operation: &str, key: &Key) -> Result<(), KmsError> {
        if key.origin.custom_key_store_id().is_some() {
            let origin = key.origin.origin_type();
            return Err(KmsError::unsupported(format!(
                "{operation} is not supported for KMS keys of origin {origin}, which are in custom key stores."
            )));
        }
        if key_spec::facts(key_spec_of(self.key_pair_spec)).china_regions_only {
            let spec = self.key_pair_spec;
            return Err(KmsError::unsupported(format!("KeyPairSpec {spec} is available in China Regions only.")));
        }
        Ok(())
    }
}

fn key_spec_of(spec: DataKeyPairSpec) -> KeySpec {
    match spec {
        DataKeyPairSpec::Rsa2048 => KeySpec::Rsa2048,
        DataKeyPairSpec::Rsa3072 => KeySpec::Rsa3072,
        DataKeyPairSpec::Rsa4096 => KeySpec::Rsa4096,
        DataKeyPairSpec::EccNistP256 => KeySpec::EccNistP256,
        DataKeyPairSpec::EccNistP384 => KeySpec::EccNistP384,
        DataKeyPairSpec::EccNistP521 => KeySpec::EccNistP521,
        DataKeyPairSpec::EccSecgP256k1 => KeySpec::EccSecgP256k1,
        DataKeyPairSpec::Sm2 => KeySpec::Sm2,
        DataKeyPairSpec::EccNistEdwards25519 => KeySpec::EccNistEdwards25519,
    }
}
