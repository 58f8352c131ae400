//! The access log: one JSON line per request, never with plaintext or ciphertext.
//!
//! Requests hand their line to a writer thread through a bounded queue and go on; if the disk cannot keep up, lines are
//! dropped and counted in the log itself. Lines reach the file at the latest after a second, and at shutdown all of them.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::Serialize;
use time::OffsetDateTime;

const QUEUE_MAX_LINES: usize = 8192;
/// What web servers log for a client that hung up; it is never sent.
const STATUS_WITHOUT_ANSWER: u16 = 499;
const FLUSH_INTERVAL: Duration = Duration::from_millis(500);

/// What the log tells of one request. Members that are not known, because the request failed before, are left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    /// When the request's headers had arrived.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) time: OffsetDateTime,
    /// Address and port of the client.
    pub(crate) peer: std::net::SocketAddr,
    /// The API's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) api: Option<&'static str>,
    /// `XksProxyUriPath` of the prefix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) uri_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) external_key_id: Option<String>,
    /// As the request claims; it is proven unless the error is AuthenticationFailedException.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) access_key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kms_request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kms_operation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kms_key_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) aws_principal_arn: Option<String>,
    /// HTTP status of the answer; 499 if there was none, because the client hung up or the proxy was stopped.
    pub(crate) status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_name: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_message: Option<String>,
    /// From the arrival of the headers to the answer, in microseconds.
    #[serde(rename = "duration_us")]
    pub(crate) duration_us: u64,
}

impl Entry {
    pub(crate) fn new(peer: std::net::SocketAddr) -> Self {
        Self {
            time: OffsetDateTime::now_utc(),
            peer,
            api: None,
            uri_path: None,
            external_key_id: None,
            access_key_id: None,
            kms_request_id: None,
            kms_operation: None,
            kms_key_arn: None,
            aws_principal_arn: None,
            status: STATUS_WITHOUT_ANSWER,
            error_name: None,
            error_message: None,
            duration_us: 0,
        }
    }
}

/// The entry of a request in work. It is written on drop, so that also a request that is given up leaves its line.
pub(crate) struct OpenEntry<'a> {
    pub(crate) entry: Entry,
    log: Option<&'a AccessLog>,
    began: Instant,
}

impl<'a> OpenEntry<'a> {
    /// Of a request whose headers have arrived now.
    pub(crate) fn begin(log: Option<&'a AccessLog>, peer: std::net::SocketAddr) -> Self {
        Self { entry: Entry::new(peer), log, began: Instant::now() }
    }
}

impl Drop for OpenEntry<'_> {
    fn drop(&mut self) {
        if let Some(log) = self.log {
            self.entry.duration_us = self.began.elapsed().as_micros().try_into().unwrap_or(u64::MAX);
            log.write(&self.entry);
        }
    }
}

/// The queue's end at the requests.
pub(crate) struct AccessLog {
    queue: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

enum Message {
    Line(Vec<u8>),
    /// Write what came before, and end.
    Finish,
}

impl AccessLog {
    /// Opens the log, `-` being standard output, and starts its writer. Fails if the file cannot be opened.
    pub(crate) fn start(path: &Path) -> io::Result<Self> {
        let sink = Sink::open(path)?;
        let (queue, messages) = sync_channel(QUEUE_MAX_LINES);
        let dropped = Arc::new(AtomicU64::new(0));
        let writer = Writer { sink, dropped: Arc::clone(&dropped), failing: false };
        let writer = std::thread::Builder::new().name("access-log".to_owned()).spawn(move || writer.run(&messages))?;
        Ok(Self { queue, dropped, writer: Mutex::new(Some(writer)) })
    }

    /// Queues one line. Never waits.
    pub(crate) fn write(&self, entry: &Entry) {
        let mut line = match serde_json::to_vec(entry) {
            Ok(line) => line,
            Err(error) => {
                tracing::error!(%error, "an access log entry cannot be written as JSON");
                return;
            }
        };
        line.push(b'\n');
        if self.queue.try_send(Message::Line(line)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until every queued line is written. Blocks on the disk.
    pub(crate) fn finish(&self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(writer) = writer else {
            return;
        };
        if self.queue.send(Message::Finish).is_err() || writer.join().is_err() {
            tracing::error!("the access log's writer ended early");
        }
    }
}

struct Writer {
    sink: Sink,
    dropped: Arc<AtomicU64>,
    /// Whether the last write failed: a full disk is reported once, not per line.
    failing: bool,
}

impl Writer {
    fn run(mut self, messages: &Receiver<Message>) {
        let mut flushed_at = Instant::now();
        loop {
            let wait = FLUSH_INTERVAL.saturating_sub(flushed_at.elapsed());
            match messages.recv_timeout(wait) {
                Ok(Message::Line(line)) => self.attempt(|sink| sink.out.write_all(&line)),
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Message::Finish) | Err(RecvTimeoutError::Disconnected) => return self.flush(),
            }
            if flushed_at.elapsed() >= FLUSH_INTERVAL {
                self.flush();
                flushed_at = Instant::now();
            }
        }
    }

    fn flush(&mut self) {
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            self.attempt(|sink| writeln!(sink.out, "{{\"droppedLines\":{dropped}}}"));
        }
        self.attempt(Sink::flush);
    }

    fn attempt(&mut self, write: impl FnOnce(&mut Sink) -> io::Result<()>) {
        match write(&mut self.sink) {
            Ok(()) => self.failing = false,
            Err(error) if !self.failing => {
                self.failing = true;
                tracing::error!(%error, "the access log cannot be written");
            }
            Err(_) => {}
        }
    }
}

/// Where the lines go.
struct Sink {
    out: BufWriter<Box<dyn Write + Send>>,
    /// The file and its inode, to notice that it was moved away.
    file: Option<(PathBuf, u64)>,
}

impl Sink {
    fn open(path: &Path) -> io::Result<Self> {
        if path.as_os_str() == "-" {
            return Ok(Self { out: BufWriter::new(Box::new(io::stdout())), file: None });
        }
        let file = open_for_append(path)?;
        let inode = file.metadata()?.ino();
        Ok(Self { out: BufWriter::new(Box::new(file)), file: Some((path.to_owned(), inode)) })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()?;
        self.reopen_if_moved()
    }

    /// Log rotation: once the file was moved away, a new one is begun. No signal is needed.
    fn reopen_if_moved(&mut self) -> io::Result<()> {
        let Some((path, inode)) = &self.file else {
            return Ok(());
        };
        if std::fs::metadata(path).is_ok_and(|found| found.ino() == *inode) {
            return Ok(());
        }
        *self = Self::open(&path.clone())?;
        Ok(())
    }
}

fn open_for_append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o640).open(path)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn entry(status: u16) -> Entry {
        Entry { status, ..Entry::new("127.0.0.1:1".parse().unwrap()) }
    }

    fn lines(path: &Path) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn everything_is_written_at_the_end_and_unknown_members_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        let log = AccessLog::start(&path).unwrap();
        for status in [200, 401] {
            log.write(&entry(status));
        }
        log.finish();
        let lines = lines(&path);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1]["status"], 401);
        assert_eq!(lines[1]["duration_us"], 0);
        assert!(lines[1].get("kmsKeyArn").is_none());
    }

    #[test]
    fn lines_appear_while_running_and_a_moved_file_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (path, moved) = (folder.path().join("access.log"), folder.path().join("old.log"));
        let log = AccessLog::start(&path).unwrap();
        log.write(&entry(200));
        while lines(&path).is_empty() {
            std::thread::yield_now();
        }
        std::fs::rename(&path, &moved).unwrap();
        while !path.exists() {
            std::thread::yield_now();
        }
        log.write(&entry(404));
        log.finish();
        assert_eq!(lines(&moved)[0]["status"], 200);
        assert_eq!(lines(&path)[0]["status"], 404);
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        assert!(AccessLog::start(Path::new("/nowhere/access.log")).is_err());
    }
}
