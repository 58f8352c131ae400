//! `[audit]`: the audit log.

use std::path::PathBuf;

use keystead_audit::Durability;
use serde::Deserialize;

/// `[audit]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AuditConfig {
    /// The audit log, relative to `data_dir`. Default `audit.jsonl`.
    pub(crate) file: PathBuf,
    /// Whether a record is on stable storage before its answer leaves, rather than with the operating system only. Default true.
    pub(crate) fsync: bool,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self { file: PathBuf::from("audit.jsonl"), fsync: true }
    }
}

impl AuditConfig {
    /// What a record must outlive.
    pub(crate) fn durability(&self) -> Durability {
        if self.fsync { Durability::Fsync } else { Durability::Buffered }
    }
}
