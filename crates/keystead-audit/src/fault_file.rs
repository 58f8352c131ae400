//! A file in memory that fails as it is told, and whose syncs can be held back.
#![allow(clippy::unwrap_used)]

use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::synced_file::SyncedFile;

/// So that a test that fails while it holds a sync back ends.
const HELD_MAX: Duration = Duration::from_secs(30);

/// What goes wrong. The default is nothing.
#[derive(Clone, Default)]
pub(crate) struct Faults {
    /// The most bytes that one write takes.
    pub(crate) write_bytes_max: Option<usize>,
    /// Every n-th write is interrupted.
    pub(crate) interrupt_every: Option<usize>,
    /// Writes beyond this length fail as on a full disk, after filling it.
    pub(crate) space_bytes: Option<usize>,
    /// Syncs fail.
    pub(crate) sync_fails: bool,
    /// Truncations fail.
    pub(crate) truncate_fails: bool,
    /// Syncs wait until this is taken back.
    pub(crate) sync_held: bool,
}

#[derive(Default)]
struct State {
    faults: Faults,
    content: Vec<u8>,
    synced: Vec<u8>,
    write_count: usize,
    sync_begun_count: usize,
    sync_count: usize,
    unlocked: bool,
}

/// A handle of the file; clones are the same file.
#[derive(Clone)]
pub(crate) struct FaultFile(Arc<(Mutex<State>, Condvar)>);

impl FaultFile {
    pub(crate) fn new(faults: Faults) -> Self {
        Self(Arc::new((Mutex::new(State { faults, ..State::default() }), Condvar::new())))
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        self.with(|state| state.faults = faults);
    }

    pub(crate) fn content(&self) -> Vec<u8> {
        self.with(|state| state.content.clone())
    }

    /// What a loss of power would leave.
    pub(crate) fn synced(&self) -> Vec<u8> {
        self.with(|state| state.synced.clone())
    }

    pub(crate) fn empty(&self) {
        self.with(|state| state.content.clear());
    }

    pub(crate) fn write_count(&self) -> usize {
        self.with(|state| state.write_count)
    }

    pub(crate) fn is_unlocked(&self) -> bool {
        self.with(|state| state.unlocked)
    }

    pub(crate) fn sync_count(&self) -> usize {
        self.with(|state| state.sync_count)
    }

    /// Waits until `count` syncs have begun.
    pub(crate) fn wait_for_syncs(&self, count: usize) {
        let (state, changed) = &*self.0;
        drop(changed.wait_while(state.lock().unwrap(), |state| state.sync_begun_count < count).unwrap());
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        let (state, changed) = &*self.0;
        let seen = look(&mut state.lock().unwrap());
        changed.notify_all();
        seen
    }
}

impl SyncedFile for FaultFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.with(|state| state.content.len()) as u64)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|state| {
            state.write_count += 1;
            if state.faults.interrupt_every.is_some_and(|every| state.write_count.is_multiple_of(every)) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let space = state.faults.space_bytes.map_or(usize::MAX, |space| space.saturating_sub(state.content.len()));
            if space == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let taken = bytes.len().min(space).min(state.faults.write_bytes_max.unwrap_or(usize::MAX));
            state.content.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.with(|state| state.sync_begun_count += 1);
        let (state, changed) = &*self.0;
        let (mut state, held) =
            changed.wait_timeout_while(state.lock().unwrap(), HELD_MAX, |state| state.faults.sync_held).unwrap();
        if held.timed_out() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        if state.faults.sync_fails {
            return Err(io::Error::other("the device reported an error"));
        }
        state.sync_count += 1;
        state.synced = state.content.clone();
        Ok(())
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.with(|state| match state.faults.truncate_fails {
            true => Err(io::Error::other("the device reported an error")),
            false => {
                state.content.resize(usize::try_from(length).unwrap(), 0);
                Ok(())
            }
        })
    }

    fn unlock(&mut self) -> io::Result<()> {
        self.with(|state| state.unlocked = true);
        Ok(())
    }
}
