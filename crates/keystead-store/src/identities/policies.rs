//! Customer managed policies.

use keystead_core::access::{ManagedPolicy, PolicyVersion, customer_policy_name};
use keystead_core::port::{StoreError, UniqueConstraint};
use keystead_model::arn::AccountId;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::kind::{Kind, at_revision};
use super::{append_change, references};
use crate::error::engine;
use crate::rows::{Layout, Record, encoding};
use crate::statements::{execute, fetch_optional, statements};

const LAYOUT: Layout = Layout { table: "iam_policies", identity: &["account", "policy_name"] };

/// How customer managed policies are found, listed and deleted.
pub(crate) const POLICIES: Kind<ManagedPolicy> = Kind {
    of_name: OF_LOWER_CASE_NAME,
    unique: UniqueConstraint::PolicyName,
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
            "SELECT account, policy_name, policy_id, path, created, updated, description, tags, versions,
            default_version, next_version, revision FROM iam_policies ",
            $rest
        )
    };
}

statements! {
    OF_LOWER_CASE_NAME = "SELECT policy_name FROM iam_policies WHERE account = $1 AND lower_case_name = $2";
    PATH = "SELECT path FROM iam_policies WHERE account = $1 AND policy_name = $2";
    COUNT = "SELECT count(*) FROM iam_policies WHERE account = $1";
    INSERT = "INSERT INTO iam_policies
        (account, policy_name, lower_case_name, policy_id, path, created, updated, description, tags, version_count,
         versions, default_version, next_version, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    GET = select!("WHERE account = $1 AND policy_name = $2");
    LIST = select!("WHERE account = $1 AND policy_name > $2 ORDER BY policy_name LIMIT $3");
    UPDATE = "UPDATE iam_policies SET updated = $1, tags = $2, version_count = $3, versions = $4, default_version = $5,
        next_version = $6, revision = revision + 1
        WHERE account = $7 AND policy_name = $8 AND policy_id = $9 AND revision = $10";
    DELETE = "DELETE FROM iam_policies WHERE account = $1 AND policy_name = $2 AND revision = $3";
}

/// [`keystead_core::port::IdentityStore::insert_policy`].
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    policy: &ManagedPolicy,
    quota: u64,
) -> Result<(), StoreError> {
    let lower_case_name = policy.policy_name.to_ascii_lowercase();
    POLICIES.check_new(connection, &policy.account, &lower_case_name, quota).await?;
    let versions = VersionColumns::of(&policy.versions)?;
    let insert = sqlx::query(INSERT)
        .bind(policy.account.as_str())
        .bind(&policy.policy_name)
        .bind(lower_case_name)
        .bind(&policy.policy_id)
        .bind(&policy.path)
        .bind(encoding::millis("created", policy.created)?)
        .bind(encoding::millis("updated", policy.updated)?)
        .bind(&policy.description)
        .bind(encoding::json(&policy.tags)?)
        .bind(versions.count)
        .bind(versions.json)
        .bind(i64::from(policy.default_version))
        .bind(i64::from(policy.next_version))
        .bind(encoding::whole("revision", policy.revision)?);
    execute(connection, insert).await?;
    append_change(connection, &policy.account).await
}

/// Whether an account has a managed policy of its own with this ARN.
pub(super) async fn exists_of_arn(
    connection: &mut SqliteConnection,
    account: &AccountId,
    arn: &str,
) -> Result<bool, StoreError> {
    match customer_policy_name(arn) {
        Some((owner, policy_name)) if owner == *account => {
            Ok(self::arn(connection, account, policy_name).await?.is_some_and(|stored| stored == arn))
        }
        Some(_) | None => Ok(false),
    }
}

/// The ARN of the managed policy of this name, if there is one. Its versions are not read.
async fn arn(
    connection: &mut SqliteConnection,
    account: &AccountId,
    policy_name: &str,
) -> Result<Option<String>, StoreError> {
    let query = sqlx::query(PATH).bind(account.as_str()).bind(policy_name);
    let Some(row) = fetch_optional(connection, query).await? else { return Ok(None) };
    let path: &str = row.try_get("path").map_err(engine)?;
    Ok(Some(format!("arn:aws:iam::{account}:policy{path}{policy_name}")))
}

/// [`keystead_core::port::IdentityStore::update_policy`]. One that was deleted and made again is another one, which its ID tells.
pub(crate) async fn update(connection: &mut SqliteConnection, policy: &ManagedPolicy) -> Result<(), StoreError> {
    let versions = VersionColumns::of(&policy.versions)?;
    let update = sqlx::query(UPDATE)
        .bind(encoding::millis("updated", policy.updated)?)
        .bind(encoding::json(&policy.tags)?)
        .bind(versions.count)
        .bind(versions.json)
        .bind(i64::from(policy.default_version))
        .bind(i64::from(policy.next_version))
        .bind(policy.account.as_str())
        .bind(&policy.policy_name)
        .bind(&policy.policy_id)
        .bind(encoding::whole("revision", policy.revision)?);
    at_revision(execute(connection, update).await?)?;
    append_change(connection, &policy.account).await
}

/// [`keystead_core::port::IdentityStore::delete_policy`].
pub(crate) async fn delete(
    connection: &mut SqliteConnection,
    account: &AccountId,
    policy_name: &str,
    revision: u64,
) -> Result<(), StoreError> {
    let arn = arn(connection, account, policy_name).await?.ok_or(StoreError::Conflict)?;
    references::nobody_refers_to(connection, account, &arn).await?;
    POLICIES.delete(connection, account, policy_name, revision).await?;
    append_change(connection, account).await
}

/// Versions as their columns have them.
struct VersionColumns {
    count: i64,
    json: String,
}

impl VersionColumns {
    fn of(versions: &[PolicyVersion]) -> Result<Self, StoreError> {
        let stored: Vec<StoredVersion> = versions.iter().map(StoredVersion::of).collect::<Result<_, _>>()?;
        Ok(Self { count: encoding::limit(stored.len()), json: encoding::json(&stored)? })
    }
}

/// A version in the column `versions`; `created` in milliseconds since the epoch.
#[derive(Serialize, Deserialize)]
struct StoredVersion {
    number: u32,
    created: i64,
    document: String,
}

impl StoredVersion {
    fn of(version: &PolicyVersion) -> Result<Self, StoreError> {
        let created = encoding::millis("versions", version.created)?;
        Ok(Self { number: version.number, created, document: version.document.clone() })
    }

    fn read(self, record: &Record<'_>) -> Result<PolicyVersion, StoreError> {
        let created = record.point_in_time("versions", self.created)?;
        Ok(PolicyVersion { number: self.number, document: self.document, created })
    }
}

fn read(row: &SqliteRow) -> Result<ManagedPolicy, StoreError> {
    let record = Record::new(row, LAYOUT);
    let stored_versions: Vec<StoredVersion> = record.json("versions")?;
    let policy = ManagedPolicy {
        account: record.parsed("account")?,
        policy_name: record.text("policy_name")?,
        path: record.text("path")?,
        policy_id: record.text("policy_id")?,
        created: record.timestamp("created")?,
        updated: record.timestamp("updated")?,
        description: record.text("description")?,
        tags: record.json("tags")?,
        versions: stored_versions.into_iter().map(|stored| stored.read(&record)).collect::<Result<_, _>>()?,
        default_version: record.whole("default_version")?,
        next_version: record.whole("next_version")?,
        revision: record.whole("revision")?,
    };
    match policy.default_document() {
        Some(_) => Ok(policy),
        None => Err(record.damaged("default_version", "is not among the versions")),
    }
}
