//! How members of a key are written to several columns, and read again.

use keystead_core::key::{AutomaticRotation, Key, KeyOrigin, KeyStatus, RotationSettings, Transition, TransitionKind};
use keystead_core::port::StoreError;
use keystead_model::Timestamp;
use keystead_model::kms::{MultiRegionKeyType, OriginType};

use crate::rows::Record;
use crate::rows::encoding::{millis, read_backing_key_id};

/// A key's status as its three columns have it.
pub(super) struct KeyStatusColumns {
    /// `status`
    pub(super) status: &'static str,
    /// `deletion_date`, in milliseconds since the epoch
    pub(super) deletion_date: Option<i64>,
    /// `pending_window_in_days`
    pub(super) pending_window_in_days: Option<i64>,
}

/// The columns of a key's status; the texts are those of KeyState in the KMS API Reference.
pub(super) fn key_status(status: KeyStatus) -> Result<KeyStatusColumns, StoreError> {
    let (status, deletion_date, window) = match status {
        KeyStatus::Enabled => ("Enabled", None, None),
        KeyStatus::Disabled => ("Disabled", None, None),
        KeyStatus::PendingDeletion { deletion_date, pending_window_in_days } => {
            ("PendingDeletion", Some(deletion_date), Some(pending_window_in_days))
        }
        KeyStatus::PendingReplicaDeletion { pending_window_in_days } => {
            ("PendingReplicaDeletion", None, Some(pending_window_in_days))
        }
    };
    let deletion_date = optional_millis("deletion_date", deletion_date)?;
    Ok(KeyStatusColumns { status, deletion_date, pending_window_in_days: window.map(i64::from) })
}

/// Reads what [`key_status`] wrote.
pub(super) fn read_key_status(record: &Record<'_>) -> Result<KeyStatus, StoreError> {
    let deletion_date = record.optional_timestamp("deletion_date")?;
    let window: Option<u16> = record.optional_whole("pending_window_in_days")?;
    match (record.value("status")?, deletion_date, window) {
        ("Enabled", None, None) => Ok(KeyStatus::Enabled),
        ("Disabled", None, None) => Ok(KeyStatus::Disabled),
        ("PendingDeletion", Some(deletion_date), Some(pending_window_in_days)) => {
            Ok(KeyStatus::PendingDeletion { deletion_date, pending_window_in_days })
        }
        ("PendingReplicaDeletion", None, Some(pending_window_in_days)) => {
            Ok(KeyStatus::PendingReplicaDeletion { pending_window_in_days })
        }
        _ => Err(record.damaged("status", "is unknown, or does not go with deletion_date and pending_window_in_days")),
    }
}

/// A key's transition as its two columns have it.
pub(super) struct TransitionColumns {
    /// `transition`
    pub(super) transition: Option<&'static str>,
    /// `transition_until`, in milliseconds since the epoch
    pub(super) until: Option<i64>,
}

/// The columns of a key's transition; the texts are those of KeyState in the KMS API Reference.
pub(super) fn transition(transition: Option<Transition>) -> Result<TransitionColumns, StoreError> {
    let text = |kind| match kind {
        TransitionKind::Creating => "Creating",
        TransitionKind::Updating => "Updating",
    };
    Ok(TransitionColumns {
        transition: transition.map(|transition| text(transition.kind)),
        until: optional_millis("transition_until", transition.map(|transition| transition.until))?,
    })
}

/// Reads what [`transition`] wrote.
pub(super) fn read_transition(record: &Record<'_>) -> Result<Option<Transition>, StoreError> {
    match (record.value("transition")?, record.optional_timestamp("transition_until")?) {
        (None, None) => Ok(None),
        (Some("Creating"), Some(until)) => Ok(Some(Transition { kind: TransitionKind::Creating, until })),
        (Some("Updating"), Some(until)) => Ok(Some(Transition { kind: TransitionKind::Updating, until })),
        _ => Err(record.damaged("transition", "is unknown, or does not go with transition_until")),
    }
}

/// A key's rotation as its four columns have it.
pub(super) struct RotationColumns {
    /// `rotation_period_in_days`
    pub(super) period_in_days: Option<i64>,
    /// `next_rotation_date`, in milliseconds since the epoch
    pub(super) next: Option<i64>,
    /// `on_demand_rotation_start`, in milliseconds since the epoch
    pub(super) on_demand_start: Option<i64>,
    /// `on_demand_rotation_count`
    pub(super) on_demand_count: i64,
}

/// The columns of a key's rotation.
pub(super) fn rotation(rotation: &RotationSettings) -> Result<RotationColumns, StoreError> {
    Ok(RotationColumns {
        period_in_days: rotation.automatic.map(|automatic| i64::from(automatic.period_in_days)),
        next: optional_millis("next_rotation_date", rotation.automatic.map(|automatic| automatic.next))?,
        on_demand_start: optional_millis("on_demand_rotation_start", rotation.on_demand_start)?,
        on_demand_count: i64::from(rotation.on_demand_count),
    })
}

/// Reads what [`rotation`] wrote.
pub(super) fn read_rotation(record: &Record<'_>) -> Result<RotationSettings, StoreError> {
    let period = record.optional_whole("rotation_period_in_days")?;
    let automatic = match (period, record.optional_timestamp("next_rotation_date")?) {
        (Some(period_in_days), Some(next)) => Some(AutomaticRotation { period_in_days, next }),
        (None, None) => None,
        _ => return Err(record.damaged("rotation_period_in_days", "does not go with next_rotation_date")),
    };
    Ok(RotationSettings {
        automatic,
        on_demand_start: record.optional_timestamp("on_demand_rotation_start")?,
        on_demand_count: record.whole("on_demand_rotation_count")?,
    })
}

fn optional_millis(column: &str, timestamp: Option<Timestamp>) -> Result<Option<i64>, StoreError> {
    timestamp.map(|timestamp| millis(column, timestamp)).transpose()
}

/// What a key is to its related keys, for multi-Region keys. The rest of its place is computed.
pub(super) fn multi_region_key_type(key: &Key) -> Option<MultiRegionKeyType> {
    key.multi_region.as_ref().map(|set| set.key_type)
}

/// Reads a key's origin from `origin`, `custom_key_store_id`, `xks_key_id` and `backing_key_id`.
pub(super) fn read_key_origin(record: &Record<'_>) -> Result<KeyOrigin, StoreError> {
    let key_store = record.optional_parsed("custom_key_store_id")?;
    let external_key: Option<String> = record.value("xks_key_id")?;
    let backing_key = read_backing_key_id(record)?;
    match (record.parsed("origin")?, key_store, external_key, backing_key) {
        (OriginType::AwsKms, None, None, None) => Ok(KeyOrigin::AwsKms),
        (OriginType::External, None, None, None) => Ok(KeyOrigin::External),
        (OriginType::ExternalKeyStore, Some(custom_key_store_id), Some(xks_key_id), None) => {
            Ok(KeyOrigin::ExternalKeyStore { custom_key_store_id, xks_key_id })
        }
        (OriginType::AwsCloudhsm, Some(custom_key_store_id), None, Some(backing_key_id)) => {
            Ok(KeyOrigin::AwsCloudhsm { custom_key_store_id, backing_key_id })
        }
        _ => Err(record.damaged("origin", "does not go with custom_key_store_id, xks_key_id and backing_key_id")),
    }
}

/// The external key's name, for keys that have one.
pub(super) fn xks_key_id(origin: &KeyOrigin) -> Option<&str> {
    match origin {
        KeyOrigin::AwsKms | KeyOrigin::External | KeyOrigin::AwsCloudhsm { .. } => None,
        KeyOrigin::ExternalKeyStore { xks_key_id, .. } => Some(xks_key_id),
    }
}

/// The material's name in a cluster of HSMs, for keys that have their material there.
pub(super) fn backing_key_id(origin: &KeyOrigin) -> Option<&[u8]> {
    match origin {
        KeyOrigin::AwsKms | KeyOrigin::External | KeyOrigin::ExternalKeyStore { .. } => None,
        KeyOrigin::AwsCloudhsm { backing_key_id, .. } => Some(backing_key_id.as_bytes()),
    }
}
