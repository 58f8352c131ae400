//! GetAccountAuthorizationDetails: all that decides who in an account may do what.

mod shown;

use keystead_core::access::AWS_MANAGED_POLICIES;
use keystead_core::operation::GonePrincipals;
use keystead_query::{Node, Parameters, Structure};

use self::shown::{aws_policy_detail, group_detail, local_policy_detail, role_detail, user_detail};
use super::call::Call;
use super::identity::Identity;
use super::managed_policies::Usage;
use super::page::Page;
use super::trust_policy::{shown_trust_policy, with_trust_policy};
use crate::constraint::violation;
use crate::error::IdentityError;

/// What details there are, in the order in which pages have them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Kind {
    User,
    Group,
    Role,
    LocalManagedPolicy,
    AwsManagedPolicy,
}

/// Each kind: its name in `Filter`, how the names of its details in markers begin, and the member of the answer that they are in.
const KINDS: [(Kind, &str, &str, &str); 5] = [
    (Kind::User, "User", "1/", "UserDetailList"),
    (Kind::Group, "Group", "2/", "GroupDetailList"),
    (Kind::Role, "Role", "3/", "RoleDetailList"),
    (Kind::LocalManagedPolicy, "LocalManagedPolicy", "4/", "Policies"),
    (Kind::AwsManagedPolicy, "AWSManagedPolicy", "5/", "Policies"),
];

/// The lists of the answer.
const LISTS: [&str; 4] = ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"];

/// One of the answer, and the name by which pages go on.
struct Detail {
    list: &'static str,
    key: String,
    shown: Structure,
}

/// Lists users, groups, roles, the managed policies of the account, and those of AWS that are in use.
pub(super) async fn get_account_authorization_details(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let filter = take_filter(&mut parameters)?;
    let page = Page::take(call, &mut parameters, &[&format!("{filter:?}")])?;
    parameters.finish()?;
    call.authorize("*")?;
    let mut found = Vec::new();
    for (kind, _, prefix, list) in KINDS.into_iter().filter(|(kind, ..)| filter.contains(kind)) {
        let after = match page.after().map(|after| (after.strip_prefix(prefix), after > prefix)) {
            Some((None, true)) => continue,
            Some((after, _)) => after,
            None => None,
        };
        let room = page.wanted() - found.len();
        let details = details(call, kind, after, room).await?;
        let details = details.into_iter().take(room);
        found.extend(details.map(|(name, shown)| Detail { list, key: format!("{prefix}{name}"), shown }));
    }
    let (on_page, marker) = page.cut(&found, |detail| &detail.key);
    let answer = LISTS.into_iter().fold(Structure::default(), |answer, list| {
        let of_list = on_page.iter().filter(|detail| detail.list == list);
        answer.with_list(list, of_list.map(|detail| Node::from(detail.shown.clone())))
    });
    Ok(Some(answer.with("IsTruncated", marker.is_some()).with_some("Marker", marker)))
}

/// Takes `Filter`; all kinds if it is not there.
fn take_filter(parameters: &mut Parameters) -> Result<Vec<Kind>, IdentityError> {
    let mut filter = Vec::new();
    for (index, text) in parameters.members("Filter").iter().enumerate() {
        let Some((kind, ..)) = KINDS.into_iter().find(|(_, name, ..)| name == text) else {
            let names: Vec<&str> = KINDS.iter().map(|(_, name, ..)| *name).collect();
            let constraint = format!("Member must satisfy enum value set: [{}]", names.join(", "));
            return Err(violation(Some(text), &format!("filter.{}.member", index + 1), &constraint));
        };
        filter.push(kind);
    }
    if filter.is_empty() {
        filter.extend(KINDS.iter().map(|(kind, ..)| *kind));
    }
    filter.sort_unstable();
    filter.dedup();
    Ok(filter)
}

/// The details of one kind after a name, `limit` at most, with their names.
async fn details(
    call: &Call<'_>,
    kind: Kind,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, Structure)>, IdentityError> {
    match kind {
        Kind::User => identities(call, after, limit, user_detail).await,
        Kind::Group => identities(call, after, limit, group_detail).await,
        Kind::Role => identities(call, after, limit, role_detail).await,
        Kind::LocalManagedPolicy => local_policies(call, after, limit).await,
        Kind::AwsManagedPolicy => aws_policies(call, after).await,
    }
}

async fn identities<T: Identity>(
    call: &Call<'_>,
    after: Option<&str>,
    limit: usize,
    shown: fn(&T) -> Structure,
) -> Result<Vec<(String, Structure)>, IdentityError> {
    let mut details = Vec::new();
    let mut gone = GonePrincipals::new(call.kms);
    for identity in T::list(call.store(), &call.account(), after, limit).await? {
        let trust_policy = shown_trust_policy(&mut gone, &identity).await?;
        let detail = with_trust_policy(shown(&identity), trust_policy.as_deref());
        details.push((identity.name().to_owned(), detail));
    }
    Ok(details)
}

async fn local_policies(
    call: &Call<'_>,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, Structure)>, IdentityError> {
    let mut details = Vec::new();
    for policy in call.store().policies(&call.account(), after, limit).await? {
        let usage = Usage::of(call, &policy.arn()).await?;
        details.push((policy.policy_name.clone(), local_policy_detail(&policy, usage)));
    }
    Ok(details)
}

/// There are few.
async fn aws_policies(call: &Call<'_>, after: Option<&str>) -> Result<Vec<(String, Structure)>, IdentityError> {
    let mut details = Vec::new();
    for policy in AWS_MANAGED_POLICIES.iter().filter(|policy| after.is_none_or(|after| policy.name > after)) {
        let usage = Usage::of(call, &policy.arn()).await?;
        if usage.is_any() {
            details.push((policy.name.to_owned(), aws_policy_detail(policy, usage)));
        }
    }
    Ok(details)
}
