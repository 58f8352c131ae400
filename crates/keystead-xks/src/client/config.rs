//! What the operator decides about calls to XKS proxies.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;

use super::breaker::BreakerPolicy;
use super::trust::{ClientCertificate, TrustRoots};

/// Settings of [`XksProxyClient`](super::XksProxyClient). Every limit is per key store: key stores share none.
/// Key stores that are being created share limits on lookups of hosts, but a host that does not resolve delays nobody who
/// asks for another.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The certificate authorities of proxies' certificates. Default: the public ones.
    pub trust_roots: TrustRoots,
    /// Shown to a proxy that asks for a client certificate. Default: none.
    pub client_certificate: Option<ClientCertificate>,
    /// Hosts that are reached at a fixed address instead of DNS and port 443. Written by the operator, so the addresses
    /// are not subject to `allowed_networks`. Default: empty.
    pub connect_to: BTreeMap<String, SocketAddr>,
    /// Networks that proxies may be in although they are not public. Only IPv4 networks have an effect. Default: none.
    pub allowed_networks: Vec<IpNet>,
    /// The budget of one attempt. Default: 250 ms (XKS Proxy API specification).
    pub request_timeout: Duration,
    /// The most connections to one proxy. Default: 512, as HTTP/1.1 needs one for each call in flight.
    pub max_connections_per_key_store: usize,
    /// The most calls to one proxy at a time; further calls wait within their budget.
    /// Default: 512 (1,800 requests per second that take 250 ms each are 450).
    pub max_in_flight_per_key_store: usize,
    /// How many HTTP/1.1 connections are kept open after the first contact; HTTP/2 needs one. Default: 2.
    pub warm_connections_per_key_store: usize,
    /// How long a connection may be idle before it is closed; the last one of HTTP/2 is kept. Default: 50 s, below the 60 s
    /// after which common servers close it.
    pub idle_timeout: Duration,
    /// How long a connection is used, idle or not, so that a change of the host's addresses or certificate is noticed.
    /// Default: 10 minutes.
    pub max_connection_age: Duration,
    /// How long resolved addresses are used before they are looked up again. They serve for as long again while that
    /// lookup runs in the background. Default: 30 s.
    pub dns_ttl: Duration,
    /// The least time between two rounds of reconnecting in the background. Default: 1 s.
    pub reconnect_pause: Duration,
    /// That time doubles while connections do not last, up to this. Default: 30 s.
    pub reconnect_pause_max: Duration,
    /// When calls to a proxy that cannot be reached are given up beforehand.
    pub breaker: BreakerPolicy,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            trust_roots: TrustRoots::default(),
            client_certificate: None,
            connect_to: BTreeMap::new(),
            allowed_networks: Vec::new(),
            request_timeout: Duration::from_millis(250),
            max_connections_per_key_store: 512,
            max_in_flight_per_key_store: 512,
            warm_connections_per_key_store: 2,
            idle_timeout: Duration::from_secs(50),
            max_connection_age: Duration::from_secs(600),
            dns_ttl: Duration::from_secs(30),
            reconnect_pause: Duration::from_secs(1),
            reconnect_pause_max: Duration::from_secs(30),
            breaker: BreakerPolicy::default(),
        }
    }
}

/// A [`ClientConfig`] that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A certificate of the bundle is not one.
    #[error("trust_roots: certificate {index} of the bundle (counted from 0) cannot be used: {reason}")]
    TrustRoot {
        /// Its place in the bundle, from 0.
        index: usize,
        /// Why.
        reason: rustls::Error,
    },
    /// The bundle is empty, so no certificate would ever be trusted.
    #[error("trust_roots: the bundle holds no certificate; add the issuing CA of your proxies")]
    NoTrustRoots,
    /// The chain and the key do not go together, or one cannot be read.
    #[error("client_certificate: the chain and the private key cannot be used: {0}")]
    ClientCertificate(rustls::Error),
    /// TLS itself could not be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(rustls::Error),
    /// A number or duration that must not be zero.
    #[error("{field} must be more than 0")]
    Zero {
        /// The setting's name.
        field: &'static str,
    },
    /// A `connect_to` host that no endpoint can have.
    #[error("connect_to: `{host}` is not a fully qualified domain name, so no endpoint can have this host")]
    ConnectToHost {
        /// The host as configured.
        host: String,
    },
}

impl ClientConfig {
    /// Refuses what could never work.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        let required = [
            ("request_timeout", self.request_timeout.is_zero()),
            ("max_connections_per_key_store", self.max_connections_per_key_store == 0),
            ("max_in_flight_per_key_store", self.max_in_flight_per_key_store == 0),
            ("idle_timeout", self.idle_timeout.is_zero()),
            ("max_connection_age", self.max_connection_age.is_zero()),
            ("reconnect_pause", self.reconnect_pause.is_zero()),
            ("breaker.failures_to_open", self.breaker.failures_to_open == 0),
        ];
        if let Some((field, _)) = required.into_iter().find(|(_, is_zero)| *is_zero) {
            return Err(ConfigError::Zero { field });
        }
        match self.connect_to.keys().find(|host| super::egress::check_host(host).is_err()) {
            Some(host) => Err(ConfigError::ConnectToHost { host: host.clone() }),
            None => Ok(()),
        }
    }

    /// The fixed address of a host, whatever the case of its letters.
    pub(crate) fn fixed_address(&self, host: &str) -> Option<SocketAddr> {
        self.connect_to.iter().find(|(name, _)| name.eq_ignore_ascii_case(host)).map(|(_, address)| *address)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        ClientConfig::default().validate().unwrap();
    }

    #[test]
    fn what_could_never_work_is_refused_by_name() {
        type Change = fn(&mut ClientConfig);
        let table: [(&str, Change); 8] = [
            ("request_timeout", |c| c.request_timeout = Duration::ZERO),
            ("max_connections_per_key_store", |c| {
                c.max_connections_per_key_store = 0;
            }),
            ("max_in_flight_per_key_store", |c| {
                c.max_in_flight_per_key_store = 0;
            }),
            ("idle_timeout", |c| c.idle_timeout = Duration::ZERO),
            ("max_connection_age", |c| c.max_connection_age = Duration::ZERO),
            ("reconnect_pause", |c| c.reconnect_pause = Duration::ZERO),
            ("breaker.failures_to_open", |c| c.breaker.failures_to_open = 0),
            ("connect_to", |c| {
                c.connect_to.insert("localhost".into(), ([127, 0, 0, 1], 1).into());
            }),
        ];
        for (field, change) in table {
            let mut config = ClientConfig::default();
            change(&mut config);
            let error = config.validate().unwrap_err();
            assert!(error.to_string().starts_with(field), "{error}");
        }
    }

    #[test]
    fn fixed_addresses_do_not_depend_on_case() {
        let mut config = ClientConfig::default();
        let address = ([127, 0, 0, 1], 8443).into();
        config.connect_to.insert("XKS.example.com".into(), address);
        assert_eq!(config.fixed_address("xks.Example.com"), Some(address));
        assert_eq!(config.fixed_address("www.example.com"), None);
    }
}
