//! `requestMetadata`: who asked KMS for what. Its members differ between the APIs, hence three types.
//!
//! Optional members are left out when absent, never null. Source: specification, "Request metadata".

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The `kmsOperation` values that KMS sends. A proxy must not refuse others.
pub mod kms_operation {
    /// GetHealthStatus while a key store is being created.
    pub const CREATE_CUSTOM_KEY_STORE: &str = "CreateCustomKeyStore";
    /// GetHealthStatus while a key store is being edited.
    pub const UPDATE_CUSTOM_KEY_STORE: &str = "UpdateCustomKeyStore";
    /// GetHealthStatus while a key store is being connected.
    pub const CONNECT_CUSTOM_KEY_STORE: &str = "ConnectCustomKeyStore";
    /// GetHealthStatus in the background.
    pub const KMS_HEALTH_CHECK: &str = "KmsHealthCheck";
    /// GetKeyMetadata.
    pub const CREATE_KEY: &str = "CreateKey";
    /// Encrypt.
    pub const ENCRYPT: &str = "Encrypt";
    /// Decrypt.
    pub const DECRYPT: &str = "Decrypt";
    /// Encrypt and Decrypt.
    pub const RE_ENCRYPT: &str = "ReEncrypt";
    /// Encrypt.
    pub const GENERATE_DATA_KEY: &str = "GenerateDataKey";
    /// Encrypt.
    pub const GENERATE_DATA_KEY_WITHOUT_PLAINTEXT: &str = "GenerateDataKeyWithoutPlaintext";
}

/// `requestMetadata` of GetHealthStatus.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthRequestMetadata {
    /// The KMS request id; opaque to a proxy.
    pub kms_request_id: String,
    /// The KMS operation; see [`kms_operation`].
    pub kms_operation: Cow<'static, str>,
}

/// `requestMetadata` of GetKeyMetadata.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyRequestMetadata {
    /// The caller's ARN; a service principal or `AWS Internal` if the caller is an AWS service.
    pub aws_principal_arn: String,
    /// The VPC that the KMS request came from, if it came through a VPC endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws_source_vpc: Option<String>,
    /// The VPC endpoint that the KMS request came through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws_source_vpce: Option<String>,
    /// The KMS operation; see [`kms_operation`].
    pub kms_operation: Cow<'static, str>,
    /// The KMS request id; opaque to a proxy.
    pub kms_request_id: String,
}

/// `requestMetadata` of Encrypt and Decrypt.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CryptoRequestMetadata {
    /// The caller's ARN; a service principal or `AWS Internal` if the caller is an AWS service.
    pub aws_principal_arn: String,
    /// The VPC that the KMS request came from: only through a VPC endpoint, and only within the key's account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws_source_vpc: Option<String>,
    /// The VPC endpoint that the KMS request came through; same rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws_source_vpce: Option<String>,
    /// The ARN of the KMS key, never an alias.
    pub kms_key_arn: String,
    /// The KMS operation; see [`kms_operation`].
    pub kms_operation: Cow<'static, str>,
    /// The KMS request id; opaque to a proxy.
    pub kms_request_id: String,
    /// The service that called on the customer's behalf, as in the condition key `kms:ViaService`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_via_service: Option<String>,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn crypto() -> Value {
        json!({
            "awsPrincipalArn": "arn:aws:iam::123456789012:user/Alice",
            "kmsKeyArn": "arn:aws:kms:us-east-2:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "kmsOperation": "Encrypt",
            "kmsRequestId": "4112f4d6-db54-4af4-ae30-c55a22a8dfae"
        })
    }

    #[test]
    fn absent_members_are_left_out() {
        let metadata: CryptoRequestMetadata = serde_json::from_value(crypto()).unwrap();
        assert_eq!(serde_json::to_value(&metadata).unwrap(), crypto());
    }

    #[test]
    fn present_members_are_kept_and_unknown_ones_ignored() {
        let mut sent = crypto();
        sent["awsSourceVpc"] = "vpc-1".into();
        sent["awsSourceVpce"] = "vpce-1".into();
        sent["kmsViaService"] = "ebs".into();
        let expected = sent.clone();
        sent["sourceIdentity"] = json!({"later": true});
        let metadata: CryptoRequestMetadata = serde_json::from_value(sent).unwrap();
        assert_eq!(serde_json::to_value(&metadata).unwrap(), expected);
    }

    #[test]
    fn each_required_member_is_required() {
        for member in ["awsPrincipalArn", "kmsKeyArn", "kmsOperation", "kmsRequestId"] {
            let mut sent = crypto();
            sent.as_object_mut().unwrap().remove(member);
            let error = serde_json::from_value::<CryptoRequestMetadata>(sent).unwrap_err();
            assert!(error.to_string().contains(member), "{error}");
        }
    }

    #[test]
    fn key_metadata_requests_name_no_kms_key_and_health_requests_no_principal() {
        let key: KeyRequestMetadata = serde_json::from_value(crypto()).unwrap();
        assert!(serde_json::to_value(&key).unwrap().get("kmsKeyArn").is_none());
        let health: HealthRequestMetadata = serde_json::from_value(crypto()).unwrap();
        assert_eq!(
            serde_json::to_value(&health).unwrap(),
            json!({"kmsOperation": "Encrypt", "kmsRequestId": "4112f4d6-db54-4af4-ae30-c55a22a8dfae"})
        );
    }
}
