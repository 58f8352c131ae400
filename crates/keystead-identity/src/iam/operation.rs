//! The operations that are served, and where each is.

use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::{
    access_key_last_used, access_keys, account_summary, attached_policies, authorization_details, boundaries,
    group_members, groups, inline_policies, managed_policies, not_kept, oidc_providers, policy_entities, policy_tags,
    policy_versions, role_tags, roles, simulation, user_tags, users,
};
use crate::error::IdentityError;

/// An operation of IAM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Operation {
    pub(super) name: &'static str,
    /// Whether it changes nothing.
    pub(super) read_only: bool,
}

macro_rules! read_only {
    (reads) => {
        true
    };
    (writes) => {
        false
    };
}

macro_rules! operations {
    ($($name:ident $kind:ident => $module:ident::$function:ident,)+) => {
        /// All that are served.
        pub(super) const OPERATIONS: &[Operation] =
            &[$(Operation { name: stringify!($name), read_only: read_only!($kind) }),+];

        /// Does an operation. One that answers nothing but that it was done gives none.
        pub(super) async fn dispatch(
            operation: &'static Operation,
            call: &Call<'_>,
            parameters: Parameters,
        ) -> Result<Option<Structure>, IdentityError> {
            match operation.name {
                $(stringify!($name) => $module::$function(call, parameters).await,)+
                other => Err(IdentityError::internal(&format!("{other} has no line here"))),
            }
        }
    };
}

operations! {
    // Users.
    CreateUser writes => users::create_user,
    GetUser reads => users::get_user,
    ListUsers reads => users::list_users,
    DeleteUser writes => users::delete_user,
    TagUser writes => user_tags::tag_user,
    UntagUser writes => user_tags::untag_user,
    ListUserTags reads => user_tags::list_user_tags,
    // Access keys.
    CreateAccessKey writes => access_keys::create_access_key,
    ListAccessKeys reads => access_keys::list_access_keys,
    UpdateAccessKey writes => access_keys::update_access_key,
    DeleteAccessKey writes => access_keys::delete_access_key,
    GetAccessKeyLastUsed reads => access_key_last_used::get_access_key_last_used,
    // Groups.
    CreateGroup writes => groups::create_group,
    GetGroup reads => groups::get_group,
    ListGroups reads => groups::list_groups,
    DeleteGroup writes => groups::delete_group,
    AddUserToGroup writes => group_members::add_user_to_group,
    RemoveUserFromGroup writes => group_members::remove_user_from_group,
    ListGroupsForUser reads => group_members::list_groups_for_user,
    // Roles.
    CreateRole writes => roles::create_role,
    GetRole reads => roles::get_role,
    ListRoles reads => roles::list_roles,
    UpdateRole writes => roles::update_role,
    UpdateRoleDescription writes => roles::update_role_description,
    UpdateAssumeRolePolicy writes => roles::update_assume_role_policy,
    DeleteRole writes => roles::delete_role,
    TagRole writes => role_tags::tag_role,
    UntagRole writes => role_tags::untag_role,
    ListRoleTags reads => role_tags::list_role_tags,
    // Managed policies.
    CreatePolicy writes => managed_policies::create_policy,
    GetPolicy reads => managed_policies::get_policy,
    ListPolicies reads => managed_policies::list_policies,
    DeletePolicy writes => managed_policies::delete_policy,
    CreatePolicyVersion writes => policy_versions::create_policy_version,
    GetPolicyVersion reads => policy_versions::get_policy_version,
    ListPolicyVersions reads => policy_versions::list_policy_versions,
    SetDefaultPolicyVersion writes => policy_versions::set_default_policy_version,
    DeletePolicyVersion writes => policy_versions::delete_policy_version,
    TagPolicy writes => policy_tags::tag_policy,
    UntagPolicy writes => policy_tags::untag_policy,
    ListPolicyTags reads => policy_tags::list_policy_tags,
    ListEntitiesForPolicy reads => policy_entities::list_entities_for_policy,
    AttachUserPolicy writes => attached_policies::attach_user_policy,
    AttachGroupPolicy writes => attached_policies::attach_group_policy,
    AttachRolePolicy writes => attached_policies::attach_role_policy,
    DetachUserPolicy writes => attached_policies::detach_user_policy,
    DetachGroupPolicy writes => attached_policies::detach_group_policy,
    DetachRolePolicy writes => attached_policies::detach_role_policy,
    ListAttachedUserPolicies reads => attached_policies::list_attached_user_policies,
    ListAttachedGroupPolicies reads => attached_policies::list_attached_group_policies,
    ListAttachedRolePolicies reads => attached_policies::list_attached_role_policies,
    // Inline policies.
    PutUserPolicy writes => inline_policies::put_user_policy,
    PutGroupPolicy writes => inline_policies::put_group_policy,
    PutRolePolicy writes => inline_policies::put_role_policy,
    GetUserPolicy reads => inline_policies::get_user_policy,
    GetGroupPolicy reads => inline_policies::get_group_policy,
    GetRolePolicy reads => inline_policies::get_role_policy,
    ListUserPolicies reads => inline_policies::list_user_policies,
    ListGroupPolicies reads => inline_policies::list_group_policies,
    ListRolePolicies reads => inline_policies::list_role_policies,
    DeleteUserPolicy writes => inline_policies::delete_user_policy,
    DeleteGroupPolicy writes => inline_policies::delete_group_policy,
    DeleteRolePolicy writes => inline_policies::delete_role_policy,
    // Permissions boundaries.
    PutUserPermissionsBoundary writes => boundaries::put_user_permissions_boundary,
    PutRolePermissionsBoundary writes => boundaries::put_role_permissions_boundary,
    DeleteUserPermissionsBoundary writes => boundaries::delete_user_permissions_boundary,
    DeleteRolePermissionsBoundary writes => boundaries::delete_role_permissions_boundary,
    // The account.
    GetAccountAuthorizationDetails reads => authorization_details::get_account_authorization_details,
    GetAccountSummary reads => account_summary::get_account_summary,
    // OpenID Connect providers.
    CreateOpenIDConnectProvider writes => oidc_providers::create_open_id_connect_provider,
    GetOpenIDConnectProvider reads => oidc_providers::get_open_id_connect_provider,
    ListOpenIDConnectProviders reads => oidc_providers::list_open_id_connect_providers,
    DeleteOpenIDConnectProvider writes => oidc_providers::delete_open_id_connect_provider,
    UpdateOpenIDConnectProviderThumbprint writes => oidc_providers::update_open_id_connect_provider_thumbprint,
    AddClientIDToOpenIDConnectProvider writes => oidc_providers::add_client_id_to_open_id_connect_provider,
    RemoveClientIDFromOpenIDConnectProvider writes => oidc_providers::remove_client_id_from_open_id_connect_provider,
    TagOpenIDConnectProvider writes => oidc_providers::tag_open_id_connect_provider,
    UntagOpenIDConnectProvider writes => oidc_providers::untag_open_id_connect_provider,
    ListOpenIDConnectProviderTags reads => oidc_providers::list_open_id_connect_provider_tags,
    // What nobody has here.
    ListInstanceProfilesForRole reads => not_kept::list_instance_profiles_for_role,
    ListAccountAliases reads => not_kept::list_account_aliases,
    ListMFADevices reads => not_kept::list_mfa_devices,
    ListVirtualMFADevices reads => not_kept::list_virtual_mfa_devices,
    ListSigningCertificates reads => not_kept::list_signing_certificates,
    ListSSHPublicKeys reads => not_kept::list_ssh_public_keys,
    ListServiceSpecificCredentials reads => not_kept::list_service_specific_credentials,
    GetLoginProfile reads => not_kept::get_login_profile,
    // Simulations.
    SimulatePrincipalPolicy reads => simulation::simulate_principal_policy,
    SimulateCustomPolicy reads => simulation::simulate_custom_policy,
    GetContextKeysForPrincipalPolicy reads => simulation::get_context_keys_for_principal_policy,
    GetContextKeysForCustomPolicy reads => simulation::get_context_keys_for_custom_policy,
}

/// The operation of that name, if it is served.
pub(super) fn named(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.name == name)
}

/// Whether an operation changes nothing.
pub(super) fn is_read_only(name: &str) -> bool {
    named(name).is_some_and(|operation| operation.read_only)
}
