//! Key managers that fail on purpose.

use async_trait::async_trait;
use keystead_xks::wire::{EkmInstance, ExternalKeyId, HealthStatus, KeyStatus};
use keystead_xks_proxy::key_manager::{EncryptedData, KeyDescription, KeyManager, KeyManagerError, KeyUsage};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Never answers.
pub(crate) struct Silent;

/// Fails at everything.
pub(crate) struct Failing;

/// "Encrypts" by copying, once it is let.
pub(crate) struct Gated {
    pub(crate) entered: Semaphore,
    pub(crate) gate: Semaphore,
}

/// Encrypts to something that does not decrypt.
pub(crate) struct Corrupting;

macro_rules! answer_everything_with {
    ($manager:ty, $answer:expr) => {
        #[async_trait]
        impl KeyManager for $manager {
            fn vendor(&self) -> &str {
                "Test"
            }
            async fn describe(&self, _: &ExternalKeyId) -> Result<KeyDescription, KeyManagerError> {
                $answer.await
            }
            async fn encrypt(&self, _: &ExternalKeyId, _: &[u8], _: &[u8]) -> Result<EncryptedData, KeyManagerError> {
                $answer.await
            }
            async fn decrypt(
                &self,
                _: &ExternalKeyId,
                _: &EncryptedData,
                _: &[u8],
            ) -> Result<Zeroizing<Vec<u8>>, KeyManagerError> {
                $answer.await
            }
            async fn trial_decrypt(
                &self,
                _: &ExternalKeyId,
                _: &EncryptedData,
                _: &[u8],
                _: &[u8],
            ) -> Result<(), KeyManagerError> {
                $answer.await
            }
            async fn health(&self) -> Result<Vec<EkmInstance>, KeyManagerError> {
                $answer.await
            }
        }
    };
}

answer_everything_with!(Silent, std::future::pending());
answer_everything_with!(Failing, std::future::ready(Err(failure())));

fn failure() -> KeyManagerError {
    KeyManagerError::Internal { problem: "the token is gone".to_owned() }
}

fn copied(plaintext: &[u8]) -> EncryptedData {
    EncryptedData {
        ciphertext: plaintext.to_vec(),
        initialization_vector: vec![0; 12],
        authentication_tag: vec![0; 16],
        metadata: Vec::new(),
    }
}

fn description() -> KeyDescription {
    KeyDescription {
        key_spec: "AES_256",
        key_usage: vec![KeyUsage::Encrypt, KeyUsage::Decrypt],
        key_status: KeyStatus::Enabled,
    }
}

fn healthy() -> Vec<EkmInstance> {
    vec![EkmInstance { id: "test".to_owned(), model: "test".to_owned(), health_status: HealthStatus::Active }]
}

#[async_trait]
impl KeyManager for Gated {
    fn vendor(&self) -> &str {
        "Test"
    }
    async fn describe(&self, _: &ExternalKeyId) -> Result<KeyDescription, KeyManagerError> {
        Ok(description())
    }
    async fn encrypt(&self, _: &ExternalKeyId, plaintext: &[u8], _: &[u8]) -> Result<EncryptedData, KeyManagerError> {
        self.entered.add_permits(1);
        self.gate.acquire().await.unwrap().forget();
        Ok(copied(plaintext))
    }
    async fn decrypt(
        &self,
        _: &ExternalKeyId,
        data: &EncryptedData,
        _: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyManagerError> {
        Ok(Zeroizing::new(data.ciphertext.clone()))
    }
    async fn trial_decrypt(
        &self,
        _: &ExternalKeyId,
        _: &EncryptedData,
        _: &[u8],
        _: &[u8],
    ) -> Result<(), KeyManagerError> {
        Ok(())
    }
    async fn health(&self) -> Result<Vec<EkmInstance>, KeyManagerError> {
        Ok(healthy())
    }
}

#[async_trait]
impl KeyManager for Corrupting {
    fn vendor(&self) -> &str {
        "Test"
    }
    async fn describe(&self, _: &ExternalKeyId) -> Result<KeyDescription, KeyManagerError> {
        Ok(description())
    }
    async fn encrypt(&self, _: &ExternalKeyId, plaintext: &[u8], _: &[u8]) -> Result<EncryptedData, KeyManagerError> {
        Ok(copied(plaintext))
    }
    async fn decrypt(
        &self,
        _: &ExternalKeyId,
        _: &EncryptedData,
        _: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyManagerError> {
        Err(KeyManagerError::InvalidCiphertext)
    }
    async fn trial_decrypt(
        &self,
        _: &ExternalKeyId,
        _: &EncryptedData,
        _: &[u8],
        _: &[u8],
    ) -> Result<(), KeyManagerError> {
        Err(failure())
    }
    /// More instances than KMS takes.
    async fn health(&self) -> Result<Vec<EkmInstance>, KeyManagerError> {
        Ok(vec![healthy().remove(0); 11])
    }
}
