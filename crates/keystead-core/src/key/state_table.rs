//! The key state table: what each operation does with a key in each state, and which keys it takes at all.
//!
//! Source: KMS Developer Guide, "Key states of AWS KMS keys"; numbers are those of the KMS core digest 2.6.

use keystead_model::arn::KeyArn;
use keystead_model::kms::{Exception, KeySpec, OriginType};

use super::{EffectiveState, Key, KeyOrigin};
use crate::error::{KmsError, cause};

/// Why a state refuses an operation: the numbers are the digest's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StateRefusal {
    /// \[1\]
    Disabled,
    /// \[2\], \[3\] and \[10\], in the form that AWS's own log filters look for.
    PendingDeletion,
    /// \[4\]
    NotPendingDeletion,
    /// \[5\]
    PendingImport,
    /// \[11\]
    Unavailable,
    /// \[14\]
    Creating,
    /// \[15\]
    Updating,
    /// Cannot occur (`-`), or the operation takes no key in this state because it takes no such key at all (\[6\], \[7\], \[9\]).
    NotOccurring,
}

/// Which keys an operation takes, whatever their state. What keys of another usage are told is not here, but with the operations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyRequirement {
    /// Any key.
    Any,
    /// The operation is about no key.
    NoKey,
    /// \[7\] Symmetric encryption keys of origin AWS_KMS.
    AutomaticRotation,
    /// \[7b\], \[7c\] Symmetric encryption keys of origin AWS_KMS and EXTERNAL.
    Rotation,
    /// \[9\] Keys of origin EXTERNAL.
    ImportedMaterial,
    /// Multi-Region primary keys.
    MultiRegionPrimary,
}

/// One row of the table.
#[derive(Debug)]
pub struct KeyStateRow {
    /// The operation.
    pub operation: &'static str,
    /// Which keys it takes.
    pub requirement: KeyRequirement,
    /// What it is refused with (`None`: nothing) in the states Enabled, Disabled, PendingDeletion and PendingReplicaDeletion,
    /// PendingImport, Unavailable, Creating and Updating.
    pub refusals: [Option<StateRefusal>; 7],
}

const OK: Option<StateRefusal> = None;
const R1: Option<StateRefusal> = Some(StateRefusal::Disabled);
const R3: Option<StateRefusal> = Some(StateRefusal::PendingDeletion);
const R4: Option<StateRefusal> = Some(StateRefusal::NotPendingDeletion);
const R5: Option<StateRefusal> = Some(StateRefusal::PendingImport);
const R11: Option<StateRefusal> = Some(StateRefusal::Unavailable);
const R14: Option<StateRefusal> = Some(StateRefusal::Creating);
const R15: Option<StateRefusal> = Some(StateRefusal::Updating);
const NEVER: Option<StateRefusal> = Some(StateRefusal::NotOccurring);

use KeyRequirement::{Any, AutomaticRotation, ImportedMaterial, MultiRegionPrimary, NoKey, Rotation};

const fn row(operation: &'static str, requirement: KeyRequirement, refusals: [Option<StateRefusal>; 7]) -> KeyStateRow {
    KeyStateRow { operation, requirement, refusals }
}

const ALWAYS: [Option<StateRefusal>; 7] = [OK; 7];
const CRYPTOGRAPHIC: [Option<StateRefusal>; 7] = [OK, R1, R3, R5, R11, R14, OK];
const NOT_IN_KEY_STORES: [Option<StateRefusal>; 7] = [OK, R1, R3, R5, NEVER, R14, OK];
const NOT_PENDING_DELETION: [Option<StateRefusal>; 7] = [OK, OK, R3, OK, OK, OK, OK];

/// Every operation of the API, by name.
#[rustfmt::skip]
pub static KEY_STATE_TABLE: &[KeyStateRow] = &[
    //                                                            Enabled Disabled PD  Import Unavail. Creating Updating
    row("CancelKeyDeletion", Any,                                   [R4,    R4,    OK,   R4,    R4,    R4,    R4]),
    row("ConnectCustomKeyStore", NoKey, ALWAYS),
    row("CreateAlias", Any, NOT_PENDING_DELETION),
    row("CreateCustomKeyStore", NoKey, ALWAYS),
    row("CreateGrant", Any,                                         [OK,    R1,    R3,   R5,    OK,    R14,   OK]),
    row("CreateKey", NoKey, ALWAYS),
    row("Decrypt", Any, CRYPTOGRAPHIC),
    row("DeleteAlias", Any, ALWAYS),
    row("DeleteCustomKeyStore", NoKey, ALWAYS),
    row("DeleteImportedKeyMaterial", ImportedMaterial,              [OK,    OK,    OK,   OK,    NEVER, R14,   R15]),
    row("DeriveSharedSecret", Any, NOT_IN_KEY_STORES),
    row("DescribeCustomKeyStores", NoKey, ALWAYS),
    row("DescribeKey", Any, ALWAYS),
    row("DisableKey", Any,                                          [OK,    OK,    R3,   R5,    OK,    R14,   R15]),
    row("DisableKeyRotation", AutomaticRotation,                    [OK,    R1,    R3,   NEVER, NEVER, R14,   OK]),
    row("DisconnectCustomKeyStore", NoKey, ALWAYS),
    row("EnableKey", Any,                                           [OK,    OK,    R3,   R5,    OK,    R14,   R15]),
    row("EnableKeyRotation", AutomaticRotation,                     [OK,    R1,    R3,   NEVER, NEVER, R14,   OK]),
    row("Encrypt", Any, CRYPTOGRAPHIC),
    row("GenerateDataKey", Any, CRYPTOGRAPHIC),
    row("GenerateDataKeyPair", Any, CRYPTOGRAPHIC),
    row("GenerateDataKeyPairWithoutPlaintext", Any, CRYPTOGRAPHIC),
    row("GenerateDataKeyWithoutPlaintext", Any, CRYPTOGRAPHIC),
    row("GenerateMac", Any, NOT_IN_KEY_STORES),
    row("GenerateRandom", NoKey, ALWAYS),
    row("GetKeyLastUsage", Any, ALWAYS),
    row("GetKeyPolicy", Any, ALWAYS),
    row("GetKeyRotationStatus", AutomaticRotation,                  [OK,    OK,    OK,   NEVER, NEVER, OK,    OK]),
    row("GetParametersForImport", ImportedMaterial,                 [OK,    OK,    R3,   OK,    NEVER, R14,   R15]),
    row("GetPublicKey", Any, NOT_IN_KEY_STORES),
    row("ImportKeyMaterial", ImportedMaterial,                      [OK,    OK,    R3,   OK,    NEVER, R14,   OK]),
    row("ListAliases", Any, ALWAYS),
    row("ListGrants", Any, ALWAYS),
    row("ListKeyPolicies", Any, ALWAYS),
    row("ListKeyRotations", Rotation,                               [OK,    OK,    OK,   OK,    NEVER, OK,    OK]),
    row("ListKeys", NoKey, ALWAYS),
    row("ListResourceTags", Any, ALWAYS),
    row("ListRetirableGrants", NoKey, ALWAYS),
    row("PutKeyPolicy", Any, ALWAYS),
    row("ReEncrypt", Any, CRYPTOGRAPHIC),
    row("ReplicateKey", MultiRegionPrimary,                         [OK,    R1,    R3,   R5,    NEVER, R14,   R15]),
    row("RetireGrant", Any, ALWAYS),
    row("RevokeGrant", Any, ALWAYS),
    row("RotateKeyOnDemand", Rotation,                              [OK,    R1,    R3,   R5,    NEVER, R14,   R15]),
    row("ScheduleKeyDeletion", Any,                                 [OK,    OK,    R3,   OK,    OK,    OK,    R15]),
    row("Sign", Any, NOT_IN_KEY_STORES),
    row("TagResource", Any, NOT_PENDING_DELETION),
    row("UntagResource", Any, NOT_PENDING_DELETION),
    // For the key that the alias is to stand for; the key that it leaves may be in any state.
    row("UpdateAlias", Any, NOT_PENDING_DELETION),
    row("UpdateCustomKeyStore", NoKey, ALWAYS),
    row("UpdateKeyDescription", Any, NOT_PENDING_DELETION),
    row("UpdatePrimaryRegion", MultiRegionPrimary,                  [OK,    R1,    R3,   R5,    NEVER, R14,   OK]),
    row("Verify", Any, NOT_IN_KEY_STORES),
    row("VerifyMac", Any, NOT_IN_KEY_STORES),
];

/// The row of an operation.
pub fn key_state_row(operation: &str) -> Option<&'static KeyStateRow> {
    let index = KEY_STATE_TABLE.binary_search_by_key(&operation, |row| row.operation).ok()?;
    KEY_STATE_TABLE.get(index)
}

impl KeyStateRow {
    /// What the row says of a state.
    pub fn refusal(&self, state: EffectiveState) -> Option<StateRefusal> {
        let column = match state {
            EffectiveState::Enabled => 0,
            EffectiveState::Disabled => 1,
            EffectiveState::PendingDeletion | EffectiveState::PendingReplicaDeletion => 2,
            EffectiveState::PendingImport => 3,
            EffectiveState::Unavailable => 4,
            EffectiveState::Creating => 5,
            EffectiveState::Updating => 6,
        };
        self.refusals[column]
    }
}

/// Fails with the documented error if `operation` does not take such a key, or if the key's state refuses it.
pub fn refuse_in_state(operation: &str, state: EffectiveState, key: &Key) -> Result<(), KmsError> {
    check_requirement(row_of(operation)?.requirement, key)?;
    refuse_state(operation, state, key)
}

/// The same for a key besides the one that the operation is about: it need not be of the operation's kind, but in a state for it.
pub fn refuse_state(operation: &str, state: EffectiveState, key: &Key) -> Result<(), KmsError> {
    match row_of(operation)?.refusal(state) {
        Some(refusal) => Err(refusal_error(refusal, key)),
        None => Ok(()),
    }
}

fn row_of(operation: &str) -> Result<&'static KeyStateRow, KmsError> {
    key_state_row(operation)
        .ok_or_else(|| KmsError::internal(&format!("{operation} has no row in the key state table")))
}

/// Fails if an operation does not take keys of this kind. The text for replica keys is unverified.
fn check_requirement(requirement: KeyRequirement, key: &Key) -> Result<(), KmsError> {
    let symmetric = key.spec == KeySpec::SymmetricDefault;
    let origin = key.origin.origin_type();
    match requirement {
        KeyRequirement::Any | KeyRequirement::NoKey => Ok(()),
        KeyRequirement::AutomaticRotation | KeyRequirement::Rotation if !symmetric => {
            Err(KmsError::bare(Exception::UnsupportedOperation))
        }
        KeyRequirement::AutomaticRotation if origin != OriginType::AwsKms => Err(wrong_origin(key)),
        KeyRequirement::Rotation if !matches!(origin, OriginType::AwsKms | OriginType::External) => {
            Err(wrong_origin(key))
        }
        KeyRequirement::AutomaticRotation | KeyRequirement::Rotation => Ok(()),
        KeyRequirement::ImportedMaterial if origin != OriginType::External => Err(wrong_origin(key)),
        KeyRequirement::ImportedMaterial => Ok(()),
        KeyRequirement::MultiRegionPrimary if !key.is_multi_region_primary() => Err(not_a_primary_key(key)),
        KeyRequirement::MultiRegionPrimary => Ok(()),
    }
}

/// What is told of a key that is no primary key where only one will do.
pub(crate) fn not_a_primary_key(key: &Key) -> KmsError {
    KmsError::unsupported(format!("{} is not a multi-region primary key.", key.arn()))
}

fn wrong_origin(key: &Key) -> KmsError {
    let origin = key.origin.origin_type();
    KmsError::unsupported(format!("{} origin is {origin} which is not valid for this operation.", key.arn()))
}

fn refusal_error(refusal: StateRefusal, key: &Key) -> KmsError {
    let arn = key.arn();
    let invalid_state = |message: String| KmsError::new(Exception::KmsInvalidState, message);
    match refusal {
        StateRefusal::Disabled => {
            KmsError::new(Exception::Disabled, format!("{arn} is disabled.")).with_cause(cause::KEY_DISABLED)
        }
        StateRefusal::PendingDeletion => {
            invalid_state(format!("{arn} is {}", pending_deletion(key))).with_cause(cause::KEY_PENDING_DELETION)
        }
        StateRefusal::NotPendingDeletion => invalid_state(format!("{arn} is not {}", pending_deletion(key))),
        StateRefusal::PendingImport => invalid_state(format!("{arn} is pending import.")),
        StateRefusal::Unavailable => {
            invalid_state(unavailable_message(key, &arn)).with_cause(cause::KEY_STORE_NOT_CONNECTED)
        }
        StateRefusal::Creating => invalid_state(format!("{arn} is creating.")),
        StateRefusal::Updating => invalid_state(format!("{arn} is updating.")),
        StateRefusal::NotOccurring => {
            KmsError::internal(&format!("{arn} is in a state that keys of its kind cannot be in"))
        }
    }
}

/// The long form is documented for multi-Region keys, and for keys in AWS CloudHSM key stores (CloudHSM key stores digest, 1.10).
fn pending_deletion(key: &Key) -> &'static str {
    match key.origin {
        KeyOrigin::AwsCloudhsm { .. } => "pending deletion (or pending replica deletion).",
        _ if key.multi_region.is_some() => "pending deletion (or pending replica deletion).",
        KeyOrigin::AwsKms | KeyOrigin::External | KeyOrigin::ExternalKeyStore { .. } => "pending deletion.",
    }
}

/// Two documented texts compete here; which one AWS emits for external key stores is unverified. The one written for them tells the
/// operator what to do.
fn unavailable_message(key: &Key, arn: &KeyArn) -> String {
    match key.origin {
        KeyOrigin::ExternalKeyStore { .. } => crate::key_store::KEY_STORE_NOT_CONNECTED_MESSAGE.to_owned(),
        KeyOrigin::AwsKms | KeyOrigin::External | KeyOrigin::AwsCloudhsm { .. } => format!("{arn} is unavailable."),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use keystead_model::shape::operations;

    /// KMS core digest 2.6 as it is printed: operations, then Enabled, Disabled, PD, PendingImport, Unavailable, Creating, Updating. `?n`: the
    /// operation takes not all keys; `n or m`, and a refusal of all keys that can be in the state, likewise. What is printed as `2 or 3` and
    /// as `8 or 9` is refused with the exception of 3.
    #[rustfmt::skip]
    const PRINTED: &[(&[&str], [&str; 7])] = &[
        (&["Encrypt", "Decrypt", "ReEncrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext"],
            ["ok", "1", "2 or 3", "5", "11", "14", "ok"]),
        (&["GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"], ["ok", "1", "2 or 3", "5", "11", "14", "ok"]),
        (&["Sign", "Verify", "GenerateMac", "VerifyMac", "GetPublicKey", "DeriveSharedSecret"],
            ["ok", "1", "2 or 3", "5", "-", "14", "ok"]),
        (&["DescribeKey", "GetKeyPolicy", "ListKeyPolicies", "ListGrants", "ListAliases", "ListResourceTags", "PutKeyPolicy",
           "RetireGrant", "RevokeGrant", "DeleteAlias", "GetKeyLastUsage"],
            ["ok", "ok", "ok", "ok", "ok", "ok", "ok"]),
        (&["CreateAlias", "TagResource", "UntagResource", "UpdateKeyDescription"], ["ok", "ok", "3", "ok", "ok", "ok", "ok"]),
        (&["UpdateAlias"], ["ok", "ok", "10", "ok", "ok", "ok", "ok"]),
        (&["CreateGrant"], ["ok", "1", "2 or 3", "5", "ok", "14", "ok"]),
        (&["EnableKey", "DisableKey"], ["ok", "ok", "3", "5", "ok", "14", "15"]),
        (&["ScheduleKeyDeletion"], ["ok", "ok", "3", "ok", "ok", "ok", "15"]),
        (&["CancelKeyDeletion"], ["4", "4", "ok", "4", "4", "4", "4"]),
        (&["EnableKeyRotation", "DisableKeyRotation"], ["?7", "1 or 7", "3 or 7", "6", "7", "14", "?7"]),
        (&["GetKeyRotationStatus"], ["?7", "?7", "?7", "6", "7", "?7", "?7"]),
        (&["RotateKeyOnDemand"], ["?7b", "1", "3", "5", "7", "14", "15"]),
        (&["ListKeyRotations"], ["?7c", "?7c", "?7c", "ok", "7", "?7c", "?7c"]),
        (&["GetParametersForImport"], ["?9", "?9", "8 or 9", "ok", "9", "14", "15"]),
        (&["ImportKeyMaterial"], ["?9", "?9", "8 or 9", "ok", "9", "14", "ok"]),
        (&["DeleteImportedKeyMaterial"], ["?9", "?9", "?9", "ok", "-", "14", "15"]),
        (&["ReplicateKey"], ["ok", "1", "2 or 3", "5", "-", "14", "15"]),
        (&["UpdatePrimaryRegion"], ["ok", "1", "2 or 3", "5", "-", "14", "ok"]),
    ];

    const STATES: [EffectiveState; 7] = [
        EffectiveState::Enabled,
        EffectiveState::Disabled,
        EffectiveState::PendingDeletion,
        EffectiveState::PendingImport,
        EffectiveState::Unavailable,
        EffectiveState::Creating,
        EffectiveState::Updating,
    ];

    /// Whether the row says what is printed of one state.
    fn says(row: &KeyStateRow, state: EffectiveState, printed: &str) -> bool {
        let limited = row.requirement != KeyRequirement::Any;
        match (row.refusal(state), printed) {
            (None, "ok") => true,
            (None, "?7" | "?7b" | "?7c" | "?9") => limited,
            (Some(StateRefusal::Disabled), "1") => true,
            (Some(StateRefusal::Disabled), "1 or 7") => limited,
            (Some(StateRefusal::PendingDeletion), "3" | "2 or 3" | "10") => true,
            (Some(StateRefusal::PendingDeletion), "3 or 7" | "8 or 9") => limited,
            (Some(StateRefusal::NotPendingDeletion), "4")
            | (Some(StateRefusal::PendingImport), "5")
            | (Some(StateRefusal::Unavailable), "11")
            | (Some(StateRefusal::Creating), "14")
            | (Some(StateRefusal::Updating), "15")
            | (Some(StateRefusal::NotOccurring), "-") => true,
            (Some(StateRefusal::NotOccurring), "6" | "7" | "9") => limited,
            _ => false,
        }
    }

    #[test]
    fn the_documented_table() {
        for (names, printed) in PRINTED {
            for name in *names {
                let row = key_state_row(name).unwrap();
                for (state, printed) in STATES.into_iter().zip(printed) {
                    assert!(
                        says(row, state, printed),
                        "{name} in {state:?}: printed {printed}, {:?}",
                        row.refusal(state)
                    );
                }
            }
        }
    }

    #[test]
    fn every_operation_has_one_row_and_those_without_a_key_refuse_nothing() {
        let names: Vec<_> = operations().iter().map(|operation| operation.name).collect();
        let rows: Vec<_> = KEY_STATE_TABLE.iter().map(|row| row.operation).collect();
        assert!(names.is_sorted());
        assert_eq!(rows, names);
        for row in KEY_STATE_TABLE {
            let printed = PRINTED.iter().any(|(names, _)| names.contains(&row.operation));
            assert_eq!(printed, row.requirement != KeyRequirement::NoKey, "{}", row.operation);
            assert!(printed || row.refusals == ALWAYS, "{}", row.operation);
        }
    }

    #[test]
    fn both_kinds_of_pending_deletion_are_one_column() {
        for row in KEY_STATE_TABLE {
            let [one, other] = [EffectiveState::PendingDeletion, EffectiveState::PendingReplicaDeletion];
            assert_eq!(row.refusal(one), row.refusal(other), "{}", row.operation);
        }
    }
}
