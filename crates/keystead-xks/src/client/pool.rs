//! The connections to one proxy: HTTP/1.1 ones lie idle until a call takes one, HTTP/2 ones are shared.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::client::conn::{http1, http2};
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::budget::Budget;
use super::connection::{Dialed, Driver, Monitor, Sender};
use super::dial::Dialer;
use super::endpoint::Endpoint;
use super::failure::AttemptError;
use super::lease::{Connection, Lease};
use super::request::{Protocol, RequestBody};

/// Connections that reach this share of the idle timeout are closed together with one that has reached it.
const EXPIRY_SHARE: f32 = 0.95;

/// How long connections are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetime {
    /// Without a call.
    pub(crate) idle_timeout: Duration,
    /// At all.
    pub(crate) max_age: Duration,
}

/// The pool of one key store.
pub(crate) struct Pool {
    dialer: Dialer,
    lifetime: Lifetime,
    state: Mutex<State>,
    /// One permit for each connection that may exist; its driver holds it.
    slots: Arc<Semaphore>,
    /// A connection came back, or the place of one is free.
    pub(crate) available: Arc<Notify>,
    /// A connection ended: the keeper looks whether to replace it.
    pub(crate) ended: Arc<Notify>,
    /// Held while the first connection is made, or one for HTTP/2: the others wait for it instead of each making one.
    first_contact: Arc<tokio::sync::Mutex<()>>,
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
    /// When the latest call took it.
    taken: Instant,
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
    pub(crate) fn new(dialer: Dialer, max_connections: usize, lifetime: Lifetime) -> Arc<Self> {
        Arc::new(Self {
            dialer,
            lifetime,
            state: Mutex::default(),
            slots: Arc::new(Semaphore::new(max_connections)),
            available: Arc::default(),
            ended: Arc::default(),
            first_contact: Arc::default(),
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
                Way::Dial(slot) => return self.take_or(Arc::clone(self).open(slot, budget)).await,
                Way::DialTogether => {
                    if let Some(lease) = self.dial_together(budget, available.as_mut()).await? {
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

    /// The connection that `dial` makes, unless another caller's has room sooner; then the new one goes to the pool.
    async fn take_or(
        self: &Arc<Self>,
        dial: impl Future<Output = Result<Lease, AttemptError>> + Send + 'static,
    ) -> Result<Lease, AttemptError> {
        let mut dial = Box::pin(dial);
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
    /// `None` if it is time to look again at what there is.
    async fn dial_together(
        self: &Arc<Self>,
        budget: Budget,
        available: Pin<&mut Notified<'_>>,
    ) -> Result<Option<Lease>, AttemptError> {
        let Some(turn) = self.turn(budget, available).await? else {
            return Ok(None);
        };
        if let Some(lease) = self.take() {
            return Ok(Some(lease));
        }
        if self.lock().protocol == Some(Protocol::Http1) {
            return Ok(None);
        }
        self.take_or(Arc::clone(self).open_in_turn(turn, budget)).await.map(Some)
    }

    /// The right to make the connection that others wait for; `None` if something came back sooner.
    async fn turn(
        &self,
        budget: Budget,
        available: Pin<&mut Notified<'_>>,
    ) -> Result<Option<OwnedMutexGuard<()>>, AttemptError> {
        let first_contact = Arc::clone(&self.first_contact);
        if let Ok(turn) = Arc::clone(&first_contact).try_lock_owned() {
            self.dialer.begin_anew();
            return Ok(Some(turn));
        }
        let either = async {
            tokio::select! {
                turn = first_contact.lock_owned() => Some(turn),
                () = available => None,
            }
        };
        budget.limit(either).await.map_err(|_| self.overdue())
    }

    /// What it means to have waited too long for one's turn: every connection was full, or there was none and the one in
    /// front was slow to make it.
    fn overdue(&self) -> AttemptError {
        if self.lock().shared.is_empty() { self.dialer.overdue() } else { AttemptError::Saturated }
    }

    async fn open_in_turn(self: Arc<Self>, _turn: OwnedMutexGuard<()>, budget: Budget) -> Result<Lease, AttemptError> {
        let slot = budget.limit(Arc::clone(&self.slots).acquire_owned()).await;
        // The semaphore is never closed.
        let Ok(Ok(slot)) = slot else {
            return Err(AttemptError::Saturated);
        };
        match Arc::clone(&self).open(slot, budget).await {
            // Those in front may have used up most of the time.
            Err(AttemptError::TimedOut(_)) => Err(self.dialer.overdue()),
            ended => ended,
        }
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
                    taken: Instant::now(),
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
        if let Some(shared) = least_used(&mut state.shared) {
            shared.calls.fetch_add(1, Ordering::Relaxed);
            shared.taken = Instant::now();
            let (shared, monitor) = (shared.clone(), Arc::clone(&shared.monitor));
            drop(state);
            let connection = Connection::Shared(shared);
            return Some(Lease::new(Arc::clone(self), connection, monitor, true));
        }
        while let Some(idle) = state.idle.pop() {
            if idle.is_usable(self.lifetime) {
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
        drop(state);
        self.ended.notify_one();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Closes what is too old, and what has been idle for too long or soon will have been; of shared connections the
    /// youngest stays.
    pub(crate) fn expire(&self) {
        let idle_timeout = self.lifetime.idle_timeout.mul_f32(EXPIRY_SHARE);
        let limit = Lifetime { idle_timeout, ..self.lifetime };
        let mut state = self.lock();
        state.idle.retain(|idle| idle.is_usable(limit));
        state.shared.retain(|shared| shared.monitor.age() < limit.max_age);
        let mut surplus = state.shared.len().saturating_sub(1);
        state.shared.retain(|shared| {
            let ends = surplus > 0 && shared.idle_since() + idle_timeout <= Instant::now();
            surplus -= usize::from(ends);
            !ends
        });
    }

    /// How many connections to make so that `wanted` are there; one shared connection is enough, if it has time left.
    pub(crate) fn missing(&self, wanted: usize) -> usize {
        let mut state = self.lock();
        state.shared.retain(|shared| !shared.sender.is_closed());
        match state.protocol {
            None => 0,
            _ if state.closed => 0,
            Some(Protocol::Http1) => wanted.saturating_sub(state.live),
            Some(Protocol::Http2) => {
                let max_age = self.lifetime.max_age.mul_f32(EXPIRY_SHARE);
                let lasts = |shared: &SharedConnection| shared.monitor.age() < max_age;
                usize::from(wanted > 0 && !state.shared.iter().any(lasts))
            }
        }
    }

    /// When the next connection may have been idle for too long, or is too old.
    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        let Lifetime { idle_timeout, max_age } = self.lifetime;
        let state = self.lock();
        let idle = state.idle.iter().map(|idle| (idle.since + idle_timeout).min(idle.monitor.reaches(max_age)));
        let surplus = state.shared.len() > 1;
        let shared = state.shared.iter().map(|shared| {
            let too_old = shared.monitor.reaches(max_age);
            if surplus { too_old.min(shared.idle_since() + idle_timeout) } else { too_old }
        });
        idle.chain(shared).min()
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

async fn wait(budget: Budget, available: Pin<&mut Notified<'_>>) -> Result<(), AttemptError> {
    budget.limit(available).await.map_err(|_| AttemptError::Saturated)
}

fn least_used(shared: &mut [SharedConnection]) -> Option<&mut SharedConnection> {
    shared
        .iter_mut()
        .map(|shared| (shared.calls.load(Ordering::Relaxed), shared))
        .filter(|(calls, shared)| *calls < shared.monitor.room())
        .min_by_key(|(calls, _)| *calls)
        .map(|(_, shared)| shared)
}

impl IdleConnection {
    fn is_usable(&self, limit: Lifetime) -> bool {
        !self.sender.is_closed() && self.since.elapsed() < limit.idle_timeout && self.monitor.age() < limit.max_age
    }
}

impl SharedConnection {
    /// Since when it has had no call; now, if it has one.
    fn idle_since(&self) -> Instant {
        if self.calls.load(Ordering::Relaxed) == 0 { self.taken } else { Instant::now() }
    }
}
