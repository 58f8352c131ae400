//! Versions of managed policies: CreatePolicyVersion, GetPolicyVersion, ListPolicyVersions, SetDefaultPolicyVersion, DeletePolicyVersion.

use keystead_core::access::{AwsManagedPolicy, ManagedPolicy, PolicyVersion};
use keystead_core::audit::iso8601;
use keystead_model::Timestamp;
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::managed_policies::within_size;
use super::page::Page;
use super::policy_document::{PolicyText, encoded};
use super::policy_lookup::{FoundPolicy, take_policy_arn};
use crate::constraint::{Pattern, TextRule};
use crate::error::IdentityError;

/// How many versions a policy may have (IAM User Guide, "IAM and AWS STS quotas").
pub(super) const VERSIONS_MAX: usize = 5;

/// The ID of a version (`policyVersionIdType`, which has no bounds of length).
const VERSION_ID: TextRule = TextRule {
    min: 1,
    max: 64,
    pattern: Some(Pattern { text: r"v[1-9][0-9]*(\.[A-Za-z0-9-]*)?", is_satisfied_by: is_version_id }),
};

fn is_version_id(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('v') else { return false };
    let (number, suffix) = rest.split_once('.').unwrap_or((rest, ""));
    let is_number = !number.is_empty() && !number.starts_with('0') && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Adds a version to a policy.
pub(super) async fn create_policy_version(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let arn = take_policy_arn(&mut parameters, "PolicyArn")?;
    let set_as_default = parameters.boolean("SetAsDefault")?;
    let document = PolicyText::take(&mut parameters, "PolicyDocument");
    let policy = call.authorized::<ManagedPolicy>(&arn).await?;
    let document = within_size(document?)?;
    parameters.finish()?;
    let mut number = 0;
    let changed = call.change(&policy, |stored| {
        if stored.versions.len() >= VERSIONS_MAX {
            return Err(IdentityError::limit_exceeded(
                "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.",
            ));
        }
        number = stored.next_version;
        stored.next_version += 1;
        stored.versions.push(PolicyVersion { number, document: document.clone(), created: call.now });
        stored.updated = call.now;
        if set_as_default {
            stored.default_version = number;
        }
        Ok(())
    });
    let changed = changed.await?;
    let version = found_version(&changed, &arn, &format!("v{number}"))?;
    Ok(Some(Structure::default().with("PolicyVersion", shown(version, &changed))))
}

/// Tells of a version, with its document.
pub(super) async fn get_policy_version(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let arn = take_policy_arn(&mut parameters, "PolicyArn")?;
    let version_id = VERSION_ID.required(&mut parameters, "VersionId")?;
    parameters.finish()?;
    let policy = call.authorized_policy(arn).await?;
    let (shown, document) = match &**policy {
        FoundPolicy::Customer(customer) => {
            let version = found_version(customer, policy.arn(), &version_id)?;
            (shown(version, customer), version.document.as_str())
        }
        FoundPolicy::Aws(of_aws) if version_id == format!("v{}", of_aws.version) => {
            (shown_aws(of_aws), of_aws.document)
        }
        FoundPolicy::Aws(_) => return Err(no_version(policy.arn(), &version_id)),
    };
    let version = shown.with("Document", encoded(document));
    Ok(Some(Structure::default().with("PolicyVersion", version)))
}

/// Lists the versions of a policy, the newest first.
pub(super) async fn list_policy_versions(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let arn = take_policy_arn(&mut parameters, "PolicyArn")?;
    let page = Page::take(call, &mut parameters, &[&arn])?;
    parameters.finish()?;
    let policy = call.authorized_policy(arn).await?;
    let versions = match &**policy {
        FoundPolicy::Customer(customer) => {
            let newest_first = customer.versions.iter().rev();
            newest_first.map(|version| (place(version.number), shown(version, customer))).collect()
        }
        FoundPolicy::Aws(of_aws) => vec![(place(of_aws.version), shown_aws(of_aws))],
    };
    let versions = page.of_all(versions, |(place, _)| place.as_str());
    let shown = |(_, shown): &(String, Structure)| shown.clone();
    Ok(Some(page.answer(Structure::default(), "Versions", &versions, |(place, _)| place, shown)))
}

/// Puts a version in force.
pub(super) async fn set_default_policy_version(
    call: &Call<'_>,
    parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    change_version(call, parameters, |policy, number, now| {
        if policy.default_version != number {
            policy.default_version = number;
            policy.updated = now;
        }
        Ok(())
    })
    .await
}

/// Deletes a version that is not in force.
pub(super) async fn delete_policy_version(
    call: &Call<'_>,
    parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    change_version(call, parameters, |policy, number, now| {
        if number == policy.default_version {
            return Err(IdentityError::delete_conflict("Cannot delete the default version of a policy."));
        }
        policy.versions.retain(|version| version.number != number);
        policy.updated = now;
        Ok(())
    })
    .await
}

/// Changes a policy in what concerns one of its versions, which must be there.
async fn change_version(
    call: &Call<'_>,
    mut parameters: Parameters,
    change: fn(&mut ManagedPolicy, u32, Timestamp) -> Result<(), IdentityError>,
) -> Result<Option<Structure>, IdentityError> {
    let arn = take_policy_arn(&mut parameters, "PolicyArn")?;
    let version_id = VERSION_ID.required(&mut parameters, "VersionId")?;
    parameters.finish()?;
    let policy = call.authorized::<ManagedPolicy>(&arn).await?;
    call.change(&policy, |stored| {
        let number = found_version(stored, &arn, &version_id)?.number;
        change(stored, number, call.now)
    })
    .await?;
    Ok(None)
}

fn found_version<'a>(policy: &'a ManagedPolicy, arn: &str, id: &str) -> Result<&'a PolicyVersion, IdentityError> {
    let mut versions = policy.versions.iter();
    versions.find(|version| format!("v{}", version.number) == id).ok_or_else(|| no_version(arn, id))
}

/// The text is unverified.
fn no_version(arn: &str, id: &str) -> IdentityError {
    IdentityError::no_such_entity(format!("Policy {arn} version {id} does not exist or is not attachable."))
}

/// By which the newer of two versions comes first.
fn place(number: u32) -> String {
    format!("{:010}", u32::MAX - number)
}

pub(super) fn shown(version: &PolicyVersion, policy: &ManagedPolicy) -> Structure {
    Structure::default()
        .with("VersionId", format!("v{}", version.number))
        .with("IsDefaultVersion", version.number == policy.default_version)
        .with("CreateDate", iso8601(version.created))
}

pub(super) fn shown_aws(policy: &AwsManagedPolicy) -> Structure {
    Structure::default()
        .with("VersionId", format!("v{}", policy.version))
        .with("IsDefaultVersion", true)
        .with("CreateDate", policy.updated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_versions() {
        for (text, is_one) in
            [("v1", true), ("v10", true), ("v1.a-Z", true), ("v0", false), ("v", false), ("1", false), ("v1x", false)]
        {
            assert_eq!(is_version_id(text), is_one, "{text}");
        }
    }
}
