//! What users, groups and roles have in common beside what all entities have: a name, a path, and policies.

mod kinds;

use std::collections::BTreeMap;

use async_trait::async_trait;
use keystead_core::access::AttachedPolicies;
use keystead_core::audit::iso8601;
use keystead_core::operation::GonePrincipals;
use keystead_core::port::{Store, StoreError};
use keystead_model::Timestamp;
use keystead_model::arn::AccountId;
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::entity::Entity;
use super::names::{PATH_PREFIX, take_path};
use super::page::Page;
use super::quota::Quota;
use super::trust_policy::{shown_trust_policy, with_trust_policy};
use crate::constraint::TextRule;
use crate::error::IdentityError;

/// A user, a group or a role. Its key is its name.
#[async_trait]
pub(crate) trait Identity: Entity {
    /// What it is, as ARNs have it.
    const KIND: &'static str;
    /// The member that names it.
    const NAME_MEMBER: &'static str;
    /// The member that has its unique ID.
    const ID_MEMBER: &'static str;
    /// The member that lists all of its kind.
    const LIST_MEMBER: &'static str;
    /// What a name must be.
    const NAME_RULE: TextRule;
    /// How many managed policies may be attached to it.
    const ATTACHED_MAX: Quota;
    /// How large all its inline policies together may be, in characters, white space not counted (IAM User Guide, "IAM and AWS STS quotas").
    const INLINE_SIZE_MAX: usize;

    fn name(&self) -> &str;
    fn path(&self) -> &str;
    fn unique_id(&self) -> &str;
    fn created(&self) -> Timestamp;
    fn policies(&self) -> &AttachedPolicies;
    fn policies_mut(&mut self) -> &mut AttachedPolicies;
    /// As lists have it, but for its trust policy, which [`with_trust_policy`] adds. As in AWS, without tags and permissions boundary.
    fn shown(&self) -> Structure;
    /// Who may assume it, as that is stored, and who the users and roles are that it names, by ARN; `None` of what nobody assumes.
    fn trust_policy(&self) -> Option<(&str, &BTreeMap<String, String>)>;

    /// Those of an account whose names come after `after`, `limit` at most.
    async fn list(
        store: &dyn Store,
        account: &AccountId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Self>, StoreError>;

    /// Takes its name.
    fn take_name(parameters: &mut Parameters) -> Result<String, IdentityError> {
        Self::NAME_RULE.required(parameters, Self::NAME_MEMBER)
    }

    /// Its ARN, or with an empty name how those of a path begin.
    fn arn_of(account: &AccountId, path: &str, name: &str) -> String {
        format!("arn:aws:iam::{account}:{}{path}{name}", Self::KIND)
    }
}

/// What answers have of every identity.
pub(super) fn described<T: Identity>(identity: &T) -> Structure {
    Structure::default()
        .with("Path", identity.path())
        .with(T::NAME_MEMBER, identity.name())
        .with(T::ID_MEMBER, identity.unique_id())
        .with("Arn", identity.arn())
        .with("CreateDate", iso8601(identity.created()))
}

/// ListUsers, ListGroups, ListRoles: those whose path begins with a prefix.
pub(super) async fn list<T: Identity>(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let prefix = take_path(&PATH_PREFIX, &mut parameters, "PathPrefix")?;
    let page = Page::take(call, &mut parameters, &[&prefix])?;
    parameters.finish()?;
    call.authorize(T::arn_of(&call.account(), &prefix, ""))?;
    let found: Vec<T> = of_path(call, &page, &prefix).await?;
    let mut listed = Vec::with_capacity(found.len());
    let mut gone = GonePrincipals::new(call.kms);
    for identity in &found {
        let trust_policy = shown_trust_policy(&mut gone, identity).await?;
        listed.push((identity.name(), with_trust_policy(identity.shown(), trust_policy.as_deref())));
    }
    let shown = |(_, shown): &(&str, Structure)| shown.clone();
    Ok(Some(page.answer(Structure::default(), T::LIST_MEMBER, &listed, |(name, _)| name, shown)))
}

/// What a page has of the identities whose paths begin so.
async fn of_path<T: Identity>(call: &Call<'_>, page: &Page<'_>, path_prefix: &str) -> Result<Vec<T>, IdentityError> {
    let mut found: Vec<T> = Vec::new();
    let mut after = page.after().map(str::to_owned);
    loop {
        let batch = T::list(call.store(), &call.account(), after.as_deref(), page.wanted()).await?;
        let is_last = batch.len() < page.wanted();
        after = batch.last().map(|last| last.name().to_owned());
        found.extend(batch.into_iter().filter(|identity| identity.path().starts_with(path_prefix)));
        if is_last || found.len() >= page.wanted() {
            found.truncate(page.wanted());
            return Ok(found);
        }
    }
}
