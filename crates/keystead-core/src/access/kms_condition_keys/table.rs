//! The condition keys as data. A condition on a parameter of a request also sees its default value.

/// A condition key, for some actions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// Its name. One that ends in `:` or `/` stands for all names that begin so.
    pub(super) key: &'static str,
    /// Which actions have it.
    pub(super) uses: Uses,
    /// Where its value comes from.
    pub(super) source: Source,
}

/// Which actions have a condition key.
#[derive(Clone, Copy, Debug)]
pub(super) enum Uses {
    /// Those that are asked of a KMS key.
    Keys,
    /// Those that are asked of custom key stores.
    CustomKeyStores,
    /// These: an operation, or `Operation:Action` where they are not named alike.
    Actions(&'static [&'static str]),
}

/// Where the value of a condition key comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Source {
    /// The account of the caller.
    CallerAccount,
    /// A member of the request, or else its default.
    Member(&'static str, Option<&'static str>),
    /// The same for a member that had another name before.
    RenamedMember(&'static str, &'static str, Option<&'static str>),
    /// What the operation does whatever the request says.
    Always(&'static str),
    /// A member that names a principal, as an ARN.
    Principal(&'static str),
    /// A member that names a key: the alias, if it is named by one.
    AliasName(&'static str),
    /// The names of what is in these structures and maps; `.` leads into a structure.
    Names(&'static [&'static str]),
    /// The names of the constraints in this structure that constrain something: an empty EncryptionContextSubset is in every encryption
    /// context, and is not among them (unverified). An empty EncryptionContextEquals demands an empty one.
    ConstraintTypes(&'static str),
    /// What is in these maps under the name that the condition key ends with.
    Entry(&'static [&'static str]),
    /// The keys of the tags in a list.
    TagKeys(&'static str),
    /// The value of the tag, in a list, that the condition key ends with.
    TagValue(&'static str),
    /// What CreateKey makes: `PRIMARY`, if it is to be a multi-Region key.
    NewMultiRegionKeyType,
    /// The operation finds it out before it asks for leave.
    Computed,
    /// The resource tells it.
    Resource,
    /// A service tells it that calls for its customers, and none does here.
    Absent,
}

use Source::{
    Absent, AliasName, Always, CallerAccount, Computed, ConstraintTypes, Entry, Member, Names, NewMultiRegionKeyType,
    Principal, RenamedMember, Resource, TagKeys, TagValue,
};
use Uses::{Actions, CustomKeyStores, Keys};

/// What condition keys of attested recipients begin with.
const RECIPIENT_ATTESTATION: &str = "kms:RecipientAttestation:";

/// What condition keys of the pairs of an encryption context begin with.
pub(super) const ENCRYPTION_CONTEXT: &str = "kms:EncryptionContext:";

const SYMMETRIC: &str = "SYMMETRIC_DEFAULT";
const DATA_KEYS: Uses = Actions(&[
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
]);
const WITH_CONTEXT: Uses = Actions(&[
    "Encrypt",
    "Decrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
]);
const FROM: Uses = Actions(&["ReEncrypt:ReEncryptFrom"]);
const TO: Uses = Actions(&["ReEncrypt:ReEncryptTo"]);
const GRANT: Uses = Actions(&["CreateGrant"]);
const GRANT_CONTEXTS: &[&str] = &["Constraints.EncryptionContextEquals", "Constraints.EncryptionContextSubset"];
const NEW_KEY: Uses = Actions(&["CreateKey"]);
const REPLICA: Uses = Actions(&["ReplicateKey:CreateKey"]);
const TAGGING: Uses = Actions(&[
    "CreateKey",
    "CreateKey:TagResource",
    "ReplicateKey",
    "ReplicateKey:CreateKey",
    "ReplicateKey:TagResource",
    "TagResource",
]);
const WITH_RECIPIENT: Uses =
    Actions(&["Decrypt", "DeriveSharedSecret", "GenerateDataKey", "GenerateDataKeyPair", "GenerateRandom"]);
const WITH_ALIAS: Uses = Actions(&[
    "Decrypt",
    "DeriveSharedSecret",
    "DescribeKey",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "GetPublicKey",
    "Sign",
    "Verify",
    "VerifyMac",
]);

const fn row(key: &'static str, uses: Uses, source: Source) -> Row {
    Row { key, uses, source }
}

/// Every condition key of KMS.
pub(super) static CONDITION_KEYS: &[Row] = &[
    row("aws:RequestTag/", TAGGING, TagValue("Tags")),
    row("aws:ResourceTag/", Keys, Resource),
    row("aws:TagKeys", TAGGING, TagKeys("Tags")),
    row("aws:TagKeys", Actions(&["UntagResource"]), Member("TagKeys", None)),
    row(
        "kms:BypassPolicyLockoutSafetyCheck",
        Actions(&[
            "CreateKey",
            "CreateKey:PutKeyPolicy",
            "PutKeyPolicy",
            "ReplicateKey:CreateKey",
            "ReplicateKey:PutKeyPolicy",
        ]),
        Member("BypassPolicyLockoutSafetyCheck", Some("false")),
    ),
    row("kms:CallerAccount", Keys, CallerAccount),
    row("kms:CallerAccount", CustomKeyStores, CallerAccount),
    row("kms:CustomerMasterKeySpec", NEW_KEY, RenamedMember("KeySpec", "CustomerMasterKeySpec", Some(SYMMETRIC))),
    row("kms:CustomerMasterKeySpec", REPLICA, Resource),
    row("kms:CustomerMasterKeySpec", Keys, Resource),
    row("kms:CustomerMasterKeyUsage", NEW_KEY, Member("KeyUsage", Some("ENCRYPT_DECRYPT"))),
    row("kms:CustomerMasterKeyUsage", REPLICA, Resource),
    row("kms:CustomerMasterKeyUsage", Keys, Resource),
    row(
        "kms:DataKeyPairSpec",
        Actions(&["GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"]),
        Member("KeyPairSpec", None),
    ),
    row("kms:EncryptionAlgorithm", Actions(&["Encrypt", "Decrypt"]), Member("EncryptionAlgorithm", Some(SYMMETRIC))),
    row("kms:EncryptionAlgorithm", FROM, Member("SourceEncryptionAlgorithm", Some(SYMMETRIC))),
    row("kms:EncryptionAlgorithm", TO, Member("DestinationEncryptionAlgorithm", Some(SYMMETRIC))),
    row("kms:EncryptionAlgorithm", DATA_KEYS, Always(SYMMETRIC)),
    row(ENCRYPTION_CONTEXT, WITH_CONTEXT, Entry(&["EncryptionContext"])),
    row(ENCRYPTION_CONTEXT, FROM, Entry(&["SourceEncryptionContext"])),
    row(ENCRYPTION_CONTEXT, TO, Entry(&["DestinationEncryptionContext"])),
    row(ENCRYPTION_CONTEXT, GRANT, Entry(GRANT_CONTEXTS)),
    row("kms:EncryptionContextKeys", WITH_CONTEXT, Names(&["EncryptionContext"])),
    row("kms:EncryptionContextKeys", FROM, Names(&["SourceEncryptionContext"])),
    row("kms:EncryptionContextKeys", TO, Names(&["DestinationEncryptionContext"])),
    row("kms:EncryptionContextKeys", GRANT, Names(GRANT_CONTEXTS)),
    row(
        "kms:ExpirationModel",
        Actions(&["ImportKeyMaterial"]),
        Member("ExpirationModel", Some("KEY_MATERIAL_EXPIRES")),
    ),
    row("kms:GrantConstraintSourceArn", GRANT, Absent),
    row("kms:GrantConstraintType", GRANT, ConstraintTypes("Constraints")),
    // No AWS service calls for anybody here.
    row("kms:GrantIsForAWSResource", Actions(&["CreateGrant", "ListGrants", "RevokeGrant"]), Always("false")),
    row("kms:GrantOperations", GRANT, Member("Operations", None)),
    row("kms:GranteePrincipal", GRANT, Principal("GranteePrincipal")),
    row("kms:GranteeServicePrincipal", GRANT, Absent),
    row("kms:KeyAgreementAlgorithm", Actions(&["DeriveSharedSecret"]), Member("KeyAgreementAlgorithm", None)),
    row("kms:KeyOrigin", NEW_KEY, Member("Origin", Some("AWS_KMS"))),
    row("kms:KeyOrigin", REPLICA, Resource),
    row("kms:KeyOrigin", Keys, Resource),
    row("kms:KeySpec", NEW_KEY, RenamedMember("KeySpec", "CustomerMasterKeySpec", Some(SYMMETRIC))),
    row("kms:KeySpec", REPLICA, Resource),
    row("kms:KeySpec", Keys, Resource),
    row("kms:KeyUsage", NEW_KEY, Member("KeyUsage", Some("ENCRYPT_DECRYPT"))),
    row("kms:KeyUsage", REPLICA, Resource),
    row("kms:KeyUsage", Keys, Resource),
    row("kms:MacAlgorithm", Actions(&["GenerateMac", "VerifyMac"]), Member("MacAlgorithm", None)),
    row("kms:MessageType", Actions(&["Sign", "Verify"]), Member("MessageType", Some("RAW"))),
    row("kms:MultiRegion", NEW_KEY, Member("MultiRegion", Some("false"))),
    row("kms:MultiRegion", REPLICA, Resource),
    row("kms:MultiRegion", Keys, Resource),
    row("kms:MultiRegionKeyType", NEW_KEY, NewMultiRegionKeyType),
    row("kms:MultiRegionKeyType", REPLICA, Resource),
    row("kms:MultiRegionKeyType", Keys, Resource),
    row("kms:PrimaryRegion", Actions(&["UpdatePrimaryRegion"]), Member("PrimaryRegion", None)),
    row("kms:ReEncryptOnSameKey", Actions(&["ReEncrypt:ReEncryptFrom", "ReEncrypt:ReEncryptTo"]), Computed),
    row(RECIPIENT_ATTESTATION, WITH_RECIPIENT, Computed),
    row("kms:ReplicaRegion", Actions(&["ReplicateKey"]), Member("ReplicaRegion", None)),
    row("kms:RequestAlias", WITH_ALIAS, AliasName("KeyId")),
    row("kms:RequestAlias", FROM, AliasName("SourceKeyId")),
    row("kms:RequestAlias", TO, AliasName("DestinationKeyId")),
    row("kms:ResourceAliases", Keys, Resource),
    row("kms:RetiringPrincipal", GRANT, Principal("RetiringPrincipal")),
    row("kms:RetiringServicePrincipal", GRANT, Absent),
    row("kms:RotationPeriodInDays", Actions(&["EnableKeyRotation"]), Member("RotationPeriodInDays", Some("365"))),
    row(
        "kms:ScheduleKeyDeletionPendingWindowInDays",
        Actions(&["ScheduleKeyDeletion"]),
        Member("PendingWindowInDays", Some("30")),
    ),
    row("kms:SigningAlgorithm", Actions(&["Sign", "Verify"]), Member("SigningAlgorithm", None)),
    row("kms:TrailingDaysWithoutKeyUsage", Actions(&["DisableKey", "ScheduleKeyDeletion"]), Computed),
    row("kms:ValidTo", Actions(&["ImportKeyMaterial"]), Member("ValidTo", None)),
    row("kms:ViaService", Keys, Absent),
    row("kms:WrappingAlgorithm", Actions(&["GetParametersForImport"]), Member("WrappingAlgorithm", None)),
    row("kms:WrappingKeySpec", Actions(&["GetParametersForImport"]), Member("WrappingKeySpec", None)),
];

impl Row {
    /// Whether the row is about a condition key; gives what comes after the row's own name.
    pub(super) fn name_in<'a>(&self, key: &'a str) -> Option<&'a str> {
        let (own, rest) = key.split_at_checked(self.key.len())?;
        let family = self.key.ends_with([':', '/']);
        (own.eq_ignore_ascii_case(self.key) && rest.is_empty() != family).then_some(rest)
    }
}
