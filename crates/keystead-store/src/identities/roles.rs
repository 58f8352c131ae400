//! Roles.

use keystead_core::access::Role;
use keystead_core::port::{PolicyHolder, StoreError, UniqueConstraint};
use keystead_model::arn::AccountId;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::kind::{Kind, at_revision};
use super::members::{PrincipalMembers, read_policies};
use super::references::References;
use crate::rows::{Layout, Record, encoding};
use crate::statements::{Query, execute, statements};

const LAYOUT: Layout = Layout { table: "iam_roles", identity: &["account", "role_name"] };

/// How roles are found, listed and deleted.
pub(crate) const ROLES: Kind<Role> = Kind {
    of_name: OF_LOWER_CASE_NAME,
    unique: UniqueConstraint::RoleName,
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
}

/// [`keystead_core::port::IdentityStore::insert_role`].
pub(crate) async fn insert(connection: &mut SqliteConnection, role: &Role, quota: u64) -> Result<(), StoreError> {
    let lower_case_name = role.role_name.to_ascii_lowercase();
    ROLES.check_new(connection, &role.account, &lower_case_name, quota).await?;
    let insert = sqlx::query(INSERT)
        .bind(role.account.as_str())
        .bind(&role.role_name)
        .bind(lower_case_name)
        .bind(&role.role_id)
        .bind(&role.path)
        .bind(encoding::millis("created", role.created)?);
    let insert = bind_changeable(insert, role)?.bind(encoding::whole("revision", role.revision)?);
    execute(connection, insert).await?;
    References::of_role(role).store(connection).await
}

/// [`keystead_core::port::IdentityStore::update_role`]. One that was deleted and made again is another one, which its ID tells.
pub(crate) async fn update(connection: &mut SqliteConnection, role: &Role) -> Result<(), StoreError> {
    let update = bind_changeable(sqlx::query(UPDATE), role)?
        .bind(role.account.as_str())
        .bind(&role.role_name)
        .bind(&role.role_id)
        .bind(encoding::whole("revision", role.revision)?);
    at_revision(execute(connection, update).await?)?;
    References::of_role(role).store(connection).await
}

/// [`keystead_core::port::IdentityStore::delete_role`].
pub(crate) async fn delete(
    connection: &mut SqliteConnection,
    account: &AccountId,
    role_name: &str,
    revision: u64,
) -> Result<(), StoreError> {
    ROLES.delete(connection, account, role_name, revision).await?;
    References::none(account, PolicyHolder::Role, role_name).store(connection).await
}

/// Binds what may change of a role, as the next values of a statement.
fn bind_changeable<'q>(query: Query<'q>, role: &'q Role) -> Result<Query<'q>, StoreError> {
    let own = query
        .bind(&role.description)
        .bind(&role.trust_policy)
        .bind(encoding::json(&role.trust_policy_principals)?)
        .bind(i64::from(role.max_session_duration));
    let members = PrincipalMembers {
        tags: &role.tags,
        policies: &role.policies,
        permissions_boundary: &role.permissions_boundary,
        sessions_revoked_before: role.sessions_revoked_before,
    };
    members.bind_to(own)
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
