//! Values read from files that people replace while the proxy runs: keys, credentials, certificates.
//!
//! A `stat` per use (about a microsecond) instead of a watcher: a change counts from the next request on, there is no
//! background task, and nothing is missed.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Mutex;

/// How long a file's time stamps may stand still while it is being written: a coarse kernel clock tick, generously.
const TIMESTAMP_GRAIN: Duration = Duration::from_millis(50);

/// What identifies one state of a file. Replacing a file changes the inode, writing to it the times.
#[derive(Clone, Copy, PartialEq, Eq)]
struct FileStamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified_ns: i128,
    changed_ns: i128,
}

impl FileStamp {
    fn of(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().as_ref().map(Self::from)
    }

    /// Whether the file was quiet for a clock tick before `now`, so that a later write must show in the times.
    fn is_settled(&self, now: SystemTime) -> bool {
        let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let now_ns = since_epoch.as_nanos() as i128;
        now_ns - self.changed_ns > TIMESTAMP_GRAIN.as_nanos() as i128
    }
}

impl From<&Metadata> for FileStamp {
    fn from(metadata: &Metadata) -> Self {
        let ns = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.size(),
            modified_ns: ns(metadata.mtime(), metadata.mtime_nsec()),
            changed_ns: ns(metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// How a value comes from its files.
pub(crate) trait FileSource: Send + Sync + 'static {
    /// What is read.
    type Value: Send + Sync + 'static;
    /// Why it cannot be read.
    type Error;

    /// The files whose change calls for a new reading.
    fn paths(&self) -> &[PathBuf];

    /// Reads the files. Blocks on the disk.
    fn read(&self) -> Result<Self::Value, Self::Error>;

    /// What holds while changed files cannot be read: `previous`, or a value that tells of the failure.
    fn after_failure(&self, error: Self::Error, previous: Arc<Self::Value>) -> Arc<Self::Value>;
}

/// A value that follows its files.
pub(crate) struct Reloading<S: FileSource> {
    shared: Arc<Shared<S>>,
    /// One reader at a time; the others wait for what it finds.
    reader: Arc<Mutex<()>>,
}

struct Shared<S: FileSource> {
    source: S,
    current: RwLock<Loaded<S::Value>>,
}

struct Loaded<V> {
    value: Arc<V>,
    stamps: Vec<Option<FileStamp>>,
    /// False if a file was so young when it was read that a later write may carry the same times.
    settled: bool,
    read_at: SystemTime,
}

impl<V> Loaded<V> {
    fn is_current(&self, paths: &[PathBuf]) -> bool {
        let unchanged = paths.iter().zip(&self.stamps).all(|(path, stamp)| FileStamp::of(path) == *stamp);
        unchanged && (self.settled || self.age() < TIMESTAMP_GRAIN)
    }

    fn age(&self) -> Duration {
        // A clock set back reads as old: one reading too many does no harm.
        self.read_at.elapsed().unwrap_or(Duration::MAX)
    }
}

impl<S: FileSource> Reloading<S> {
    /// Reads the files for the first time, and fails if that does. Blocks on the disk.
    pub(crate) fn new(source: S) -> Result<Self, S::Error> {
        let current = Observed::now(&source).with(Arc::new(source.read()?));
        let shared = Shared { source, current: RwLock::new(current) };
        Ok(Self { shared: Arc::new(shared), reader: Arc::default() })
    }

    /// The value as of the files' present state.
    pub(crate) async fn get(&self) -> Arc<S::Value> {
        if let Some(value) = self.shared.if_current() {
            return value;
        }
        let only_reader = Arc::clone(&self.reader).lock_owned().await;
        if let Some(value) = self.shared.if_current() {
            return value;
        }
        // The reading goes on, and counts, if this caller gives up waiting for it.
        let shared = Arc::clone(&self.shared);
        let reading = tokio::task::spawn_blocking(move || {
            let _held = only_reader;
            shared.read_again()
        });
        reading.await.unwrap_or_else(|error| {
            tracing::error!(%error, "reading changed files was cut short; keeping the last state");
            self.shared.last()
        })
    }
}

impl<S: FileSource> Shared<S> {
    fn if_current(&self) -> Option<Arc<S::Value>> {
        let loaded = self.current.read().unwrap_or_else(PoisonError::into_inner);
        loaded.is_current(self.source.paths()).then(|| Arc::clone(&loaded.value))
    }

    fn last(&self) -> Arc<S::Value> {
        let loaded = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&loaded.value)
    }

    fn read_again(&self) -> Arc<S::Value> {
        let observed = Observed::now(&self.source);
        let value = match self.source.read() {
            Ok(value) => Arc::new(value),
            Err(error) => self.source.after_failure(error, self.last()),
        };
        let loaded = observed.with(Arc::clone(&value));
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        value
    }
}

/// The files as they were before they were read: a change during the reading then shows as one at the next look.
struct Observed {
    stamps: Vec<Option<FileStamp>>,
    at: SystemTime,
}

impl Observed {
    fn now<S: FileSource>(source: &S) -> Self {
        Self { stamps: source.paths().iter().map(|path| FileStamp::of(path)).collect(), at: SystemTime::now() }
    }

    fn with<V>(self, value: Arc<V>) -> Loaded<V> {
        Loaded {
            value,
            settled: self.stamps.iter().flatten().all(|stamp| stamp.is_settled(self.at)),
            stamps: self.stamps,
            read_at: self.at,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    struct Text {
        paths: Vec<PathBuf>,
        readings: AtomicUsize,
    }

    impl FileSource for Text {
        type Value = Option<String>;
        type Error = std::io::Error;
        fn paths(&self) -> &[PathBuf] {
            &self.paths
        }
        fn read(&self) -> Result<Self::Value, Self::Error> {
            self.readings.fetch_add(1, Ordering::Relaxed);
            std::fs::read_to_string(&self.paths[0]).map(Some)
        }
        fn after_failure(&self, _: Self::Error, _: Arc<Self::Value>) -> Arc<Self::Value> {
            Arc::new(None)
        }
    }

    fn following(path: &Path) -> Reloading<Text> {
        Reloading::new(Text { paths: vec![path.to_owned()], readings: AtomicUsize::new(0) }).unwrap()
    }

    #[tokio::test]
    async fn follows_writing_replacing_removing_and_coming_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value");
        std::fs::write(&path, "one").unwrap();
        let value = following(&path);
        assert_eq!(value.get().await.as_deref(), Some("one"));
        std::fs::write(&path, "longer").unwrap();
        assert_eq!(value.get().await.as_deref(), Some("longer"));
        std::fs::write(folder.path().join("new"), "twelve").unwrap();
        std::fs::rename(folder.path().join("new"), &path).unwrap();
        assert_eq!(value.get().await.as_deref(), Some("twelve"));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(value.get().await.as_deref(), None);
        std::fs::write(&path, "one").unwrap();
        assert_eq!(value.get().await.as_deref(), Some("one"));
    }

    #[tokio::test]
    async fn an_old_unchanged_file_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value");
        std::fs::write(&path, "one").unwrap();
        while !FileStamp::of(&path).unwrap().is_settled(SystemTime::now()) {
            tokio::task::yield_now().await;
        }
        let value = following(&path);
        for _ in 0..5 {
            value.get().await;
        }
        assert_eq!(value.shared.source.readings.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_write_within_one_clock_tick_is_seen_in_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value");
        std::fs::write(&path, "one").unwrap();
        let value = following(&path);
        std::fs::write(&path, "two").unwrap();
        while value.get().await.as_deref() != Some("two") {
            tokio::task::yield_now().await;
        }
    }
}
