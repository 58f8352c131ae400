//! The rows of table `kms_keys`, and whole keys from them.

use keystead_core::key::Key;
use keystead_core::port::StoreError;
use keystead_model::arn::{AccountId, KeyId, Region};
use keystead_model::kms::MultiRegionKeyType;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::{columns, materials, related, tags};
use crate::rows::{Layout, Record, encoding};
use crate::statements::{self, Query, execute, fetch_optional, statements};

/// The table.
pub(super) const LAYOUT: Layout = Layout { table: "kms_keys", identity: &["region", "id"] };

/// The columns of a whole row, for a SELECT from `kms_keys k` that goes on as `$rest` says.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT k.region, k.id, k.account, k.created, k.key_spec, k.key_usage, k.origin, k.custom_key_store_id,
            k.xks_key_id, k.backing_key_id, k.multi_region_key_type, k.status, k.deletion_date,
            k.pending_window_in_days, k.transition, k.transition_until, k.rotation_period_in_days,
            k.next_rotation_date, k.on_demand_rotation_start, k.on_demand_rotation_count, k.revision, k.description,
            k.policy, k.policy_principals ",
            $rest
        )
    };
}

pub(super) use select;

statements! {
    GET = select!("FROM kms_keys k WHERE k.region = $1 AND k.id = $2");
    INSERT = "INSERT INTO kms_keys
        (region, id, account, created, key_spec, key_usage, origin, custom_key_store_id, xks_key_id, backing_key_id,
         grant_count, revision, multi_region_key_type, status, deletion_date, pending_window_in_days, transition,
         transition_until, rotation_period_in_days, next_rotation_date, on_demand_rotation_start,
         on_demand_rotation_count, description, policy, policy_principals)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
         $23, $24)";
    UPDATE = "UPDATE kms_keys
        SET multi_region_key_type = $1, status = $2, deletion_date = $3, pending_window_in_days = $4, transition = $5,
            transition_until = $6, rotation_period_in_days = $7, next_rotation_date = $8,
            on_demand_rotation_start = $9, on_demand_rotation_count = $10, description = $11, policy = $12,
            policy_principals = $13, revision = revision + 1
        WHERE region = $14 AND id = $15";
}

/// Inserts the row of a new key.
pub(super) async fn insert(connection: &mut SqliteConnection, key: &Key) -> Result<(), StoreError> {
    let insert = sqlx::query(INSERT)
        .bind(key.region.as_str())
        .bind(key.id.as_str())
        .bind(key.account.as_str())
        .bind(encoding::millis("created", key.created)?)
        .bind(key.spec.as_str())
        .bind(key.usage.as_str())
        .bind(key.origin.origin_type().as_str())
        .bind(key.origin.custom_key_store_id().map(|id| id.as_str()))
        .bind(columns::xks_key_id(&key.origin))
        .bind(columns::backing_key_id(&key.origin))
        .bind(encoding::whole("revision", key.revision)?);
    execute(connection, bind_changeable(insert, key)?).await.map(drop)
}

/// Replaces what an update may change, and counts the revision.
pub(super) async fn update(connection: &mut SqliteConnection, key: &Key) -> Result<(), StoreError> {
    let update = bind_changeable(sqlx::query(UPDATE), key)?.bind(key.region.as_str()).bind(key.id.as_str());
    execute(connection, update).await.map(drop)
}

/// Binds what an update may change, in the order of INSERT and UPDATE alike.
fn bind_changeable<'q>(query: Query<'q>, key: &'q Key) -> Result<Query<'q>, StoreError> {
    let status = columns::key_status(key.status)?;
    let transition = columns::transition(key.transition)?;
    let rotation = columns::rotation(&key.rotation)?;
    Ok(query
        .bind(columns::multi_region_key_type(key).map(MultiRegionKeyType::as_str))
        .bind(status.status)
        .bind(status.deletion_date)
        .bind(status.pending_window_in_days)
        .bind(transition.transition)
        .bind(transition.until)
        .bind(rotation.period_in_days)
        .bind(rotation.next)
        .bind(rotation.on_demand_start)
        .bind(rotation.on_demand_count)
        .bind(&key.description)
        .bind(&key.policy)
        .bind(encoding::json(&key.policy_principals)?))
}

/// One key; several queries, so `connection` is to be in a transaction.
pub(super) async fn get(
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

/// All keys of a query that begins as [`select`] does; several queries, so `connection` is to be in a transaction.
pub(super) async fn fetch_all(connection: &mut SqliteConnection, query: Query<'_>) -> Result<Vec<Key>, StoreError> {
    let mut keys = Vec::new();
    for row in statements::fetch_all(connection, query).await? {
        keys.push(read(connection, &row).await?);
    }
    Ok(keys)
}

/// The key of a row, with what other tables have of it.
async fn read(connection: &mut SqliteConnection, row: &SqliteRow) -> Result<Key, StoreError> {
    let record = Record::new(row, LAYOUT);
    let (account, region, id): (AccountId, Region, KeyId) =
        (record.parsed("account")?, record.parsed("region")?, record.parsed("id")?);
    let origin = columns::read_key_origin(&record)?;
    let materials = materials::of_key(connection, &region, &id).await?;
    if let Some(misfit) = materials::misfit(&origin, &materials) {
        return Err(record.damaged("origin", misfit));
    }
    let multi_region = match record.optional_parsed("multi_region_key_type")? {
        Some(key_type) => {
            let place = related::multi_region(connection, &account, &id, key_type).await?;
            Some(place.ok_or_else(|| record.damaged("multi_region_key_type", "there is not exactly one primary key"))?)
        }
        None => None,
    };
    Ok(Key {
        created: record.timestamp("created")?,
        description: record.text("description")?,
        spec: record.parsed("key_spec")?,
        usage: record.parsed("key_usage")?,
        status: columns::read_key_status(&record)?,
        transition: columns::read_transition(&record)?,
        policy: record.text("policy")?,
        policy_principals: record.json("policy_principals")?,
        tags: tags::of_key(connection, &region, &id).await?,
        rotation: columns::read_rotation(&record)?,
        revision: record.whole("revision")?,
        account,
        region,
        id,
        origin,
        multi_region,
        materials,
    })
}
