//! What a call has used, for GetKeyLastUsage.

use keystead_model::Timestamp;
use keystead_model::arn::KeyId;
use keystead_model::kms::KeyLastUsageTrackingOperation;

use super::Caller;
use crate::audit::{AuditRecord, AuditResource};
use crate::key::KeyLastUsage;

/// The usages that a successful call is, if its operation is one that counts as use (KMS API Reference, GetKeyLastUsage): of one key, or
/// of both keys of ReEncrypt.
pub(super) fn key_usages(record: &AuditRecord, caller: &Caller, timestamp: Timestamp) -> Vec<KeyLastUsage> {
    let Ok(operation) = record.event_name.parse::<KeyLastUsageTrackingOperation>() else { return Vec::new() };
    let usage = |resource: &AuditResource| {
        Some(KeyLastUsage {
            region: caller.region.clone(),
            key_id: KeyId::parse(resource.arn.rsplit_once("key/")?.1)?,
            operation,
            timestamp,
            event_id: record.event_id.clone(),
            request_id: caller.origin.request_id.clone(),
        })
    };
    record.resources.as_deref().unwrap_or_default().iter().filter_map(usage).collect()
}
