//! Connection jobs: connects and disconnects under way, each leased to one worker at a time.

use keystead_core::key_store::CustomKeyStore;
use keystead_core::port::{ConnectionJob, JobKind, StoreError};
use keystead_model::Timestamp;
use keystead_model::arn::CustomKeyStoreId;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::custom_key_stores;
use crate::rows::{Layout, Record, encoding};
use crate::statements::{execute, exists, fetch_optional, number, statements};

const LAYOUT: Layout = Layout { table: "connection_jobs", identity: &["custom_key_store_id"] };

statements! {
    DELETE_OF_CUSTOM_KEY_STORE = "DELETE FROM connection_jobs WHERE custom_key_store_id = $1";
    NEXT_ID = "UPDATE counters SET value = value + 1 WHERE name = 'connection_job' RETURNING value";
    INSERT = "INSERT INTO connection_jobs (id, custom_key_store_id, kind, due, owner, lease_until)
        VALUES ($1, $2, $3, $4, NULL, 0)";
    EARLIEST_CLAIMABLE = "SELECT id FROM connection_jobs WHERE due <= $1 AND lease_until <= $1 ORDER BY due, id LIMIT 1";
    LEASE = "UPDATE connection_jobs SET owner = $1, lease_until = $2
        WHERE id = $3 RETURNING id, custom_key_store_id, kind, due, owner";
    RENEW = "UPDATE connection_jobs SET lease_until = $1 WHERE id = $2 AND owner = $3";
    DELETE_LEASED = "DELETE FROM connection_jobs WHERE id = $1 AND owner = $2 AND custom_key_store_id = $3";
    DELETE = "DELETE FROM connection_jobs WHERE id = $1";
}

/// [`keystead_core::port::Store::start_connection_job`].
pub(crate) async fn start(
    connection: &mut SqliteConnection,
    key_store: &CustomKeyStore,
    kind: JobKind,
    due: Timestamp,
) -> Result<(), StoreError> {
    custom_key_stores::update(connection, key_store).await?;
    delete_of_custom_key_store(connection, &key_store.id).await?;
    let id = number(connection, sqlx::query(NEXT_ID)).await?;
    let insert = sqlx::query(INSERT)
        .bind(encoding::whole("id", id)?)
        .bind(key_store.id.as_str())
        .bind(encoding::job_kind(kind))
        .bind(encoding::millis("due", due)?);
    execute(connection, insert).await.map(drop)
}

/// Removes the job of a custom key store, if it has one.
pub(crate) async fn delete_of_custom_key_store(
    connection: &mut SqliteConnection,
    id: &CustomKeyStoreId,
) -> Result<(), StoreError> {
    execute(connection, sqlx::query(DELETE_OF_CUSTOM_KEY_STORE).bind(id.as_str())).await.map(drop)
}

/// Whether there is a job to claim at `now`. A worker that polls asks this first and leaves the write lock alone.
pub(crate) async fn any_claimable(connection: &mut SqliteConnection, now: Timestamp) -> Result<bool, StoreError> {
    exists(connection, sqlx::query(EARLIEST_CLAIMABLE).bind(now.millis())).await
}

/// [`keystead_core::port::Store::claim_connection_job`].
pub(crate) async fn claim(
    connection: &mut SqliteConnection,
    owner: &str,
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<Option<ConnectionJob>, StoreError> {
    let Some(row) = fetch_optional(connection, sqlx::query(EARLIEST_CLAIMABLE).bind(now.millis())).await? else {
        return Ok(None);
    };
    let id: i64 = Record::new(&row, LAYOUT).value("id")?;
    let lease = sqlx::query(LEASE).bind(owner).bind(encoding::millis("lease_until", lease_until)?).bind(id);
    fetch_optional(connection, lease).await?.as_ref().map(read).transpose()
}

/// [`keystead_core::port::Store::renew_connection_job`].
pub(crate) async fn renew(
    connection: &mut SqliteConnection,
    job: &ConnectionJob,
    lease_until: Timestamp,
) -> Result<(), StoreError> {
    let renew = sqlx::query(RENEW)
        .bind(encoding::millis("lease_until", lease_until)?)
        .bind(encoding::whole("id", job.id)?)
        .bind(&job.owner);
    if execute(connection, renew).await? == 0 { Err(StoreError::Conflict) } else { Ok(()) }
}

/// [`keystead_core::port::Store::finish_connection_job`].
pub(crate) async fn finish(
    connection: &mut SqliteConnection,
    key_store: &CustomKeyStore,
    job: &ConnectionJob,
) -> Result<(), StoreError> {
    let delete =
        sqlx::query(DELETE_LEASED).bind(encoding::whole("id", job.id)?).bind(&job.owner).bind(key_store.id.as_str());
    if execute(connection, delete).await? == 0 {
        return Err(StoreError::Conflict);
    }
    custom_key_stores::update(connection, key_store).await
}

/// [`keystead_core::port::Store::discard_connection_job`]. By ID alone: whoever leases it now, it is not needed.
pub(crate) async fn discard(connection: &mut SqliteConnection, job: &ConnectionJob) -> Result<(), StoreError> {
    execute(connection, sqlx::query(DELETE).bind(encoding::whole("id", job.id)?)).await.map(drop)
}

fn read(row: &SqliteRow) -> Result<ConnectionJob, StoreError> {
    let record = Record::new(row, LAYOUT);
    Ok(ConnectionJob {
        id: record.whole("id")?,
        custom_key_store_id: record.parsed("custom_key_store_id")?,
        kind: encoding::read_job_kind(&record)?,
        due: record.timestamp("due")?,
        owner: record.text("owner")?,
    })
}
