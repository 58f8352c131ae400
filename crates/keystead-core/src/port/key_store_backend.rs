//! The proxies behind external key stores.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use keystead_model::SecretString;
use keystead_model::arn::{CustomKeyStoreId, Region};
use zeroize::Zeroizing;

use crate::key_store::ProxyFailure;

/// The backend of external key stores. The one of AWS CloudHSM key stores is [`super::HsmBackend`].
///
/// Every call keeps its own deadline and never waits past it; a backend isolates key stores from each other, so that one that is down
/// does not slow another.
#[async_trait]
pub trait KeyStoreBackend: Send + Sync + 'static {
    /// Asks whether the key store can serve: reachable, authenticated, and not every external key manager instance UNAVAILABLE.
    async fn check_health(&self, link: &KeyStoreLink, call: &CallMetadata<'_>) -> Result<(), ProxyFailure>;

    /// What the key store says of a key: used once, when a KMS key is created on it.
    async fn key_metadata(
        &self,
        link: &KeyStoreLink,
        key: &str,
        call: &CallMetadata<'_>,
    ) -> Result<ExternalKeyMetadata, ProxyFailure>;

    /// Encrypts 1..=4300 bytes under the key, authenticating `aad` (at most 8192 bytes).
    async fn encrypt(
        &self,
        link: &KeyStoreLink,
        key: &str,
        plaintext: &[u8],
        aad: &[u8],
        call: &CallMetadata<'_>,
    ) -> Result<BackendCiphertext, ProxyFailure>;

    /// Decrypts what [`KeyStoreBackend::encrypt`] gave, with the same `aad`.
    async fn decrypt(
        &self,
        link: &KeyStoreLink,
        key: &str,
        ciphertext: &BackendCiphertext,
        aad: &[u8],
        call: &CallMetadata<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, ProxyFailure>;

    /// The key store is disconnected or deleted: drop its connections. Nothing is sent to it from now on until a next call.
    fn forget(&self, id: &CustomKeyStoreId);
}

/// All that a backend needs to reach one key store.
#[derive(Clone, Debug)]
pub enum KeyStoreLink {
    /// An external key store behind an XKS proxy.
    External(Arc<ExternalLink>),
}

/// How to reach an XKS proxy. Two links are the same way if all of it is equal: a backend keeps its connections then, whatever else of the
/// key store has changed.
pub struct ExternalLink {
    /// Names the pool of connections; `None` while a key store is being created and has none yet.
    pub custom_key_store_id: Option<CustomKeyStoreId>,
    /// The Region in the SigV4 scope.
    pub region: Region,
    /// `https://` and a host name.
    pub uri_endpoint: String,
    /// The path that ends in `/kms/xks/v1`.
    pub uri_path: String,
    /// The access key ID of the proxy authentication credential.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: SecretString,
}

impl fmt::Debug for ExternalLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExternalLink")
            .field("custom_key_store_id", &self.custom_key_store_id)
            .field("uri_endpoint", &self.uri_endpoint)
            .field("uri_path", &self.uri_path)
            .finish_non_exhaustive()
    }
}

/// What a backend is told of the KMS request it serves (XKS Proxy API specification, `requestMetadata`).
#[derive(Clone, Copy, Debug)]
pub struct CallMetadata<'a> {
    /// The `x-amzn-RequestId` of the KMS request, or an ID made for a poll.
    pub kms_request_id: &'a str,
    /// The KMS operation, or `KmsHealthCheck`.
    pub kms_operation: &'a str,
    /// The caller; absent for health checks.
    pub aws_principal_arn: Option<&'a str>,
    /// The VPC that the request came from, if it came through a VPC endpoint. Kept from the proxy of another account's key.
    pub aws_source_vpc: Option<&'a str>,
    /// That VPC endpoint.
    pub aws_source_vpce: Option<&'a str>,
    /// The KMS key; absent for health checks and key metadata.
    pub kms_key_arn: Option<&'a str>,
}

/// What a proxy says of an external key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExternalKeyMetadata {
    /// `AES_256` for the only kind that KMS accepts.
    pub key_spec: String,
    /// At most 10 upper-case words.
    pub key_usage: Vec<String>,
    /// `ENABLED` or `DISABLED`.
    pub key_status: String,
}

/// What a backend makes of a plaintext; all of it is embedded in the CiphertextBlob.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BackendCiphertext {
    /// As long as the plaintext.
    pub ciphertext: Vec<u8>,
    /// 12 or 16 bytes.
    pub initialization_vector: Vec<u8>,
    /// The GCM tag.
    pub authentication_tag: [u8; 16],
    /// At most 20 bytes, private to the vendor; `None` when the proxy gave none.
    pub metadata: Option<Vec<u8>>,
}
