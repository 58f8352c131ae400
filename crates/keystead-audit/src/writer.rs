//! The thread that writes: takes all queued lines as one group, appends it, completes its waiters.

use std::io;
use std::thread::{self, JoinHandle};

use keystead_core::port::AuditError;
use tokio::sync::{mpsc, oneshot};

use crate::appender::Appender;
use crate::synced_file::SyncedFile;

/// The most lines that one group holds.
const GROUP_LINES_MAX: usize = 1024;
/// A group's buffer that grew beyond this is given back.
const GROUP_KEPT_BYTES_MAX: usize = 1 << 20;

/// What the one who queued something is told.
pub(crate) type Outcome = Result<(), AuditError>;

/// What callers queue.
pub(crate) enum Entry {
    /// A line with its newline. If nobody waits for it any longer it is written all the same.
    Line { line: Vec<u8>, written: oneshot::Sender<Outcome> },
    /// Nothing more is accepted; told once all that was queued is on stable storage and the file is released.
    Close { closed: oneshot::Sender<Outcome> },
}

/// The running thread. It ends when the queue's senders are gone or the log is closed; dropping this waits for it.
pub(crate) struct WriterThread(Option<JoinHandle<()>>);

impl WriterThread {
    pub(crate) fn start<F: SyncedFile>(appender: Appender<F>, queue: mpsc::Receiver<Entry>) -> io::Result<Self> {
        let writer = Writer { appender, queue, group: Group::default(), closers: Vec::new() };
        // A thread of its own, not the runtime's blocking pool: there it could stand behind other work.
        let thread = thread::Builder::new().name("audit-writer".to_owned()).spawn(move || writer.run())?;
        Ok(Self(Some(thread)))
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        if self.0.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the audit log's writer ended by a panic; the requests concerned were refused");
        }
    }
}

struct Writer<F> {
    appender: Appender<F>,
    queue: mpsc::Receiver<Entry>,
    group: Group,
    closers: Vec<oneshot::Sender<Outcome>>,
}

impl<F: SyncedFile> Writer<F> {
    fn run(mut self) {
        let mut entries = Vec::new();
        // Parks when there is nothing to do. Both hand-offs together were measured at about 40 microseconds beside 180 for the sync
        // itself; spinning for the next line would spare half of it only to callers without a network between them.
        while self.queue.blocking_recv_many(&mut entries, GROUP_LINES_MAX) > 0 {
            entries.drain(..).for_each(|entry| self.take(entry));
            if !self.group.waiters.is_empty() {
                let outcome = self.appender.append(&self.group.bytes).map_err(|error| AuditError(error.to_string()));
                self.group.complete(&outcome);
            }
        }
        self.finish();
    }

    fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Line { line, written } => self.group.add(&line, written),
            Entry::Close { closed } => {
                // What is queued is still received; callers that wait for room are refused.
                self.queue.close();
                self.closers.push(closed);
            }
        }
    }

    fn finish(self) {
        let outcome = self.appender.finish().map_err(|error| AuditError(error.to_string()));
        self.closers.into_iter().for_each(|closed| tell(closed, &outcome));
    }
}

/// Lines that share one write and one sync.
#[derive(Default)]
struct Group {
    bytes: Vec<u8>,
    waiters: Vec<oneshot::Sender<Outcome>>,
}

impl Group {
    fn add(&mut self, line: &[u8], written: oneshot::Sender<Outcome>) {
        self.bytes.extend_from_slice(line);
        self.waiters.push(written);
    }

    /// Tells every waiter and begins anew.
    fn complete(&mut self, outcome: &Outcome) {
        self.waiters.drain(..).for_each(|written| tell(written, outcome));
        self.bytes.clear();
        self.bytes.shrink_to(GROUP_KEPT_BYTES_MAX);
    }
}

fn tell(waiter: oneshot::Sender<Outcome>, outcome: &Outcome) {
    // The waiter may be gone: its client hung up. The record stands in the log, which is right, since the operation took place.
    let _ = waiter.send(outcome.clone());
}
