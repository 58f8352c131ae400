//! Opening a database: what is there is looked at before anything is written to it.
//!
//! A new database is built under another name and gets its own when it is whole. So a file of that name is either a Keystead database
//! or a reason to stop: an empty or half-written one cannot be our own doing, and starting afresh would hide that keys were lost.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::MigrateError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection, SqlitePool};

use crate::error::{EngineTrouble, trouble};
use crate::whole_check::{CHECKED_FIRST_BYTES_MAX, WholeCheck};
use crate::{SqliteStore, close_pool, schema};

/// `KSTD`: says in a database's header that it is Keystead's.
const APPLICATION_ID: u32 = u32::from_be_bytes(*b"KSTD");

/// Length in bytes of the header that every SQLite database has (sqlite.org/fileformat.html, 1.3).
const HEADER_LENGTH: u64 = 100;

/// How long a writer waits for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Readers are needed on cold paths only: the data plane answers from its cache.
const READERS_MAX: u32 = 4;

/// More than there are statements, so that each is prepared once in a connection.
const STATEMENT_CACHE_CAPACITY: usize = 200;

/// The write-ahead log is cut back to this size when it has been copied into the database.
const WAL_BYTES_KEPT: &str = "67108864";

/// Why a database was not opened. The texts are for the person who starts the server.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file or its folder cannot be read or written.
    #[error(
        "cannot open the database {}: {source}; check that the folder exists, is writable, and that nothing else is in its place",
        path.display()
    )]
    Io {
        /// The database file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is no SQLite database.
    #[error(
        "{} is not a database: it does not begin as one; restore it from a backup, or name another file (a new database is made \
         where there is no file)",
        path.display()
    )]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// It is a database of another program.
    #[error(
        "{} is a database of another program (application id {application_id:#010x}, not {APPLICATION_ID:#010x}); name another file",
        path.display()
    )]
    Foreign {
        /// The database file.
        path: PathBuf,
        /// The application id in its header.
        application_id: u32,
    },
    /// A newer Keystead has written it.
    #[error(
        "the database {} has schema version {found}, and this Keystead knows versions up to {known}; start the newer Keystead that \
         wrote it, or restore a backup made before the upgrade",
        path.display()
    )]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// The file is a Keystead database and its content makes no sense.
    #[error("the database {} is damaged: {what}; restore it from a backup", path.display())]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// There is a write-ahead log, or a rollback journal, without its database.
    #[error(
        "the database {} is missing but its log {} is there; put the database back or restore both from a backup, or move the log \
         away to begin with a new, empty database",
        path.display(), log.display()
    )]
    LogWithoutDatabase {
        /// The database file.
        path: PathBuf,
        /// The log.
        log: PathBuf,
    },
    /// The file system cannot hold a write-ahead log.
    #[error(
        "the database {} cannot use a write-ahead log (journal mode is {journal_mode}); put it on a local file system",
        path.display()
    )]
    NoWriteAheadLog {
        /// The database file.
        path: PathBuf,
        /// The journal mode that SQLite fell back to.
        journal_mode: String,
    },
    /// Another process holds the write lock.
    #[error("the database {} is locked by another process; try again when that has finished", path.display())]
    Busy {
        /// The database file.
        path: PathBuf,
    },
    /// The storage engine failed.
    #[error("cannot open the database {}: {what}", path.display())]
    Engine {
        /// The database file.
        path: PathBuf,
        /// What the engine said.
        what: String,
    },
}

impl SqliteStore {
    /// Opens the database at `path`, and makes it (readable by its owner alone) if there is no such file. Its folder must exist.
    ///
    /// Reads all of the database once, to notice damage. A large one is opened before that is done; nothing is written to it until it is
    /// (`whole_check.rs`). Several processes may have one database open.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        if !path.try_exists().map_err(|source| io_error(path, source))? {
            create(path).await?;
        }
        check_header(path).await?;
        let writer = pool(path, 1, options(path)).await?;
        match prepare(path, &writer).await {
            Ok((readers, check)) => Ok(Self { readers, writer, check }),
            Err(error) => {
                // Only an orderly close takes the log's files away again.
                close_pool(&writer).await;
                Err(error)
            }
        }
    }
}

/// Checks the database, brings it to the newest schema version, and connects the readers.
async fn prepare(path: &Path, writer: &SqlitePool) -> Result<(SqlitePool, WholeCheck), OpenError> {
    let mut connection = writer.acquire().await.map_err(|error| engine_error(path, &error))?;
    let is_newest = check_version(path, &mut connection).await?;
    // Not opened read-only: whoever comes first after a crash must be able to recover the log.
    let reading = options(path).pragma("query_only", "ON");
    let check = if is_newest && bytes(path, &mut connection).await? > CHECKED_FIRST_BYTES_MAX {
        WholeCheck::meanwhile(path, reading.clone())
    } else {
        WholeCheck::first(path, &mut connection).await?
    };
    // Changes nothing if the version is the newest.
    schema::migrate(&mut connection).await.map_err(|error| migrate_error(path, &error))?;
    Ok((pool(path, READERS_MAX, reading).await?, check))
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENT_CACHE_CAPACITY)
        .pragma("journal_size_limit", WAL_BYTES_KEPT)
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        // What is deleted is overwritten: a deleted key's sealed material does not linger in free pages.
        .pragma("secure_delete", "ON")
        .disable_statement_logging()
}

/// Connections live as long as the process: the log's shared memory stays, and with it what the engine has prepared.
async fn pool(path: &Path, connections_max: u32, options: SqliteConnectOptions) -> Result<SqlitePool, OpenError> {
    SqlitePoolOptions::new()
        .max_connections(connections_max)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .map_err(|error| engine_error(path, &error))
}

/// Looks at the header before anything is recovered or converted that may not be ours.
///
/// While there is no log, by an immutable connection, which takes no lock: nobody has the database open. With a log, by one that reads it:
/// the database file alone may be half copied, with pages that only the log has, and then it is whole only together with it. Never by
/// reading the file: closing it would drop the locks that this process has on it (sqlite.org/howtocorrupt.html, 2.2).
async fn check_header(path: &Path) -> Result<(), OpenError> {
    let length = fs::metadata(path)
        .and_then(|file| if file.is_dir() { Err(ErrorKind::IsADirectory.into()) } else { Ok(file.len()) });
    let length = length.map_err(|source| io_error(path, source))?;
    if length < HEADER_LENGTH {
        return Err(OpenError::NotADatabase { path: path.to_owned() });
    }
    let has_log = with_suffix(path, "-wal").try_exists().map_err(|source| io_error(path, source))?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .immutable(!has_log)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    let mut connection = options.connect().await.map_err(|error| header_error(path, &error))?;
    let file_length = (!has_log).then_some(length);
    let verdict = check_header_values(path, &mut connection, file_length).await;
    connection.close().await.map_err(|error| engine_error(path, &error))?;
    verdict
}

/// `file_length` is given where the file alone is the database.
async fn check_header_values(
    path: &Path,
    connection: &mut SqliteConnection,
    file_length: Option<u64>,
) -> Result<(), OpenError> {
    let application_id = header_value(path, connection, "PRAGMA application_id").await?;
    if application_id != APPLICATION_ID {
        return Err(OpenError::Foreign { path: path.to_owned(), application_id });
    }
    // The engine takes a last page that is cut off for one that ends in zeros.
    let page_size = u64::from(header_value(path, connection, "PRAGMA page_size").await?);
    match file_length {
        Some(length) if length.checked_rem(page_size) != Some(0) => {
            Err(damaged(path, format!("its {length} bytes are no whole number of pages of {page_size} bytes")))
        }
        Some(_) | None => Ok(()),
    }
}

/// An unsigned 32-bit number, which SQLite gives as a signed one.
async fn header_value(path: &Path, connection: &mut SqliteConnection, sql: &str) -> Result<u32, OpenError> {
    let value: i32 = sqlx::query_scalar(sql).fetch_one(connection).await.map_err(|error| header_error(path, &error))?;
    Ok(value.cast_unsigned())
}

/// A header that is not a database's: not damage, as nothing says that it ever was one.
fn header_error(path: &Path, error: &sqlx::Error) -> OpenError {
    match trouble(error) {
        EngineTrouble::NotADatabase => OpenError::NotADatabase { path: path.to_owned() },
        _ => engine_error(path, error),
    }
}

/// Checks the journal mode and that no newer Keystead has written the database; whether its schema is the newest.
async fn check_version(path: &Path, connection: &mut SqliteConnection) -> Result<bool, OpenError> {
    let journal_mode = pragma(path, connection, "PRAGMA journal_mode").await?;
    if journal_mode != "wal" {
        return Err(OpenError::NoWriteAheadLog { path: path.to_owned(), journal_mode });
    }
    let (found, known) = (version(path, connection).await?, schema::newest_version());
    if found > known {
        return Err(OpenError::Newer { path: path.to_owned(), found, known });
    }
    Ok(found == known)
}

/// The length of the database in bytes, with what only its log has.
async fn bytes(path: &Path, connection: &mut SqliteConnection) -> Result<u64, OpenError> {
    let mut number = async |sql| -> Result<u64, OpenError> {
        let value: i64 =
            sqlx::query_scalar(sql).fetch_one(&mut *connection).await.map_err(|error| engine_error(path, &error))?;
        Ok(value.unsigned_abs())
    };
    Ok(number("PRAGMA page_count").await?.saturating_mul(number("PRAGMA page_size").await?))
}

async fn version(path: &Path, connection: &mut SqliteConnection) -> Result<i64, OpenError> {
    schema::version(connection).await.map_err(|error| match trouble(&error) {
        EngineTrouble::Busy => engine_error(path, &error),
        EngineTrouble::Damage | EngineTrouble::NotADatabase | EngineTrouble::Other => {
            damaged(path, format!("its schema version is unreadable: {error}"))
        }
    })
}

/// The text that a PRAGMA gives.
pub(crate) async fn pragma(path: &Path, connection: &mut SqliteConnection, sql: &str) -> Result<String, OpenError> {
    sqlx::query_scalar(sql).fetch_one(connection).await.map_err(|error| engine_error(path, &error))
}

/// Builds a new database beside `path` and links it there. If another process was faster, that one's database stays.
async fn create(path: &Path) -> Result<(), OpenError> {
    refuse_orphaned_log(path)?;
    let draft = make_draft(path).map_err(|source| io_error(path, source))?;
    let built = build(path, &draft).await.and_then(|()| publish(path, &draft).map_err(|source| io_error(path, source)));
    for leftover in [draft.clone(), with_suffix(&draft, "-wal"), with_suffix(&draft, "-shm")] {
        match fs::remove_file(&leftover) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(file = %leftover.display(), %error, "cannot remove the draft of a new database; it holds nothing");
            }
            _ => {}
        }
    }
    built
}

/// SQLite would apply a log that was left behind to whatever database it finds beside it.
fn refuse_orphaned_log(path: &Path) -> Result<(), OpenError> {
    for log in [with_suffix(path, "-wal"), with_suffix(path, "-journal")] {
        if log.try_exists().map_err(|source| io_error(path, source))? {
            return Err(OpenError::LogWithoutDatabase { path: path.to_owned(), log });
        }
    }
    Ok(())
}

/// An empty file of our own, for the owner alone; the engine gives its log the same mode.
fn make_draft(path: &Path) -> io::Result<PathBuf> {
    let mut attempt = 0_u32;
    loop {
        let draft = with_suffix(path, &format!(".new-{}-{attempt}", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft) {
            Ok(_) => return Ok(draft),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && attempt < 1_000 => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

async fn build(path: &Path, draft: &Path) -> Result<(), OpenError> {
    let options = options(draft).pragma("application_id", APPLICATION_ID.to_string());
    let mut connection = options.connect().await.map_err(|error| engine_error(path, &error))?;
    schema::migrate(&mut connection).await.map_err(|error| migrate_error(path, &error))?;
    connection.close().await.map_err(|error| engine_error(path, &error))
}

/// Gives a whole draft its name, durably. A link, unlike a rename, never replaces what is there.
fn publish(path: &Path, draft: &Path) -> io::Result<()> {
    match fs::hard_link(draft, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn io_error(path: &Path, source: io::Error) -> OpenError {
    OpenError::Io { path: path.to_owned(), source }
}

fn damaged(path: &Path, what: String) -> OpenError {
    OpenError::Damaged { path: path.to_owned(), what }
}

/// What an engine error means for the one who opens the database.
pub(crate) fn engine_error(path: &Path, error: &sqlx::Error) -> OpenError {
    match trouble(error) {
        EngineTrouble::Damage | EngineTrouble::NotADatabase => damaged(path, error.to_string()),
        EngineTrouble::Busy => OpenError::Busy { path: path.to_owned() },
        EngineTrouble::Other => OpenError::Engine { path: path.to_owned(), what: error.to_string() },
    }
}

/// What is no engine error means that the table of versions is not what any Keystead wrote.
fn migrate_error(path: &Path, error: &MigrateError) -> OpenError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => engine_error(path, error),
        error => damaged(path, error.to_string()),
    }
}
