//! How values that are no plain text are written, and read again.

use keystead_core::access::AccessKeyStatus;
use keystead_core::key::{KeyOrigin, KeyStatus};
use keystead_core::key_store::ConnectionState;
use keystead_core::port::{BackingKeyId, JobKind, StoreError};
use keystead_model::Timestamp;
use keystead_model::kms::{ConnectionStateType, OriginType};

use super::Record;

/// The last millisecond of the year 9999; the schema's CHECK constraints have the same number.
pub(crate) const TIMESTAMP_MILLIS_MAX: i64 = 253_402_300_799_999;

/// A point in time as its column has it: milliseconds since the epoch.
pub(crate) fn millis(column: &str, timestamp: Timestamp) -> Result<i64, StoreError> {
    match (0..=TIMESTAMP_MILLIS_MAX).contains(&timestamp.millis()) {
        true => Ok(timestamp.millis()),
        false => Err(StoreError::Engine(format!("{column} is no date from 1970 to 9999 and cannot be stored"))),
    }
}

/// A revision, sequence number or job ID as its column has it.
pub(crate) fn whole(column: &str, number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::Engine(format!("{column} {number} is too large to be stored")))
}

/// A limit on rows as SQL takes it. What exceeds it is no limit at all.
pub(crate) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// The text of an access key's status (IAM API Reference, AccessKey).
pub(crate) fn access_key_status(status: AccessKeyStatus) -> &'static str {
    match status {
        AccessKeyStatus::Active => "Active",
        AccessKeyStatus::Inactive => "Inactive",
    }
}

/// Reads what [`access_key_status`] wrote.
pub(crate) fn read_access_key_status(record: &Record<'_>) -> Result<AccessKeyStatus, StoreError> {
    match record.value("status")? {
        "Active" => Ok(AccessKeyStatus::Active),
        "Inactive" => Ok(AccessKeyStatus::Inactive),
        _ => Err(record.damaged("status", "expected Active or Inactive")),
    }
}

/// A key's status as its three columns have it.
pub(crate) struct KeyStatusColumns {
    /// `status`
    pub(crate) status: &'static str,
    /// `deletion_date`, in milliseconds since the epoch
    pub(crate) deletion_date: Option<i64>,
    /// `pending_window_in_days`
    pub(crate) pending_window_in_days: Option<i64>,
}

/// The columns of a key's status; the texts are those of KeyState in the KMS API Reference.
pub(crate) fn key_status(status: KeyStatus) -> Result<KeyStatusColumns, StoreError> {
    let plain = |status| KeyStatusColumns { status, deletion_date: None, pending_window_in_days: None };
    Ok(match status {
        KeyStatus::Enabled => plain("Enabled"),
        KeyStatus::Disabled => plain("Disabled"),
        KeyStatus::PendingDeletion { deletion_date, pending_window_in_days } => KeyStatusColumns {
            status: "PendingDeletion",
            deletion_date: Some(millis("deletion_date", deletion_date)?),
            pending_window_in_days: Some(i64::from(pending_window_in_days)),
        },
    })
}

/// Reads what [`key_status`] wrote.
pub(crate) fn read_key_status(record: &Record<'_>) -> Result<KeyStatus, StoreError> {
    let deletion_date = record.optional_timestamp("deletion_date")?;
    let window: Option<u16> = record.optional_whole("pending_window_in_days")?;
    match (record.value("status")?, deletion_date, window) {
        ("Enabled", None, None) => Ok(KeyStatus::Enabled),
        ("Disabled", None, None) => Ok(KeyStatus::Disabled),
        ("PendingDeletion", Some(deletion_date), Some(pending_window_in_days)) => {
            Ok(KeyStatus::PendingDeletion { deletion_date, pending_window_in_days })
        }
        _ => Err(record.damaged("status", "expected Enabled, Disabled, or PendingDeletion with its date and window")),
    }
}

/// Reads a key's origin from `origin`, `custom_key_store_id`, `xks_key_id` and `backing_key_id`.
pub(crate) fn read_key_origin(record: &Record<'_>) -> Result<KeyOrigin, StoreError> {
    let key_store = record.optional_parsed("custom_key_store_id")?;
    let external_key: Option<String> = record.value("xks_key_id")?;
    let backing_key = read_backing_key_id(record)?;
    match (record.parsed("origin")?, key_store, external_key, backing_key) {
        (OriginType::AwsKms, None, None, None) => Ok(KeyOrigin::AwsKms),
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
pub(crate) fn xks_key_id(origin: &KeyOrigin) -> Option<&str> {
    match origin {
        KeyOrigin::AwsKms | KeyOrigin::AwsCloudhsm { .. } => None,
        KeyOrigin::ExternalKeyStore { xks_key_id, .. } => Some(xks_key_id),
    }
}

/// The material's name in a cluster of HSMs, for keys that have their material there.
pub(crate) fn backing_key_id(origin: &KeyOrigin) -> Option<&[u8]> {
    match origin {
        KeyOrigin::AwsKms | KeyOrigin::ExternalKeyStore { .. } => None,
        KeyOrigin::AwsCloudhsm { backing_key_id, .. } => Some(backing_key_id.as_bytes()),
    }
}

/// Reads the 16 bytes of `backing_key_id`, which may be NULL.
pub(crate) fn read_backing_key_id(record: &Record<'_>) -> Result<Option<BackingKeyId>, StoreError> {
    let bytes: Option<&[u8]> = record.value("backing_key_id")?;
    let id = bytes.map(|bytes| bytes.try_into().map(BackingKeyId::from_bytes));
    id.transpose().map_err(|_| record.damaged("backing_key_id", "expected 16 bytes"))
}

/// Reads a connection state from `connection_state` and `connection_error_code`.
pub(crate) fn read_connection_state(record: &Record<'_>) -> Result<ConnectionState, StoreError> {
    match (record.parsed("connection_state")?, record.optional_parsed("connection_error_code")?) {
        (ConnectionStateType::Disconnected, None) => Ok(ConnectionState::Disconnected),
        (ConnectionStateType::Connecting, None) => Ok(ConnectionState::Connecting),
        (ConnectionStateType::Connected, None) => Ok(ConnectionState::Connected),
        (ConnectionStateType::Disconnecting, None) => Ok(ConnectionState::Disconnecting),
        (ConnectionStateType::Failed, Some(code)) => Ok(ConnectionState::Failed(code)),
        _ => Err(record.damaged("connection_state", "does not go with connection_error_code")),
    }
}

/// The text of what a connection job is to do.
pub(crate) fn job_kind(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Connect => "CONNECT",
        JobKind::Disconnect => "DISCONNECT",
    }
}

/// Reads what [`job_kind`] wrote.
pub(crate) fn read_job_kind(record: &Record<'_>) -> Result<JobKind, StoreError> {
    match record.value("kind")? {
        "CONNECT" => Ok(JobKind::Connect),
        "DISCONNECT" => Ok(JobKind::Disconnect),
        _ => Err(record.damaged("kind", "expected CONNECT or DISCONNECT")),
    }
}
