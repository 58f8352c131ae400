//! Sessions, each used by one thread at a time.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use cryptoki::context::Pkcs11;
use cryptoki::session::Session;
use cryptoki::slot::Slot;

use super::failure::failure;
use crate::HsmError;

/// Read/write sessions of one token, opened as they are needed and at most as many as the profile says. A session has one operation at a
/// time, so a call has a session to itself for as long as it takes.
pub(crate) struct SessionPool {
    pkcs11: Pkcs11,
    slot: Slot,
    session_cap: usize,
    state: Mutex<State>,
    returned: Condvar,
}

struct State {
    idle: Vec<Session>,
    open: usize,
}

impl SessionPool {
    pub(crate) fn new(pkcs11: Pkcs11, slot: Slot, session_cap: usize) -> Self {
        let state = Mutex::new(State { idle: Vec::new(), open: 0 });
        Self { pkcs11, slot, session_cap, state, returned: Condvar::new() }
    }

    /// The session that was used last, or a new one, or the next one that comes free until `deadline`.
    pub(crate) fn take(&self, deadline: Instant) -> Result<PooledSession<'_>, HsmError> {
        let mut state = self.state();
        loop {
            if let Some(session) = state.idle.pop() {
                return Ok(PooledSession { pool: self, session: Some(session) });
            }
            if state.open < self.session_cap {
                state.open += 1;
                drop(state);
                return self.open();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(HsmError::NoSession);
            }
            state = self.returned.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Closes every session that nobody uses.
    pub(crate) fn close_idle(&self) {
        let mut state = self.state();
        state.open -= state.idle.len();
        state.idle.clear();
    }

    fn open(&self) -> Result<PooledSession<'_>, HsmError> {
        // Counted from here on: dropped without a session, it gives its place back.
        let mut pooled = PooledSession { pool: self, session: None };
        pooled.session = Some(self.pkcs11.open_rw_session(self.slot).map_err(failure)?);
        Ok(pooled)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session that goes back to its pool.
pub(crate) struct PooledSession<'a> {
    pool: &'a SessionPool,
    session: Option<Session>,
}

impl PooledSession<'_> {
    /// Closes the session instead: an operation failed in it, and what it has left is not known.
    pub(crate) fn discard(mut self) {
        self.session = None;
    }

    /// The session.
    pub(crate) fn get(&self) -> Result<&Session, HsmError> {
        self.session.as_ref().ok_or(HsmError::NoSession)
    }
}

impl Drop for PooledSession<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.state();
        match self.session.take() {
            Some(session) => state.idle.push(session),
            None => state.open -= 1,
        }
        drop(state);
        self.pool.returned.notify_one();
    }
}
