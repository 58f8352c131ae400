//! The keys that something is to be done about by itself. Each is found by an index that has few others.

use keystead_core::key::Key;
use keystead_core::port::StoreError;
use keystead_model::Timestamp;
use sqlx::SqliteConnection;

use super::rows::{self, select};
use crate::rows::encoding;
use crate::statements::statements;

statements! {
    FOR_DELETION = select!("FROM kms_keys k WHERE k.deletion_date <= $1 ORDER BY k.deletion_date LIMIT $2");
    WITHOUT_REPLICAS_LEFT = select!("FROM kms_keys k WHERE k.status = 'PendingReplicaDeletion'
        AND NOT EXISTS (SELECT r.id FROM kms_key_counts c CROSS JOIN kms_keys r
            WHERE c.account = k.account AND r.account = c.account AND r.region = c.region AND r.id = k.id
            AND r.multi_region_key_type = 'REPLICA')
        ORDER BY k.region, k.id LIMIT $1");
    FOR_ROTATION_ON_DEMAND = select!("FROM kms_keys k WHERE k.on_demand_rotation_start <= $1
        AND (k.multi_region_key_type IS NULL OR k.multi_region_key_type = 'PRIMARY')
        ORDER BY k.on_demand_rotation_start LIMIT $2");
    FOR_AUTOMATIC_ROTATION_ONLY = select!("FROM kms_keys k WHERE k.next_rotation_date <= $1 AND k.status = 'Enabled'
        AND (k.multi_region_key_type IS NULL OR k.multi_region_key_type = 'PRIMARY')
        AND (k.on_demand_rotation_start IS NULL OR k.on_demand_rotation_start > $2)
        ORDER BY k.next_rotation_date LIMIT $3");
    WITH_EXPIRED_MATERIAL = select!("FROM key_materials m CROSS JOIN kms_keys k
        WHERE m.valid_to <= $1 AND m.sealed_material IS NOT NULL AND k.region = m.region AND k.id = m.key_id
        AND NOT EXISTS (SELECT e.ordinal FROM key_materials e
            WHERE e.region = m.region AND e.key_id = m.key_id AND e.sealed_material IS NOT NULL
            AND (e.valid_to, e.ordinal) < (m.valid_to, m.ordinal))
        ORDER BY m.valid_to LIMIT $2");
}

/// [`keystead_core::port::Store::keys_due_for_deletion`]; several queries, so `connection` is to be in a transaction.
pub(crate) async fn for_deletion(
    connection: &mut SqliteConnection,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Key>, StoreError> {
    rows::fetch_all(connection, sqlx::query(FOR_DELETION).bind(now.millis()).bind(encoding::limit(limit))).await
}

/// [`keystead_core::port::Store::keys_without_replicas_left`]; several queries, so `connection` is to be in a transaction.
pub(crate) async fn without_replicas_left(
    connection: &mut SqliteConnection,
    limit: usize,
) -> Result<Vec<Key>, StoreError> {
    rows::fetch_all(connection, sqlx::query(WITHOUT_REPLICAS_LEFT).bind(encoding::limit(limit))).await
}

/// [`keystead_core::port::Store::keys_due_for_rotation`], those on demand first; several queries, so `connection` is to be in a
/// transaction.
pub(crate) async fn for_rotation(
    connection: &mut SqliteConnection,
    now: Timestamp,
    on_demand_until: Timestamp,
    limit: usize,
) -> Result<Vec<Key>, StoreError> {
    let on_demand = sqlx::query(FOR_ROTATION_ON_DEMAND).bind(on_demand_until.millis()).bind(encoding::limit(limit));
    let mut keys = rows::fetch_all(connection, on_demand).await?;
    let automatic = sqlx::query(FOR_AUTOMATIC_ROTATION_ONLY)
        .bind(now.millis())
        .bind(on_demand_until.millis())
        .bind(encoding::limit(limit.saturating_sub(keys.len())));
    keys.extend(rows::fetch_all(connection, automatic).await?);
    Ok(keys)
}

/// [`keystead_core::port::Store::keys_with_expired_material`], each once, by its material that expired first; several queries, so
/// `connection` is to be in a transaction.
pub(crate) async fn with_expired_material(
    connection: &mut SqliteConnection,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Key>, StoreError> {
    let query = sqlx::query(WITH_EXPIRED_MATERIAL).bind(now.millis()).bind(encoding::limit(limit));
    rows::fetch_all(connection, query).await
}
