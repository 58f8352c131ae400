//! The connections to one proxy: HTTP/1.1 ones lie idle until a call takes one, HTTP/2 ones are shared.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::client::conn::{http1, http2};
use keystead_core::key_store::ProxyFailure;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::budget::Budget;
use super::connection::{Dialed, Driver, Monitor, Sender};
use super::dial::Dialer;
use super::endpoint::Endpoint;
use super::failure::AttemptError;
use super::lease::{Connection, Lease};
use super::request::{Protocol, RequestBody};

/// How many calls share one HTTP/2 connection before another is made; common servers allow 100 or more.
const CALLS_PER_HTTP2_CONNECTION: usize = 100;

/// Connections that reach this share of the idle timeout are closed together with one that has reached it.
const EXPIRY_SHARE: f32 = 0.95;

/// The pool of one key store.
pub(crate) struct Pool {
    dialer: Dialer,
    idle_timeout: Duration,
    state: Mutex<State>,
    /// One permit for each connection that may exist; its driver holds it.
    slots: Arc<Semaphore>,
    /// A connection came back, or the place of one is free.
    pub(crate) available: Arc<Notify>,
    /// A connection ended: the keeper looks whether to replace it.
    pub(crate) ended: Arc<Notify>,
    /// Held while the first connection is made, or one for HTTP/2: the others wait for it instead of each making one.
    first_contact: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    /// What the proxy spoke last.
    protocol: Option<Protocol>,
    /// The one used last comes last, and is taken first: so the surplus ages and is closed.
    idle: Vec<IdleConnection>,
    shared: Vec<SharedConnection>,
    /// Connections that are not dead, idle or not.
    live: usize,
    closed: bool,
}

struct IdleConnection {
    sender: http1::SendRequest<RequestBody>,
    monitor: Arc<Monitor>,
    since: Instant,
}

#[derive(Clone)]
pub(crate) struct SharedConnection {
    pub(crate) sender: http2::SendRequest<RequestBody>,
    monitor: Arc<Monitor>,
    pub(crate) calls: Arc<AtomicUsize>,
}

/// Which connections will do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reuse {
    /// One that exists if there is one.
    Allowed,
    /// Only a new one.
    Never,
}

/// How a caller without a connection may get one.
enum Way {
    /// By making its own.
    Dial(OwnedSemaphorePermit),
    /// By making one that others wait for, or by waiting for it.
    DialTogether,
    /// By waiting until one of the largest allowed number is free.
    Wait,
}

impl Pool {
    pub(crate) fn new(dialer: Dialer, max_connections: usize, idle_timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            dialer,
            idle_timeout,
            state: Mutex::default(),
            slots: Arc::new(Semaphore::new(max_connections)),
            available: Arc::default(),
            ended: Arc::default(),
            first_contact: tokio::sync::Mutex::default(),
        })
    }

    /// Where its connections lead.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.dialer.endpoint
    }

    /// A connection for one call, within `budget`.
    pub(crate) async fn checkout(self: &Arc<Self>, budget: Budget, reuse: Reuse) -> Result<Lease, AttemptError> {
        if reuse == Reuse::Never {
            return self.checkout_new(budget).await;
        }
        loop {
            if let Some(lease) = self.take() {
                return Ok(lease);
            }
            let mut available = pin!(self.available.notified());
            available.as_mut().enable();
            // What came back before the line above is not announced again.
            if let Some(lease) = self.take() {
                return Ok(lease);
            }
            match self.way() {
                Way::Dial(slot) => return self.dial_or_take(slot, budget).await,
                Way::DialTogether => {
                    if let Some(lease) = self.dial_together(budget).await? {
                        return Ok(lease);
                    }
                }
                Way::Wait => wait(budget, available.as_mut()).await?,
            }
        }
    }

    fn way(&self) -> Way {
        if self.lock().protocol != Some(Protocol::Http1) {
            return Way::DialTogether;
        }
        match Arc::clone(&self.slots).try_acquire_owned() {
            Ok(slot) => Way::Dial(slot),
            Err(_) => Way::Wait,
        }
    }

    /// Makes a connection, unless another caller's comes back sooner; then the new one goes to the pool.
    async fn dial_or_take(self: &Arc<Self>, slot: OwnedSemaphorePermit, budget: Budget) -> Result<Lease, AttemptError> {
        let mut dial = Box::pin(Arc::clone(self).open(slot, budget));
        loop {
            tokio::select! {
                biased;
                opened = &mut dial => return opened,
                () = self.available.notified() => {}
            }
            if let Some(lease) = self.take() {
                tokio::spawn(async move {
                    if let Ok(opened) = dial.await {
                        opened.give_back();
                    }
                });
                return Ok(lease);
            }
        }
    }

    /// While it is unknown what the proxy speaks, and with HTTP/2, one new connection may serve all who wait.
    /// `None` if HTTP/1.1 is what it turned out to speak: then each caller makes its own.
    async fn dial_together(self: &Arc<Self>, budget: Budget) -> Result<Option<Lease>, AttemptError> {
        let connecting = budget.limit(self.first_contact.lock()).await;
        // The one in front has been connecting all the while.
        let _turn = connecting.map_err(|_| AttemptError::TimedOut(ProxyFailure::ConnectTimedOut))?;
        if let Some(lease) = self.take() {
            return Ok(Some(lease));
        }
        if self.lock().protocol == Some(Protocol::Http1) {
            return Ok(None);
        }
        self.checkout_new(budget).await.map(Some)
    }

    async fn checkout_new(self: &Arc<Self>, budget: Budget) -> Result<Lease, AttemptError> {
        loop {
            let mut available = pin!(self.available.notified());
            available.as_mut().enable();
            if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
                return Arc::clone(self).open(slot, budget).await;
            }
            // An idle connection makes room; its place is announced when it is gone.
            drop(self.lock().idle.pop());
            wait(budget, available.as_mut()).await?;
        }
    }

    async fn open(self: Arc<Self>, slot: OwnedSemaphorePermit, budget: Budget) -> Result<Lease, AttemptError> {
        let dialed = self.dialer.dial(budget).await?;
        Ok(self.adopt(dialed, slot))
    }

    /// Starts a new connection's driver and leases it.
    fn adopt(self: &Arc<Self>, dialed: Dialed, slot: OwnedSemaphorePermit) -> Lease {
        let protocol = dialed.protocol();
        self.drive(&dialed.monitor, dialed.driver, slot);
        let connection = match dialed.sender {
            Sender::Http1(sender) => Connection::Own(sender),
            Sender::Http2(sender) => {
                let shared = SharedConnection {
                    sender,
                    monitor: Arc::clone(&dialed.monitor),
                    calls: Arc::new(AtomicUsize::new(1)),
                };
                let mut state = self.lock();
                if !state.closed {
                    state.shared.push(shared.clone());
                }
                Connection::Shared(shared)
            }
        };
        self.lock().protocol = Some(protocol);
        if protocol == Protocol::Http2 {
            self.available.notify_waiters();
        }
        Lease::new(Arc::clone(self), connection, dialed.monitor, false)
    }

    fn drive(self: &Arc<Self>, monitor: &Arc<Monitor>, driver: Driver, slot: OwnedSemaphorePermit) {
        self.lock().live += 1;
        let (pool, monitor) = (Arc::downgrade(self), Arc::clone(monitor));
        let (ended, available) = (Arc::clone(&self.ended), Arc::clone(&self.available));
        tokio::spawn(async move {
            driver.run(monitor).await;
            if let Some(pool) = pool.upgrade() {
                pool.lock().live -= 1;
            }
            drop(slot);
            available.notify_one();
            ended.notify_one();
        });
    }

    /// A connection that is there: a shared one with room, else the idle one used last.
    fn take(self: &Arc<Self>) -> Option<Lease> {
        let mut state = self.lock();
        state.shared.retain(|shared| !shared.sender.is_closed());
        if let Some(shared) = least_used(&state.shared) {
            shared.calls.fetch_add(1, Ordering::Relaxed);
            let (shared, monitor) = (shared.clone(), Arc::clone(&shared.monitor));
            drop(state);
            let connection = Connection::Shared(shared);
            return Some(Lease::new(Arc::clone(self), connection, monitor, true));
        }
        while let Some(idle) = state.idle.pop() {
            if idle.is_usable(self.idle_timeout) {
                drop(state);
                let connection = Connection::Own(idle.sender);
                return Some(Lease::new(Arc::clone(self), connection, idle.monitor, true));
            }
        }
        None
    }

    /// An HTTP/1.1 connection whose call is done.
    pub(crate) fn put_back(&self, sender: http1::SendRequest<RequestBody>, monitor: Arc<Monitor>) {
        let since = Instant::now();
        let idle = IdleConnection { sender, monitor, since };
        let mut state = self.lock();
        if !state.closed && !idle.sender.is_closed() {
            state.idle.push(idle);
            drop(state);
            self.available.notify_one();
        }
    }

    /// Offers a shared connection to no further call.
    pub(crate) fn remove_shared(&self, monitor: &Arc<Monitor>) {
        self.lock().shared.retain(|shared| !Arc::ptr_eq(&shared.monitor, monitor));
    }

    /// Closes every connection as soon as its calls are done, and keeps none from now on.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.idle.clear();
        state.shared.clear();
    }

    /// Closes what has been idle for too long, or soon will have been.
    pub(crate) fn expire(&self) {
        let limit = self.idle_timeout.mul_f32(EXPIRY_SHARE);
        self.lock().idle.retain(|idle| idle.is_usable(limit));
    }

    /// How many connections to make so that `wanted` are there; one shared connection is enough.
    pub(crate) fn missing(&self, wanted: usize) -> usize {
        let mut state = self.lock();
        state.shared.retain(|shared| !shared.sender.is_closed());
        match state.protocol {
            None => 0,
            _ if state.closed => 0,
            Some(Protocol::Http1) => wanted.saturating_sub(state.live),
            Some(Protocol::Http2) => usize::from(wanted > 0 && state.shared.is_empty()),
        }
    }

    /// When the next idle connection reaches the timeout.
    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        let state = self.lock();
        let oldest = state.idle.iter().map(|idle| idle.since).min()?;
        Some(oldest + self.idle_timeout)
    }

    /// Makes one connection ahead of need.
    pub(crate) async fn warm(self: &Arc<Self>, budget: Budget) -> Result<(), AttemptError> {
        if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            Arc::clone(self).open(slot, budget).await?.give_back();
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn wait(budget: Budget, available: std::pin::Pin<&mut Notified<'_>>) -> Result<(), AttemptError> {
    budget.limit(available).await.map_err(|_| AttemptError::Saturated)
}

fn least_used(shared: &[SharedConnection]) -> Option<&SharedConnection> {
    shared
        .iter()
        .map(|shared| (shared.calls.load(Ordering::Relaxed), shared))
        .filter(|(calls, _)| *calls < CALLS_PER_HTTP2_CONNECTION)
        .min_by_key(|(calls, _)| *calls)
        .map(|(_, shared)| shared)
}

impl IdleConnection {
    fn is_usable(&self, idle_timeout: Duration) -> bool {
        !self.sender.is_closed() && self.since.elapsed() < idle_timeout
    }
}
