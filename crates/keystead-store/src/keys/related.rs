//! Multi-Region keys: the related keys of one account that share an ID (KMS Developer Guide, "Multi-Region keys").
//!
//! Each row says whether it is the primary key or a replica. Which Regions the others are in is computed when a key is read. To find them,
//! each Region in which the account has keys is looked at: those are few, and so no key pays for an index by ID alone.

use keystead_core::key::{Key, MultiRegion};
use keystead_core::port::StoreError;
use keystead_model::arn::{AccountId, KeyId, Region};
use keystead_model::kms::MultiRegionKeyType;
use sqlx::SqliteConnection;

use super::rows::{self, select};
use crate::rows::Record;
use crate::statements::{fetch_all, statements};

statements! {
    PLACES = "SELECT k.region, k.id, k.multi_region_key_type FROM kms_key_counts c CROSS JOIN kms_keys k
        WHERE c.account = $1 AND k.account = c.account AND k.region = c.region AND k.id = $2
        AND k.multi_region_key_type IS NOT NULL ORDER BY c.region";
    KEYS = select!("FROM kms_key_counts c CROSS JOIN kms_keys k
        WHERE c.account = $1 AND k.account = c.account AND k.region = c.region AND k.id = $2 ORDER BY c.region");
}

/// [`keystead_core::port::Store::related_keys`]; several queries, so `connection` is to be in a transaction.
pub(crate) async fn keys(
    connection: &mut SqliteConnection,
    account: &AccountId,
    id: &KeyId,
) -> Result<Vec<Key>, StoreError> {
    rows::fetch_all(connection, sqlx::query(KEYS).bind(account.as_str()).bind(id.as_str())).await
}

/// The Regions of a multi-Region set, in order, with what its key is there.
pub(super) async fn places(
    connection: &mut SqliteConnection,
    account: &AccountId,
    id: &KeyId,
) -> Result<Vec<(Region, MultiRegionKeyType)>, StoreError> {
    let rows = fetch_all(connection, sqlx::query(PLACES).bind(account.as_str()).bind(id.as_str())).await?;
    let place = |row| {
        let record = Record::new(row, rows::LAYOUT);
        Ok((record.parsed("region")?, record.parsed("multi_region_key_type")?))
    };
    rows.iter().map(place).collect()
}

/// The place of a key of type `key_type` in its set. `None` if the set does not have exactly one primary key.
pub(super) async fn multi_region(
    connection: &mut SqliteConnection,
    account: &AccountId,
    id: &KeyId,
    key_type: MultiRegionKeyType,
) -> Result<Option<MultiRegion>, StoreError> {
    let (primaries, replicas): (Vec<_>, Vec<_>) = places(connection, account, id)
        .await?
        .into_iter()
        .partition(|(_, key_type)| *key_type == MultiRegionKeyType::Primary);
    let mut primaries = primaries.into_iter();
    let (Some((primary_region, _)), None) = (primaries.next(), primaries.next()) else { return Ok(None) };
    let replica_regions = replicas.into_iter().map(|(region, _)| region).collect();
    Ok(Some(MultiRegion { key_type, primary_region, replica_regions }))
}

/// Whether the set has any replica.
pub(super) async fn has_replicas(
    connection: &mut SqliteConnection,
    account: &AccountId,
    id: &KeyId,
) -> Result<bool, StoreError> {
    let places = places(connection, account, id).await?;
    Ok(places.iter().any(|(_, key_type)| *key_type == MultiRegionKeyType::Replica))
}

/// Fails if the set would be left with no primary key, or with several: nobody could read it again.
pub(super) async fn has_one_primary(
    connection: &mut SqliteConnection,
    account: &AccountId,
    id: &KeyId,
) -> Result<(), StoreError> {
    match multi_region(connection, account, id, MultiRegionKeyType::Primary).await? {
        Some(_) => Ok(()),
        None => Err(StoreError::Engine(format!("the multi-Region key {id} must have exactly one primary key"))),
    }
}
