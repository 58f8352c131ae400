//! The XKS proxy protocol as data: requests, responses, errors, limits and URIs of its four APIs.
//!
//! Shared by the two halves. The client serialises requests and reads responses, the proxy the other way round;
//! nothing here does I/O. Unknown members are ignored when reading, since the protocol may grow.
//! Source: AWS KMS External Keystore (XKS) Proxy API Specification, version 1.0.3.

mod base64_bytes;
mod decrypt;
mod encrypt;
mod error;
mod external_key_id;
mod health_status;
mod integrity;
mod key_metadata;
mod limits;
mod malformed;
mod request_metadata;
mod uri;

pub use base64_bytes::{Base64Bytes, SecretBase64Bytes};
pub use decrypt::{DecryptRequest, DecryptResponse};
pub use encrypt::{EncryptRequest, EncryptResponse, EncryptionAlgorithm};
pub use error::{ERROR_TABLE, ErrorName, ErrorResponse, ErrorRow};
pub use external_key_id::{ExternalKeyId, InvalidExternalKeyId};
pub use health_status::{EkmInstance, GetHealthStatusRequest, GetHealthStatusResponse, HealthStatus};
pub use integrity::{IntegrityAlgorithm, ciphertext_data_integrity_value};
pub use key_metadata::{GetKeyMetadataRequest, GetKeyMetadataResponse, KeyStatus};
pub use limits::*;
pub use malformed::MalformedResponse;
pub use request_metadata::{CryptoRequestMetadata, HealthRequestMetadata, KeyRequestMetadata, kms_operation};
pub use uri::{API_ROOT, Api, RequestTarget, UriTooLong, parse_suffix};

/// The SigV4 service name in the credential scope of every request to a proxy (specification, "Authentication").
pub const SIGV4_SERVICE: &str = "kms-xks-proxy";

/// The `Content-Type` of every request and response.
pub const CONTENT_TYPE_JSON: &str = "application/json";
