//! Key states: what callers see, and which action each state refuses, as the developer guide's table has it.
//!
//! Source: KMS Developer Guide, "Key states of AWS KMS keys"; numbers are those of the KMS core digest 2.6.

use keystead_model::arn::KeyArn;
use keystead_model::kms::{Exception, KeyState};

use super::{Key, KeyOrigin, KeyStatus};
use crate::error::{KmsError, cause};

/// A key's state as callers see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EffectiveState {
    /// Ready for use.
    Enabled,
    /// Switched off.
    Disabled,
    /// Waiting to be deleted.
    PendingDeletion,
    /// In a custom key store that is not connected. Computed, never stored.
    Unavailable,
}

impl EffectiveState {
    /// The state of a stored key whose custom key store (if it is in one) is connected or not.
    ///
    /// PendingDeletion wins over Unavailable, so that a deletion stays cancellable while the store is disconnected.
    pub fn of(status: KeyStatus, custom_key_store_connected: bool) -> Self {
        match (status, custom_key_store_connected) {
            (KeyStatus::PendingDeletion { .. }, _) => Self::PendingDeletion,
            (_, false) => Self::Unavailable,
            (KeyStatus::Enabled, true) => Self::Enabled,
            (KeyStatus::Disabled, true) => Self::Disabled,
        }
    }

    /// The value of the `KeyState` member.
    pub fn key_state(self) -> KeyState {
        match self {
            Self::Enabled => KeyState::Enabled,
            Self::Disabled => KeyState::Disabled,
            Self::PendingDeletion => KeyState::PendingDeletion,
            Self::Unavailable => KeyState::Unavailable,
        }
    }
}

/// What is to be done with a key: the rows of the table that refuse anything. DescribeKey, ListAliases, ListResourceTags and DeleteAlias
/// are allowed in every state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyAction {
    /// Encrypt, Decrypt, ReEncrypt, GenerateDataKey and its WithoutPlaintext.
    Cryptographic,
    /// CreateAlias, TagResource, UntagResource, UpdateKeyDescription.
    Annotate,
    /// UpdateAlias, for the key that the alias is to stand for.
    UpdateAliasTarget,
    /// EnableKey and DisableKey.
    EnableOrDisable,
    /// ScheduleKeyDeletion.
    ScheduleDeletion,
    /// CancelKeyDeletion.
    CancelDeletion,
}

/// Why a state refuses an action: the numbers are the digest's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StateRefusal {
    /// \[1\]
    Disabled,
    /// \[3\], in the short form that AWS's own log filters look for.
    PendingDeletion,
    /// \[4\]
    NotPendingDeletion,
    /// \[11\]
    Unavailable,
}

use EffectiveState::{Disabled, Enabled, PendingDeletion, Unavailable};
use StateRefusal as R;

/// The table: action, then what Enabled, Disabled, PendingDeletion and Unavailable refuse (`None` = allowed).
static KEY_STATE_TABLE: &[(KeyAction, [Option<StateRefusal>; 4])] = &[
    (KeyAction::Cryptographic, [None, Some(R::Disabled), Some(R::PendingDeletion), Some(R::Unavailable)]),
    (KeyAction::Annotate, [None, None, Some(R::PendingDeletion), None]),
    (KeyAction::UpdateAliasTarget, [None, None, Some(R::PendingDeletion), None]),
    (KeyAction::EnableOrDisable, [None, None, Some(R::PendingDeletion), None]),
    (KeyAction::ScheduleDeletion, [None, None, Some(R::PendingDeletion), None]),
    (
        KeyAction::CancelDeletion,
        [Some(R::NotPendingDeletion), Some(R::NotPendingDeletion), None, Some(R::NotPendingDeletion)],
    ),
];

/// What the table says of an action in a state.
fn refusal(action: KeyAction, state: EffectiveState) -> Option<StateRefusal> {
    let column = match state {
        Enabled => 0,
        Disabled => 1,
        PendingDeletion => 2,
        Unavailable => 3,
    };
    KEY_STATE_TABLE.iter().find(|(row, _)| *row == action).and_then(|(_, columns)| columns[column])
}

/// Fails with the documented error if the key's state refuses the action.
pub fn refuse_in_state(action: KeyAction, state: EffectiveState, key: &Key) -> Result<(), KmsError> {
    let Some(refusal) = refusal(action, state) else { return Ok(()) };
    let arn = key.arn();
    Err(match refusal {
        R::Disabled => {
            KmsError::new(Exception::Disabled, format!("{arn} is disabled.")).with_cause(cause::KEY_DISABLED)
        }
        R::PendingDeletion => KmsError::new(Exception::KmsInvalidState, format!("{arn} is {}", pending_deletion(key)))
            .with_cause(cause::KEY_PENDING_DELETION),
        R::NotPendingDeletion => {
            KmsError::new(Exception::KmsInvalidState, format!("{arn} is not {}", pending_deletion(key)))
        }
        R::Unavailable => KmsError::new(Exception::KmsInvalidState, unavailable_message(key, &arn))
            .with_cause(cause::KEY_STORE_NOT_CONNECTED),
    })
}

/// The long form is documented for keys in AWS CloudHSM key stores (CloudHSM key stores digest, 1.10).
fn pending_deletion(key: &Key) -> &'static str {
    match key.origin {
        KeyOrigin::AwsCloudhsm { .. } => "pending deletion (or pending replica deletion).",
        KeyOrigin::AwsKms | KeyOrigin::ExternalKeyStore { .. } => "pending deletion.",
    }
}

/// Two documented texts compete here; which one AWS emits for external key stores is unverified. The one written for them tells the
/// operator what to do.
fn unavailable_message(key: &Key, arn: &KeyArn) -> String {
    match key.origin {
        KeyOrigin::ExternalKeyStore { .. } => crate::key_store::KEY_STORE_NOT_CONNECTED_MESSAGE.to_owned(),
        KeyOrigin::AwsKms | KeyOrigin::AwsCloudhsm { .. } => format!("{arn} is unavailable."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keystead_model::Timestamp;

    /// External key stores digest 4.4: stored state, connected or not, effective state.
    #[test]
    fn the_effective_state() {
        let pending =
            KeyStatus::PendingDeletion { deletion_date: Timestamp::from_millis(0), pending_window_in_days: 7 };
        let table = [
            (KeyStatus::Enabled, true, Enabled),
            (KeyStatus::Enabled, false, Unavailable),
            (KeyStatus::Disabled, true, Disabled),
            (KeyStatus::Disabled, false, Unavailable),
            (pending, true, PendingDeletion),
            (pending, false, PendingDeletion),
        ];
        for (status, connected, expected) in table {
            assert_eq!(EffectiveState::of(status, connected), expected, "{status:?} {connected}");
        }
    }

    /// External key stores digest 4.4, second table, written down a second time by operation rather than by action.
    #[test]
    fn the_documented_operations() {
        let operations = [
            ("Encrypt", KeyAction::Cryptographic, ["ok", "1", "3", "11"]),
            ("CreateAlias", KeyAction::Annotate, ["ok", "ok", "3", "ok"]),
            ("UpdateAlias", KeyAction::UpdateAliasTarget, ["ok", "ok", "3", "ok"]),
            ("EnableKey", KeyAction::EnableOrDisable, ["ok", "ok", "3", "ok"]),
            ("ScheduleKeyDeletion", KeyAction::ScheduleDeletion, ["ok", "ok", "3", "ok"]),
            ("CancelKeyDeletion", KeyAction::CancelDeletion, ["4", "4", "ok", "4"]),
        ];
        for (operation, action, row) in operations {
            for (state, expected) in [Enabled, Disabled, PendingDeletion, Unavailable].into_iter().zip(row) {
                let number = match refusal(action, state) {
                    None => "ok",
                    Some(R::Disabled) => "1",
                    Some(R::PendingDeletion) => "3",
                    Some(R::NotPendingDeletion) => "4",
                    Some(R::Unavailable) => "11",
                };
                assert_eq!(number, expected, "{operation} in {state:?}");
            }
        }
    }
}
