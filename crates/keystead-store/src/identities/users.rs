//! Users.

use keystead_core::access::User;
use keystead_core::port::{PolicyHolder, StoreError, UniqueConstraint};
use keystead_model::arn::AccountId;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::access_keys;
use super::kind::{Kind, at_revision};
use super::members::{PrincipalMembers, read_policies};
use super::references::References;
use crate::rows::{Layout, Record, encoding};
use crate::statements::{Query, execute, fetch_all, statements};

const LAYOUT: Layout = Layout { table: "users", identity: &["account", "user_name"] };

/// How users are found, listed and deleted.
pub(crate) const USERS: Kind<User> = Kind {
    of_name: OF_LOWER_CASE_NAME,
    unique: UniqueConstraint::UserName,
    count: COUNT,
    get: GET,
    list: LIST,
    delete: DELETE,
    read,
};

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
        (account, user_name, lower_case_name, user_id, path, created, group_names, tags, inline_policies, managed_policies,
         permissions_boundary, sessions_revoked_before, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    GET = select!("users WHERE account = $1 AND user_name = $2");
    LIST = select!("users WHERE account = $1 AND user_name > $2 ORDER BY user_name LIMIT $3");
    LIST_OF_GROUP = select!("iam_references
        JOIN users ON users.account = iam_references.account AND user_name = holder_name
        WHERE iam_references.account = $1 AND target = $2 AND holder_kind = 'USER' AND holder_name > $3 AND member = 1
        ORDER BY holder_name LIMIT $4");
    UPDATE = "UPDATE users SET group_names = $1, tags = $2, inline_policies = $3, managed_policies = $4,
        permissions_boundary = $5, sessions_revoked_before = $6, revision = revision + 1
        WHERE account = $7 AND user_name = $8 AND user_id = $9 AND revision = $10";
    DELETE = "DELETE FROM users WHERE account = $1 AND user_name = $2 AND revision = $3";
}

/// [`keystead_core::port::IdentityStore::insert_user`].
pub(crate) async fn insert(connection: &mut SqliteConnection, user: &User, quota: u64) -> Result<(), StoreError> {
    let lower_case_name = user.user_name.to_ascii_lowercase();
    USERS.check_new(connection, &user.account, &lower_case_name, quota).await?;
    let insert = sqlx::query(INSERT)
        .bind(user.account.as_str())
        .bind(&user.user_name)
        .bind(lower_case_name)
        .bind(&user.user_id)
        .bind(&user.path)
        .bind(encoding::millis("created", user.created)?);
    let insert = bind_changeable(insert, user)?.bind(encoding::whole("revision", user.revision)?);
    execute(connection, insert).await?;
    References::of_user(user).store(connection).await
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
    let update = bind_changeable(sqlx::query(UPDATE), user)?
        .bind(user.account.as_str())
        .bind(&user.user_name)
        .bind(&user.user_id)
        .bind(encoding::whole("revision", user.revision)?);
    at_revision(execute(connection, update).await?)?;
    References::of_user(user).store(connection).await
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
    USERS.delete(connection, account, user_name, revision).await?;
    References::none(account, PolicyHolder::User, user_name).store(connection).await
}

/// Binds what may change of a user, as the next values of a statement.
fn bind_changeable<'q>(query: Query<'q>, user: &'q User) -> Result<Query<'q>, StoreError> {
    let members = PrincipalMembers {
        tags: &user.tags,
        policies: &user.policies,
        permissions_boundary: &user.permissions_boundary,
        sessions_revoked_before: user.sessions_revoked_before,
    };
    members.bind_to(query.bind(encoding::json(&user.groups)?))
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
