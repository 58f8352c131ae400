//! Facts about operations that Amazon's model does not carry.

use crate::shape::Operation;

/// The operations that CloudTrail records with `readOnly: true`, sorted: Describe, Get and List operations and all
/// cryptographic ones (KMS Developer Guide, "Logging AWS KMS API calls").
const READ_ONLY: &[&str] = &[
    "Decrypt",
    "DeriveSharedSecret",
    "DescribeCustomKeyStores",
    "DescribeKey",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "GenerateRandom",
    "GetKeyLastUsage",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "GetParametersForImport",
    "GetPublicKey",
    "ListAliases",
    "ListGrants",
    "ListKeyPolicies",
    "ListKeyRotations",
    "ListKeys",
    "ListResourceTags",
    "ListRetirableGrants",
    "ReEncrypt",
    "Sign",
    "Verify",
    "VerifyMac",
];

/// Whether the audit record of this operation says `readOnly: true`. False for a name that is no operation.
pub fn read_only(operation_name: &str) -> bool {
    READ_ONLY.binary_search(&operation_name).is_ok()
}

/// What the body of a successful response holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuccessBody {
    /// No byte at all: the model declares no output.
    Empty,
    /// `{}`: the model declares an output without members.
    EmptyObject,
    /// A JSON object with members.
    Object,
}

/// What a successful response of this operation holds.
pub fn success_body(operation: &Operation) -> SuccessBody {
    match operation.output {
        None => SuccessBody::Empty,
        Some(output) if output.members.is_empty() => SuccessBody::EmptyObject,
        Some(_) => SuccessBody::Object,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::shape::{operation, operations};

    #[test]
    fn read_only_names_are_operations_in_order() {
        assert!(READ_ONLY.is_sorted());
        assert!(READ_ONLY.iter().all(|name| operation(name).is_some()));
        assert!(!read_only("NoSuchOperation"));
    }

    #[test]
    fn describe_get_and_list_are_read_only_and_the_verbs_of_change_are_not() {
        const CHANGING: &[&str] = &[
            "Cancel",
            "Connect",
            "Create",
            "Delete",
            "Disable",
            "Disconnect",
            "Enable",
            "Import",
            "Put",
            "Replicate",
            "Retire",
            "Revoke",
            "Rotate",
            "Schedule",
            "Tag",
            "Untag",
            "Update",
        ];
        const READING: &[&str] =
            &["Decrypt", "Derive", "Describe", "Encrypt", "Generate", "Get", "List", "ReEncrypt", "Sign", "Verify"];
        for operation in operations() {
            let starts = |verbs: &[&str]| verbs.iter().any(|verb| operation.name.starts_with(verb));
            assert_ne!(starts(CHANGING), starts(READING), "{}", operation.name);
            assert_eq!(read_only(operation.name), starts(READING), "{}", operation.name);
        }
    }

    #[test]
    fn operations_without_members_in_the_response() {
        let named =
            |body| -> Vec<_> { operations().iter().filter(|op| success_body(op) == body).map(|op| op.name).collect() };
        let empty = [
            "CreateAlias",
            "DeleteAlias",
            "DisableKey",
            "DisableKeyRotation",
            "EnableKey",
            "EnableKeyRotation",
            "PutKeyPolicy",
            "RetireGrant",
            "RevokeGrant",
            "TagResource",
            "UntagResource",
            "UpdateAlias",
            "UpdateKeyDescription",
            "UpdatePrimaryRegion",
        ];
        assert_eq!(named(SuccessBody::Empty), empty);
        let empty_object =
            ["ConnectCustomKeyStore", "DeleteCustomKeyStore", "DisconnectCustomKeyStore", "UpdateCustomKeyStore"];
        assert_eq!(named(SuccessBody::EmptyObject), empty_object);
    }
}
