//! Principals of stored policies and grants that are gone, and how they are shown.
//!
//! Once the user or role that an ARN named is deleted, its unique ID is shown in place of the ARN, also when somebody else has the name by
//! then (IAM User Guide, "AWS JSON policy elements: Principal"). An ID is no principal of a new policy: who edits what is shown and puts it
//! cannot give the right to the one who has the name now without seeing it.

use std::collections::BTreeMap;

use keystead_model::kms::GrantListEntry;
use keystead_policy::with_unique_ids;

use super::existing_principals::{ExistingPrincipals, PrincipalError};
use super::grant_lookup::grant_list_entry;
use crate::access::{NamedPrincipal, PrincipalName};
use crate::error::KmsError;
use crate::key::Grant;
use crate::kms::Kms;

/// What one answer shows of principals. An answer may be a long list, most of which names the same few: it needs one of these, which looks
/// each user, role and account up once.
pub struct GonePrincipals<'a> {
    existing: ExistingPrincipals<'a>,
}

impl<'a> GonePrincipals<'a> {
    /// For one answer.
    pub fn new(kms: &'a Kms) -> Self {
        Self { existing: ExistingPrincipals::new(kms) }
    }

    /// The text of a stored policy as it is shown. `ids` are the unique IDs that were stored with it, by ARN: see [`Kms::unique_ids_of`].
    /// ARNs without one stay as they are, and so does all the rest of the text. Fails if the store does.
    pub async fn shown_policy(&mut self, policy: &str, ids: &BTreeMap<String, String>) -> Result<String, KmsError> {
        let mut gone = BTreeMap::new();
        for (arn, id) in ids {
            if let Some(shown) = self.shown_if_gone(arn, id).await? {
                gone.insert(arn.clone(), shown);
            }
        }
        // Seldom is anybody gone: then there is nothing to read the text for.
        Ok(if gone.is_empty() { policy.to_owned() } else { with_unique_ids(policy, &gone) })
    }

    /// What a list shows of grants.
    pub(super) async fn shown_grants(&mut self, grants: Vec<Grant>) -> Result<Vec<GrantListEntry>, KmsError> {
        let mut entries = Vec::with_capacity(grants.len());
        for mut grant in grants {
            if let Some(id) = &grant.grantee_id {
                self.show_if_gone(&mut grant.grantee_principal, id).await?;
            }
            if let (Some(retiring), Some(id)) = (&mut grant.retiring_principal, &grant.retiring_principal_id) {
                self.show_if_gone(retiring, id).await?;
            }
            entries.push(grant_list_entry(grant));
        }
        Ok(entries)
    }

    /// Puts what is shown of a principal that is gone in place of its ARN.
    async fn show_if_gone(&mut self, arn: &mut String, id: &str) -> Result<(), KmsError> {
        if let Some(shown) = self.shown_if_gone(arn, id).await? {
            *arn = shown;
        }
        Ok(())
    }

    /// If the user or role that has the ARN does not have the stored unique ID, what is shown in its place; `None` for one that is there. It
    /// is the ID; of a session, as `aws:userid` has it, the ID of its role, a colon and its name (unverified).
    async fn shown_if_gone(&mut self, arn: &str, id: &str) -> Result<Option<String>, KmsError> {
        // What has an ID was read as a principal when it was stored.
        let Some(principal) = NamedPrincipal::parse(arn) else { return Ok(Some(id.to_owned())) };
        match self.existing.unique_id_of(&principal).await {
            Ok(Some(now)) if now == id => Ok(None),
            Ok(_) | Err(PrincipalError::Missing(_)) => Ok(Some(shown_id(&principal, id))),
            Err(PrincipalError::Lookup(error)) => Err(error),
        }
    }
}

fn shown_id(principal: &NamedPrincipal, id: &str) -> String {
    match principal.name() {
        PrincipalName::AssumedRole(session) => {
            let session_name = session.split('/').next_back().unwrap_or_default();
            format!("{id}:{session_name}")
        }
        PrincipalName::Account | PrincipalName::User(_) | PrincipalName::Role(_) | PrincipalName::FederatedUser(_) => {
            id.to_owned()
        }
    }
}
