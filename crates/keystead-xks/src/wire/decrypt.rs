//! Decrypt: what Encrypt returned, back to plaintext.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::base64_bytes::to_secret_json;
use super::malformed::{MalformedResponse, exact_length};
use super::{Base64Bytes, CryptoRequestMetadata, EncryptionAlgorithm, SecretBase64Bytes};

/// A request of Decrypt: the members of an Encrypt response, replayed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DecryptRequest {
    /// Who asked.
    pub request_metadata: CryptoRequestMetadata,
    /// As Encrypt returned it; a proxy takes at least 4300 bytes.
    pub ciphertext: Base64Bytes,
    /// As Encrypt returned it; absent if it was absent then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ciphertext_metadata: Option<Base64Bytes>,
    /// AES-GCM.
    pub encryption_algorithm: EncryptionAlgorithm,
    /// The same bytes as at encryption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub additional_authenticated_data: Option<Base64Bytes>,
    /// As Encrypt returned it.
    pub initialization_vector: Base64Bytes,
    /// As Encrypt returned it.
    pub authentication_tag: Base64Bytes,
}

impl DecryptRequest {
    /// The additional authenticated data, empty if absent.
    pub fn aad(&self) -> &[u8] {
        self.additional_authenticated_data.as_deref().unwrap_or_default()
    }

    /// The ciphertext metadata, empty if absent.
    pub fn metadata(&self) -> &[u8] {
        self.ciphertext_metadata.as_deref().unwrap_or_default()
    }
}

/// A response of Decrypt.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DecryptResponse {
    /// As long as the ciphertext.
    pub plaintext: SecretBase64Bytes,
}

impl DecryptResponse {
    /// Checks the length against a ciphertext of `ciphertext_bytes`.
    pub fn validate(&self, ciphertext_bytes: usize) -> Result<(), MalformedResponse> {
        exact_length("plaintext", self.plaintext.len(), ciphertext_bytes)
    }

    /// The JSON text, zeroed on drop since it holds the plaintext.
    pub fn to_json(&self) -> serde_json::Result<Zeroizing<Vec<u8>>> {
        to_secret_json(self, self.plaintext.len(), r#"{"plaintext":""}"#.len())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn request() -> Value {
        json!({
            "requestMetadata": {
                "awsPrincipalArn": "arn:aws:iam::123456789012:user/Alice",
                "kmsKeyArn": "arn:aws:kms:us-east-2:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
                "kmsOperation": "Decrypt",
                "kmsRequestId": "5112f4d6-db54-4af4-ae30-c55a22a8dfae"
            },
            "ciphertext": "ghxkK1txeDNn3q8Y",
            "ciphertextMetadata": "a2V5X3ZlcnNpb249MQ==",
            "encryptionAlgorithm": "AES_GCM",
            "additionalAuthenticatedData": "cHJvamVjdD1uaWxlLGRlcGFydG1lbnQ9bWFya2V0aW5n",
            "initializationVector": "HMrlRw85cAJUd5Ax",
            "authenticationTag": "vBxN2ncH1oEkR8WVXpmyYQ=="
        })
    }

    #[test]
    fn a_request_round_trips() {
        let parsed: DecryptRequest = serde_json::from_value(request()).unwrap();
        assert_eq!(parsed.metadata(), b"key_version=1");
        assert_eq!(serde_json::to_value(&parsed).unwrap(), request());
    }

    #[test]
    fn optional_members_may_be_absent_and_the_others_may_not() {
        for (member, optional) in [
            ("requestMetadata", false),
            ("ciphertext", false),
            ("ciphertextMetadata", true),
            ("encryptionAlgorithm", false),
            ("additionalAuthenticatedData", true),
            ("initializationVector", false),
            ("authenticationTag", false),
        ] {
            let mut json = request();
            json.as_object_mut().unwrap().remove(member);
            let parsed = serde_json::from_value::<DecryptRequest>(json.clone());
            assert_eq!(parsed.is_ok(), optional, "{member}");
            if let Ok(parsed) = parsed {
                assert_eq!(serde_json::to_value(&parsed).unwrap(), json, "{member}");
            }
        }
    }

    #[test]
    fn a_response_is_as_long_as_its_ciphertext() {
        let response: DecryptResponse = serde_json::from_str(r#"{"plaintext":"SGVsbG8gV29ybGQh"}"#).unwrap();
        assert_eq!(response.validate(12), Ok(()));
        assert!(response.validate(13).is_err());
        let json = response.to_json().unwrap();
        assert_eq!(&json[..], br#"{"plaintext":"SGVsbG8gV29ybGQh"}"#);
    }
}
