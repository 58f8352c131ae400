//! The AuditLog port on an append-only file.

use std::path::Path;

use async_trait::async_trait;
use keystead_core::audit::AuditRecord;
use keystead_core::port::{AuditError, AuditLog};
use tokio::sync::{mpsc, oneshot};

use crate::appender::{Appender, Durability};
use crate::open::{OpenError, open};
use crate::synced_file::SyncedFile;
use crate::writer::{Entry, Outcome, WriterThread};

/// The most lines that wait for the group after the one being written; further callers wait for room.
const QUEUE_LINES_MAX: usize = 1024;
/// What is set aside for a line before it is serialised; an ordinary record fits.
const LINE_BYTES: usize = 1536;

/// An append-only file with one JSON line for each audit record.
///
/// [`AuditLog::write`] returns `Ok` once the line is as durable as configured. Lines of concurrent requests share one write and one
/// sync (group commit). Lines stand in the order in which they were queued, so a record that was acknowledged stands before any whose
/// writing began later. When the disk fails or is full, every record of the group is refused, nothing of it stays in the file, and
/// writing goes on as soon as it is possible again. A caller that gives up while it waits may still have its record written.
///
/// Dropping it writes what is queued and waits for that; [`FileAuditLog::close`] does the same without blocking, and tells the outcome.
pub struct FileAuditLog {
    // Dropped in this order: the writer ends when the queue has no sender left.
    queue: mpsc::Sender<Entry>,
    _writer: WriterThread,
}

impl FileAuditLog {
    /// Opens the log at `path`, or creates it with mode 0600, locks it against a second server, and starts its writer thread.
    ///
    /// What a crash left at the end is repaired: a whole record without its newline gets one; a torn record, which was never
    /// acknowledged, and trailing zero bytes are cut off, with a warning that shows them. Blocks for a few file operations.
    pub fn open(path: &Path, durability: Durability) -> Result<Self, OpenError> {
        let file = open(path)?;
        Self::start(file, durability, QUEUE_LINES_MAX).map_err(|source| OpenError::Io {
            action: "start the writer thread of",
            path: path.to_owned(),
            source,
        })
    }

    /// Accepts no more records, and returns once all that were queued are on stable storage (with [`Durability::Buffered`] too)
    /// and the file is unlocked. Does nothing on a log that is closed.
    ///
    /// Fails if the last sync fails.
    pub async fn close(&self) -> Result<(), AuditError> {
        let (closed, outcome) = oneshot::channel();
        match self.queue.send(Entry::Close { closed }).await {
            Ok(()) => outcome.await.unwrap_or_else(|_| Err(writer_ended())),
            Err(_) => Ok(()),
        }
    }

    fn start<F: SyncedFile>(file: F, durability: Durability, queue_lines_max: usize) -> std::io::Result<Self> {
        let (queue, entries) = mpsc::channel(queue_lines_max);
        let writer = WriterThread::start(Appender::new(file, durability), entries)?;
        Ok(Self { queue, _writer: writer })
    }

    async fn write_line(&self, line: Vec<u8>) -> Outcome {
        let (written, outcome) = oneshot::channel();
        self.queue
            .send(Entry::Line { line, written })
            .await
            .map_err(|_| AuditError("the audit log is closed".to_owned()))?;
        outcome.await.unwrap_or_else(|_| Err(writer_ended()))
    }
}

#[async_trait]
impl AuditLog for FileAuditLog {
    async fn write(&self, record: AuditRecord) -> Result<(), AuditError> {
        // On the caller's task: the writer's time is everyone's.
        self.write_line(line(&record)?).await
    }
}

/// The record's line. JSON escapes line breaks, so the one newline is its last byte.
fn line(record: &AuditRecord) -> Result<Vec<u8>, AuditError> {
    let mut line = Vec::with_capacity(LINE_BYTES);
    serde_json::to_writer(&mut line, record).map_err(|error| AuditError(error.to_string()))?;
    line.push(b'\n');
    Ok(line)
}

fn writer_ended() -> AuditError {
    AuditError("the audit log's writer has ended; restart the server".to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use std::future::{Future, poll_fn};
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::Poll;

    use super::*;
    use crate::fault_file::{FaultFile, Faults};

    fn log_on(file: &FaultFile, queue_lines_max: usize) -> Arc<FileAuditLog> {
        Arc::new(FileAuditLog::start(file.clone(), Durability::Fsync, queue_lines_max).unwrap())
    }

    fn numbered(number: usize) -> Vec<u8> {
        format!("{{\"n\":{number}}}\n").into_bytes()
    }

    fn all_numbered(numbers: std::ops::Range<usize>) -> Vec<u8> {
        numbers.flat_map(numbered).collect()
    }

    /// Begins writing and waits until the line is queued.
    async fn queued(log: &Arc<FileAuditLog>, number: usize) -> tokio::task::JoinHandle<Outcome> {
        let room = log.queue.capacity();
        let task = tokio::spawn({
            let log = Arc::clone(log);
            async move { log.write_line(numbered(number)).await }
        });
        while log.queue.capacity() == room {
            tokio::task::yield_now().await;
        }
        task
    }

    /// Holds back the sync of a first line, so that what comes next gathers.
    async fn held(file: &FaultFile, log: &Arc<FileAuditLog>) -> tokio::task::JoinHandle<Outcome> {
        let log = Arc::clone(log);
        let first = tokio::spawn(async move { log.write_line(numbered(0)).await });
        while file.write_count() == 0 {
            tokio::task::yield_now().await;
        }
        file.wait_for_syncs(1);
        first
    }

    fn holding() -> FaultFile {
        FaultFile::new(Faults { sync_held: true, ..Faults::default() })
    }

    #[tokio::test]
    async fn lines_that_gather_during_a_sync_share_the_next_one() {
        let file = holding();
        let log = log_on(&file, 64);
        let mut tasks = vec![held(&file, &log).await];
        for number in 1..33 {
            tasks.push(queued(&log, number).await);
        }
        assert!(tasks.iter().all(|task| !task.is_finished()), "nothing is acknowledged before its sync");
        file.set_faults(Faults::default());
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!((file.write_count(), file.sync_count()), (2, 2));
        assert_eq!(file.synced(), all_numbered(0..33), "in the order in which they were queued");
    }

    #[tokio::test]
    async fn a_line_alone_costs_one_write_and_one_sync() {
        let file = FaultFile::new(Faults::default());
        let log = log_on(&file, 64);
        for number in 0..5 {
            log.write_line(numbered(number)).await.unwrap();
            assert_eq!(file.synced(), all_numbered(0..number + 1));
        }
        assert_eq!((file.write_count(), file.sync_count()), (5, 5));
    }

    #[tokio::test]
    async fn callers_wait_for_room_in_a_full_queue() {
        let file = holding();
        let log = log_on(&file, 2);
        let mut tasks = vec![held(&file, &log).await, queued(&log, 1).await, queued(&log, 2).await];
        let mut waiting = pin!(log.write_line(numbered(3)));
        poll_fn(|context| {
            assert!(waiting.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
        assert_eq!(log.queue.capacity(), 0);
        file.set_faults(Faults::default());
        waiting.await.unwrap();
        for task in tasks.drain(..) {
            task.await.unwrap().unwrap();
        }
        assert_eq!(file.synced(), all_numbered(0..4));
    }

    #[tokio::test]
    async fn every_waiter_of_a_failed_group_is_refused_and_later_ones_are_not() {
        let file = holding();
        let log = log_on(&file, 64);
        let first = held(&file, &log).await;
        let mut group = Vec::new();
        for number in 1..5 {
            group.push(queued(&log, number).await);
        }
        // The first line and one and a half of the group fit.
        file.set_faults(Faults { space_bytes: Some(20), ..Faults::default() });
        first.await.unwrap().unwrap();
        for task in group {
            let AuditError(message) = task.await.unwrap().unwrap_err();
            assert!(message.contains("storage"), "{message}");
        }
        assert_eq!(file.content(), numbered(0));

        file.set_faults(Faults::default());
        log.write_line(numbered(1)).await.unwrap();
        assert_eq!(file.synced(), all_numbered(0..2));
    }

    #[tokio::test]
    async fn a_caller_that_gives_up_harms_nobody() {
        let file = holding();
        let log = log_on(&file, 64);
        let first = held(&file, &log).await;
        let abandoned = queued(&log, 1).await;
        let last = queued(&log, 2).await;
        abandoned.abort();
        assert!(abandoned.await.unwrap_err().is_cancelled());
        file.set_faults(Faults::default());
        first.await.unwrap().unwrap();
        last.await.unwrap().unwrap();
        assert_eq!(file.synced(), all_numbered(0..3));
    }

    #[tokio::test]
    async fn closing_writes_what_is_queued_and_refuses_the_rest() {
        let file = holding();
        let log = log_on(&file, 64);
        let tasks = [held(&file, &log).await, queued(&log, 1).await];
        let closing = tokio::spawn({
            let log = Arc::clone(&log);
            async move { log.close().await }
        });
        file.set_faults(Faults::default());
        closing.await.unwrap().unwrap();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(file.synced(), all_numbered(0..2));
        let AuditError(message) = log.write_line(numbered(2)).await.unwrap_err();
        assert_eq!(message, "the audit log is closed");
        log.close().await.expect("closing twice is no error");
        assert_eq!(file.content(), all_numbered(0..2));
    }

    #[tokio::test]
    async fn closing_tells_of_a_failed_sync() {
        let file = FaultFile::new(Faults { sync_fails: true, ..Faults::default() });
        let log = FileAuditLog::start(file, Durability::Buffered, 1).unwrap();
        log.write_line(numbered(0)).await.unwrap();
        log.close().await.unwrap_err();
    }

    #[tokio::test]
    async fn dropping_writes_what_is_queued() {
        let file = holding();
        let log = log_on(&file, 64);
        held(&file, &log).await.abort();
        queued(&log, 1).await.abort();
        // The aborted tasks' shares of the log go when the runtime has dropped them.
        while Arc::strong_count(&log) > 1 {
            tokio::task::yield_now().await;
        }
        file.set_faults(Faults::default());
        drop(log);
        assert_eq!(file.synced(), all_numbered(0..2));
    }
}
