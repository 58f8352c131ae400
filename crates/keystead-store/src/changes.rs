//! The change feed: which records changed, in order, so that other nodes can forget what they cached.

use keystead_core::port::{Change, ChangedRecord, StoreError};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::rows::{Layout, Record, encoding};
use crate::statements::{execute, fetch_all, number, statements};

/// How many of the newest changes are always there.
pub(crate) const CHANGES_KEPT: u64 = 10_000;

/// Older changes are removed once in so many changes, so that few transactions pay for it.
const PRUNING_INTERVAL: u64 = 1_000;

const LAYOUT: Layout = Layout { table: "changes", identity: &["record_kind", "record_id"] };

statements! {
    NEXT_SEQUENCE = "UPDATE counters SET value = value + 1 WHERE name = 'change' RETURNING value";
    INSERT = "INSERT INTO changes (sequence, record_kind, account, region, record_id) VALUES ($1, $2, $3, $4, $5)";
    PRUNE = "DELETE FROM changes WHERE sequence <= $1";
    AFTER = "SELECT sequence, record_kind, account, region, record_id FROM changes
        WHERE sequence > $1 ORDER BY sequence LIMIT $2";
    LATEST = "SELECT value FROM counters WHERE name = 'change'";
}

/// Appends a change to the feed, in the transaction that makes it.
pub(crate) async fn append(connection: &mut SqliteConnection, record: &ChangedRecord) -> Result<(), StoreError> {
    let sequence = number(connection, sqlx::query(NEXT_SEQUENCE)).await?;
    let (kind, account, region, id) = match record {
        ChangedRecord::Key(region, id) => ("KEY", None, Some(region.as_str()), id.as_str()),
        ChangedRecord::Alias(account, region, name) => {
            ("ALIAS", Some(account.as_str()), Some(region.as_str()), name.as_str())
        }
        ChangedRecord::CustomKeyStore(id) => ("CUSTOM_KEY_STORE", None, None, id.as_str()),
        ChangedRecord::AccessKey(id) => ("ACCESS_KEY", None, None, id.as_str()),
        ChangedRecord::Identities(account) => ("IDENTITIES", None, None, account.as_str()),
        ChangedRecord::Grants(region, key_id) => ("GRANTS", None, Some(region.as_str()), key_id.as_str()),
    };
    let stored_sequence = encoding::whole("sequence", sequence)?;
    let insert = sqlx::query(INSERT).bind(stored_sequence).bind(kind).bind(account).bind(region).bind(id);
    execute(connection, insert).await?;
    prune(connection, sequence).await
}

async fn prune(connection: &mut SqliteConnection, newest: u64) -> Result<(), StoreError> {
    if newest.is_multiple_of(PRUNING_INTERVAL) && newest > CHANGES_KEPT {
        let last_removed = encoding::whole("sequence", newest - CHANGES_KEPT)?;
        execute(connection, sqlx::query(PRUNE).bind(last_removed)).await?;
    }
    Ok(())
}

/// [`keystead_core::port::Store::changes_after`].
pub(crate) async fn after(
    connection: &mut SqliteConnection,
    sequence: u64,
    limit: usize,
) -> Result<Vec<Change>, StoreError> {
    // Nothing comes after a number that no column can hold.
    let sequence = i64::try_from(sequence).unwrap_or(i64::MAX);
    let query = sqlx::query(AFTER).bind(sequence).bind(encoding::limit(limit));
    fetch_all(connection, query).await?.iter().map(read).collect()
}

/// [`keystead_core::port::Store::latest_change`].
pub(crate) async fn latest(connection: &mut SqliteConnection) -> Result<u64, StoreError> {
    number(connection, sqlx::query(LATEST)).await
}

fn read(row: &SqliteRow) -> Result<Change, StoreError> {
    let record = Record::new(row, LAYOUT);
    let changed = match record.value("record_kind")? {
        "KEY" => ChangedRecord::Key(record.parsed("region")?, record.parsed("record_id")?),
        "ALIAS" => {
            ChangedRecord::Alias(record.parsed("account")?, record.parsed("region")?, record.parsed("record_id")?)
        }
        "CUSTOM_KEY_STORE" => ChangedRecord::CustomKeyStore(record.parsed("record_id")?),
        "ACCESS_KEY" => ChangedRecord::AccessKey(record.text("record_id")?),
        "IDENTITIES" => ChangedRecord::Identities(record.parsed("record_id")?),
        "GRANTS" => ChangedRecord::Grants(record.parsed("region")?, record.parsed("record_id")?),
        _ => return Err(record.damaged("record_kind", "is no kind of record")),
    };
    Ok(Change { sequence: record.whole("sequence")?, record: changed })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::SqliteStore;

    /// The newest 10,000 stay, the feed does not grow without bound, and numbers go on after pruning.
    #[tokio::test]
    async fn old_changes_are_pruned() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("keystead.db")).await.unwrap();
        let total = CHANGES_KEPT + 2 * PRUNING_INTERVAL + 1;
        let mut transaction = crate::begin_write(&store.writer).await.unwrap();
        for index in 1..=total {
            append(&mut transaction, &ChangedRecord::AccessKey(format!("AKIA{index}"))).await.unwrap();
        }
        let kept = after(&mut transaction, 0, usize::MAX).await.unwrap();
        assert_eq!(kept.first().unwrap().sequence, 2 * PRUNING_INTERVAL + 1);
        assert_eq!(kept.last().unwrap().sequence, total);
        assert_eq!(kept.last().unwrap().record, ChangedRecord::AccessKey(format!("AKIA{total}")));
        assert_eq!(kept.len() as u64, CHANGES_KEPT + 1);
        assert_eq!(latest(&mut transaction).await.unwrap(), total);
    }
}
