//! Members that several kinds of identities have.

use keystead_core::access::AttachedPolicies;
use keystead_core::port::StoreError;
use keystead_model::Timestamp;

use crate::rows::{Record, encoding};

/// Policies as their columns have them.
pub(super) struct PolicyColumns {
    /// `inline_policies`: an object of names and documents.
    pub(super) inline: String,
    /// `managed_policies`: an array of ARNs.
    pub(super) managed: String,
}

impl PolicyColumns {
    /// The columns of these policies.
    pub(super) fn of(policies: &AttachedPolicies) -> Result<Self, StoreError> {
        Ok(Self { inline: encoding::json(&policies.inline)?, managed: encoding::json(&policies.managed)? })
    }
}

/// Reads what [`PolicyColumns`] wrote.
pub(super) fn read_policies(record: &Record<'_>) -> Result<AttachedPolicies, StoreError> {
    Ok(AttachedPolicies { inline: record.json("inline_policies")?, managed: record.json("managed_policies")? })
}

/// `sessions_revoked_before` as its column has it.
pub(super) fn revoked_before(revoked: Option<Timestamp>) -> Result<Option<i64>, StoreError> {
    revoked.map(|before| encoding::millis("sessions_revoked_before", before)).transpose()
}
