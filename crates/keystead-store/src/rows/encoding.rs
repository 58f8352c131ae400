//! How values that are no plain text are written, and read again.

use keystead_core::access::AccessKeyStatus;
use keystead_core::key_store::ConnectionState;
use keystead_core::port::{BackingKeyId, JobKind, StoreError};
use keystead_model::Timestamp;
use keystead_model::kms::ConnectionStateType;
use serde::Serialize;

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

/// A value that no query looks into, as JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Engine(format!("a value cannot be stored: {error}")))
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
