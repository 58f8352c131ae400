//! KMS keys, with all that comes and goes with them.

pub(crate) mod columns;
pub(crate) mod count;
pub(crate) mod due;
pub(crate) mod materials;
pub(crate) mod related;
pub(crate) mod rows;
pub(crate) mod tags;

use std::collections::BTreeSet;

use keystead_core::key::{Key, KeyOrigin};
use keystead_core::port::{ChangedRecord, StoreError, UniqueConstraint};
use keystead_model::arn::{AccountId, KeyId, Region};
use keystead_model::kms::MultiRegionKeyType;
use sqlx::SqliteConnection;

use crate::rows::{Record, encoding};
use crate::statements::{execute, exists, fetch_all, fetch_optional, statements};
use crate::{aliases, changes, custom_key_stores, grants, identities, key_last_usages, pending_backing_keys};

statements! {
    EXISTS = "SELECT id FROM kms_keys WHERE region = $1 AND id = $2";
    EXISTS_IN_ACCOUNT = "SELECT id FROM kms_keys WHERE account = $1 AND region = $2 AND id = $3";
    OF_XKS_KEY = "SELECT id FROM kms_keys WHERE custom_key_store_id = $1 AND xks_key_id = $2";
    OF_BACKING_KEY = "SELECT id FROM kms_keys WHERE custom_key_store_id = $1 AND backing_key_id = $2";
    OF_CUSTOM_KEY_STORE = "SELECT id FROM kms_keys WHERE custom_key_store_id = $1 LIMIT 1";
    AT_REVISION = "SELECT region, id, account, multi_region_key_type FROM kms_keys
        WHERE region = $1 AND id = $2 AND revision = $3";
    DELETE = "DELETE FROM kms_keys WHERE region = $1 AND id = $2";
    LIST_IDS = "SELECT region, id FROM kms_keys WHERE account = $1 AND region = $2 AND id > $3 ORDER BY id LIMIT $4";
}

/// [`keystead_core::port::Store::insert_key`].
pub(crate) async fn insert(connection: &mut SqliteConnection, key: &Key, quota: u64) -> Result<(), StoreError> {
    count::within_quota(connection, key, quota).await?;
    may_insert(connection, key).await?;
    if let KeyOrigin::AwsCloudhsm { custom_key_store_id, backing_key_id } = &key.origin {
        pending_backing_keys::take(connection, custom_key_store_id, backing_key_id).await?;
    }
    insert_whole(connection, key).await?;
    append_change(connection, &key.region, &key.id).await
}

/// What stands against a new key besides the quota, in the port's order.
async fn may_insert(connection: &mut SqliteConnection, key: &Key) -> Result<(), StoreError> {
    is_new(connection, key).await?;
    let Some(key_store) = key.origin.custom_key_store_id() else {
        let account_exists = identities::account_exists(connection, &key.account).await?;
        return if account_exists { Ok(()) } else { Err(StoreError::NotFound) };
    };
    let xks_key_id = columns::xks_key_id(&key.origin);
    if exists(connection, sqlx::query(OF_XKS_KEY).bind(key_store.as_str()).bind(xks_key_id)).await? {
        return Err(StoreError::Duplicate(UniqueConstraint::XksKeyId));
    }
    let backing_key_id = columns::backing_key_id(&key.origin);
    if exists(connection, sqlx::query(OF_BACKING_KEY).bind(key_store.as_str()).bind(backing_key_id)).await? {
        return Err(StoreError::Duplicate(UniqueConstraint::BackingKeyId));
    }
    if !custom_key_stores::exists_in_account(connection, &key.account, &key.region, key_store).await? {
        return Err(StoreError::NotFound);
    }
    if !custom_key_stores::is_connected(connection, key_store).await? {
        return Err(StoreError::Conflict);
    }
    Ok(())
}

async fn is_new(connection: &mut SqliteConnection, key: &Key) -> Result<(), StoreError> {
    match exists(connection, sqlx::query(EXISTS).bind(key.region.as_str()).bind(key.id.as_str())).await? {
        true => Err(StoreError::Duplicate(UniqueConstraint::KeyId)),
        false => Ok(()),
    }
}

async fn insert_whole(connection: &mut SqliteConnection, key: &Key) -> Result<(), StoreError> {
    rows::insert(connection, key).await?;
    tags::insert(connection, key).await?;
    materials::insert(connection, key).await?;
    count::add(connection, key).await
}

/// [`keystead_core::port::Store::insert_replica`]; a conflict comes first, because what was read no longer holds.
pub(crate) async fn insert_replica(
    connection: &mut SqliteConnection,
    primary: &Key,
    replica: &Key,
    quota: u64,
) -> Result<(), StoreError> {
    update_one(connection, primary).await?;
    count::within_quota(connection, replica, quota).await?;
    is_new(connection, replica).await?;
    insert_whole(connection, replica).await?;
    related::has_one_primary(connection, &replica.account, &replica.id).await?;
    append_change_of_each_related(connection, &replica.account, &replica.id).await
}

/// [`keystead_core::port::Store::key`]; several queries, so `connection` is to be in a transaction.
pub(crate) async fn get(
    connection: &mut SqliteConnection,
    region: &Region,
    id: &KeyId,
) -> Result<Option<Key>, StoreError> {
    rows::get(connection, region, id).await
}

/// Whether the account has such a key in the Region.
pub(crate) async fn exists_in_account(
    connection: &mut SqliteConnection,
    account: &AccountId,
    region: &Region,
    id: &KeyId,
) -> Result<bool, StoreError> {
    let query = sqlx::query(EXISTS_IN_ACCOUNT).bind(account.as_str()).bind(region.as_str()).bind(id.as_str());
    exists(connection, query).await
}

/// Whether any account has such a key in the Region.
pub(crate) async fn exists_in_region(
    connection: &mut SqliteConnection,
    region: &Region,
    id: &KeyId,
) -> Result<bool, StoreError> {
    exists(connection, sqlx::query(EXISTS).bind(region.as_str()).bind(id.as_str())).await
}

/// Whether any key is in the custom key store.
pub(crate) async fn any_in_custom_key_store(
    connection: &mut SqliteConnection,
    custom_key_store_id: &str,
) -> Result<bool, StoreError> {
    exists(connection, sqlx::query(OF_CUSTOM_KEY_STORE).bind(custom_key_store_id)).await
}

/// [`keystead_core::port::Store::update_keys`].
pub(crate) async fn update(connection: &mut SqliteConnection, keys: &[Key]) -> Result<(), StoreError> {
    let (mut moved_sets, mut told_sets) = (BTreeSet::new(), BTreeSet::new());
    for key in keys {
        let stored_type = update_one(connection, key).await?;
        if stored_type != columns::multi_region_key_type(key) {
            moved_sets.insert((key.account.as_str(), key.id.as_str()));
        }
    }
    for key in keys {
        let set = (key.account.as_str(), key.id.as_str());
        if moved_sets.remove(&set) {
            related::has_one_primary(connection, &key.account, &key.id).await?;
            append_change_of_each_related(connection, &key.account, &key.id).await?;
            told_sets.insert(set);
        } else if !told_sets.contains(&set) {
            append_change(connection, &key.region, &key.id).await?;
        }
    }
    Ok(())
}

/// Updates one key, and tells which key type among multi-Region keys it had.
async fn update_one(connection: &mut SqliteConnection, key: &Key) -> Result<Option<MultiRegionKeyType>, StoreError> {
    let revision = encoding::whole("revision", key.revision)?;
    let (_, stored_type) = at_revision(connection, &key.region, &key.id, revision).await?;
    rows::update(connection, key).await?;
    tags::replace(connection, key).await?;
    materials::replace(connection, key).await?;
    Ok(stored_type)
}

/// The account and the key type among multi-Region keys of a key, if this is its revision; `Conflict` if not.
async fn at_revision(
    connection: &mut SqliteConnection,
    region: &Region,
    id: &KeyId,
    revision: i64,
) -> Result<(AccountId, Option<MultiRegionKeyType>), StoreError> {
    let query = sqlx::query(AT_REVISION).bind(region.as_str()).bind(id.as_str()).bind(revision);
    let row = fetch_optional(connection, query).await?.ok_or(StoreError::Conflict)?;
    let record = Record::new(&row, rows::LAYOUT);
    Ok((record.parsed("account")?, record.optional_parsed("multi_region_key_type")?))
}

/// [`keystead_core::port::Store::delete_key`].
pub(crate) async fn delete(
    connection: &mut SqliteConnection,
    region: &Region,
    id: &KeyId,
    revision: u64,
) -> Result<(), StoreError> {
    let revision = encoding::whole("revision", revision)?;
    let (account, key_type) = at_revision(connection, region, id, revision).await?;
    if key_type == Some(MultiRegionKeyType::Primary) && related::has_replicas(connection, &account, id).await? {
        return Err(StoreError::Referenced);
    }
    aliases::delete_all_of_key(connection, &account, region, id).await?;
    grants::delete_all_of_key(connection, region, id).await?;
    key_last_usages::delete(connection, region, id).await?;
    tags::delete(connection, region, id).await?;
    materials::delete(connection, region, id).await?;
    execute(connection, sqlx::query(DELETE).bind(region.as_str()).bind(id.as_str())).await?;
    count::subtract(connection, &account, region).await?;
    append_change(connection, region, id).await?;
    match key_type {
        Some(_) => append_change_of_each_related(connection, &account, id).await,
        None => Ok(()),
    }
}

/// [`keystead_core::port::Store::key_ids`].
pub(crate) async fn list_ids(
    connection: &mut SqliteConnection,
    account: &AccountId,
    region: &Region,
    after: Option<&KeyId>,
    limit: usize,
) -> Result<Vec<KeyId>, StoreError> {
    let query = sqlx::query(LIST_IDS)
        .bind(account.as_str())
        .bind(region.as_str())
        .bind(after.map_or("", KeyId::as_str))
        .bind(encoding::limit(limit));
    fetch_all(connection, query).await?.iter().map(|row| Record::new(row, rows::LAYOUT).parsed("id")).collect()
}

async fn append_change(connection: &mut SqliteConnection, region: &Region, id: &KeyId) -> Result<(), StoreError> {
    changes::append(connection, &ChangedRecord::Key(region.clone(), *id)).await
}

/// What a key tells of its related keys is computed when it is read: when one of them changes its place, or comes or goes, nobody may keep
/// any of them.
async fn append_change_of_each_related(
    connection: &mut SqliteConnection,
    account: &AccountId,
    id: &KeyId,
) -> Result<(), StoreError> {
    for (region, _) in related::places(connection, account, id).await? {
        append_change(connection, &region, id).await?;
    }
    Ok(())
}
