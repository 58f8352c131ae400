//! The table against the model and against the documented list.

use std::collections::BTreeSet;

use keystead_model::shape::{Member, Operation, Shape, operation};

use keystead_policy::{ConditionKeys, ContextValue};

use super::KmsConditionKeys;
use super::table::{CONDITION_KEYS, Row, Source, Uses};
use crate::access::{OPERATION_ACCESS, Subject};

/// KMS core digest 4.4: condition key, the operations that have it. `*` stands for all that are authorized on a KMS key.
const DOCUMENTED: &[(&str, &str)] = &[
    ("kms:BypassPolicyLockoutSafetyCheck", "CreateKey PutKeyPolicy"),
    ("kms:CallerAccount", "* CustomKeyStores"),
    ("kms:CustomerMasterKeySpec", "CreateKey *"),
    ("kms:CustomerMasterKeyUsage", "CreateKey *"),
    ("kms:DataKeyPairSpec", "GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext"),
    (
        "kms:EncryptionAlgorithm",
        "Encrypt Decrypt ReEncryptFrom ReEncryptTo GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext",
    ),
    (
        "kms:EncryptionContext:",
        "Encrypt Decrypt ReEncryptFrom ReEncryptTo GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext CreateGrant",
    ),
    (
        "kms:EncryptionContextKeys",
        "Encrypt Decrypt ReEncryptFrom ReEncryptTo GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext CreateGrant",
    ),
    ("kms:ExpirationModel", "ImportKeyMaterial"),
    ("kms:GrantConstraintSourceArn", "CreateGrant"),
    ("kms:GrantConstraintType", "CreateGrant"),
    ("kms:GrantIsForAWSResource", "CreateGrant ListGrants RevokeGrant"),
    ("kms:GrantOperations", "CreateGrant"),
    ("kms:GranteePrincipal", "CreateGrant"),
    ("kms:GranteeServicePrincipal", "CreateGrant"),
    ("kms:KeyAgreementAlgorithm", "DeriveSharedSecret"),
    ("kms:KeyOrigin", "CreateKey *"),
    ("kms:KeySpec", "CreateKey *"),
    ("kms:KeyUsage", "CreateKey *"),
    ("kms:MacAlgorithm", "GenerateMac VerifyMac"),
    ("kms:MessageType", "Sign Verify"),
    ("kms:MultiRegion", "CreateKey *"),
    ("kms:MultiRegionKeyType", "CreateKey *"),
    ("kms:PrimaryRegion", "UpdatePrimaryRegion"),
    ("kms:ReEncryptOnSameKey", "ReEncryptFrom ReEncryptTo"),
    ("kms:RecipientAttestation:", "Decrypt GenerateDataKey GenerateRandom GenerateDataKeyPair DeriveSharedSecret"),
    ("kms:ReplicaRegion", "ReplicateKey"),
    (
        "kms:RequestAlias",
        "Decrypt DeriveSharedSecret DescribeKey Encrypt GenerateDataKey GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext GenerateDataKeyWithoutPlaintext GenerateMac GetPublicKey ReEncryptFrom ReEncryptTo Sign Verify VerifyMac",
    ),
    ("kms:ResourceAliases", "*"),
    ("kms:RetiringPrincipal", "CreateGrant"),
    ("kms:RetiringServicePrincipal", "CreateGrant"),
    ("kms:RotationPeriodInDays", "EnableKeyRotation"),
    ("kms:ScheduleKeyDeletionPendingWindowInDays", "ScheduleKeyDeletion"),
    ("kms:SigningAlgorithm", "Sign Verify"),
    ("kms:TrailingDaysWithoutKeyUsage", "DisableKey ScheduleKeyDeletion"),
    ("kms:ValidTo", "ImportKeyMaterial"),
    ("kms:ViaService", "*"),
    ("kms:WrappingAlgorithm", "GetParametersForImport"),
    ("kms:WrappingKeySpec", "GetParametersForImport"),
    ("aws:RequestTag/", "CreateKey ReplicateKey TagResource"),
    ("aws:ResourceTag/", "*"),
    ("aws:TagKeys", "CreateKey ReplicateKey TagResource UntagResource"),
];

fn listed(row: &Row) -> &'static [&'static str] {
    match row.uses {
        Uses::Actions(actions) => actions,
        Uses::Keys | Uses::CustomKeyStores => &[],
    }
}

#[test]
fn the_table_has_what_is_documented() {
    let documented: BTreeSet<_> = DOCUMENTED.iter().map(|(key, _)| *key).collect();
    let known: BTreeSet<_> = CONDITION_KEYS.iter().map(|row| row.key).collect();
    assert_eq!(known, documented);
    for (key, operations) in DOCUMENTED {
        let mut actions = BTreeSet::new();
        for row in CONDITION_KEYS.iter().filter(|row| row.key == *key) {
            match row.uses {
                Uses::Keys => _ = actions.insert("*"),
                Uses::CustomKeyStores => _ = actions.insert("CustomKeyStores"),
                // What an operation asks besides its own action has a name of its own, but for the halves of ReEncrypt.
                Uses::Actions(listed) => {
                    actions.extend(listed.iter().filter_map(|action| match action.split_once(':') {
                        Some(("ReEncrypt", half)) => Some(half),
                        Some(_) => None,
                        None => Some(*action),
                    }))
                }
            }
        }
        assert_eq!(actions, operations.split(' ').collect(), "{key}");
    }
}

/// Each action that a row lists is one that its operation asks, or the one that the check of a new key policy asks about.
#[test]
fn every_listed_action_is_one() {
    for row in CONDITION_KEYS {
        for action in listed(row) {
            let (operation, action) = action.split_once(':').unwrap_or((action, action));
            let access = OPERATION_ACCESS.iter().find(|access| access.operation == operation);
            let asked = access.into_iter().flat_map(|access| access.actions);
            let mut names = asked.filter_map(|(action, _)| action.strip_prefix("kms:")).chain(["PutKeyPolicy"]);
            assert!(names.any(|name| name == action), "{}: {operation}:{action}", row.key);
        }
    }
}

fn member_at(operation: &'static Operation, path: &str) -> Option<&'static Member> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let member = operation.input.member(first)?;
    match (rest, member.shape) {
        (None, _) => Some(member),
        (Some(rest), Shape::Structure(structure)) => structure.member(rest),
        (Some(_), _) => None,
    }
}

fn members_of(source: Source) -> Vec<&'static str> {
    match source {
        Source::Member(name, _)
        | Source::Principal(name)
        | Source::AliasName(name)
        | Source::ConstraintTypes(name)
        | Source::TagKeys(name)
        | Source::TagValue(name) => vec![name],
        Source::RenamedMember(name, before, _) => vec![name, before],
        Source::Names(paths) | Source::Entry(paths) => paths.to_vec(),
        Source::NewMultiRegionKeyType => vec!["MultiRegion"],
        Source::CallerAccount | Source::Always(_) | Source::Computed | Source::Resource | Source::Absent => vec![],
    }
}

#[test]
fn every_member_is_one_of_the_model() {
    for row in CONDITION_KEYS {
        for action in listed(row) {
            let name = action.split_once(':').map_or(*action, |(operation, _)| operation);
            let operation = operation(name);
            for path in members_of(row.source) {
                let member = operation.and_then(|operation| member_at(operation, path));
                assert!(member.is_some(), "{}: {name} has no member {path}", row.key);
            }
        }
    }
}

/// A default is told where the model lets the member out, and nowhere else, and is a value that the model has.
#[test]
fn defaults_are_values_of_the_model() {
    for row in CONDITION_KEYS {
        let (Source::Member(path, Some(default)) | Source::RenamedMember(path, _, Some(default))) = row.source else {
            continue;
        };
        for action in listed(row) {
            let name = action.split_once(':').map_or(*action, |(operation, _)| operation);
            let member = operation(name).and_then(|operation| member_at(operation, path));
            let fits = member.is_some_and(|member| match member.shape {
                Shape::Enum { values } => !member.required && values.contains(&default),
                Shape::Boolean => !member.required && default == "false",
                Shape::Integer { .. } => !member.required && default.parse::<u32>().is_ok(),
                _ => false,
            });
            assert!(fits, "{}: {name}.{path} is not {default} by default", row.key);
        }
    }
}

#[test]
fn families_are_found_by_their_names() {
    let family = CONDITION_KEYS.iter().find(|row| row.key == "kms:EncryptionContext:");
    let Some(family) = family else { unreachable!("it is in the table") };
    assert_eq!(family.name_in("kms:encryptioncontext:project"), Some("project"));
    assert_eq!(family.name_in("kms:encryptioncontext:aws:s3:arn"), Some("aws:s3:arn"));
    for other in
        ["kms:encryptioncontext:", "kms:encryptioncontextkeys", "kms:encryptioncontex", "", "kms:encryptioncontextü"]
    {
        assert_eq!(family.name_in(other), None, "{other}");
    }
}

/// Operations without any condition keys, and those of custom key stores, which have one.
#[test]
fn some_operations_have_none() {
    for access in OPERATION_ACCESS {
        let (_, subject) = access.actions[0];
        let mut rows = CONDITION_KEYS.iter().filter(|row| listed(row).contains(&access.operation));
        match (access.operation, subject) {
            ("GenerateRandom", _) => assert!(rows.all(|row| row.key == "kms:RecipientAttestation:")),
            ("CreateKey", _) => assert!(rows.count() > 5),
            (operation, Subject::Region | Subject::CustomKeyStores | Subject::RetiringPrincipal) => {
                assert_eq!(rows.count(), 0, "{operation}");
            }
            (_, Subject::Key | Subject::Alias | Subject::Grant) => {}
        }
    }
}

/// What an attested recipient gives, of the operations that take one, whatever the case of the letters.
#[test]
fn attestations_are_seen_where_there_is_a_recipient() {
    let account = keystead_model::arn::AccountId::parse("111122223333");
    let Some(account) = account else { unreachable!("it is one") };
    let computed = [("kms:RecipientAttestation:PCR0".to_owned(), ContextValue::from("00ff"))];
    let value = |operation: &str, subject, key: &str| {
        let action = format!("kms:{operation}");
        let input = serde_json::json!({});
        let keys = KmsConditionKeys {
            operation,
            action: &action,
            subject,
            caller_account: &account,
            input: &input,
            computed: &computed,
        };
        keys.value_of(key).map(std::borrow::Cow::into_owned)
    };
    let pcr0 = "kms:recipientattestation:pcr0";
    for operation in ["Decrypt", "DeriveSharedSecret", "GenerateDataKey", "GenerateDataKeyPair"] {
        assert_eq!(value(operation, Subject::Key, pcr0), Some("00ff".into()), "{operation}");
        assert_eq!(value(operation, Subject::Key, "kms:recipientattestation:pcr1"), None, "{operation}");
    }
    assert_eq!(value("GenerateRandom", Subject::Region, pcr0), Some("00ff".into()));
    assert_eq!(value("Encrypt", Subject::Key, pcr0), None);
}
