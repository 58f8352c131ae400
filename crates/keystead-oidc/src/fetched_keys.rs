//! The keys of an issuer that are fetched over HTTPS.
//!
//! Who names a key that was fetched waits for nobody, whatever others ask for meanwhile. There is one fetch at a time. It goes on if the request
//! that wanted it is given up, so that nobody can keep the others from its result.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey};
use tokio::sync::{Mutex as Flight, OwnedMutexGuard};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::error::TokenError;
use crate::https::HttpsKeySet;
use crate::key_set::KeySet;
use crate::key_source::RefreshPolicy;

/// Keys, and how to get them anew.
pub(crate) struct FetchedKeys {
    fetcher: HttpsKeySet,
    policy: RefreshPolicy,
    state: Mutex<State>,
    /// Locked while keys are fetched.
    flight: Arc<Flight<()>>,
}

/// Never locked while anything is waited for.
#[derive(Clone, Default)]
struct State {
    keys: Option<(Arc<KeySet>, Instant)>,
    /// When the last fetch began.
    tried: Option<Instant>,
    /// Whether it failed, or was never ended.
    failed: bool,
}

impl FetchedKeys {
    pub(crate) fn new(fetcher: HttpsKeySet, policy: RefreshPolicy) -> Self {
        Self { fetcher, policy, state: Mutex::default(), flight: Arc::default() }
    }

    /// The key that a token names; `None` if the issuer has no such key now.
    pub(crate) async fn key(
        self: &Arc<Self>,
        key_id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Option<DecodingKey>, TokenError> {
        let before = self.state().clone();
        let key = before.usable(&self.policy).and_then(|keys| keys.key(key_id, algorithm));
        // If the issuer cannot be reached, nobody waits for it who can do without.
        if key.is_some() && (before.failed || !before.is_older_than(self.policy.fresh_for)) {
            if before.failed || before.is_older_than(self.policy.fresh_for / 2) {
                self.fetch_beside();
            }
            return Ok(key);
        }
        self.fetch(&before).await;
        let keys = self.state().usable(&self.policy).ok_or(TokenError::Communication)?;
        Ok(keys.key(key_id, algorithm))
    }

    /// Fetches the keys anew, unless that was done since `before` was read, or tried a moment ago.
    async fn fetch(self: &Arc<Self>, before: &State) {
        let flight = Arc::clone(&self.flight).lock_owned().await;
        if self.state().fetched() != before.fetched() {
            return;
        }
        let Some(task) = self.start(flight) else { return };
        if let Err(error) = task.await {
            tracing::error!(uri = %self.fetcher.uri(), %error, "the fetch of an OpenID Connect issuer's keys was ended");
        }
    }

    /// The same without waiting, unless somebody is at it.
    fn fetch_beside(self: &Arc<Self>) {
        if let Ok(flight) = Arc::clone(&self.flight).try_lock_owned() {
            // It goes on by itself.
            drop(self.start(flight));
        }
    }

    fn start(self: &Arc<Self>, flight: OwnedMutexGuard<()>) -> Option<JoinHandle<()>> {
        if !self.state().begin(&self.policy) {
            return None;
        }
        let this = Arc::clone(self);
        Some(tokio::spawn(async move {
            let _flight = flight;
            match this.fetcher.fetch().await {
                Ok(keys) => this.state().end(keys),
                Err(error) => {
                    tracing::warn!(uri = %this.fetcher.uri(), %error, "the keys of an OpenID Connect issuer cannot be fetched");
                }
            }
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn fetched(&self) -> Option<Instant> {
        self.keys.as_ref().map(|(_, since)| *since)
    }

    fn is_older_than(&self, age: Duration) -> bool {
        self.fetched().is_none_or(|since| since.elapsed() >= age)
    }

    fn usable(&self, policy: &RefreshPolicy) -> Option<Arc<KeySet>> {
        let usable = self.keys.as_ref().filter(|(_, since)| since.elapsed() < policy.usable_for);
        usable.map(|(keys, _)| Arc::clone(keys))
    }

    /// Notes that a fetch begins, unless one began a moment ago.
    fn begin(&mut self, policy: &RefreshPolicy) -> bool {
        if self.tried.is_some_and(|tried| tried.elapsed() < policy.retry_after) {
            return false;
        }
        self.tried = Some(Instant::now());
        self.failed = true;
        true
    }

    fn end(&mut self, keys: KeySet) {
        self.keys = Some((Arc::new(keys), Instant::now()));
        self.failed = false;
    }
}
