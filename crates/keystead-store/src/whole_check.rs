//! The check of all of a database, for damage: every page is where it belongs, and every row keeps its CHECK constraints.
//!
//! It reads the whole file: measured 0.6 s for 350 MB in the page cache, which is 100,000 keys, each with an alias, two tags, a policy and
//! two grants. Nothing bounds a file (a key may have 50,000 grants), so a start that waits for the check is not bounded either. Hence:
//!
//! - a database of up to [`CHECKED_FIRST_BYTES_MAX`], and every one that is to be brought to a newer schema, is checked before it is
//!   opened;
//! - a larger one is opened at once and checked meanwhile. **Until the check has passed nothing is written**: whoever writes waits for it.
//!   Reading goes on, as each page and row that is read is looked at anyway, and sealed material opens only if it is intact. If the check
//!   finds damage, nothing is read or written any more.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use keystead_core::port::StoreError;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::watch;

use crate::error::damaged_file;
use crate::open::{self, OpenError};

/// The largest database that is checked before it is opened, in bytes: a tenth of a second if it is in the page cache.
pub(crate) const CHECKED_FIRST_BYTES_MAX: u64 = 64 << 20;

/// How often a check asks whether it is to stop, in pages or in instructions of the engine: both take microseconds at most.
const STEPS_BETWEEN_QUESTIONS: i32 = 1_000;

/// What is known of the whole database.
#[derive(Clone, Debug)]
enum Verdict {
    /// The check goes on.
    Open,
    /// It has passed.
    Sound,
    /// It has found this.
    Damaged(String),
    /// It could not be done, for this reason.
    Failed(String),
    /// The store was closed before its end.
    Stopped,
}

/// A check that has passed, or goes on beside the use of the database. It stops when this is dropped.
pub(crate) struct WholeCheck {
    path: PathBuf,
    verdict: watch::Receiver<Verdict>,
    stop: Arc<AtomicBool>,
}

impl WholeCheck {
    /// Checks now.
    pub(crate) async fn first(path: &Path, connection: &mut SqliteConnection) -> Result<Self, OpenError> {
        match open::pragma(path, connection, "PRAGMA quick_check(1)").await? {
            verdict if verdict == "ok" => Ok(Self::new(path, watch::channel(Verdict::Sound).1)),
            what => Err(OpenError::Damaged { path: path.to_owned(), what }),
        }
    }

    /// Checks from now on, by a connection of its own.
    pub(crate) fn meanwhile(path: &Path, options: SqliteConnectOptions) -> Self {
        let (outcome, verdict) = watch::channel(Verdict::Open);
        let check = Self::new(path, verdict);
        let (path, stop) = (path.to_owned(), check.stop.clone());
        tokio::spawn(async move {
            let verdict = run(&path, options, stop).await;
            outcome.send_replace(verdict);
        });
        check
    }

    fn new(path: &Path, verdict: watch::Receiver<Verdict>) -> Self {
        Self { path: path.to_owned(), verdict, stop: Arc::new(AtomicBool::new(false)) }
    }

    /// Fails if the check has found damage. Before reading.
    pub(crate) fn found_nothing(&self) -> Result<(), StoreError> {
        match &*self.verdict.borrow() {
            Verdict::Damaged(what) => Err(damaged_file(what)),
            Verdict::Open | Verdict::Sound | Verdict::Failed(_) | Verdict::Stopped => Ok(()),
        }
    }

    /// Waits for the check, and fails if it has not passed. Before writing.
    pub(crate) async fn passed(&self) -> Result<(), StoreError> {
        match self.verdict().await {
            Verdict::Sound => Ok(()),
            Verdict::Damaged(what) => Err(damaged_file(what)),
            Verdict::Failed(why) => Err(StoreError::Engine(format!("the database could not be checked: {why}"))),
            Verdict::Open | Verdict::Stopped => Err(StoreError::Engine("the store is closed".to_owned())),
        }
    }

    /// See [`crate::SqliteStore::checked`].
    pub(crate) async fn outcome(&self) -> Result<(), OpenError> {
        let path = self.path.clone();
        match self.verdict().await {
            Verdict::Damaged(what) => Err(OpenError::Damaged { path, what }),
            Verdict::Failed(what) => Err(OpenError::Engine { path, what }),
            Verdict::Open | Verdict::Sound | Verdict::Stopped => Ok(()),
        }
    }

    /// Stops the check and waits for its end.
    pub(crate) async fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.verdict().await;
    }

    /// The verdict, once there is one.
    async fn verdict(&self) -> Verdict {
        let mut verdict = self.verdict.clone();
        // An error means that the task is gone, as at the end of the runtime; it has sent no verdict then.
        let reached = verdict.wait_for(|verdict| !matches!(verdict, Verdict::Open)).await;
        reached.map_or(Verdict::Stopped, |verdict| verdict.clone())
    }
}

impl Drop for WholeCheck {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Checks, and tells the log what the operator must know.
async fn run(path: &Path, options: SqliteConnectOptions, stop: Arc<AtomicBool>) -> Verdict {
    let database = path.display();
    tracing::info!(%database, "the database is large: it is checked while it is used, and whoever writes waits for that");
    let begin = Instant::now();
    let result = check(path, options, stop.clone()).await;
    let elapsed = begin.elapsed();
    match result {
        Ok(()) => {
            tracing::info!(%database, ?elapsed, "the database is checked");
            Verdict::Sound
        }
        Err(_) if stop.load(Ordering::Relaxed) => Verdict::Stopped,
        Err(error) => {
            tracing::error!(%error, "the database cannot be used any more");
            match error {
                OpenError::Damaged { what, .. } => Verdict::Damaged(what),
                error => Verdict::Failed(error.to_string()),
            }
        }
    }
}

async fn check(path: &Path, options: SqliteConnectOptions, stop: Arc<AtomicBool>) -> Result<(), OpenError> {
    let mut connection = options.connect().await.map_err(|error| open::engine_error(path, &error))?;
    let verdict = check_until_stopped(path, &mut connection, stop).await;
    connection.close().await.map_err(|error| open::engine_error(path, &error))?;
    verdict
}

async fn check_until_stopped(
    path: &Path,
    connection: &mut SqliteConnection,
    stop: Arc<AtomicBool>,
) -> Result<(), OpenError> {
    let mut handle = connection.lock_handle().await.map_err(|error| open::engine_error(path, &error))?;
    handle.set_progress_handler(STEPS_BETWEEN_QUESTIONS, move || !stop.load(Ordering::Relaxed));
    drop(handle);
    WholeCheck::first(path, connection).await.map(drop)
}
