//! Random bytes.

use serde::{Deserialize, Serialize};

use super::RecipientInfo;
use crate::arn::CustomKeyStoreId;
use crate::{Blob, integer};

/// `GenerateRandom`: random bytes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct GenerateRandomRequest {
    /// How many, 1..=1024. The model has it optional; KMS refuses a request without it.
    #[serde(default, deserialize_with = "integer::optional")]
    pub number_of_bytes: Option<u32>,
    /// Take them from this CloudHSM key store.
    pub custom_key_store_id: Option<CustomKeyStoreId>,
    /// An attested enclave to encrypt the answer for.
    pub recipient: Option<RecipientInfo>,
}

/// Random bytes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateRandomResponse {
    /// The bytes; absent if they are encrypted for a recipient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plaintext: Option<Blob>,
    /// The bytes, encrypted for the recipient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ciphertext_for_recipient: Option<Blob>,
}
