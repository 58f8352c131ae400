//! Host names to addresses that may be called.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ipnet::IpNet;
use keystead_core::key_store::ProxyFailure;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::budget::Budget;
use super::egress;
use super::failure::AttemptError;
use super::lookups::{Lookups, Permit};

/// Looks up the addresses of a host.
#[async_trait]
pub trait HostResolver: Send + Sync + 'static {
    /// All addresses of `host`. An empty list and an error both mean that it does not resolve.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The operating system's resolver (`getaddrinfo`, on a thread of tokio's blocking pool).
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

#[async_trait]
impl HostResolver for SystemResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// One host's addresses, looked up when needed and kept for a while.
///
/// A lookup cannot be cancelled once the operating system has it, so it goes on behind a caller that gave up, and the
/// next caller waits for it instead of starting one more: a resolver that hangs costs each key store one thread.
///
/// Addresses serve for their TTL, and then for as long again while one lookup in the background replaces them: so a resolver
/// that takes longer than a call's budget delays none, and one that is down for a while is not noticed.
pub(crate) struct AddressBook {
    host: String,
    resolver: Arc<dyn HostResolver>,
    allowed_networks: Arc<[IpNet]>,
    ttl: Duration,
    lookups: Lookups,
    /// Checked addresses only.
    known: Arc<Mutex<Option<Known>>>,
}

#[derive(Clone)]
struct Known {
    addresses: Arc<[Ipv4Addr]>,
    /// When they were looked up.
    since: Instant,
}

impl AddressBook {
    pub(crate) fn new(
        host: String,
        resolver: Arc<dyn HostResolver>,
        allowed_networks: Arc<[IpNet]>,
        ttl: Duration,
        lookups: Lookups,
    ) -> Self {
        Self { host, resolver, allowed_networks, ttl, lookups, known: Arc::default() }
    }

    /// The host's allowed addresses; at least one.
    pub(crate) async fn addresses(&self, budget: Budget) -> Result<Arc<[Ipv4Addr]>, AttemptError> {
        if let Some(known) = self.known_within(self.ttl * 2) {
            self.refresh(&known);
            return Ok(known.addresses);
        }
        // A resolver that does not answer in time is a name that does not resolve. Not tried again: the next attempt would
        // wait for the same lookup.
        let found = budget.limit(self.look_up()).await;
        found.unwrap_or(Err(ProxyFailure::DnsFailed)).map_err(AttemptError::Failed)
    }

    /// The addresses did not serve: look them up again next time.
    pub(crate) fn forget(&self) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn known_within(&self, age: Duration) -> Option<Known> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|known| known.since.elapsed() < age).cloned()
    }

    /// Looks up again in the background what is older than its TTL, unless that is being done.
    fn refresh(&self, known: &Known) {
        if known.since.elapsed() < self.ttl {
            return;
        }
        if let Some(permit) = self.lookups.try_acquire() {
            // Its outcome is what the next dial finds.
            drop(self.spawn_lookup(permit));
        }
    }

    async fn look_up(&self) -> Result<Arc<[Ipv4Addr]>, ProxyFailure> {
        let permit = self.lookups.acquire().await;
        if let Some(known) = self.known_within(self.ttl) {
            return Ok(known.addresses);
        }
        self.spawn_lookup(permit).await.unwrap_or(Err(ProxyFailure::DnsFailed))
    }

    fn spawn_lookup(&self, permit: Permit) -> JoinHandle<Result<Arc<[Ipv4Addr]>, ProxyFailure>> {
        let (host, resolver) = (self.host.clone(), Arc::clone(&self.resolver));
        let (allowed, known) = (Arc::clone(&self.allowed_networks), Arc::clone(&self.known));
        tokio::spawn(async move {
            let found = resolver.resolve(&host).await;
            let checked = allowed_addresses(&host, found, &allowed);
            if let Ok(addresses) = &checked {
                *known.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(Known { addresses: Arc::clone(addresses), since: Instant::now() });
            }
            drop(permit);
            checked
        })
    }
}

/// The IPv4 addresses among `found` that may be called. Fails if there is none, with the reason in the log.
fn allowed_addresses(
    host: &str,
    found: io::Result<Vec<IpAddr>>,
    allowed: &[IpNet],
) -> Result<Arc<[Ipv4Addr]>, ProxyFailure> {
    let found = found.map_err(|error| {
        tracing::warn!(host, %error, "the host of an XKS proxy does not resolve");
        ProxyFailure::DnsFailed
    })?;
    let (mut addresses, mut refused) = (Vec::new(), None);
    for address in found.into_iter().filter_map(ipv4) {
        match egress::check_address(address, allowed) {
            Ok(()) if !addresses.contains(&address) => addresses.push(address),
            Ok(()) => {}
            Err(reason) => refused = Some(reason),
        }
    }
    match (addresses.is_empty(), refused) {
        (false, _) => Ok(addresses.into()),
        (true, Some(reason)) => {
            tracing::warn!(host, %reason, "the host of an XKS proxy leads where this server may not call");
            Err(ProxyFailure::AddressNotAllowed)
        }
        (true, None) => {
            tracing::warn!(host, "the host of an XKS proxy has no IPv4 address");
            Err(ProxyFailure::DnsFailed)
        }
    }
}

/// KMS reaches proxies over IPv4 only (KMS Developer Guide).
fn ipv4(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    fn check(found: &[&str], allowed: &[&str]) -> Result<Vec<String>, ProxyFailure> {
        let found = found.iter().map(|text| text.parse().unwrap()).collect();
        let allowed: Vec<IpNet> = allowed.iter().map(|text| text.parse().unwrap()).collect();
        allowed_addresses("xks.example.com", Ok(found), &allowed)
            .map(|addresses| addresses.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn only_allowed_ipv4_addresses_are_used() {
        let dns = Err(ProxyFailure::DnsFailed);
        let refused = Err(ProxyFailure::AddressNotAllowed);
        let ok = |addresses: &[&str]| Ok(addresses.iter().map(ToString::to_string).collect());
        assert_eq!(check(&[], &[]), dns);
        assert_eq!(check(&["2606:4700::1111"], &[]), dns);
        assert_eq!(check(&["127.0.0.1"], &[]), refused);
        assert_eq!(check(&["169.254.169.254", "::1"], &[]), refused);
        assert_eq!(check(&["1.1.1.1", "10.0.0.1"], &[]), ok(&["1.1.1.1"]));
        assert_eq!(check(&["1.1.1.1", "1.1.1.1"], &[]), ok(&["1.1.1.1"]));
        assert_eq!(check(&["10.0.0.1"], &["10.0.0.0/8"]), ok(&["10.0.0.1"]));
        let error = io::Error::other("no such host");
        assert_eq!(allowed_addresses("xks.example.com", Err(error), &[]), Err(ProxyFailure::DnsFailed));
    }

    /// Answers once it may, and counts how often it was asked.
    #[derive(Default)]
    struct Slow {
        asked: AtomicUsize,
        may_answer: Notify,
    }

    #[async_trait]
    impl HostResolver for Slow {
        async fn resolve(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            self.may_answer.notified().await;
            Ok(vec!["1.1.1.2".parse().unwrap()])
        }
    }

    /// A book whose addresses were looked up that many of its TTLs ago.
    fn book(resolver: &Arc<Slow>, age: f32) -> AddressBook {
        let ttl = Duration::from_secs(100);
        let asked: Arc<dyn HostResolver> = Arc::clone(resolver) as _;
        let book = AddressBook::new("xks.example.com".into(), asked, [].into(), ttl, Lookups::one_at_a_time());
        let addresses = [Ipv4Addr::new(1, 1, 1, 1)].into();
        *book.known.lock().unwrap() = Some(Known { addresses, since: Instant::now() - ttl.mul_f32(age) });
        book
    }

    async fn address(book: &AddressBook) -> String {
        let patient = Budget::starting_now(Duration::from_secs(60));
        book.addresses(patient).await.unwrap()[0].to_string()
    }

    #[tokio::test]
    async fn addresses_serve_for_another_ttl_while_they_are_looked_up() {
        let resolver = Arc::new(Slow::default());
        let fresh = book(&resolver, 0.5);
        assert_eq!(address(&fresh).await, "1.1.1.1");
        let stale = book(&resolver, 1.5);
        for _ in 0..3 {
            assert_eq!(address(&stale).await, "1.1.1.1");
            tokio::task::yield_now().await;
        }
        assert_eq!(resolver.asked.load(Ordering::SeqCst), 1, "one lookup, of the stale one");
        resolver.may_answer.notify_one();
        while address(&stale).await == "1.1.1.1" {
            tokio::task::yield_now().await;
        }
        assert_eq!(resolver.asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn addresses_that_are_too_old_are_not_used() {
        let resolver = Arc::new(Slow::default());
        resolver.may_answer.notify_one();
        assert_eq!(address(&book(&resolver, 2.5)).await, "1.1.1.2");
    }
}
