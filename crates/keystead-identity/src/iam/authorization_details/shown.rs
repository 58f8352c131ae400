//! Details as the answer has them.

use keystead_core::access::{AttachedPolicies, AwsManagedPolicy, Group, ManagedPolicy, Role, User};
use keystead_query::{Node, Structure};

use crate::iam::attached_policies::attached_shown;
use crate::iam::identity::{Identity, described};
use crate::iam::identity_members::boundary_shown;
use crate::iam::managed_policies::{Usage, shown_aws, shown_customer};
use crate::iam::policy_document::encoded;
use crate::iam::policy_versions;
use crate::iam::tags::listed;

pub(super) fn user_detail(user: &User) -> Structure {
    let boundary = user.permissions_boundary.as_deref().map(boundary_shown);
    with_policies(user.shown(), "UserPolicyList", &user.policies)
        .with_list("GroupList", user.groups.iter().map(String::as_str))
        .with_some("PermissionsBoundary", boundary)
        .with_list("Tags", listed(&user.tags))
}

pub(super) fn group_detail(group: &Group) -> Structure {
    with_policies(group.shown(), "GroupPolicyList", &group.policies)
}

/// Unlike what other operations tell of a role, without description and longest session. Its trust policy is added to it.
pub(super) fn role_detail(role: &Role) -> Structure {
    let boundary = role.permissions_boundary.as_deref().map(boundary_shown);
    with_policies(described(role), "RolePolicyList", &role.policies)
        .with_list("InstanceProfileList", Vec::<Structure>::new())
        .with_some("PermissionsBoundary", boundary)
        .with_list("Tags", listed(&role.tags))
}

pub(super) fn local_policy_detail(policy: &ManagedPolicy, usage: Usage) -> Structure {
    let versions = policy.versions.iter().rev();
    let versions =
        versions.map(|version| policy_versions::shown(version, policy).with("Document", encoded(&version.document)));
    let description = Some(policy.description.as_str()).filter(|text| !text.is_empty());
    shown_customer(policy, usage).with_some("Description", description).with_list("PolicyVersionList", versions)
}

pub(super) fn aws_policy_detail(policy: &AwsManagedPolicy, usage: Usage) -> Structure {
    let version = policy_versions::shown_aws(policy).with("Document", encoded(policy.document));
    shown_aws(policy, usage).with("Description", policy.description).with_list("PolicyVersionList", [version])
}

fn with_policies(shown: Structure, inline_list: &'static str, policies: &AttachedPolicies) -> Structure {
    let inline = policies.inline.iter().map(|(name, document)| {
        Structure::default().with("PolicyName", name.as_str()).with("PolicyDocument", encoded(document))
    });
    let attached = policies.managed.iter().map(|arn| Node::from(attached_shown(arn)));
    shown.with_list(inline_list, inline).with_list("AttachedManagedPolicies", attached)
}
