//! Encrypt: AES-GCM under an external key.

use serde::de::{Deserializer, Error as _};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::base64_bytes::to_secret_json;
use super::limits::{AUTHENTICATION_TAG_BYTES, CIPHERTEXT_METADATA_MAX_BYTES, INITIALIZATION_VECTOR_BYTES};
use super::malformed::{MalformedResponse, exact_length};
use super::{
    Base64Bytes, CryptoRequestMetadata, IntegrityAlgorithm, SecretBase64Bytes, ciphertext_data_integrity_value,
};

/// `encryptionAlgorithm`: only `AES_GCM` exists.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum EncryptionAlgorithm {
    /// `AES_GCM`
    AesGcm,
}

const AES_GCM: &str = "AES_GCM";

impl Serialize for EncryptionAlgorithm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(AES_GCM)
    }
}

impl<'de> Deserialize<'de> for EncryptionAlgorithm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            AES_GCM => Ok(Self::AesGcm),
            _ => Err(D::Error::custom("encryptionAlgorithm must be AES_GCM")),
        }
    }
}

/// A request of Encrypt.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EncryptRequest {
    /// Who asked.
    pub request_metadata: CryptoRequestMetadata,
    /// What to encrypt; a proxy takes at least 4300 bytes.
    pub plaintext: SecretBase64Bytes,
    /// AES-GCM.
    pub encryption_algorithm: EncryptionAlgorithm,
    /// Bound to the ciphertext; a proxy takes at least 8192 bytes. Absent and empty are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub additional_authenticated_data: Option<Base64Bytes>,
    /// Asks for [`EncryptResponse::ciphertext_data_integrity_value`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ciphertext_data_integrity_value_algorithm: Option<IntegrityAlgorithm>,
}

impl EncryptRequest {
    /// The JSON text, zeroed on drop since it holds the plaintext.
    pub fn to_json(&self) -> serde_json::Result<Zeroizing<Vec<u8>>> {
        let metadata = &self.request_metadata;
        let aad_bytes = self.aad().len().div_ceil(3) * 4;
        // Escapes in the ARNs could double them; names, quotes and the rest stay well under a kilobyte.
        let metadata_bytes = 2 * (metadata.aws_principal_arn.len() + metadata.kms_key_arn.len());
        to_secret_json(self, self.plaintext.len(), aad_bytes + metadata_bytes + 1024)
    }

    /// The additional authenticated data, empty if absent.
    pub fn aad(&self) -> &[u8] {
        self.additional_authenticated_data.as_deref().unwrap_or_default()
    }
}

/// A response of Encrypt.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EncryptResponse {
    /// As long as the plaintext; the tag is not appended.
    pub ciphertext: Base64Bytes,
    /// 12 or 16 bytes, chosen by the key manager.
    pub initialization_vector: Base64Bytes,
    /// 16 bytes.
    pub authentication_tag: Base64Bytes,
    /// The vendor's own, at most 20 bytes; KMS returns it unchanged with Decrypt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ciphertext_metadata: Option<Base64Bytes>,
    /// 32 bytes; there if and only if the request asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ciphertext_data_integrity_value: Option<Base64Bytes>,
}

impl EncryptResponse {
    /// Checks the lengths against a plaintext of `plaintext_bytes`, then the integrity value over the request's
    /// `aad` if `integrity_requested`. Fails with the first rule that is broken.
    pub fn validate(
        &self,
        plaintext_bytes: usize,
        aad: &[u8],
        integrity_requested: bool,
    ) -> Result<(), MalformedResponse> {
        self.validate_lengths(plaintext_bytes)?;
        if integrity_requested {
            self.validate_integrity(aad)?;
        }
        Ok(())
    }

    fn validate_lengths(&self, plaintext_bytes: usize) -> Result<(), MalformedResponse> {
        exact_length("ciphertext", self.ciphertext.len(), plaintext_bytes)?;
        exact_length("authenticationTag", self.authentication_tag.len(), AUTHENTICATION_TAG_BYTES)?;
        let iv_bytes = self.initialization_vector.len();
        if !INITIALIZATION_VECTOR_BYTES.contains(&iv_bytes) {
            return Err(MalformedResponse::Length {
                field: "initializationVector",
                found: iv_bytes,
                expected: "12 or 16".to_owned(),
            });
        }
        let metadata_bytes = self.metadata().len();
        if metadata_bytes > CIPHERTEXT_METADATA_MAX_BYTES {
            return Err(MalformedResponse::Length {
                field: "ciphertextMetadata",
                found: metadata_bytes,
                expected: format!("at most {CIPHERTEXT_METADATA_MAX_BYTES}"),
            });
        }
        Ok(())
    }

    fn validate_integrity(&self, aad: &[u8]) -> Result<(), MalformedResponse> {
        let claimed =
            self.ciphertext_data_integrity_value.as_deref().ok_or(MalformedResponse::IntegrityValueMissing)?;
        if claimed != self.integrity_value(aad) {
            return Err(MalformedResponse::IntegrityValueMismatch);
        }
        Ok(())
    }

    /// The integrity value of this response to a request with this `aad`.
    pub fn integrity_value(&self, aad: &[u8]) -> [u8; 32] {
        ciphertext_data_integrity_value(
            aad,
            self.metadata(),
            &self.initialization_vector,
            &self.ciphertext,
            &self.authentication_tag,
        )
    }

    /// The ciphertext metadata, empty if absent.
    pub fn metadata(&self) -> &[u8] {
        self.ciphertext_metadata.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// The response of the specification's appendix C.
    fn good() -> EncryptResponse {
        serde_json::from_value(json!({
            "ciphertext": "ghxkK1txeDNn3q8Y",
            "initializationVector": "HMrlRw85cAJUd5Ax",
            "authenticationTag": "vBxN2ncH1oEkR8WVXpmyYQ==",
            "ciphertextMetadata": "a2V5X3ZlcnNpb249MQ==",
            "ciphertextDataIntegrityValue": "qHA/ImC9h5HsLRXqCyPmWgYx7tzyoTplzILbP0fPXsc="
        }))
        .unwrap()
    }

    const AAD: &[u8] = b"project=nile,department=marketing";

    fn request() -> Value {
        json!({
            "requestMetadata": {
                "awsPrincipalArn": "arn:aws:iam::123456789012:user/Alice",
                "kmsKeyArn": "arn:aws:kms:us-east-2:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
                "kmsOperation": "Encrypt",
                "kmsRequestId": "4112f4d6-db54-4af4-ae30-c55a22a8dfae"
            },
            "plaintext": "SGVsbG8gV29ybGQh",
            "encryptionAlgorithm": "AES_GCM",
            "additionalAuthenticatedData": "cHJvamVjdD1uaWxlLGRlcGFydG1lbnQ9bWFya2V0aW5n",
            "ciphertextDataIntegrityValueAlgorithm": "SHA_256"
        })
    }

    #[test]
    fn a_request_round_trips() {
        let parsed: EncryptRequest = serde_json::from_value(request()).unwrap();
        assert_eq!(parsed.plaintext.expose(), b"Hello World!");
        assert_eq!(parsed.aad(), AAD);
        let json = parsed.to_json().unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&json).unwrap(), request());
    }

    #[test]
    fn a_request_needs_its_required_members_and_the_one_algorithm() {
        for member in ["requestMetadata", "plaintext", "encryptionAlgorithm"] {
            let mut json = request();
            json.as_object_mut().unwrap().remove(member);
            assert!(serde_json::from_value::<EncryptRequest>(json).is_err(), "{member}");
        }
        let mut json = request();
        json["encryptionAlgorithm"] = "AES_CBC".into();
        let error = serde_json::from_value::<EncryptRequest>(json).unwrap_err();
        assert_eq!(error.to_string(), "encryptionAlgorithm must be AES_GCM");
    }

    #[test]
    fn the_published_response_is_valid() {
        assert_eq!(good().validate(12, AAD, true), Ok(()));
        let mut without = good();
        without.ciphertext_data_integrity_value = None;
        assert_eq!(without.validate(12, AAD, false), Ok(()));
    }

    #[test]
    fn every_broken_rule_is_found() {
        type Change = fn(&mut EncryptResponse);
        let table: [(&str, Change); 9] = [
            ("ciphertext too short", |r| r.ciphertext = vec![0; 11].into()),
            ("ciphertext with the tag", |r| r.ciphertext = vec![0; 28].into()),
            ("IV of 8", |r| r.initialization_vector = vec![0; 8].into()),
            ("IV of 13", |r| r.initialization_vector = vec![0; 13].into()),
            ("tag of 12", |r| r.authentication_tag = vec![0; 12].into()),
            ("metadata of 21", |r| r.ciphertext_metadata = Some(vec![0; 21].into())),
            ("no integrity value", |r| r.ciphertext_data_integrity_value = None),
            ("short integrity value", |r| {
                r.ciphertext_data_integrity_value = Some(vec![0; 31].into());
            }),
            ("other metadata", |r| r.ciphertext_metadata = None),
        ];
        for (name, change) in table {
            let mut response = good();
            change(&mut response);
            assert!(response.validate(12, AAD, true).is_err(), "{name}");
        }
        assert_eq!(good().validate(12, b"", true), Err(MalformedResponse::IntegrityValueMismatch));
    }
}
