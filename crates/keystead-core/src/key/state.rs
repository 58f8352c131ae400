//! A key's state as callers see it.
//!
//! Source: KMS Developer Guide, "Key states of AWS KMS keys". What each state refuses is in [`super::state_table`].

use keystead_model::Timestamp;
use keystead_model::kms::KeyState;

use super::{Key, KeyStatus, TransitionKind};

/// The state of a key at a moment. Only its status is stored; what passes by itself, what the custom key store decides and what missing
/// material decides is computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EffectiveState {
    /// Ready for use.
    Enabled,
    /// Switched off.
    Disabled,
    /// Waiting to be deleted.
    PendingDeletion,
    /// A primary key that waits for the deletion of its replicas before its own waiting period begins.
    PendingReplicaDeletion,
    /// Of origin EXTERNAL, and waiting for material.
    PendingImport,
    /// In a custom key store that is not connected.
    Unavailable,
    /// A replica that is being made.
    Creating,
    /// A multi-Region key whose primary Region is being changed.
    Updating,
}

impl EffectiveState {
    /// The state at `now` of a stored key whose custom key store (if it is in one) is connected or not.
    ///
    /// PendingDeletion wins over all, so that a deletion stays cancellable while the key store is disconnected or material is missing. A key
    /// that is disabled and lacks material is PendingImport (unverified).
    pub fn of(key: &Key, custom_key_store_connected: bool, now: Timestamp) -> Self {
        match key.status {
            KeyStatus::PendingDeletion { .. } => return Self::PendingDeletion,
            KeyStatus::PendingReplicaDeletion { .. } => return Self::PendingReplicaDeletion,
            KeyStatus::Enabled | KeyStatus::Disabled => {}
        }
        if let Some(transition) = key.transition.filter(|transition| now < transition.until) {
            return match transition.kind {
                TransitionKind::Creating => Self::Creating,
                TransitionKind::Updating => Self::Updating,
            };
        }
        if !custom_key_store_connected {
            return Self::Unavailable;
        }
        if key.waits_for_import(now) {
            return Self::PendingImport;
        }
        if key.status == KeyStatus::Enabled { Self::Enabled } else { Self::Disabled }
    }

    /// The value of the `KeyState` member.
    pub fn key_state(self) -> KeyState {
        match self {
            Self::Enabled => KeyState::Enabled,
            Self::Disabled => KeyState::Disabled,
            Self::PendingDeletion => KeyState::PendingDeletion,
            Self::PendingReplicaDeletion => KeyState::PendingReplicaDeletion,
            Self::PendingImport => KeyState::PendingImport,
            Self::Unavailable => KeyState::Unavailable,
            Self::Creating => KeyState::Creating,
            Self::Updating => KeyState::Updating,
        }
    }
}
