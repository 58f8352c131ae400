//! The four APIs, one file each: from a body's bytes to the answer's.

mod decrypt;
mod encrypt;
mod health_status;
mod key_metadata;

use std::future::Future;

use bytes::Bytes;
use keystead_xks::wire::{Api, CryptoRequestMetadata, ExternalKeyId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::access_log::Entry;
use crate::access_policy::AccessPolicy;
use crate::config::LimitsConfig;
use crate::key_manager::{KeyManager, KeyManagerError};
use crate::refusal::Refusal;

/// What an API call needs beside its body.
pub(crate) struct Call<'a> {
    pub(crate) key_manager: &'a dyn KeyManager,
    pub(crate) policy: &'a AccessPolicy,
    pub(crate) limits: &'a LimitsConfig,
    pub(crate) identity: &'a Identity,
    /// When the key manager must be through with the whole request.
    pub(crate) deadline: Instant,
}

/// How the proxy names itself in GetHealthStatus.
pub(crate) struct Identity {
    pub(crate) vendor: String,
    pub(crate) model: String,
    pub(crate) fleet_size: u64,
}

impl Call<'_> {
    /// Runs the API and returns the answer's body.
    pub(crate) async fn run(
        &self,
        api: Api,
        key: Option<&ExternalKeyId>,
        body: &[u8],
        entry: &mut Entry,
    ) -> Result<Bytes, Refusal> {
        match (api, key) {
            (Api::GetHealthStatus, _) => self.get_health_status(body, entry).await,
            (Api::GetKeyMetadata, Some(key)) => self.get_key_metadata(key, body, entry).await,
            (Api::Encrypt, Some(key)) => self.encrypt(key, body, entry).await,
            (Api::Decrypt, Some(key)) => self.decrypt(key, body, entry).await,
            (_, None) => Err(Refusal::invalid_uri_path("the URI path names no external key")),
        }
    }

    /// Bounds a call of the key manager; all calls of a request share one deadline. Fails with DependencyTimeoutException.
    async fn in_time<T>(&self, call: impl Future<Output = Result<T, KeyManagerError>>) -> Result<T, Refusal> {
        match tokio::time::timeout_at(self.deadline, call).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Refusal::dependency_timeout(&format!(
                "the external key manager did not answer within {} ms",
                self.limits.key_manager_timeout_ms
            ))),
        }
    }
}

/// Reads a body. Fails with ValidationException, whose message tells the place and never the content.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::validation(&describe(&error)))
}

/// Messages that can quote the body are replaced: what stands in the wrong place may be plaintext.
fn describe(error: &serde_json::Error) -> String {
    const WITHOUT_CONTENT: [&str; 4] = [
        "missing field `",
        "duplicate field `",
        "encryptionAlgorithm must be",
        "ciphertextDataIntegrityValueAlgorithm must be",
    ];
    let told = error.to_string();
    if WITHOUT_CONTENT.iter().any(|start| told.starts_with(start)) {
        return format!("the request body is not valid: {told}");
    }
    let kind = match error.classify() {
        serde_json::error::Category::Data => "a member has the wrong type, or is not base64",
        serde_json::error::Category::Eof => "the JSON ends early",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "this is not JSON",
    };
    let (line, column) = (error.line(), error.column());
    format!("the request body is not valid: {kind}, line {line} column {column}")
}

/// Fails with ValidationException if a required text is empty.
fn not_empty(members: &[(&str, &str)]) -> Result<(), Refusal> {
    match members.iter().find(|(_, text)| text.is_empty()) {
        Some((name, _)) => Err(Refusal::validation(&format!("requestMetadata.{name} is empty"))),
        None => Ok(()),
    }
}

/// Checks the metadata of Encrypt and Decrypt, and notes it in the access log.
fn take_note(metadata: &CryptoRequestMetadata, entry: &mut Entry) -> Result<(), Refusal> {
    entry.kms_request_id = Some(metadata.kms_request_id.clone());
    entry.kms_operation = Some(metadata.kms_operation.clone().into_owned());
    entry.kms_key_arn = Some(metadata.kms_key_arn.clone());
    entry.aws_principal_arn = Some(metadata.aws_principal_arn.clone());
    not_empty(&[
        ("awsPrincipalArn", &metadata.aws_principal_arn),
        ("kmsKeyArn", &metadata.kms_key_arn),
        ("kmsOperation", &metadata.kms_operation),
        ("kmsRequestId", &metadata.kms_request_id),
    ])
}

/// Fails with UnsupportedOperationException if a value is longer than the configuration allows.
fn within(member: &str, bytes: usize, max_bytes: usize) -> Result<(), Refusal> {
    if bytes > max_bytes {
        return Err(Refusal::unsupported(&format!("{member} has {bytes} bytes, this proxy takes at most {max_bytes}")));
    }
    Ok(())
}

fn public_json<T: Serialize>(answer: &T) -> Result<Bytes, Refusal> {
    serde_json::to_vec(answer).map(Bytes::from).map_err(unwritable)
}

fn unwritable(error: serde_json::Error) -> Refusal {
    tracing::error!(%error, "an answer cannot be written as JSON");
    Refusal::internal("the answer cannot be written as JSON")
}

/// A body that is zeroed once it was sent.
fn secret_body(json: Zeroizing<Vec<u8>>) -> Bytes {
    Bytes::from_owner(json)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::key_manager::{EncryptedData, KeyDescription};
    use keystead_xks::wire::{EkmInstance, EncryptRequest, ErrorName};
    use std::time::Duration;

    /// Takes this long for everything.
    struct Slow(Duration);

    #[async_trait::async_trait]
    impl KeyManager for Slow {
        fn vendor(&self) -> &str {
            "Test"
        }
        async fn describe(&self, _: &ExternalKeyId) -> Result<KeyDescription, KeyManagerError> {
            tokio::time::sleep(self.0).await;
            Err(KeyManagerError::KeyNotFound)
        }
        async fn encrypt(
            &self,
            _: &ExternalKeyId,
            plaintext: &[u8],
            _: &[u8],
        ) -> Result<EncryptedData, KeyManagerError> {
            tokio::time::sleep(self.0).await;
            Ok(EncryptedData {
                ciphertext: plaintext.to_vec(),
                initialization_vector: vec![0; 12],
                authentication_tag: vec![0; 16],
                metadata: Vec::new(),
            })
        }
        async fn decrypt(
            &self,
            _: &ExternalKeyId,
            data: &EncryptedData,
            _: &[u8],
        ) -> Result<Zeroizing<Vec<u8>>, KeyManagerError> {
            tokio::time::sleep(self.0).await;
            Ok(Zeroizing::new(data.ciphertext.clone()))
        }
        async fn trial_decrypt(
            &self,
            _: &ExternalKeyId,
            _: &EncryptedData,
            _: &[u8],
            _: &[u8],
        ) -> Result<(), KeyManagerError> {
            tokio::time::sleep(self.0).await;
            Ok(())
        }
        async fn health(&self) -> Result<Vec<EkmInstance>, KeyManagerError> {
            tokio::time::sleep(self.0).await;
            Ok(Vec::new())
        }
    }

    /// Runs an Encrypt, with its trial or without, on a key manager that takes 120 ms a call; the deadline is in 200 ms.
    async fn encrypt_slowly(trial: bool) -> Result<Bytes, Refusal> {
        let mut body = serde_json::json!({
            "requestMetadata": {"awsPrincipalArn": "p", "kmsKeyArn": "k", "kmsOperation": "o", "kmsRequestId": "r"},
            "plaintext": "eA==",
            "encryptionAlgorithm": "AES_GCM"
        });
        if trial {
            body["ciphertextDataIntegrityValueAlgorithm"] = "SHA_256".into();
        }
        let call = Call {
            key_manager: &Slow(Duration::from_millis(120)),
            policy: &AccessPolicy::new(&[], &[]),
            limits: &LimitsConfig::default(),
            identity: &Identity { vendor: String::new(), model: String::new(), fleet_size: 1 },
            deadline: Instant::now() + Duration::from_millis(200),
        };
        let key = ExternalKeyId::new("key").unwrap();
        let mut entry = Entry::new("127.0.0.1:1".parse().unwrap());
        call.run(Api::Encrypt, Some(&key), body.to_string().as_bytes(), &mut entry).await
    }

    #[tokio::test(start_paused = true)]
    async fn all_calls_of_a_request_share_one_deadline() {
        encrypt_slowly(false).await.unwrap();
        let Err(Refusal::Api(error)) = encrypt_slowly(true).await else {
            panic!("the trial was given a time of its own");
        };
        assert_eq!(error.error_name, ErrorName::DependencyTimeoutException);
    }

    #[test]
    fn a_bad_body_is_described_without_its_content() {
        let metadata =
            r#""requestMetadata":{"awsPrincipalArn":"p","kmsKeyArn":"k","kmsOperation":"o","kmsRequestId":"r"}"#;
        let table = [
            ("".to_owned(), "ends early"),
            ("c2VjcmV0".to_owned(), "not JSON"),
            (r#""c2VjcmV0""#.to_owned(), "wrong type"),
            ("{}".to_owned(), "missing field `requestMetadata`"),
            (r#"{"requestMetadata":"c2VjcmV0"}"#.to_owned(), "wrong type"),
            (r#"{"requestMetadata":{}}"#.to_owned(), "missing field `awsPrincipalArn`"),
            (format!("{{{metadata}}}"), "missing field `plaintext`"),
            (format!(r#"{{{metadata},"plaintext":"c2VjcmV0!"}}"#), "base64"),
            (format!(r#"{{{metadata},"plaintext":5318008}}"#), "wrong type"),
            (
                format!(r#"{{{metadata},"plaintext":"eA==","encryptionAlgorithm":"c2VjcmV0"}}"#),
                "encryptionAlgorithm must be AES_GCM",
            ),
            (format!(r#"{{{metadata},"plaintext":"eA==","plaintext":"eA=="}}"#), "duplicate field `plaintext`"),
        ];
        for (body, expected) in table {
            let Err(Refusal::Api(error)) = parse::<EncryptRequest>(body.as_bytes()) else {
                panic!("{body} was taken");
            };
            let told = error.error_message.unwrap();
            assert!(told.contains(expected), "{told}");
            assert!(!told.contains("c2VjcmV0") && !told.contains("5318008"), "{told}");
        }
    }
}
