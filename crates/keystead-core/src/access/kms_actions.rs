//! Which leave each operation of the KMS API needs, as data (KMS core digest 2.2; KMS Developer Guide, "AWS KMS permissions reference").

/// What an operation asks authorization for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OperationAccess {
    /// The operation.
    pub operation: &'static str,
    /// Its actions and what each is asked of, in the order in which they are asked; those that depend on the request are among them.
    pub actions: &'static [(&'static str, Subject)],
    /// Whether it can be done with a key of another account that allows it. Giving another account any other permission has no effect.
    pub cross_account: bool,
}

/// What kind of thing an action is asked of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subject {
    /// A KMS key: its policy, its grants, and the policies of identities.
    Key,
    /// An alias: the policies of identities alone.
    Alias,
    /// KMS in one Region of the caller's account: the policies of identities alone.
    Region,
    /// The custom key stores of the caller's account and Region: the policies of identities alone.
    CustomKeyStores,
    /// The principal that may retire grants: the policies of identities alone.
    RetiringPrincipal,
    /// A grant, which itself says who may retire it.
    Grant,
}

use Subject::{Alias, CustomKeyStores, Grant, Key, Region, RetiringPrincipal};

const fn own(operation: &'static str, actions: &'static [(&'static str, Subject)]) -> OperationAccess {
    OperationAccess { operation, actions, cross_account: false }
}

const fn any(operation: &'static str, actions: &'static [(&'static str, Subject)]) -> OperationAccess {
    OperationAccess { operation, actions, cross_account: true }
}

/// Every operation, sorted by name.
pub static OPERATION_ACCESS: &[OperationAccess] = &[
    own("CancelKeyDeletion", &[("kms:CancelKeyDeletion", Key)]),
    own("ConnectCustomKeyStore", &[("kms:ConnectCustomKeyStore", CustomKeyStores)]),
    own("CreateAlias", &[("kms:CreateAlias", Alias), ("kms:CreateAlias", Key)]),
    own("CreateCustomKeyStore", &[("kms:CreateCustomKeyStore", CustomKeyStores)]),
    any("CreateGrant", &[("kms:CreateGrant", Key)]),
    // Tags at creation need leave to tag all keys.
    own("CreateKey", &[("kms:CreateKey", Region), ("kms:TagResource", Region)]),
    any("Decrypt", &[("kms:Decrypt", Key)]),
    own("DeleteAlias", &[("kms:DeleteAlias", Alias), ("kms:DeleteAlias", Key)]),
    own("DeleteCustomKeyStore", &[("kms:DeleteCustomKeyStore", CustomKeyStores)]),
    own("DeleteImportedKeyMaterial", &[("kms:DeleteImportedKeyMaterial", Key)]),
    any("DeriveSharedSecret", &[("kms:DeriveSharedSecret", Key)]),
    own("DescribeCustomKeyStores", &[("kms:DescribeCustomKeyStores", CustomKeyStores)]),
    any("DescribeKey", &[("kms:DescribeKey", Key)]),
    own("DisableKey", &[("kms:DisableKey", Key)]),
    own("DisableKeyRotation", &[("kms:DisableKeyRotation", Key)]),
    own("DisconnectCustomKeyStore", &[("kms:DisconnectCustomKeyStore", CustomKeyStores)]),
    own("EnableKey", &[("kms:EnableKey", Key)]),
    own("EnableKeyRotation", &[("kms:EnableKeyRotation", Key)]),
    any("Encrypt", &[("kms:Encrypt", Key)]),
    any("GenerateDataKey", &[("kms:GenerateDataKey", Key)]),
    any("GenerateDataKeyPair", &[("kms:GenerateDataKeyPair", Key)]),
    any("GenerateDataKeyPairWithoutPlaintext", &[("kms:GenerateDataKeyPairWithoutPlaintext", Key)]),
    any("GenerateDataKeyWithoutPlaintext", &[("kms:GenerateDataKeyWithoutPlaintext", Key)]),
    any("GenerateMac", &[("kms:GenerateMac", Key)]),
    own("GenerateRandom", &[("kms:GenerateRandom", Region)]),
    own("GetKeyLastUsage", &[("kms:GetKeyLastUsage", Key)]),
    own("GetKeyPolicy", &[("kms:GetKeyPolicy", Key)]),
    any("GetKeyRotationStatus", &[("kms:GetKeyRotationStatus", Key)]),
    own("GetParametersForImport", &[("kms:GetParametersForImport", Key)]),
    any("GetPublicKey", &[("kms:GetPublicKey", Key)]),
    own("ImportKeyMaterial", &[("kms:ImportKeyMaterial", Key)]),
    own("ListAliases", &[("kms:ListAliases", Region)]),
    any("ListGrants", &[("kms:ListGrants", Key)]),
    own("ListKeyPolicies", &[("kms:ListKeyPolicies", Key)]),
    own("ListKeyRotations", &[("kms:ListKeyRotations", Key)]),
    own("ListKeys", &[("kms:ListKeys", Region)]),
    own("ListResourceTags", &[("kms:ListResourceTags", Key)]),
    // Of one's own account, though what it may retire can be on keys of others.
    own("ListRetirableGrants", &[("kms:ListRetirableGrants", RetiringPrincipal)]),
    own("PutKeyPolicy", &[("kms:PutKeyPolicy", Key)]),
    any("ReEncrypt", &[("kms:ReEncryptFrom", Key), ("kms:ReEncryptTo", Key)]),
    // CreateKey and TagResource are asked in the Region of the replica.
    own("ReplicateKey", &[("kms:ReplicateKey", Key), ("kms:CreateKey", Region), ("kms:TagResource", Region)]),
    any("RetireGrant", &[("kms:RetireGrant", Grant)]),
    any("RevokeGrant", &[("kms:RevokeGrant", Key)]),
    own("RotateKeyOnDemand", &[("kms:RotateKeyOnDemand", Key)]),
    own("ScheduleKeyDeletion", &[("kms:ScheduleKeyDeletion", Key)]),
    any("Sign", &[("kms:Sign", Key)]),
    own("TagResource", &[("kms:TagResource", Key)]),
    own("UntagResource", &[("kms:UntagResource", Key)]),
    // Both keys: the one that the alias leaves, and the one that it comes to.
    own("UpdateAlias", &[("kms:UpdateAlias", Alias), ("kms:UpdateAlias", Key)]),
    own("UpdateCustomKeyStore", &[("kms:UpdateCustomKeyStore", CustomKeyStores)]),
    own("UpdateKeyDescription", &[("kms:UpdateKeyDescription", Key)]),
    // Both keys: the primary key and the replica.
    own("UpdatePrimaryRegion", &[("kms:UpdatePrimaryRegion", Key)]),
    any("Verify", &[("kms:Verify", Key)]),
    any("VerifyMac", &[("kms:VerifyMac", Key)]),
];

/// What an operation needs; `None` for a name that is no operation.
pub fn operation_access(operation: &str) -> Option<&'static OperationAccess> {
    let index = OPERATION_ACCESS.binary_search_by(|access| access.operation.cmp(operation)).ok()?;
    OPERATION_ACCESS.get(index)
}

#[cfg(test)]
mod tests {
    use keystead_model::shape::operations;

    use super::*;

    #[test]
    fn every_operation_has_its_row() {
        let known: Vec<&str> = operations().iter().map(|operation| operation.name).collect();
        assert_eq!(OPERATION_ACCESS.iter().map(|access| access.operation).collect::<Vec<_>>(), known);
        for operation in known {
            assert_eq!(operation_access(operation).map(|access| access.operation), Some(operation));
        }
        assert_eq!(operation_access("NoSuchOperation"), None);
    }

    /// KMS core digest 2.2: the rows with Y.
    #[test]
    fn other_accounts_can_do_what_is_documented() {
        let cross_account: Vec<&str> =
            OPERATION_ACCESS.iter().filter(|access| access.cross_account).map(|access| access.operation).collect();
        let documented = [
            "CreateGrant",
            "Decrypt",
            "DeriveSharedSecret",
            "DescribeKey",
            "Encrypt",
            "GenerateDataKey",
            "GenerateDataKeyPair",
            "GenerateDataKeyPairWithoutPlaintext",
            "GenerateDataKeyWithoutPlaintext",
            "GenerateMac",
            "GetKeyRotationStatus",
            "GetPublicKey",
            "ListGrants",
            "ReEncrypt",
            "RetireGrant",
            "RevokeGrant",
            "Sign",
            "Verify",
            "VerifyMac",
        ];
        assert_eq!(cross_account, documented);
    }
}
