//! All that calls to one key store share, and that no other key store touches: circuit, limits, connections, credential.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use bytes::Bytes;
use keystead_core::key_store::{ProxyFailure, UnreachableKind};
use keystead_core::port::ExternalLink;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::breaker::{Admission, Breaker, Change};
use super::budget::Budget;
use super::failure::AttemptError;
use super::keeper::{Keeper, KeeperPolicy};
use super::pool::{Pool, Reuse};
use super::request::{SignedRequest, Signer};
use super::response::Answer;

/// Whether an open circuit stops a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Urgency {
    /// It does.
    Ordinary,
    /// A person asked to create, edit or connect the key store and wants to know how it is now.
    Probe,
}

/// How a call ended badly, and whether that says something about the proxy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum CallError {
    /// The proxy was tried.
    Tried(ProxyFailure),
    /// This server's own limits or the circuit kept the call from being tried.
    NotTried(ProxyFailure),
}

/// One key store's client, for one configuration of it.
pub(crate) struct KeyStoreClient {
    link: Arc<ExternalLink>,
    signer: Signer,
    pool: Arc<Pool>,
    breaker: Arc<Mutex<Breaker>>,
    in_flight: Semaphore,
    request_timeout: Duration,
    keeper_policy: KeeperPolicy,
    keeper: OnceLock<Keeper>,
}

impl KeyStoreClient {
    pub(crate) fn new(
        link: Arc<ExternalLink>,
        pool: Arc<Pool>,
        breaker: Breaker,
        max_in_flight: usize,
        keeper_policy: KeeperPolicy,
    ) -> Self {
        Self {
            signer: Signer::of(&link),
            link,
            pool,
            breaker: Arc::new(Mutex::new(breaker)),
            in_flight: Semaphore::new(max_in_flight),
            request_timeout: keeper_policy.timeout,
            keeper_policy,
            keeper: OnceLock::new(),
        }
    }

    /// Whether this client was made for `link` as it stands.
    pub(crate) fn serves(&self, link: &Arc<ExternalLink>) -> bool {
        if Arc::ptr_eq(&self.link, link) {
            return true;
        }
        let secrets = [&self.link, link].map(|link| link.secret_access_key.expose().as_bytes());
        self.link.uri_endpoint == link.uri_endpoint
            && self.link.uri_path == link.uri_path
            && self.link.region == link.region
            && self.link.access_key_id == link.access_key_id
            && verify_slices_are_equal(secrets[0], secrets[1]).is_ok()
    }

    /// Keeps connections open from now on, until this client is closed.
    pub(crate) fn keep_warm(&self) {
        self.keeper.get_or_init(|| Keeper::start(&self.pool, &self.breaker, self.keeper_policy));
    }

    /// Closes the connections when their calls are done, and keeps none open any more.
    pub(crate) fn close(&self) {
        self.pool.close();
    }

    /// POSTs `body` to `path` and reads the answer, whatever it says.
    pub(crate) async fn call(&self, path: String, body: Bytes, urgency: Urgency) -> Result<Answer, ProxyFailure> {
        let ticket = self.admit(urgency)?;
        let budget = Budget::starting_now(self.request_timeout);
        // Held until the circuit has heard how the call went: who waits for the place hears it first.
        let _place = self.enter(budget, &ticket).await?;
        match self.try_twice(path, body, budget).await {
            Ok(answer) => {
                ticket.answered();
                Ok(answer)
            }
            Err(CallError::Tried(failure)) => {
                ticket.failed(failure);
                Err(failure)
            }
            Err(CallError::NotTried(failure)) => Err(failure),
        }
    }

    fn admit(&self, urgency: Urgency) -> Result<Ticket<'_>, ProxyFailure> {
        let admission = match urgency {
            Urgency::Probe => self.breaker().admit_probe(),
            Urgency::Ordinary => {
                let admitted = self.breaker().admit(Instant::now());
                admitted.map_err(ProxyFailure::CircuitOpen)?
            }
        };
        Ok(Ticket { store: self, admission, is_settled: false })
    }

    /// Two attempts at most: the second after a network timeout, with a budget of its own (KMS Developer Guide: "retries
    /// once"). Within both together, a request that the proxy left without a byte in answer goes out once more.
    async fn try_twice(&self, path: String, body: Bytes, budget: Budget) -> Result<Answer, CallError> {
        let host = &self.pool.endpoint().host;
        let request = self.signer.sign(host, path, body, SystemTime::now());
        let request = request.map_err(|error| {
            tracing::error!(%error, "a request to an XKS proxy cannot be built");
            CallError::NotTried(ProxyFailure::InvalidUriPath)
        })?;
        let mut may_resend = true;
        let first = self.attempt(&request, budget, &mut may_resend).await;
        let last = match first {
            Err(AttemptError::TimedOut(failure)) => {
                tracing::debug!(?failure, "an XKS proxy did not answer in time: trying once more");
                let budget = Budget::starting_now(self.request_timeout);
                self.attempt(&request, budget, &mut may_resend).await
            }
            other => other,
        };
        last.map_err(|error| match error {
            AttemptError::Failed(failure) | AttemptError::TimedOut(failure) => CallError::Tried(failure),
            AttemptError::Saturated => CallError::NotTried(ProxyFailure::TimedOut),
            AttemptError::Stale | AttemptError::Refused => CallError::Tried(ProxyFailure::ConnectionClosed),
        })
    }

    /// Waits for a place among the calls in flight, unless the circuit opens meanwhile.
    async fn enter(&self, budget: Budget, ticket: &Ticket<'_>) -> Result<Option<SemaphorePermit<'_>>, ProxyFailure> {
        if let Ok(place) = self.in_flight.try_acquire() {
            return Ok(Some(place));
        }
        let place = budget.limit(self.in_flight.acquire()).await;
        let confirmed = self.breaker().confirm(ticket.admission);
        confirmed.map_err(ProxyFailure::CircuitOpen)?;
        // The semaphore is never closed, so a place there is.
        Ok(place.map_err(|_| ProxyFailure::TimedOut)?.ok())
    }

    async fn attempt(
        &self,
        request: &SignedRequest,
        budget: Budget,
        may_resend: &mut bool,
    ) -> Result<Answer, AttemptError> {
        let lease = self.pool.checkout(budget, Reuse::Allowed).await?;
        let ended = lease.exchange(request, budget).await;
        let reuse = match ended {
            Err(AttemptError::Stale) if *may_resend => Reuse::Never,
            Err(AttemptError::Refused) if *may_resend => Reuse::Allowed,
            ended => return ended,
        };
        *may_resend = false;
        let lease = self.pool.checkout(budget, reuse).await?;
        lease.exchange(request, budget).await
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self, change: Option<Change>) {
        let key_store = self.link.custom_key_store_id.as_ref().map(|id| id.as_str());
        match change {
            Some(Change::Opened { pause, kind }) => tracing::warn!(
                key_store,
                kind = ?kind,
                pause_ms = pause.as_millis() as u64,
                "an XKS proxy cannot be reached: calls are refused for a while"
            ),
            Some(Change::Closed) => {
                tracing::warn!(key_store, "an XKS proxy answers again: calls go through");
            }
            None => {}
        }
    }
}

/// One call's admission. Dropped without a verdict (the caller went away), it counts as none.
struct Ticket<'a> {
    store: &'a KeyStoreClient,
    admission: Admission,
    is_settled: bool,
}

impl Ticket<'_> {
    fn answered(mut self) {
        self.is_settled = true;
        let change = self.store.breaker().on_answer();
        self.store.report(change);
    }

    /// A failure that only an answer can be the cause of proves that the proxy is there.
    fn failed(mut self, failure: ProxyFailure) {
        match failure.unreachable_kind() {
            Some(kind) => {
                self.is_settled = true;
                self.unreachable(kind);
            }
            None => self.answered(),
        }
    }

    fn unreachable(&self, kind: UnreachableKind) {
        let change = self.store.breaker().on_failure(self.admission, kind, Instant::now());
        self.store.report(change);
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if !self.is_settled {
            self.store.breaker().on_abandoned(self.admission, Instant::now());
        }
    }
}
