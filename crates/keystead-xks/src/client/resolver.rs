//! Host names to addresses that may be called.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ipnet::IpNet;
use keystead_core::key_store::ProxyFailure;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::budget::Budget;
use super::egress;
use super::failure::AttemptError;

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
pub(crate) struct AddressBook {
    host: String,
    resolver: Arc<dyn HostResolver>,
    allowed_networks: Arc<[IpNet]>,
    ttl: Duration,
    /// How many lookups may run at once.
    lookups: Arc<Semaphore>,
    /// Checked addresses only.
    known: Arc<Mutex<Option<Known>>>,
}

#[derive(Clone)]
struct Known {
    addresses: Arc<[Ipv4Addr]>,
    until: Instant,
}

impl AddressBook {
    pub(crate) fn new(
        host: String,
        resolver: Arc<dyn HostResolver>,
        allowed_networks: Arc<[IpNet]>,
        ttl: Duration,
        lookups: Arc<Semaphore>,
    ) -> Self {
        Self { host, resolver, allowed_networks, ttl, lookups, known: Arc::default() }
    }

    /// The host's allowed addresses; at least one.
    pub(crate) async fn addresses(&self, budget: Budget) -> Result<Arc<[Ipv4Addr]>, AttemptError> {
        if let Some(addresses) = self.unexpired() {
            return Ok(addresses);
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

    fn unexpired(&self) -> Option<Arc<[Ipv4Addr]>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|known| Instant::now() < known.until).map(|known| Arc::clone(&known.addresses))
    }

    async fn look_up(&self) -> Result<Arc<[Ipv4Addr]>, ProxyFailure> {
        let permit = Arc::clone(&self.lookups).acquire_owned().await;
        if let Some(addresses) = self.unexpired() {
            return Ok(addresses);
        }
        let (host, resolver) = (self.host.clone(), Arc::clone(&self.resolver));
        let (allowed, known, ttl) = (Arc::clone(&self.allowed_networks), Arc::clone(&self.known), self.ttl);
        let lookup = tokio::spawn(async move {
            let found = resolver.resolve(&host).await;
            let checked = allowed_addresses(&host, found, &allowed);
            if let Ok(addresses) = &checked {
                *known.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(Known { addresses: Arc::clone(addresses), until: Instant::now() + ttl });
            }
            drop(permit);
            checked
        });
        lookup.await.unwrap_or(Err(ProxyFailure::DnsFailed))
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
}
