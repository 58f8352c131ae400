//! Roles.

use keystead_core::access::Role;
use keystead_core::port::{PolicyHolder, StoreError, UniqueConstraint};
use keystead_model::Timestamp;
use keystead_model::arn::AccountId;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::insertion::Rules;
use super::members::{PolicyColumns, read_policies, revoked_before};
use super::references::References;
use super::{append_change, at_revision, found};
use crate::rows::{Layout, Record, encoding};
use crate::statements::{execute, exists, fetch_all, fetch_optional, statements};

const LAYOUT: Layout = Layout { table: "iam_roles", identity: &["account", "role_name"] };

const RULES: Rules = Rules { of_name: OF_LOWER_CASE_NAME, unique: UniqueConstraint::RoleName, count: COUNT };

/// The columns of a whole record, for a SELECT that ends as `$rest` says.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT account, role_name, role_id, path, created, description, trust_policy, trust_policy_principals,
            max_session_duration, tags, inline_policies, managed_policies, permissions_boundary, sessions_revoked_before, revision FROM iam_roles ",
            $rest
        )
    };
}

statements! {
    OF_LOWER_CASE_NAME = "SELECT role_name FROM iam_roles WHERE account = $1 AND lower_case_name = $2";
    COUNT = "SELECT count(*) FROM iam_roles WHERE account = $1";
    INSERT = "INSERT INTO iam_roles
        (account, role_name, lower_case_name, role_id, path, created, description, trust_policy, trust_policy_principals,
         max_session_duration, tags, inline_policies, managed_policies, permissions_boundary, sessions_revoked_before, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    GET = select!("WHERE account = $1 AND role_name = $2");
    LIST = select!("WHERE account = $1 AND role_name > $2 ORDER BY role_name LIMIT $3");
    UPDATE = "UPDATE iam_roles SET description = $1, trust_policy = $2, trust_policy_principals = $3, max_session_duration = $4,
        tags = $5, inline_policies = $6, managed_policies = $7, permissions_boundary = $8,
        sessions_revoked_before = $9, revision = revision + 1
        WHERE account = $10 AND role_name = $11 AND role_id = $12 AND revision = $13";
    DELETE = "DELETE FROM iam_roles WHERE account = $1 AND role_name = $2 AND revision = $3";
    NAME = "SELECT role_name FROM iam_roles WHERE account = $1 AND role_name = $2";
    REVOKE_SESSIONS = "UPDATE iam_roles SET sessions_revoked_before = $1, revision = revision + 1
        WHERE account = $2 AND role_name = $3 AND (sessions_revoked_before IS NULL OR sessions_revoked_before < $1)";
}

/// [`keystead_core::port::IdentityStore::insert_role`].
pub(crate) async fn insert(connection: &mut SqliteConnection, role: &Role, quota: u64) -> Result<(), StoreError> {
    let lower_case_name = role.role_name.to_ascii_lowercase();
    RULES.check(connection, &role.account, &lower_case_name, quota).await?;
    let policies = PolicyColumns::of(&role.policies)?;
    let insert = sqlx::query(INSERT)
        .bind(role.account.as_str())
        .bind(&role.role_name)
        .bind(lower_case_name)
        .bind(&role.role_id)
        .bind(&role.path)
        .bind(encoding::millis("created", role.created)?)
        .bind(&role.description)
        .bind(&role.trust_policy)
        .bind(encoding::json(&role.trust_policy_principals)?)
        .bind(i64::from(role.max_session_duration))
        .bind(encoding::json(&role.tags)?)
        .bind(policies.inline)
        .bind(policies.managed)
        .bind(&role.permissions_boundary)
        .bind(revoked_before(role.sessions_revoked_before)?)
        .bind(encoding::whole("revision", role.revision)?);
    execute(connection, insert).await?;
    References::of_role(role).replace(connection).await?;
    append_change(connection, &role.account).await
}

/// [`keystead_core::port::IdentityStore::role`].
pub(crate) async fn get(
    connection: &mut SqliteConnection,
    account: &AccountId,
    role_name: &str,
) -> Result<Option<Role>, StoreError> {
    let query = sqlx::query(GET).bind(account.as_str()).bind(role_name);
    fetch_optional(connection, query).await?.as_ref().map(read).transpose()
}

/// [`keystead_core::port::IdentityStore::roles`].
pub(crate) async fn list(
    connection: &mut SqliteConnection,
    account: &AccountId,
    after: &str,
    limit: usize,
) -> Result<Vec<Role>, StoreError> {
    let query = sqlx::query(LIST).bind(account.as_str()).bind(after).bind(encoding::limit(limit));
    fetch_all(connection, query).await?.iter().map(read).collect()
}

/// [`keystead_core::port::IdentityStore::update_role`]. One that was deleted and made again is another one, which its ID tells.
pub(crate) async fn update(connection: &mut SqliteConnection, role: &Role) -> Result<(), StoreError> {
    let policies = PolicyColumns::of(&role.policies)?;
    let update = sqlx::query(UPDATE)
        .bind(&role.description)
        .bind(&role.trust_policy)
        .bind(encoding::json(&role.trust_policy_principals)?)
        .bind(i64::from(role.max_session_duration))
        .bind(encoding::json(&role.tags)?)
        .bind(policies.inline)
        .bind(policies.managed)
        .bind(&role.permissions_boundary)
        .bind(revoked_before(role.sessions_revoked_before)?)
        .bind(role.account.as_str())
        .bind(&role.role_name)
        .bind(&role.role_id)
        .bind(encoding::whole("revision", role.revision)?);
    at_revision(execute(connection, update).await?)?;
    References::of_role(role).replace(connection).await?;
    append_change(connection, &role.account).await
}

/// [`keystead_core::port::IdentityStore::delete_role`].
pub(crate) async fn delete(
    connection: &mut SqliteConnection,
    account: &AccountId,
    role_name: &str,
    revision: u64,
) -> Result<(), StoreError> {
    let revision = encoding::whole("revision", revision)?;
    let delete = sqlx::query(DELETE).bind(account.as_str()).bind(role_name).bind(revision);
    at_revision(execute(connection, delete).await?)?;
    References::none(account, PolicyHolder::Role, role_name).replace(connection).await?;
    append_change(connection, account).await
}

/// [`keystead_core::port::IdentityStore::revoke_sessions`] of a role. The revision grows: an update of what was read before would take the
/// revocation back.
pub(crate) async fn revoke_sessions(
    connection: &mut SqliteConnection,
    account: &AccountId,
    role_name: &str,
    before: Timestamp,
) -> Result<(), StoreError> {
    let before = encoding::millis("sessions_revoked_before", before)?;
    let update = sqlx::query(REVOKE_SESSIONS).bind(before).bind(account.as_str()).bind(role_name);
    if execute(connection, update).await? > 0 {
        return append_change(connection, account).await;
    }
    // It is not there, or its sessions are revoked up to a time that is as late.
    let there = exists(connection, sqlx::query(NAME).bind(account.as_str()).bind(role_name)).await?;
    found(u64::from(there))
}

fn read(row: &SqliteRow) -> Result<Role, StoreError> {
    let record = Record::new(row, LAYOUT);
    Ok(Role {
        account: record.parsed("account")?,
        role_name: record.text("role_name")?,
        path: record.text("path")?,
        role_id: record.text("role_id")?,
        created: record.timestamp("created")?,
        description: record.text("description")?,
        trust_policy: record.text("trust_policy")?,
        trust_policy_principals: record.json("trust_policy_principals")?,
        max_session_duration: record.whole("max_session_duration")?,
        tags: record.json("tags")?,
        policies: read_policies(&record)?,
        permissions_boundary: record.value("permissions_boundary")?,
        sessions_revoked_before: record.optional_timestamp("sessions_revoked_before")?,
        revision: record.whole("revision")?,
    })
}
