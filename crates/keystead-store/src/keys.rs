//! KMS keys and their tags.

use keystead_core::key::{Key, KeyMaterialRecord, KeyOrigin, MaterialId};
use keystead_core::port::{ChangedRecord, StoreError, UniqueConstraint};
use keystead_core::sealing::Sealed;
use keystead_model::Timestamp;
use keystead_model::arn::{AccountId, KeyId, Region};
use keystead_model::kms::Tag;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::rows::{Layout, Record, encoding};
use crate::statements::{execute, exists, fetch_all, fetch_optional, number, statements};
use crate::{aliases, changes, custom_key_stores, identities, pending_backing_keys};

const KEYS: Layout = Layout { table: "kms_keys", identity: &["region", "id"] };
const TAGS: Layout = Layout { table: "key_tags", identity: &["region", "key_id", "tag_key"] };

statements! {
    COUNT = "SELECT key_count FROM kms_key_counts WHERE account = $1 AND region = $2";
    ADD_TO_COUNT = "INSERT INTO kms_key_counts (account, region, key_count) VALUES ($1, $2, 1)
        ON CONFLICT (account, region) DO UPDATE SET key_count = kms_key_counts.key_count + 1";
    TAKE_FROM_COUNT = "UPDATE kms_key_counts SET key_count = key_count - 1 WHERE account = $1 AND region = $2";
    INSERT = "INSERT INTO kms_keys
        (region, id, account, created, description, origin, custom_key_store_id, xks_key_id,
         backing_key_id, status, deletion_date, pending_window_in_days, policy, material_id, sealed_material, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    GET = "SELECT region, id, account, created, description, origin, custom_key_store_id, xks_key_id,
        backing_key_id, status, deletion_date, pending_window_in_days, policy, material_id, sealed_material, revision
        FROM kms_keys WHERE region = $1 AND id = $2";
    EXISTS_IN_ACCOUNT = "SELECT id FROM kms_keys WHERE account = $1 AND region = $2 AND id = $3";
    OF_XKS_KEY = "SELECT id FROM kms_keys WHERE custom_key_store_id = $1 AND xks_key_id = $2";
    OF_BACKING_KEY = "SELECT id FROM kms_keys WHERE custom_key_store_id = $1 AND backing_key_id = $2";
    OF_CUSTOM_KEY_STORE = "SELECT id FROM kms_keys WHERE custom_key_store_id = $1 LIMIT 1";
    UPDATE = "UPDATE kms_keys
        SET description = $1, status = $2, deletion_date = $3, pending_window_in_days = $4, revision = revision + 1
        WHERE region = $5 AND id = $6 AND revision = $7";
    OWNER_AT_REVISION = "SELECT region, id, account FROM kms_keys WHERE region = $1 AND id = $2 AND revision = $3";
    DELETE = "DELETE FROM kms_keys WHERE region = $1 AND id = $2";
    LIST_IDS = "SELECT region, id FROM kms_keys WHERE account = $1 AND region = $2 AND id > $3 ORDER BY id LIMIT $4";
    DUE_FOR_DELETION = "SELECT region, id, account, created, description, origin, custom_key_store_id, xks_key_id,
        backing_key_id, status, deletion_date, pending_window_in_days, policy, material_id, sealed_material, revision
        FROM kms_keys WHERE deletion_date <= $1 ORDER BY deletion_date LIMIT $2";
    INSERT_TAG = "INSERT INTO key_tags (region, key_id, ordinal, tag_key, tag_value) VALUES ($1, $2, $3, $4, $5)";
    TAGS_OF_KEY = "SELECT region, key_id, tag_key, tag_value FROM key_tags
        WHERE region = $1 AND key_id = $2 ORDER BY ordinal";
    DELETE_TAGS = "DELETE FROM key_tags WHERE region = $1 AND key_id = $2";
}

/// [`keystead_core::port::Store::insert_key`].
pub(crate) async fn insert(connection: &mut SqliteConnection, key: &Key, quota: u64) -> Result<(), StoreError> {
    may_insert(connection, key, quota).await?;
    if let KeyOrigin::AwsCloudhsm { custom_key_store_id, backing_key_id } = &key.origin {
        pending_backing_keys::take(connection, custom_key_store_id, backing_key_id).await?;
    }
    insert_row(connection, key).await?;
    insert_tags(connection, key).await?;
    execute(connection, sqlx::query(ADD_TO_COUNT).bind(key.account.as_str()).bind(key.region.as_str())).await?;
    append_change(connection, &key.region, &key.id).await
}

/// What stands against a new key, in the port's order.
async fn may_insert(connection: &mut SqliteConnection, key: &Key, quota: u64) -> Result<(), StoreError> {
    let (account, region, id) = (key.account.as_str(), key.region.as_str(), key.id.as_str());
    let current = number(connection, sqlx::query(COUNT).bind(account).bind(region)).await?;
    if current >= quota {
        return Err(StoreError::QuotaExceeded { current });
    }
    if exists(connection, sqlx::query(GET).bind(region).bind(id)).await? {
        return Err(StoreError::Duplicate(UniqueConstraint::KeyId));
    }
    let Some(key_store) = key.origin.custom_key_store_id() else {
        let account_exists = identities::account_exists(connection, &key.account).await?;
        return if account_exists { Ok(()) } else { Err(StoreError::NotFound) };
    };
    let xks_key_id = encoding::xks_key_id(&key.origin);
    if exists(connection, sqlx::query(OF_XKS_KEY).bind(key_store.as_str()).bind(xks_key_id)).await? {
        return Err(StoreError::Duplicate(UniqueConstraint::XksKeyId));
    }
    let backing_key_id = encoding::backing_key_id(&key.origin);
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

async fn insert_row(connection: &mut SqliteConnection, key: &Key) -> Result<(), StoreError> {
    let status = encoding::key_status(key.status)?;
    let insert = sqlx::query(INSERT)
        .bind(key.region.as_str())
        .bind(key.id.as_str())
        .bind(key.account.as_str())
        .bind(encoding::millis("created", key.created)?)
        .bind(&key.description)
        .bind(key.origin.origin_type().as_str())
        .bind(key.origin.custom_key_store_id().map(|id| id.as_str()))
        .bind(encoding::xks_key_id(&key.origin))
        .bind(encoding::backing_key_id(&key.origin))
        .bind(status.status)
        .bind(status.deletion_date)
        .bind(status.pending_window_in_days)
        .bind(&key.policy)
        .bind(key.material.id.as_bytes().as_slice())
        .bind(key.material.sealed.as_ref().map(Sealed::as_bytes))
        .bind(encoding::whole("revision", key.revision)?);
    execute(connection, insert).await.map(drop)
}

async fn insert_tags(connection: &mut SqliteConnection, key: &Key) -> Result<(), StoreError> {
    for (ordinal, tag) in (0_i64..).zip(&key.tags) {
        let insert = sqlx::query(INSERT_TAG)
            .bind(key.region.as_str())
            .bind(key.id.as_str())
            .bind(ordinal)
            .bind(&tag.tag_key)
            .bind(&tag.tag_value);
        execute(connection, insert).await?;
    }
    Ok(())
}

/// [`keystead_core::port::Store::key`]; two queries, so `connection` is to be in a transaction.
pub(crate) async fn get(
    connection: &mut SqliteConnection,
    region: &Region,
    id: &KeyId,
) -> Result<Option<Key>, StoreError> {
    let query = sqlx::query(GET).bind(region.as_str()).bind(id.as_str());
    match fetch_optional(connection, query).await? {
        Some(row) => read(connection, &row).await.map(Some),
        None => Ok(None),
    }
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

/// Whether any key is in the custom key store.
pub(crate) async fn any_in_custom_key_store(
    connection: &mut SqliteConnection,
    custom_key_store_id: &str,
) -> Result<bool, StoreError> {
    exists(connection, sqlx::query(OF_CUSTOM_KEY_STORE).bind(custom_key_store_id)).await
}

/// [`keystead_core::port::Store::update_key`].
pub(crate) async fn update(connection: &mut SqliteConnection, key: &Key) -> Result<(), StoreError> {
    let status = encoding::key_status(key.status)?;
    let (region, id) = (key.region.as_str(), key.id.as_str());
    let update = sqlx::query(UPDATE)
        .bind(&key.description)
        .bind(status.status)
        .bind(status.deletion_date)
        .bind(status.pending_window_in_days)
        .bind(region)
        .bind(id)
        .bind(encoding::whole("revision", key.revision)?);
    if execute(connection, update).await? == 0 {
        return Err(StoreError::Conflict);
    }
    execute(connection, sqlx::query(DELETE_TAGS).bind(region).bind(id)).await?;
    insert_tags(connection, key).await?;
    append_change(connection, &key.region, &key.id).await
}

/// [`keystead_core::port::Store::delete_key`].
pub(crate) async fn delete(
    connection: &mut SqliteConnection,
    region: &Region,
    id: &KeyId,
    revision: u64,
) -> Result<(), StoreError> {
    let revision = encoding::whole("revision", revision)?;
    let owner = sqlx::query(OWNER_AT_REVISION).bind(region.as_str()).bind(id.as_str()).bind(revision);
    let row = fetch_optional(connection, owner).await?.ok_or(StoreError::Conflict)?;
    let account: AccountId = Record::new(&row, KEYS).parsed("account")?;
    aliases::delete_all_of_key(connection, &account, region, id).await?;
    execute(connection, sqlx::query(DELETE_TAGS).bind(region.as_str()).bind(id.as_str())).await?;
    execute(connection, sqlx::query(DELETE).bind(region.as_str()).bind(id.as_str())).await?;
    execute(connection, sqlx::query(TAKE_FROM_COUNT).bind(account.as_str()).bind(region.as_str())).await?;
    append_change(connection, region, id).await
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
    fetch_all(connection, query).await?.iter().map(|row| Record::new(row, KEYS).parsed("id")).collect()
}

/// [`keystead_core::port::Store::keys_due_for_deletion`]; several queries, so `connection` is to be in a transaction.
pub(crate) async fn due_for_deletion(
    connection: &mut SqliteConnection,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Key>, StoreError> {
    let query = sqlx::query(DUE_FOR_DELETION).bind(now.millis()).bind(encoding::limit(limit));
    let mut keys = Vec::new();
    for row in fetch_all(connection, query).await? {
        keys.push(read(connection, &row).await?);
    }
    Ok(keys)
}

async fn append_change(connection: &mut SqliteConnection, region: &Region, id: &KeyId) -> Result<(), StoreError> {
    changes::append(connection, &ChangedRecord::Key(region.clone(), *id)).await
}

/// The key of a row, with its tags.
async fn read(connection: &mut SqliteConnection, row: &SqliteRow) -> Result<Key, StoreError> {
    let record = Record::new(row, KEYS);
    let (region, id): (Region, KeyId) = (record.parsed("region")?, record.parsed("id")?);
    let tags = read_tags(connection, &region, &id).await?;
    Ok(Key {
        account: record.parsed("account")?,
        created: record.timestamp("created")?,
        description: record.text("description")?,
        origin: encoding::read_key_origin(&record)?,
        status: encoding::read_key_status(&record)?,
        policy: record.text("policy")?,
        material: read_material(&record)?,
        revision: record.whole("revision")?,
        region,
        id,
        tags,
    })
}

fn read_material(record: &Record<'_>) -> Result<KeyMaterialRecord, StoreError> {
    let id: [u8; 32] = record
        .value::<&[u8]>("material_id")?
        .try_into()
        .map_err(|_| record.damaged("material_id", "expected 32 bytes"))?;
    Ok(KeyMaterialRecord { id: MaterialId::from_bytes(id), sealed: record.optional_sealed("sealed_material")? })
}

async fn read_tags(connection: &mut SqliteConnection, region: &Region, id: &KeyId) -> Result<Vec<Tag>, StoreError> {
    let query = sqlx::query(TAGS_OF_KEY).bind(region.as_str()).bind(id.as_str());
    let rows = fetch_all(connection, query).await?;
    rows.iter().map(|row| read_tag(&Record::new(row, TAGS))).collect()
}

fn read_tag(record: &Record<'_>) -> Result<Tag, StoreError> {
    Ok(Tag { tag_key: record.text("tag_key")?, tag_value: record.text("tag_value")? })
}
