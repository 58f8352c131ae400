//! What the engine's errors become.

use std::fmt::Display;

use keystead_core::port::StoreError;

/// SQLite's primary result codes (sqlite.org/rescode.html) that mean something of their own here.
const SQLITE_BUSY: u32 = 5;
const SQLITE_CORRUPT: u32 = 11;
const SQLITE_NOTADB: u32 = 26;

/// What kind of trouble the engine is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum EngineTrouble {
    /// The file's content makes no sense.
    Damage,
    /// The file's first page is none of a database.
    NotADatabase,
    /// Another process has held the write lock for longer than the busy timeout.
    Busy,
    /// Everything else: disk full, no such table, a violated constraint that the transaction had not looked for.
    Other,
}

/// Sorts an engine error by its primary result code, which is the extended code's low byte.
pub(crate) fn trouble(error: &sqlx::Error) -> EngineTrouble {
    let code = error.as_database_error().and_then(|error| error.code()).and_then(|code| code.parse::<u32>().ok());
    match code.map(|code| code & 0xff) {
        Some(SQLITE_CORRUPT) => EngineTrouble::Damage,
        Some(SQLITE_NOTADB) => EngineTrouble::NotADatabase,
        Some(SQLITE_BUSY) => EngineTrouble::Busy,
        _ => EngineTrouble::Other,
    }
}

/// The port's error for an engine error. Which rule of the schema a mutation would break is found out before it is tried, inside its
/// transaction; a constraint that the engine still reports violated is a fault of this crate and stays an engine error.
pub(crate) fn engine(error: sqlx::Error) -> StoreError {
    match trouble(&error) {
        EngineTrouble::Damage | EngineTrouble::NotADatabase => damaged_file(error),
        EngineTrouble::Busy => {
            StoreError::Engine(format!("another process keeps the database locked, try again later: {error}"))
        }
        EngineTrouble::Other => StoreError::Engine(error.to_string()),
    }
}

/// The error for a database file that makes no sense.
pub(crate) fn damaged_file(what: impl Display) -> StoreError {
    StoreError::Damaged(format!("the database file: {what}; restore it from a backup"))
}
