//! The operations that are served, and where each is.

use keystead_core::access::{Group, ManagedPolicy, OidcProvider, Role, User};
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::{
    access_key_last_used, access_keys, account_summary, attached_policies, authorization_details, boundaries, deletion,
    entity_tags, group_members, groups, identity, inline_policies, managed_policies, not_kept, oidc_providers,
    policy_entities, policy_versions, roles, simulation, users,
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
    ($($name:ident $kind:ident => $module:ident::$function:ident $(::<$entity:ty>)?,)+) => {
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
                $(stringify!($name) => $module::$function$(::<$entity>)?(call, parameters).await,)+
                other => Err(IdentityError::internal(&format!("{other} has no line here"))),
            }
        }
    };
}

operations! {
    // Users.
    CreateUser writes => users::create_user,
    GetUser reads => users::get_user,
    ListUsers reads => identity::list::<User>,
    DeleteUser writes => deletion::delete::<User>,
    TagUser writes => entity_tags::tag::<User>,
    UntagUser writes => entity_tags::untag::<User>,
    ListUserTags reads => entity_tags::list::<User>,
    // Access keys.
    CreateAccessKey writes => access_keys::create_access_key,
    ListAccessKeys reads => access_keys::list_access_keys,
    UpdateAccessKey writes => access_keys::update_access_key,
    DeleteAccessKey writes => access_keys::delete_access_key,
    GetAccessKeyLastUsed reads => access_key_last_used::get_access_key_last_used,
    // Groups.
    CreateGroup writes => groups::create_group,
    GetGroup reads => groups::get_group,
    ListGroups reads => identity::list::<Group>,
    DeleteGroup writes => deletion::delete::<Group>,
    AddUserToGroup writes => group_members::add_user_to_group,
    RemoveUserFromGroup writes => group_members::remove_user_from_group,
    ListGroupsForUser reads => group_members::list_groups_for_user,
    // Roles.
    CreateRole writes => roles::create_role,
    GetRole reads => roles::get_role,
    ListRoles reads => identity::list::<Role>,
    UpdateRole writes => roles::update_role,
    UpdateRoleDescription writes => roles::update_role_description,
    UpdateAssumeRolePolicy writes => roles::update_assume_role_policy,
    DeleteRole writes => deletion::delete::<Role>,
    TagRole writes => entity_tags::tag::<Role>,
    UntagRole writes => entity_tags::untag::<Role>,
    ListRoleTags reads => entity_tags::list::<Role>,
    // Managed policies.
    CreatePolicy writes => managed_policies::create_policy,
    GetPolicy reads => managed_policies::get_policy,
    ListPolicies reads => managed_policies::list_policies,
    DeletePolicy writes => deletion::delete::<ManagedPolicy>,
    CreatePolicyVersion writes => policy_versions::create_policy_version,
    GetPolicyVersion reads => policy_versions::get_policy_version,
    ListPolicyVersions reads => policy_versions::list_policy_versions,
    SetDefaultPolicyVersion writes => policy_versions::set_default_policy_version,
    DeletePolicyVersion writes => policy_versions::delete_policy_version,
    TagPolicy writes => entity_tags::tag::<ManagedPolicy>,
    UntagPolicy writes => entity_tags::untag::<ManagedPolicy>,
    ListPolicyTags reads => entity_tags::list::<ManagedPolicy>,
    ListEntitiesForPolicy reads => policy_entities::list_entities_for_policy,
    AttachUserPolicy writes => attached_policies::attach::<User>,
    AttachGroupPolicy writes => attached_policies::attach::<Group>,
    AttachRolePolicy writes => attached_policies::attach::<Role>,
    DetachUserPolicy writes => attached_policies::detach::<User>,
    DetachGroupPolicy writes => attached_policies::detach::<Group>,
    DetachRolePolicy writes => attached_policies::detach::<Role>,
    ListAttachedUserPolicies reads => attached_policies::list::<User>,
    ListAttachedGroupPolicies reads => attached_policies::list::<Group>,
    ListAttachedRolePolicies reads => attached_policies::list::<Role>,
    // Inline policies.
    PutUserPolicy writes => inline_policies::put::<User>,
    PutGroupPolicy writes => inline_policies::put::<Group>,
    PutRolePolicy writes => inline_policies::put::<Role>,
    GetUserPolicy reads => inline_policies::get::<User>,
    GetGroupPolicy reads => inline_policies::get::<Group>,
    GetRolePolicy reads => inline_policies::get::<Role>,
    ListUserPolicies reads => inline_policies::list::<User>,
    ListGroupPolicies reads => inline_policies::list::<Group>,
    ListRolePolicies reads => inline_policies::list::<Role>,
    DeleteUserPolicy writes => inline_policies::delete::<User>,
    DeleteGroupPolicy writes => inline_policies::delete::<Group>,
    DeleteRolePolicy writes => inline_policies::delete::<Role>,
    // Permissions boundaries.
    PutUserPermissionsBoundary writes => boundaries::put::<User>,
    PutRolePermissionsBoundary writes => boundaries::put::<Role>,
    DeleteUserPermissionsBoundary writes => boundaries::delete::<User>,
    DeleteRolePermissionsBoundary writes => boundaries::delete::<Role>,
    // The account.
    GetAccountAuthorizationDetails reads => authorization_details::get_account_authorization_details,
    GetAccountSummary reads => account_summary::get_account_summary,
    // OpenID Connect providers.
    CreateOpenIDConnectProvider writes => oidc_providers::create_open_id_connect_provider,
    GetOpenIDConnectProvider reads => oidc_providers::get_open_id_connect_provider,
    ListOpenIDConnectProviders reads => oidc_providers::list_open_id_connect_providers,
    DeleteOpenIDConnectProvider writes => deletion::delete::<OidcProvider>,
    UpdateOpenIDConnectProviderThumbprint writes => oidc_providers::update_open_id_connect_provider_thumbprint,
    AddClientIDToOpenIDConnectProvider writes => oidc_providers::add_client_id_to_open_id_connect_provider,
    RemoveClientIDFromOpenIDConnectProvider writes => oidc_providers::remove_client_id_from_open_id_connect_provider,
    TagOpenIDConnectProvider writes => entity_tags::tag::<OidcProvider>,
    UntagOpenIDConnectProvider writes => entity_tags::untag::<OidcProvider>,
    ListOpenIDConnectProviderTags reads => entity_tags::list::<OidcProvider>,
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
