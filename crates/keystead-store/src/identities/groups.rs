//! Groups.

use keystead_core::access::Group;
use keystead_core::port::{PolicyHolder, StoreError, UniqueConstraint};
use keystead_model::arn::AccountId;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::kind::{Kind, at_revision};
use super::members::{bind_policies, read_policies};
use super::references::{self, References};
use crate::rows::{Layout, Record, encoding};
use crate::statements::{execute, exists, statements};

const LAYOUT: Layout = Layout { table: "iam_groups", identity: &["account", "group_name"] };

/// How groups are found, listed and deleted.
pub(crate) const GROUPS: Kind<Group> = Kind {
    of_name: OF_LOWER_CASE_NAME,
    unique: UniqueConstraint::GroupName,
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
            "SELECT account, group_name, group_id, path, created, inline_policies, managed_policies, revision
            FROM iam_groups ",
            $rest
        )
    };
}

statements! {
    OF_LOWER_CASE_NAME = "SELECT group_name FROM iam_groups WHERE account = $1 AND lower_case_name = $2";
    OF_NAME = "SELECT group_name FROM iam_groups WHERE account = $1 AND group_name = $2";
    COUNT = "SELECT count(*) FROM iam_groups WHERE account = $1";
    INSERT = "INSERT INTO iam_groups
        (account, group_name, lower_case_name, group_id, path, created, inline_policies, managed_policies, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    GET = select!("WHERE account = $1 AND group_name = $2");
    LIST = select!("WHERE account = $1 AND group_name > $2 ORDER BY group_name LIMIT $3");
    UPDATE = "UPDATE iam_groups SET inline_policies = $1, managed_policies = $2, revision = revision + 1
        WHERE account = $3 AND group_name = $4 AND group_id = $5 AND revision = $6";
    DELETE = "DELETE FROM iam_groups WHERE account = $1 AND group_name = $2 AND revision = $3";
}

/// [`keystead_core::port::IdentityStore::insert_group`].
pub(crate) async fn insert(connection: &mut SqliteConnection, group: &Group, quota: u64) -> Result<(), StoreError> {
    let lower_case_name = group.group_name.to_ascii_lowercase();
    GROUPS.check_new(connection, &group.account, &lower_case_name, quota).await?;
    let insert = sqlx::query(INSERT)
        .bind(group.account.as_str())
        .bind(&group.group_name)
        .bind(lower_case_name)
        .bind(&group.group_id)
        .bind(&group.path)
        .bind(encoding::millis("created", group.created)?);
    let insert = bind_policies(insert, &group.policies)?.bind(encoding::whole("revision", group.revision)?);
    execute(connection, insert).await?;
    References::of_group(group).store(connection).await
}

/// Whether an account has a group of exactly this name.
pub(super) async fn exists_of_name(
    connection: &mut SqliteConnection,
    account: &AccountId,
    group_name: &str,
) -> Result<bool, StoreError> {
    exists(connection, sqlx::query(OF_NAME).bind(account.as_str()).bind(group_name)).await
}

/// [`keystead_core::port::IdentityStore::update_group`]. One that was deleted and made again is another one, which its ID tells.
pub(crate) async fn update(connection: &mut SqliteConnection, group: &Group) -> Result<(), StoreError> {
    let update = bind_policies(sqlx::query(UPDATE), &group.policies)?
        .bind(group.account.as_str())
        .bind(&group.group_name)
        .bind(&group.group_id)
        .bind(encoding::whole("revision", group.revision)?);
    at_revision(execute(connection, update).await?)?;
    References::of_group(group).store(connection).await
}

/// [`keystead_core::port::IdentityStore::delete_group`].
pub(crate) async fn delete(
    connection: &mut SqliteConnection,
    account: &AccountId,
    group_name: &str,
    revision: u64,
) -> Result<(), StoreError> {
    references::nobody_refers_to(connection, account, group_name).await?;
    GROUPS.delete(connection, account, group_name, revision).await?;
    References::none(account, PolicyHolder::Group, group_name).store(connection).await
}

fn read(row: &SqliteRow) -> Result<Group, StoreError> {
    let record = Record::new(row, LAYOUT);
    Ok(Group {
        account: record.parsed("account")?,
        group_name: record.text("group_name")?,
        path: record.text("path")?,
        group_id: record.text("group_id")?,
        created: record.timestamp("created")?,
        policies: read_policies(&record)?,
        revision: record.whole("revision")?,
    })
}
