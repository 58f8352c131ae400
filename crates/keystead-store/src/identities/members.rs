//! Members that several kinds of identities have.

use std::collections::BTreeMap;

use keystead_core::access::AttachedPolicies;
use keystead_core::port::StoreError;
use keystead_model::Timestamp;

use crate::rows::{Record, encoding};
use crate::statements::Query;

/// What both users and roles have that may change. Statements have the columns in this order, policies as two.
pub(super) struct PrincipalMembers<'a> {
    pub(super) tags: &'a BTreeMap<String, String>,
    pub(super) policies: &'a AttachedPolicies,
    pub(super) permissions_boundary: &'a Option<String>,
    pub(super) sessions_revoked_before: Option<Timestamp>,
}

impl<'a> PrincipalMembers<'a> {
    /// Binds them, as the next five values of a statement.
    pub(super) fn bind_to(&self, query: Query<'a>) -> Result<Query<'a>, StoreError> {
        let query = bind_policies(query.bind(encoding::json(self.tags)?), self.policies)?;
        Ok(query.bind(self.permissions_boundary).bind(revoked_before(self.sessions_revoked_before)?))
    }
}

/// Binds policies, as the next two values of a statement: `inline_policies`, an object of names and documents, and `managed_policies`, an
/// array of ARNs.
pub(super) fn bind_policies<'q>(query: Query<'q>, policies: &AttachedPolicies) -> Result<Query<'q>, StoreError> {
    Ok(query.bind(encoding::json(&policies.inline)?).bind(encoding::json(&policies.managed)?))
}

/// Reads what [`bind_policies`] wrote.
pub(super) fn read_policies(record: &Record<'_>) -> Result<AttachedPolicies, StoreError> {
    Ok(AttachedPolicies { inline: record.json("inline_policies")?, managed: record.json("managed_policies")? })
}

/// `sessions_revoked_before` as its column has it.
pub(super) fn revoked_before(revoked: Option<Timestamp>) -> Result<Option<i64>, StoreError> {
    revoked.map(|before| encoding::millis("sessions_revoked_before", before)).transpose()
}
