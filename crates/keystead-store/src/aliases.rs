//! Aliases.

use keystead_core::key::Alias;
use keystead_core::port::{ChangedRecord, StoreError, UniqueConstraint};
use keystead_model::arn::{AccountId, AliasName, KeyId, Region};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::rows::{Layout, Record, encoding};
use crate::statements::{execute, exists, fetch_all, fetch_optional, number, statements};
use crate::{changes, keys};

const LAYOUT: Layout = Layout { table: "aliases", identity: &["account", "region", "name"] };

statements! {
    INSERT = "INSERT INTO aliases (account, region, name, target_key_id, created, last_updated, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    GET = "SELECT account, region, name, target_key_id, created, last_updated, revision
        FROM aliases WHERE account = $1 AND region = $2 AND name = $3";
    AT_REVISION = "SELECT name FROM aliases WHERE account = $1 AND region = $2 AND name = $3 AND revision = $4";
    COUNT_OTHERS_OF_KEY = "SELECT count(*) FROM aliases
        WHERE account = $1 AND region = $2 AND target_key_id = $3 AND name <> $4";
    UPDATE = "UPDATE aliases SET target_key_id = $1, last_updated = $2, revision = revision + 1
        WHERE account = $3 AND region = $4 AND name = $5";
    DELETE = "DELETE FROM aliases WHERE account = $1 AND region = $2 AND name = $3 AND revision = $4";
    DELETE_ALL_OF_KEY = "DELETE FROM aliases WHERE account = $1 AND region = $2 AND target_key_id = $3";
    LIST = "SELECT account, region, name, target_key_id, created, last_updated, revision
        FROM aliases WHERE account = $1 AND region = $2 AND name > $3 ORDER BY name LIMIT $4";
    LIST_OF_KEY = "SELECT account, region, name, target_key_id, created, last_updated, revision
        FROM aliases WHERE account = $1 AND region = $2 AND target_key_id = $3 AND name > $4 ORDER BY name LIMIT $5";
}

/// [`keystead_core::port::Store::insert_alias`].
pub(crate) async fn insert(connection: &mut SqliteConnection, alias: &Alias, quota: u64) -> Result<(), StoreError> {
    within_quota(connection, alias, quota).await?;
    let (account, region, name) = (alias.account.as_str(), alias.region.as_str(), alias.name.as_str());
    if exists(connection, sqlx::query(GET).bind(account).bind(region).bind(name)).await? {
        return Err(StoreError::Duplicate(UniqueConstraint::AliasName));
    }
    target_exists(connection, alias).await?;
    let insert = sqlx::query(INSERT)
        .bind(account)
        .bind(region)
        .bind(name)
        .bind(alias.target_key_id.as_str())
        .bind(encoding::millis("created", alias.created)?)
        .bind(encoding::millis("last_updated", alias.last_updated)?)
        .bind(encoding::whole("revision", alias.revision)?);
    execute(connection, insert).await?;
    append_change(connection, &alias.account, &alias.region, &alias.name).await?;
    append_key_change(connection, &alias.region, &alias.target_key_id).await
}

/// `QuotaExceeded` if the target key has `quota` aliases besides this one.
async fn within_quota(connection: &mut SqliteConnection, alias: &Alias, quota: u64) -> Result<(), StoreError> {
    let count = sqlx::query(COUNT_OTHERS_OF_KEY)
        .bind(alias.account.as_str())
        .bind(alias.region.as_str())
        .bind(alias.target_key_id.as_str())
        .bind(alias.name.as_str());
    let current = number(connection, count).await?;
    if current >= quota { Err(StoreError::QuotaExceeded { current }) } else { Ok(()) }
}

async fn target_exists(connection: &mut SqliteConnection, alias: &Alias) -> Result<(), StoreError> {
    match keys::exists_in_account(connection, &alias.account, &alias.region, &alias.target_key_id).await? {
        true => Ok(()),
        false => Err(StoreError::NotFound),
    }
}

/// [`keystead_core::port::Store::alias`].
pub(crate) async fn get(
    connection: &mut SqliteConnection,
    account: &AccountId,
    region: &Region,
    name: &AliasName,
) -> Result<Option<Alias>, StoreError> {
    let query = sqlx::query(GET).bind(account.as_str()).bind(region.as_str()).bind(name.as_str());
    fetch_optional(connection, query).await?.as_ref().map(read).transpose()
}

/// [`keystead_core::port::Store::update_alias`]; a conflict comes first, because what was read no longer holds.
pub(crate) async fn update(connection: &mut SqliteConnection, alias: &Alias, quota: u64) -> Result<(), StoreError> {
    let (account, region, name) = (alias.account.as_str(), alias.region.as_str(), alias.name.as_str());
    let revision = encoding::whole("revision", alias.revision)?;
    let read_state = sqlx::query(AT_REVISION).bind(account).bind(region).bind(name).bind(revision);
    if !exists(connection, read_state).await? {
        return Err(StoreError::Conflict);
    }
    let before = get(connection, &alias.account, &alias.region, &alias.name).await?;
    within_quota(connection, alias, quota).await?;
    target_exists(connection, alias).await?;
    let update = sqlx::query(UPDATE)
        .bind(alias.target_key_id.as_str())
        .bind(encoding::millis("last_updated", alias.last_updated)?)
        .bind(account)
        .bind(region)
        .bind(name);
    execute(connection, update).await?;
    append_change(connection, &alias.account, &alias.region, &alias.name).await?;
    let left = before.map(|before| before.target_key_id).filter(|left| *left != alias.target_key_id);
    for key in left.iter().chain([&alias.target_key_id]) {
        append_key_change(connection, &alias.region, key).await?;
    }
    Ok(())
}

/// [`keystead_core::port::Store::delete_alias`].
pub(crate) async fn delete(
    connection: &mut SqliteConnection,
    account: &AccountId,
    region: &Region,
    name: &AliasName,
    revision: u64,
) -> Result<(), StoreError> {
    let before = get(connection, account, region, name).await?;
    let delete = sqlx::query(DELETE)
        .bind(account.as_str())
        .bind(region.as_str())
        .bind(name.as_str())
        .bind(encoding::whole("revision", revision)?);
    if execute(connection, delete).await? == 0 {
        return Err(StoreError::Conflict);
    }
    append_change(connection, account, region, name).await?;
    match before {
        Some(alias) => append_key_change(connection, region, &alias.target_key_id).await,
        None => Ok(()),
    }
}

/// Deletes the aliases of a key that is about to go, each with its entry in the change feed.
pub(crate) async fn delete_all_of_key(
    connection: &mut SqliteConnection,
    account: &AccountId,
    region: &Region,
    key: &KeyId,
) -> Result<(), StoreError> {
    for alias in list(connection, account, region, Some(key), None, usize::MAX).await? {
        append_change(connection, account, region, &alias.name).await?;
    }
    let delete = sqlx::query(DELETE_ALL_OF_KEY).bind(account.as_str()).bind(region.as_str()).bind(key.as_str());
    execute(connection, delete).await.map(drop)
}

/// [`keystead_core::port::Store::aliases`].
pub(crate) async fn list(
    connection: &mut SqliteConnection,
    account: &AccountId,
    region: &Region,
    key: Option<&KeyId>,
    after: Option<&AliasName>,
    limit: usize,
) -> Result<Vec<Alias>, StoreError> {
    let query = sqlx::query(if key.is_some() { LIST_OF_KEY } else { LIST });
    let mut query = query.bind(account.as_str()).bind(region.as_str());
    if let Some(key) = key {
        query = query.bind(key.as_str());
    }
    let query = query.bind(after.map_or("", AliasName::as_str)).bind(encoding::limit(limit));
    fetch_all(connection, query).await?.iter().map(read).collect()
}

async fn append_change(
    connection: &mut SqliteConnection,
    account: &AccountId,
    region: &Region,
    name: &AliasName,
) -> Result<(), StoreError> {
    changes::append(connection, &ChangedRecord::Alias(*account, region.clone(), name.clone())).await
}

/// Which aliases a key has is cached with the key.
async fn append_key_change(connection: &mut SqliteConnection, region: &Region, key: &KeyId) -> Result<(), StoreError> {
    changes::append(connection, &ChangedRecord::Key(region.clone(), *key)).await
}

fn read(row: &SqliteRow) -> Result<Alias, StoreError> {
    let record = Record::new(row, LAYOUT);
    Ok(Alias {
        account: record.parsed("account")?,
        region: record.parsed("region")?,
        name: record.parsed("name")?,
        target_key_id: record.parsed("target_key_id")?,
        created: record.timestamp("created")?,
        last_updated: record.timestamp("last_updated")?,
        revision: record.whole("revision")?,
    })
}
