//! GetKeyMetadata: what kind of key is this, and may it be used?

use serde::{Deserialize, Serialize};

use super::KeyRequestMetadata;
use super::limits::KEY_USAGE_MAX_VALUES;
use super::malformed::{MalformedResponse, not_empty};

/// The only `keySpec` that KMS takes: a 256-bit AES key.
pub const KEY_SPEC_AES_256: &str = "AES_256";
/// One of the two `keyUsage` values that KMS needs.
pub const KEY_USAGE_ENCRYPT: &str = "ENCRYPT";
/// The other of the two `keyUsage` values that KMS needs.
pub const KEY_USAGE_DECRYPT: &str = "DECRYPT";

/// A request of GetKeyMetadata.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GetKeyMetadataRequest {
    /// Who asked.
    pub request_metadata: KeyRequestMetadata,
}

/// A response of GetKeyMetadata.
///
/// `key_spec` and `key_usage` are texts, since a proxy may name specs and usages that KMS has no use for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GetKeyMetadataResponse {
    /// For instance [`KEY_SPEC_AES_256`].
    pub key_spec: String,
    /// Upper-case usages, at most 10, for instance [`KEY_USAGE_ENCRYPT`].
    pub key_usage: Vec<String>,
    /// Whether the key may be used.
    pub key_status: KeyStatus,
}

/// `keyStatus` of an external key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum KeyStatus {
    /// May be used; also the answer of a proxy that cannot disable keys.
    Enabled,
    /// May not be used.
    Disabled,
}

impl GetKeyMetadataResponse {
    /// Checks the shape; whether KMS can use such a key is [`Self::is_usable_by_kms`].
    pub fn validate(&self) -> Result<(), MalformedResponse> {
        not_empty("keySpec", &self.key_spec)?;
        if !(1..=KEY_USAGE_MAX_VALUES).contains(&self.key_usage.len()) {
            return Err(MalformedResponse::Count {
                field: "keyUsage",
                found: self.key_usage.len() as u64,
                expected: "1 to 10",
            });
        }
        Ok(())
    }

    /// Whether CreateKey can take the key: AES_256, ENCRYPT and DECRYPT, ENABLED.
    pub fn is_usable_by_kms(&self) -> bool {
        let has = |usage: &str| self.key_usage.iter().any(|found| found == usage);
        self.key_spec == KEY_SPEC_AES_256
            && has(KEY_USAGE_ENCRYPT)
            && has(KEY_USAGE_DECRYPT)
            && self.key_status == KeyStatus::Enabled
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn documented_rules() {
        let eleven = r#"["A","B","C","D","E","F","G","H","I","J","K"]"#;
        let table = [
            // spec, usage, status, well formed, usable
            ("AES_256", r#"["ENCRYPT","DECRYPT"]"#, "ENABLED", true, true),
            ("AES_256", r#"["DECRYPT","WRAP","ENCRYPT"]"#, "ENABLED", true, true),
            ("AES_256", r#"["ENCRYPT","DECRYPT"]"#, "DISABLED", true, false),
            ("AES_256", r#"["ENCRYPT"]"#, "ENABLED", true, false),
            ("AES_256", r#"["encrypt","decrypt"]"#, "ENABLED", true, false),
            ("RSA_2048", r#"["ENCRYPT","DECRYPT"]"#, "ENABLED", true, false),
            ("AES_256", "[]", "ENABLED", false, false),
            ("AES_256", eleven, "ENABLED", false, false),
            ("", r#"["ENCRYPT","DECRYPT"]"#, "ENABLED", false, false),
        ];
        for (spec, usage, status, well_formed, usable) in table {
            let json = format!(r#"{{"keySpec":"{spec}","keyUsage":{usage},"keyStatus":"{status}"}}"#);
            let response: GetKeyMetadataResponse = serde_json::from_str(&json).unwrap();
            assert_eq!(response.validate().is_ok(), well_formed, "{json}");
            assert_eq!(response.is_usable_by_kms(), usable, "{json}");
            assert_eq!(serde_json::to_string(&response).unwrap(), json);
        }
    }

    #[test]
    fn missing_and_unknown_values_do_not_parse() {
        for json in [
            r#"{"keyUsage":["ENCRYPT"],"keyStatus":"ENABLED"}"#,
            r#"{"keySpec":"AES_256","keyStatus":"ENABLED"}"#,
            r#"{"keySpec":"AES_256","keyUsage":["ENCRYPT"]}"#,
            r#"{"keySpec":"AES_256","keyUsage":"ENCRYPT","keyStatus":"ENABLED"}"#,
            r#"{"keySpec":"AES_256","keyUsage":["ENCRYPT"],"keyStatus":"MAYBE"}"#,
        ] {
            assert!(serde_json::from_str::<GetKeyMetadataResponse>(json).is_err(), "{json}");
        }
    }
}
