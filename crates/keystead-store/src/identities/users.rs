//! Users.

use keystead_core::access::User;
use keystead_core::port::{PolicyHolder, StoreError, UniqueConstraint};
use keystead_model::Timestamp;
use keystead_model::arn::AccountId;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::insertion::Rules;
use super::members::{PolicyColumns, read_policies, revoked_before};
use super::references::References;
use super::{access_keys, append_change, at_revision, found};
use crate::rows::{Layout, Record, encoding};
use crate::statements::{execute, exists, fetch_all, fetch_optional, statements};

const LAYOUT: Layout = Layout { table: "users", identity: &["account", "user_name"] };

const RULES: Rules = Rules { of_name: OF_LOWER_CASE_NAME, unique: UniqueConstraint::UserName, count: COUNT };

/// The columns of a whole record, for a SELECT that ends as `$rest` says.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT users.account, user_name, user_id, path, created, tags, inline_policies, managed_policies,
            permissions_boundary, group_names, sessions_revoked_before, revision FROM ",
            $rest
        )
    };
}

statements! {
    OF_LOWER_CASE_NAME = "SELECT user_name FROM users WHERE account = $1 AND lower_case_name = $2 LIMIT 1";
    COUNT = "SELECT count(*) FROM users WHERE account = $1";
    INSERT = "INSERT INTO users
        (account, user_name, lower_case_name, user_id, path, created, tags, inline_policies, managed_policies,
         permissions_boundary, group_names, sessions_revoked_before, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    GET = select!("users WHERE account = $1 AND user_name = $2");
    LIST = select!("users WHERE account = $1 AND user_name > $2 ORDER BY user_name LIMIT $3");
    LIST_OF_GROUP = select!("iam_references
        JOIN users ON users.account = iam_references.account AND user_name = holder_name
        WHERE iam_references.account = $1 AND target = $2 AND holder_kind = 'USER' AND holder_name > $3 AND member = 1
        ORDER BY holder_name LIMIT $4");
    UPDATE = "UPDATE users SET tags = $1, inline_policies = $2, managed_policies = $3, permissions_boundary = $4,
        group_names = $5, sessions_revoked_before = $6, revision = revision + 1
        WHERE account = $7 AND user_name = $8 AND user_id = $9 AND revision = $10";
    DELETE = "DELETE FROM users WHERE account = $1 AND user_name = $2 AND revision = $3";
    NAME = "SELECT user_name FROM users WHERE account = $1 AND user_name = $2";
    REVOKE_SESSIONS = "UPDATE users SET sessions_revoked_before = $1, revision = revision + 1
        WHERE account = $2 AND user_name = $3 AND (sessions_revoked_before IS NULL OR sessions_revoked_before < $1)";
}

/// [`keystead_core::port::IdentityStore::insert_user`].
pub(crate) async fn insert(connection: &mut SqliteConnection, user: &User, quota: u64) -> Result<(), StoreError> {
    let lower_case_name = user.user_name.to_ascii_lowercase();
    RULES.check(connection, &user.account, &lower_case_name, quota).await?;
    let policies = PolicyColumns::of(&user.policies)?;
    let insert = sqlx::query(INSERT)
        .bind(user.account.as_str())
        .bind(&user.user_name)
        .bind(lower_case_name)
        .bind(&user.user_id)
        .bind(&user.path)
        .bind(encoding::millis("created", user.created)?)
        .bind(encoding::json(&user.tags)?)
        .bind(policies.inline)
        .bind(policies.managed)
        .bind(&user.permissions_boundary)
        .bind(encoding::json(&user.groups)?)
        .bind(revoked_before(user.sessions_revoked_before)?)
        .bind(encoding::whole("revision", user.revision)?);
    execute(connection, insert).await?;
    References::of_user(user).replace(connection).await?;
    append_change(connection, &user.account).await
}

/// [`keystead_core::port::IdentityStore::user`].
pub(crate) async fn get(
    connection: &mut SqliteConnection,
    account: &AccountId,
    user_name: &str,
) -> Result<Option<User>, StoreError> {
    let query = sqlx::query(GET).bind(account.as_str()).bind(user_name);
    fetch_optional(connection, query).await?.as_ref().map(read).transpose()
}

/// [`keystead_core::port::IdentityStore::users`].
pub(crate) async fn list(
    connection: &mut SqliteConnection,
    account: &AccountId,
    after: &str,
    limit: usize,
) -> Result<Vec<User>, StoreError> {
    let query = sqlx::query(LIST).bind(account.as_str()).bind(after).bind(encoding::limit(limit));
    fetch_all(connection, query).await?.iter().map(read).collect()
}

/// [`keystead_core::port::IdentityStore::users_of_group`].
pub(crate) async fn list_of_group(
    connection: &mut SqliteConnection,
    account: &AccountId,
    group_name: &str,
    after: &str,
    limit: usize,
) -> Result<Vec<User>, StoreError> {
    let query =
        sqlx::query(LIST_OF_GROUP).bind(account.as_str()).bind(group_name).bind(after).bind(encoding::limit(limit));
    fetch_all(connection, query).await?.iter().map(read).collect()
}

/// [`keystead_core::port::IdentityStore::update_user`]. One that was deleted and made again is another one, which its ID tells.
pub(crate) async fn update(connection: &mut SqliteConnection, user: &User) -> Result<(), StoreError> {
    let policies = PolicyColumns::of(&user.policies)?;
    let update = sqlx::query(UPDATE)
        .bind(encoding::json(&user.tags)?)
        .bind(policies.inline)
        .bind(policies.managed)
        .bind(&user.permissions_boundary)
        .bind(encoding::json(&user.groups)?)
        .bind(revoked_before(user.sessions_revoked_before)?)
        .bind(user.account.as_str())
        .bind(&user.user_name)
        .bind(&user.user_id)
        .bind(encoding::whole("revision", user.revision)?);
    at_revision(execute(connection, update).await?)?;
    References::of_user(user).replace(connection).await?;
    append_change(connection, &user.account).await
}

/// [`keystead_core::port::IdentityStore::delete_user`].
pub(crate) async fn delete(
    connection: &mut SqliteConnection,
    account: &AccountId,
    user_name: &str,
    revision: u64,
) -> Result<(), StoreError> {
    if access_keys::any_of_user(connection, account, user_name).await? {
        return Err(StoreError::Referenced);
    }
    let revision = encoding::whole("revision", revision)?;
    let delete = sqlx::query(DELETE).bind(account.as_str()).bind(user_name).bind(revision);
    at_revision(execute(connection, delete).await?)?;
    References::none(account, PolicyHolder::User, user_name).replace(connection).await?;
    append_change(connection, account).await
}

/// [`keystead_core::port::IdentityStore::revoke_sessions`] of a user. The revision grows: an update of what was read before would take the
/// revocation back.
pub(crate) async fn revoke_sessions(
    connection: &mut SqliteConnection,
    account: &AccountId,
    user_name: &str,
    before: Timestamp,
) -> Result<(), StoreError> {
    let before = encoding::millis("sessions_revoked_before", before)?;
    let update = sqlx::query(REVOKE_SESSIONS).bind(before).bind(account.as_str()).bind(user_name);
    if execute(connection, update).await? > 0 {
        return append_change(connection, account).await;
    }
    // It is not there, or its sessions are revoked up to a time that is as late.
    let there = exists(connection, sqlx::query(NAME).bind(account.as_str()).bind(user_name)).await?;
    found(u64::from(there))
}

fn read(row: &SqliteRow) -> Result<User, StoreError> {
    let record = Record::new(row, LAYOUT);
    Ok(User {
        account: record.parsed("account")?,
        user_name: record.text("user_name")?,
        path: record.text("path")?,
        user_id: record.text("user_id")?,
        created: record.timestamp("created")?,
        tags: record.json("tags")?,
        policies: read_policies(&record)?,
        permissions_boundary: record.value("permissions_boundary")?,
        groups: record.json("group_names")?,
        sessions_revoked_before: record.optional_timestamp("sessions_revoked_before")?,
        revision: record.whole("revision")?,
    })
}
