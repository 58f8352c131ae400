//! Single values: the root key check.

use keystead_core::port::StoreError;
use keystead_core::sealing::Sealed;
use sqlx::SqliteConnection;

use crate::rows::{Layout, Record};
use crate::statements::{execute, exists, fetch_optional, statements};

const LAYOUT: Layout = Layout { table: "metadata", identity: &["name"] };

statements! {
    ROOT_KEY_CHECK = "SELECT name, value FROM metadata WHERE name = 'root_key_check'";
    INSERT_ROOT_KEY_CHECK = "INSERT INTO metadata (name, value) VALUES ('root_key_check', $1)";
}

/// [`keystead_core::port::Store::root_key_check`].
pub(crate) async fn root_key_check(connection: &mut SqliteConnection) -> Result<Option<Sealed>, StoreError> {
    let row = fetch_optional(connection, sqlx::query(ROOT_KEY_CHECK)).await?;
    row.map(|row| Record::new(&row, LAYOUT).sealed("value")).transpose()
}

/// [`keystead_core::port::Store::set_root_key_check`].
pub(crate) async fn set_root_key_check(connection: &mut SqliteConnection, check: &Sealed) -> Result<(), StoreError> {
    if exists(connection, sqlx::query(ROOT_KEY_CHECK)).await? {
        return Err(StoreError::Conflict);
    }
    execute(connection, sqlx::query(INSERT_ROOT_KEY_CHECK).bind(check.as_bytes())).await.map(drop)
}
