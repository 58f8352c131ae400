//! GetKeyMetadata: what kind of key is this, and may it be used?

use serde::{Deserialize, Serialize};

use super::KeyRequestMetadata;
use super::limits::KEY_USAGE_MAX_VALUES;
use super::malformed::{MalformedResponse, not_empty};

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
    /// For instance `AES_256`, which is the only one that KMS takes.
    pub key_spec: String,
    /// Upper-case usages, at most 10; KMS needs `ENCRYPT` and `DECRYPT`.
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
    /// Checks the shape, not whether KMS can use such a key.
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
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn documented_rules() {
        let eleven = r#"["A","B","C","D","E","F","G","H","I","J","K"]"#;
        let table = [
            // spec, usage, status, well formed
            ("AES_256", r#"["ENCRYPT","DECRYPT"]"#, "ENABLED", true),
            ("AES_256", r#"["DECRYPT","WRAP","ENCRYPT"]"#, "ENABLED", true),
            ("AES_256", r#"["ENCRYPT","DECRYPT"]"#, "DISABLED", true),
            ("RSA_2048", r#"["encrypt"]"#, "ENABLED", true),
            ("AES_256", "[]", "ENABLED", false),
            ("AES_256", eleven, "ENABLED", false),
            ("", r#"["ENCRYPT","DECRYPT"]"#, "ENABLED", false),
        ];
        for (spec, usage, status, well_formed) in table {
            let json = format!(r#"{{"keySpec":"{spec}","keyUsage":{usage},"keyStatus":"{status}"}}"#);
            let response: GetKeyMetadataResponse = serde_json::from_str(&json).unwrap();
            assert_eq!(response.validate().is_ok(), well_formed, "{json}");
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
