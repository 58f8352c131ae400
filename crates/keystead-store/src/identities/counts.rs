//! How many identities of each kind an account has.

use keystead_core::port::{IdentityCounts, StoreError};
use keystead_model::arn::AccountId;
use sqlx::SqliteConnection;

use crate::statements::{number, statements};

statements! {
    USERS = "SELECT count(*) FROM users WHERE account = $1";
    GROUPS = "SELECT count(*) FROM iam_groups WHERE account = $1";
    ROLES = "SELECT count(*) FROM iam_roles WHERE account = $1";
    POLICIES = "SELECT count(*) FROM iam_policies WHERE account = $1";
    POLICY_VERSIONS = "SELECT CAST(coalesce(sum(version_count), 0) AS BIGINT) FROM iam_policies WHERE account = $1";
    OIDC_PROVIDERS = "SELECT count(*) FROM oidc_providers WHERE account = $1";
    ROOT_ACCESS_KEYS = "SELECT count(*) FROM access_keys WHERE account = $1 AND user_name IS NULL";
}

/// [`keystead_core::port::IdentityStore::identity_counts`].
pub(crate) async fn of_account(
    connection: &mut SqliteConnection,
    account: &AccountId,
) -> Result<IdentityCounts, StoreError> {
    let mut counts = IdentityCounts::default();
    let members = [
        (USERS, &mut counts.users),
        (GROUPS, &mut counts.groups),
        (ROLES, &mut counts.roles),
        (POLICIES, &mut counts.policies),
        (POLICY_VERSIONS, &mut counts.policy_versions),
        (OIDC_PROVIDERS, &mut counts.oidc_providers),
        (ROOT_ACCESS_KEYS, &mut counts.root_access_keys),
    ];
    for (statement, count) in members {
        *count = number(connection, sqlx::query(statement).bind(account.as_str())).await?;
    }
    Ok(counts)
}
