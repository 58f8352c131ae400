//! The audit log port.

use async_trait::async_trait;

use crate::audit::AuditRecord;

/// Where audit records go.
///
/// The guarantee of this port: when [`AuditLog::write`] returns `Ok`, the record is as durable as the log is configured to make it.
/// The caller sends no answer before that.
#[async_trait]
pub trait AuditLog: Send + Sync + 'static {
    /// Appends one record. On an error the request's answer must not be sent.
    async fn write(&self, record: AuditRecord) -> Result<(), AuditError>;
}

/// A record could not be written.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the audit record could not be written: {0}")]
pub struct AuditError(pub String);
