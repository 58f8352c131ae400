//! Principals of stored policies and grants that are gone, and how they are shown.
//!
//! Once the user or role that an ARN named is deleted, its unique ID is shown in place of the ARN, also when somebody else has the name by
//! then (IAM User Guide, "AWS JSON policy elements: Principal"). An ID is no principal of a new policy: who edits what is shown and puts it
//! cannot give the right to the one who has the name now without seeing it.

use std::collections::BTreeMap;

use keystead_model::kms::GrantListEntry;
use keystead_policy::with_unique_ids;

use super::existing_principals::{PrincipalError, unique_id_of};
use super::grant_lookup::grant_list_entry;
use crate::access::{Identity, NamedPrincipal};
use crate::error::KmsError;
use crate::key::Grant;
use crate::kms::Kms;

impl Kms {
    /// The text of a stored policy as it is shown. `ids` are the unique IDs that were stored with it, by ARN: see [`Kms::unique_ids_of`].
    /// ARNs without one stay as they are, and so does all the rest of the text.
    pub async fn shown_policy(&self, policy: &str, ids: &BTreeMap<String, String>) -> Result<String, KmsError> {
        Ok(with_unique_ids(policy, &self.gone_principals(ids).await?))
    }

    /// Those of the principals that are gone: of each ARN whose user or role does not have the stored unique ID any more, what is shown in
    /// its place. That is the ID; of a session, as `aws:userid` has it, the ID of its role, a colon and its name (unverified).
    pub async fn gone_principals(&self, ids: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, KmsError> {
        let mut gone = BTreeMap::new();
        for (arn, id) in ids {
            if let Some(shown) = shown_if_gone(self, arn, id).await? {
                gone.insert(arn.clone(), shown);
            }
        }
        Ok(gone)
    }
}

/// As [`Kms::gone_principals`], of one; `None` for one that is there.
async fn shown_if_gone(kms: &Kms, arn: &str, id: &str) -> Result<Option<String>, KmsError> {
    // What has an ID was read as a principal when it was stored.
    let Some(principal) = NamedPrincipal::parse(arn) else { return Ok(Some(id.to_owned())) };
    match unique_id_of(kms, &principal).await {
        Ok(Some(now)) if now == id => Ok(None),
        Ok(_) | Err(PrincipalError::Missing(_)) => Ok(Some(shown_id(&principal, id))),
        Err(PrincipalError::Lookup(error)) => Err(error),
    }
}

fn shown_id(principal: &NamedPrincipal, id: &str) -> String {
    match principal.identity() {
        Identity::AssumedRole(session) => {
            let session_name = session.split('/').next_back().unwrap_or_default();
            format!("{id}:{session_name}")
        }
        Identity::Account | Identity::User(_) | Identity::Role(_) | Identity::FederatedUser(_) => id.to_owned(),
    }
}

/// What a list shows of grants. Of a page of them, most name the same few principals: each is looked up once.
pub(super) async fn shown_grants(kms: &Kms, grants: Vec<Grant>) -> Result<Vec<GrantListEntry>, KmsError> {
    let mut known = BTreeMap::new();
    let mut entries = Vec::with_capacity(grants.len());
    for mut grant in grants {
        if let Some(id) = &grant.grantee_id {
            show_if_gone(kms, &mut known, &mut grant.grantee_principal, id).await?;
        }
        if let (Some(retiring), Some(id)) = (&mut grant.retiring_principal, &grant.retiring_principal_id) {
            show_if_gone(kms, &mut known, retiring, id).await?;
        }
        entries.push(grant_list_entry(grant));
    }
    Ok(entries)
}

/// Puts what is shown of a principal that is gone in place of its ARN. `known` remembers, by ARN and ID.
async fn show_if_gone(
    kms: &Kms,
    known: &mut BTreeMap<(String, String), Option<String>>,
    arn: &mut String,
    id: &str,
) -> Result<(), KmsError> {
    let principal = (arn.clone(), id.to_owned());
    let shown = match known.get(&principal) {
        Some(shown) => shown.clone(),
        None => {
            let shown = shown_if_gone(kms, arn, id).await?;
            known.insert(principal, shown.clone());
            shown
        }
    };
    if let Some(shown) = shown {
        *arn = shown;
    }
    Ok(())
}
