//! Operations that this version does not serve, on keys for which the documentation says how they are refused.
//!
//! Every key of this version is a symmetric encryption key. Sources: CloudHSM key stores digest 3.4; KMS API Reference, each operation's
//! errors.

use keystead_model::kms::Exception;
use serde_json::Value;

use super::key_lookup::{AcceptedForms, authorized_key};
use crate::error::KmsError;
use crate::key::KeyOrigin;
use crate::kms::{Call, Kms};

/// Why an operation is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Refusal {
    /// `InvalidKeyUsageException`: it needs a key of another usage.
    KeyUsage,
    /// `UnsupportedOperationException`: no symmetric encryption key has it.
    NotForSymmetricKeys,
    /// `UnsupportedOperationException`: keys of this origin do not have it. Keys of origin AWS_KMS would, and this version does not serve
    /// it.
    NotForOrigin,
}

use AcceptedForms::{All, IdOrArn};
use Refusal::{KeyUsage, NotForOrigin, NotForSymmetricKeys};

/// The table: operation, the key identifiers that it takes, why it is refused.
static UNSUPPORTED_OPERATIONS: &[(&str, AcceptedForms, Refusal)] = &[
    ("DeleteImportedKeyMaterial", IdOrArn, NotForOrigin),
    ("DeriveSharedSecret", All, KeyUsage),
    ("DisableKeyRotation", IdOrArn, NotForOrigin),
    ("EnableKeyRotation", IdOrArn, NotForOrigin),
    ("GenerateDataKeyPair", All, NotForOrigin),
    ("GenerateDataKeyPairWithoutPlaintext", All, NotForOrigin),
    ("GenerateMac", All, KeyUsage),
    ("GetKeyRotationStatus", IdOrArn, NotForOrigin),
    ("GetParametersForImport", IdOrArn, NotForOrigin),
    ("GetPublicKey", All, NotForSymmetricKeys),
    ("ImportKeyMaterial", IdOrArn, NotForOrigin),
    ("ListKeyRotations", IdOrArn, NotForOrigin),
    ("RotateKeyOnDemand", IdOrArn, NotForOrigin),
    ("Sign", All, KeyUsage),
    ("Verify", All, KeyUsage),
    ("VerifyMac", All, KeyUsage),
];

/// The refusal of an operation that is not served. A key that does not exist, or is not the caller's to use, is told first.
pub(super) async fn refuse(kms: &Kms, call: &mut Call<'_>, input: &Value) -> KmsError {
    let name = call.operation.name;
    let row = UNSUPPORTED_OPERATIONS.iter().find(|(operation, ..)| *operation == name);
    let (Some((_, forms, refusal)), Some(key_id)) = (row, input.get("KeyId").and_then(Value::as_str)) else {
        return not_served(name);
    };
    let key = match authorized_key(kms, call, key_id, *forms).await {
        Ok(key) => key,
        Err(error) => return error,
    };
    // The texts are unverified.
    match (refusal, &key.key.origin) {
        (KeyUsage, _) => KmsError::new(
            Exception::InvalidKeyUsage,
            format!("{} key usage is ENCRYPT_DECRYPT which is not valid for {name}.", key.arn),
        ),
        (NotForSymmetricKeys, _) => {
            KmsError::unsupported(format!("{name} is not supported for symmetric encryption KMS keys."))
        }
        (NotForOrigin, KeyOrigin::AwsKms) => not_served(name),
        (NotForOrigin, origin) => KmsError::unsupported(format!(
            "{name} is not supported for KMS keys of origin {}, which are in custom key stores.",
            origin.origin_type()
        )),
    }
}

fn not_served(name: &str) -> KmsError {
    KmsError::unsupported(format!("{name} is not served by this version of Keystead."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_an_operation_of_the_api_that_declares_its_exception() {
        for (name, _, refusal) in UNSUPPORTED_OPERATIONS {
            let operation = keystead_model::shape::operation(name);
            assert!(operation.is_some(), "{name}");
            let exception = match refusal {
                KeyUsage => "InvalidKeyUsageException",
                NotForSymmetricKeys | NotForOrigin => "UnsupportedOperationException",
            };
            assert!(operation.is_some_and(|operation| operation.errors.contains(&exception)), "{name}: {exception}");
        }
    }
}
