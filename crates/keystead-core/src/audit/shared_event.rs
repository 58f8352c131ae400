//! Calls about the resources of other accounts: each account has a record of its own (AWS CloudTrail User Guide, `sharedEventID`).

use std::collections::BTreeSet;

use super::AuditRecord;

impl AuditRecord {
    /// The records of the other accounts that own what the call was about, made from the caller's, which is marked as one of several. None
    /// for a call that was denied: it is nobody's business but the caller's account's.
    ///
    /// `new_id` gives UUIDs. A record shows of the call's resources those of its own account (unverified), and of the caller its account and
    /// unique ID.
    pub(crate) fn records_of_other_accounts(&mut self, new_id: impl Fn() -> String) -> Vec<AuditRecord> {
        if self.error_code.as_deref() == Some("AccessDenied") {
            return Vec::new();
        }
        let resources = self.resources.as_deref().unwrap_or_default();
        let owners = resources.iter().map(|resource| resource.account_id.clone());
        let others: BTreeSet<_> = owners.filter(|owner| Some(owner) != self.recipient_account_id.as_ref()).collect();
        if others.is_empty() {
            return Vec::new();
        }
        self.shared_event_id = Some(new_id());
        let record_of = |owner: String| {
            let mut record = self.clone();
            record.event_id = new_id();
            record.user_identity = self.user_identity.for_another_account();
            record.resources.iter_mut().for_each(|resources| resources.retain(|resource| resource.account_id == owner));
            record.recipient_account_id = Some(owner);
            record
        };
        others.into_iter().map(record_of).collect()
    }
}
