//! Which operations a grant may allow (KMS Developer Guide, "Grants in AWS KMS", grant operations by key type).

use keystead_model::kms::{GrantOperation, KeySpec, KeyUsageType};

use crate::error::KmsError;
use crate::key::Key;

use GrantOperation::{
    CreateGrant, Decrypt, DeriveSharedSecret, DescribeKey, Encrypt, GenerateDataKey, GenerateDataKeyPair,
    GenerateDataKeyPairWithoutPlaintext, GenerateDataKeyWithoutPlaintext, GenerateMac, GetPublicKey, ReEncryptFrom,
    ReEncryptTo, RetireGrant, Sign, Verify, VerifyMac,
};

/// What a grant on any key may allow.
const ANY_KEY: &[GrantOperation] = &[CreateGrant, DescribeKey, RetireGrant];

/// What a grant on a key of this type may allow besides.
const fn of_key_type(spec: KeySpec, usage: KeyUsageType) -> &'static [GrantOperation] {
    match (usage, spec) {
        (KeyUsageType::EncryptDecrypt, KeySpec::SymmetricDefault) => &[
            Decrypt,
            Encrypt,
            GenerateDataKey,
            GenerateDataKeyPair,
            GenerateDataKeyPairWithoutPlaintext,
            GenerateDataKeyWithoutPlaintext,
            ReEncryptFrom,
            ReEncryptTo,
        ],
        (KeyUsageType::EncryptDecrypt, _) => &[Decrypt, Encrypt, GetPublicKey, ReEncryptFrom, ReEncryptTo],
        (KeyUsageType::SignVerify, _) => &[GetPublicKey, Sign, Verify],
        (KeyUsageType::GenerateVerifyMac, _) => &[GenerateMac, VerifyMac],
        (KeyUsageType::KeyAgreement, _) => &[DeriveSharedSecret, GetPublicKey],
    }
}

/// The operations of a new grant on `key`, sorted and without doubles. Refuses a grant of none and operations that such a key does not have
/// (texts unverified), and a grant of CreateGrant alone, which could give nothing on.
pub(super) fn grant_operations(key: &Key, asked: &[GrantOperation]) -> Result<Vec<GrantOperation>, KmsError> {
    if asked.is_empty() {
        return Err(KmsError::validation(
            "1 validation error detected: Value '[]' at 'operations' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ));
    }
    let of_key_type = of_key_type(key.spec, key.usage);
    if let Some(operation) = asked.iter().find(|asked| !ANY_KEY.contains(asked) && !of_key_type.contains(asked)) {
        return Err(KmsError::validation(format!(
            "The operation {operation} is not supported in a grant on a KMS key of KeySpec {} and KeyUsage {}.",
            key.spec, key.usage
        )));
    }
    let mut operations = asked.to_vec();
    operations.sort_unstable_by_key(|operation| operation.as_str());
    operations.dedup();
    if operations == [CreateGrant] {
        return Err(KmsError::validation("Grants must not contain only the CreateGrant operation."));
    }
    Ok(operations)
}
