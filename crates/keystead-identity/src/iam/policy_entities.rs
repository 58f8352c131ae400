//! ListEntitiesForPolicy: who has a managed policy.

use keystead_core::port::{PolicyHolder, PolicyReference};
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::managed_policies::{USAGE_FILTERS, UsageFilter};
use super::names::{PATH_PREFIX, take_path};
use super::page::Page;
use super::policy_lookup::take_policy_arn;
use crate::constraint::one_of;
use crate::error::IdentityError;

/// What kind of entities is asked for (`EntityType`); policies have no policies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum EntityFilter {
    Only(PolicyHolder),
    Nothing,
}

const ENTITY_FILTERS: &[(&str, EntityFilter)] = &[
    ("User", EntityFilter::Only(PolicyHolder::User)),
    ("Role", EntityFilter::Only(PolicyHolder::Role)),
    ("Group", EntityFilter::Only(PolicyHolder::Group)),
    ("LocalManagedPolicy", EntityFilter::Nothing),
    ("AWSManagedPolicy", EntityFilter::Nothing),
];

/// A holder of the policy, and the name by which pages go on.
struct Listed {
    key: String,
    reference: PolicyReference,
}

/// Lists the users, groups and roles that a policy is attached to, or that have it as their permissions boundary.
pub(super) async fn list_entities_for_policy(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let arn = take_policy_arn(&mut parameters, "PolicyArn")?;
    let prefix = take_path(&PATH_PREFIX, &mut parameters, "PathPrefix")?;
    let entities = one_of(&mut parameters, "EntityFilter", ENTITY_FILTERS)?;
    let usage = one_of(&mut parameters, "PolicyUsageFilter", USAGE_FILTERS)?;
    let page = Page::take(call, &mut parameters, &[&arn, &prefix, &format!("{entities:?} {usage:?}")])?;
    parameters.finish()?;
    let policy = call.authorized_policy(arn).await?;
    let references = call.store().policy_references(&call.account(), policy.arn()).await?;
    let wanted = references.into_iter().filter(|reference| {
        let of_kind = match entities {
            None => true,
            Some(EntityFilter::Only(holder)) => reference.holder == holder,
            Some(EntityFilter::Nothing) => false,
        };
        let used = match usage {
            None => true,
            Some(UsageFilter::Permissions) => reference.attached,
            Some(UsageFilter::Boundary) => reference.boundary,
        };
        of_kind && used && reference.path.starts_with(&prefix)
    });
    let mut listed: Vec<_> = wanted.map(|reference| Listed { key: key_of(&reference), reference }).collect();
    listed.sort_by(|one, other| one.key.cmp(&other.key));
    let listed = page.of_all(listed, |listed| &listed.key);
    let (shown, marker) = page.cut(&listed, |listed| &listed.key);
    let of = |holder, name: &'static str, id: &'static str| {
        let references = shown.iter().map(|listed| &listed.reference);
        let of_kind = references.filter(move |reference| reference.holder == holder);
        let shown = of_kind.map(move |reference| {
            Structure::default().with(name, reference.name.as_str()).with(id, reference.unique_id.as_str())
        });
        shown.collect::<Vec<_>>()
    };
    let answer = Structure::default()
        .with_list("PolicyGroups", of(PolicyHolder::Group, "GroupName", "GroupId"))
        .with_list("PolicyUsers", of(PolicyHolder::User, "UserName", "UserId"))
        .with_list("PolicyRoles", of(PolicyHolder::Role, "RoleName", "RoleId"));
    Ok(Some(answer.with("IsTruncated", marker.is_some()).with_some("Marker", marker)))
}

fn key_of(reference: &PolicyReference) -> String {
    let kind = match reference.holder {
        PolicyHolder::Group => "group",
        PolicyHolder::Role => "role",
        PolicyHolder::User => "user",
    };
    format!("{kind}/{}", reference.name)
}
