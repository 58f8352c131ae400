//! Managed policies: CreatePolicy, GetPolicy, ListPolicies.

use keystead_core::access::{
    AWS_MANAGED_POLICIES, AwsManagedPolicy, ManagedPolicy, PolicyVersion, UniqueIdKind, new_unique_id,
};
use keystead_core::audit::iso8601;
use keystead_policy::RequestContext;
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::names::{POLICY_NAME, ROOT_PATH, take_path};
use super::page::Page;
use super::policy_document::PolicyText;
use super::policy_lookup::{FoundPolicy, take_policy_arn};
use super::quota;
use super::tags::{Tags, with_tags};
use crate::constraint::{Pattern, TextRule, one_of};
use crate::error::IdentityError;

/// The path of a policy (`policyPathType`).
pub(super) const POLICY_PATH: TextRule = TextRule {
    min: 1,
    max: 512,
    pattern: Some(Pattern { text: r"((/[A-Za-z0-9\.,\+@=_-]+)*)/", is_satisfied_by: is_policy_path }),
};
/// What a policy is for (`policyDescriptionType`).
const DESCRIPTION: TextRule = TextRule { min: 0, max: 1000, pattern: None };

fn is_policy_path(text: &str) -> bool {
    let is_segment = |segment: &str| {
        !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".,+@=_-".contains(&byte))
    };
    let segments = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
    text == ROOT_PATH || segments.is_some_and(|segments| segments.split('/').all(is_segment))
}

/// Makes a managed policy, whose first version is the one in force.
pub(super) async fn create_policy(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let policy_name = POLICY_NAME.required(&mut parameters, "PolicyName")?;
    let path = take_path(&POLICY_PATH, &mut parameters, "Path")?;
    let description = DESCRIPTION.optional(&mut parameters, "Description")?.unwrap_or_default();
    let tags = Tags::take(&mut parameters)?;
    let document = PolicyText::take(&mut parameters, "PolicyDocument");
    let arn = format!("arn:aws:iam::{}:policy{path}{policy_name}", call.account());
    let tags = call.authorize_new::<ManagedPolicy>(arn, RequestContext::default(), tags)?;
    let document = within_size(document?)?;
    parameters.finish()?;
    let policy = ManagedPolicy {
        account: call.account(),
        policy_name,
        path,
        policy_id: new_unique_id(UniqueIdKind::ManagedPolicy, call.kms.entropy()),
        created: call.now,
        updated: call.now,
        description,
        tags,
        versions: vec![PolicyVersion { number: 1, document, created: call.now }],
        default_version: 1,
        next_version: 2,
        revision: 0,
    };
    call.insert(&policy).await?;
    let shown = with_tags(shown_customer(&policy, Usage::default()), &policy.tags);
    Ok(Some(Structure::default().with("Policy", shown)))
}

/// The text of a document that is not too long for a managed policy.
pub(super) fn within_size(document: PolicyText) -> Result<String, IdentityError> {
    if document.size() as u64 > quota::POLICY_SIZE.value {
        return Err(quota::POLICY_SIZE.exceeded());
    }
    Ok(document.into_text())
}

/// Tells of a managed policy, but not its documents.
pub(super) async fn get_policy(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let arn = take_policy_arn(&mut parameters, "PolicyArn")?;
    parameters.finish()?;
    let policy = call.authorized_policy(arn).await?;
    let usage = Usage::of(call, policy.arn()).await?;
    let shown = match &**policy {
        FoundPolicy::Customer(policy) => {
            let shown = shown_customer(policy, usage);
            let description = Some(policy.description.as_str()).filter(|description| !description.is_empty());
            with_tags(shown.with_some("Description", description), &policy.tags)
        }
        FoundPolicy::Aws(policy) => shown_aws(policy, usage).with("Description", policy.description),
    };
    Ok(Some(Structure::default().with("Policy", shown)))
}

/// Whose policies are listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Scope {
    All,
    Aws,
    Local,
}

/// What policies are used for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum UsageFilter {
    Permissions,
    Boundary,
}

/// The values of `PolicyUsageType`.
pub(super) const USAGE_FILTERS: &[(&str, UsageFilter)] =
    &[("PermissionsPolicy", UsageFilter::Permissions), ("PermissionsBoundary", UsageFilter::Boundary)];

/// How often a policy is used in the caller's account.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Usage {
    attachments: u32,
    boundaries: u32,
}

impl Usage {
    pub(super) async fn of(call: &Call<'_>, arn: &str) -> Result<Self, IdentityError> {
        let references = call.store().policy_references(&call.account(), arn).await?;
        let count = |is_one: fn(&keystead_core::port::PolicyReference) -> bool| {
            u32::try_from(references.iter().filter(|reference| is_one(reference)).count()).unwrap_or(u32::MAX)
        };
        Ok(Self {
            attachments: count(|reference| reference.attached),
            boundaries: count(|reference| reference.boundary),
        })
    }

    /// Whether anything of the account refers to the policy.
    pub(super) fn is_any(self) -> bool {
        self.attachments > 0 || self.boundaries > 0
    }
}

/// What ListPolicies is to leave out.
struct PolicyFilter {
    scope: Scope,
    path_prefix: String,
    only_attached: bool,
    usage: Option<UsageFilter>,
}

impl PolicyFilter {
    fn take(parameters: &mut Parameters) -> Result<Self, IdentityError> {
        let scopes = [("All", Scope::All), ("AWS", Scope::Aws), ("Local", Scope::Local)];
        Ok(Self {
            scope: one_of(parameters, "Scope", &scopes)?.unwrap_or(Scope::All),
            path_prefix: take_path(&POLICY_PATH, parameters, "PathPrefix")?,
            only_attached: parameters.boolean("OnlyAttached")?,
            usage: one_of(parameters, "PolicyUsageFilter", USAGE_FILTERS)?,
        })
    }

    fn wants(&self, usage: Usage) -> bool {
        let used = match self.usage {
            None => true,
            Some(UsageFilter::Permissions) => usage.attachments > 0,
            Some(UsageFilter::Boundary) => usage.boundaries > 0,
        };
        used && (!self.only_attached || usage.attachments > 0)
    }
}

/// A listed policy, and the name by which pages go on: those of AWS come first.
struct Listed {
    key: String,
    shown: Structure,
}

const AWS_FIRST: &str = "1/";
const LOCAL_SECOND: &str = "2/";

/// Lists managed policies.
pub(super) async fn list_policies(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let filter = PolicyFilter::take(&mut parameters)?;
    let scope = format!("{:?} {:?} {}", filter.scope, filter.usage, filter.only_attached);
    let page = Page::take(call, &mut parameters, &[&scope, &filter.path_prefix])?;
    parameters.finish()?;
    call.authorize("*")?;
    let mut found = Vec::new();
    if filter.scope != Scope::Local {
        list_aws(call, &page, &filter, &mut found).await?;
    }
    if filter.scope != Scope::Aws && found.len() < page.wanted() {
        list_local(call, &page, &filter, &mut found).await?;
    }
    let shown = |listed: &Listed| listed.shown.clone();
    Ok(Some(page.answer(Structure::default(), "Policies", &found, |listed| &listed.key, shown)))
}

async fn list_aws(
    call: &Call<'_>,
    page: &Page<'_>,
    filter: &PolicyFilter,
    found: &mut Vec<Listed>,
) -> Result<(), IdentityError> {
    let of_path = AWS_MANAGED_POLICIES.iter().filter(|policy| policy.path.starts_with(&filter.path_prefix));
    for policy in of_path {
        let key = format!("{AWS_FIRST}{}", policy.name);
        if page.after().is_some_and(|after| key.as_str() <= after) || found.len() >= page.wanted() {
            continue;
        }
        let usage = Usage::of(call, &policy.arn()).await?;
        if filter.wants(usage) {
            found.push(Listed { key, shown: shown_aws(policy, usage) });
        }
    }
    Ok(())
}

async fn list_local(
    call: &Call<'_>,
    page: &Page<'_>,
    filter: &PolicyFilter,
    found: &mut Vec<Listed>,
) -> Result<(), IdentityError> {
    let mut after = page.after().and_then(|after| after.strip_prefix(LOCAL_SECOND)).map(str::to_owned);
    loop {
        let batch = call.store().policies(&call.account(), after.as_deref(), page.wanted()).await?;
        let is_last = batch.len() < page.wanted();
        after = batch.last().map(|last| last.policy_name.clone());
        for policy in batch.iter().filter(|policy| policy.path.starts_with(&filter.path_prefix)) {
            let usage = Usage::of(call, &policy.arn()).await?;
            if filter.wants(usage) {
                let key = format!("{LOCAL_SECOND}{}", policy.policy_name);
                found.push(Listed { key, shown: shown_customer(policy, usage) });
            }
            if found.len() >= page.wanted() {
                return Ok(());
            }
        }
        if is_last {
            return Ok(());
        }
    }
}

pub(super) fn shown_customer(policy: &ManagedPolicy, usage: Usage) -> Structure {
    Structure::default()
        .with("PolicyName", policy.policy_name.as_str())
        .with("PolicyId", policy.policy_id.as_str())
        .with("Arn", policy.arn())
        .with("Path", policy.path.as_str())
        .with("DefaultVersionId", format!("v{}", policy.default_version))
        .with("AttachmentCount", usage.attachments)
        .with("PermissionsBoundaryUsageCount", usage.boundaries)
        .with("IsAttachable", true)
        .with("CreateDate", iso8601(policy.created))
        .with("UpdateDate", iso8601(policy.updated))
}

pub(super) fn shown_aws(policy: &AwsManagedPolicy, usage: Usage) -> Structure {
    Structure::default()
        .with("PolicyName", policy.name)
        .with("PolicyId", policy.policy_id)
        .with("Arn", policy.arn())
        .with("Path", policy.path)
        .with("DefaultVersionId", format!("v{}", policy.version))
        .with("AttachmentCount", usage.attachments)
        .with("PermissionsBoundaryUsageCount", usage.boundaries)
        .with("IsAttachable", policy.is_attachable())
        .with("CreateDate", policy.created)
        .with("UpdateDate", policy.updated)
}
