//! Who calls, and what they may do.

mod access_key;
mod access_key_use_tracker;
mod account;
mod assumable_role;
mod attached_policies;
mod authorize;
mod aws_managed_policy;
mod condition_keys;
mod explanation;
mod grantee_name;
mod group;
mod kms_actions;
mod kms_condition_keys;
mod kms_scope;
mod managed_policy;
mod named_principal;
mod new_access_key;
mod oidc_provider;
mod principal;
mod principal_policies;
mod refusal;
mod resource_tag;
mod retirement;
mod role;
mod session;
mod session_token;
mod temporary_access_key_id;
mod unique_id;
mod user;

pub use access_key::{AccessKey, AccessKeyStatus, AccessKeyUse};
pub(crate) use access_key_use_tracker::{
    AccessKeyUseTracker, STORE_INTERVAL as ACCESS_KEY_USES_STORE_INTERVAL, store_access_key_uses,
};
pub use account::Account;
pub use assumable_role::AssumableRole;
pub use attached_policies::AttachedPolicies;
pub use authorize::{AccessRequest, AccountScope, Authorized, Resource, authorize};
pub(crate) use authorize::{Grants, Refused, authorize_with, policy_would_allow};
pub use aws_managed_policy::{AWS_MANAGED_POLICIES, AwsManagedPolicy};
pub use condition_keys::{NoConditionKeys, RequestConditionKeys};
pub(crate) use explanation::{AskedAccess, explain, explain_without_policies};
pub use explanation::{
    ExplainedConstraint, ExplainedDecision, ExplainedDocument, ExplainedEffect, ExplainedGrant, ExplainedLayer,
    ExplainedStatement, Explanation, Reason, WithoutPolicies,
};
pub use grantee_name::GranteeName;
pub use group::Group;
pub use kms_actions::{OPERATION_ACCESS, OperationAccess, Subject, operation_access};
pub(crate) use kms_condition_keys::KmsConditionKeys;
pub use kms_scope::{AllKeys, KmsScope};
pub use managed_policy::{ManagedPolicy, PolicyVersion, customer_policy_name};
pub use named_principal::{NamedPrincipal, PrincipalName, is_identity_path};
pub use new_access_key::{NewAccessKey, new_access_key};
pub use oidc_provider::OidcProvider;
pub use principal::{Credential, Principal, PrincipalKind};
pub use principal_policies::PrincipalPolicies;
pub use refusal::{access_denied, no_resource_policy_allows};
pub use resource_tag::resource_tag;
pub use retirement::authorize_retirement;
pub use role::Role;
pub use session::{Session, is_revoked};
pub use session_token::{
    PACKED_POLICY_BYTES_MAX, SessionContent, SessionPrincipal, TOKEN_CHARACTERS_MAX, TemporaryCredentials, TokenTooLong,
};
pub(crate) use session_token::{issue as issue_session_token, open as open_session_token};
pub use temporary_access_key_id::account_of_temporary_access_key_id;
pub use unique_id::{UniqueIdKind, new_unique_id};
pub use user::User;
