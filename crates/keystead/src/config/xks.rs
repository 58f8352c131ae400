//! `[xks]`: calls to XKS proxies.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use keystead_xks::{BreakerPolicy, ClientCertificate, ClientConfig, TrustRoots};
use serde::{Deserialize, Deserializer};

use super::number::{COUNT, DURATION_MS, DURATION_OR_NONE_MS, Number};
use super::{ConfigError, pem};

/// `[xks]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct XksConfig {
    /// Time for a call to a proxy, from the decision to make it to the answer, in milliseconds. Default 250.
    pub(crate) request_timeout_ms: u64,
    /// PEM files of certificate authorities that proxies' certificates may chain to. Default: none.
    pub(crate) trust_roots: Vec<PathBuf>,
    /// Whether the public certificate authorities are trusted as well. Default true.
    pub(crate) public_trust_roots: bool,
    /// Networks that proxies may be in although they are loopback, link-local or private. Default: none.
    pub(crate) allowed_networks: Vec<IpNet>,
    /// PEM: the certificate shown to a proxy that asks for one. Default: none.
    pub(crate) client_certificate: Option<PathBuf>,
    /// PEM: its private key.
    pub(crate) client_private_key: Option<PathBuf>,
    /// Hosts that are reached at a fixed address and port instead of DNS and port 443: for proxies on this machine.
    #[serde(deserialize_with = "connect_to")]
    pub(crate) connect_to: BTreeMap<String, SocketAddr>,
    /// Calls in a row that do not reach a proxy before further ones are answered at once. Default 5.
    pub(crate) circuit_breaker_failures: u32,
    /// How long they are answered at once before one is tried, in milliseconds; doubles up to ten times that. Default 1000.
    pub(crate) circuit_breaker_pause_ms: u64,
}

impl Default for XksConfig {
    fn default() -> Self {
        Self {
            request_timeout_ms: 250,
            trust_roots: Vec::new(),
            public_trust_roots: true,
            allowed_networks: Vec::new(),
            client_certificate: None,
            client_private_key: None,
            connect_to: BTreeMap::new(),
            circuit_breaker_failures: 5,
            circuit_breaker_pause_ms: 1000,
        }
    }
}

impl XksConfig {
    /// The paths that are relative to the folder of the configuration file.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let client = [&mut self.client_certificate, &mut self.client_private_key];
        self.trust_roots.iter_mut().chain(client.into_iter().flatten())
    }

    /// Every number.
    pub(super) fn numbers(&self) -> impl IntoIterator<Item = Number> {
        [
            Number::new("xks.request_timeout_ms", self.request_timeout_ms, DURATION_MS),
            Number::new("xks.circuit_breaker_failures", self.circuit_breaker_failures, COUNT),
            Number::new("xks.circuit_breaker_pause_ms", self.circuit_breaker_pause_ms, DURATION_OR_NONE_MS),
        ]
    }

    /// What the proxy client is to know. Reads the certificate files.
    pub(super) fn client(&self) -> Result<ClientConfig, ConfigError> {
        Ok(ClientConfig {
            trust_roots: self.read_trust_roots()?,
            client_certificate: self.read_client_certificate()?,
            connect_to: self.connect_to.clone(),
            allowed_networks: self.allowed_networks.clone(),
            request_timeout: Duration::from_millis(self.request_timeout_ms),
            breaker: self.breaker(),
            ..ClientConfig::default()
        })
    }

    fn read_trust_roots(&self) -> Result<TrustRoots, ConfigError> {
        let mut bundle = Vec::new();
        for file in &self.trust_roots {
            bundle.extend(pem::certificates("xks.trust_roots", file)?);
        }
        Ok(match (bundle.is_empty(), self.public_trust_roots) {
            (true, true) => TrustRoots::Public,
            (false, true) => TrustRoots::PublicAndBundle(bundle),
            (_, false) => TrustRoots::Bundle(bundle),
        })
    }

    fn read_client_certificate(&self) -> Result<Option<ClientCertificate>, ConfigError> {
        match (&self.client_certificate, &self.client_private_key) {
            (None, None) => Ok(None),
            (Some(chain), Some(key)) => Ok(Some(ClientCertificate {
                chain: pem::certificates("xks.client_certificate", chain)?,
                key: pem::private_key("xks.client_private_key", key)?,
            })),
            (Some(file), None) | (None, Some(file)) => Err(ConfigError::content(
                file,
                "xks.client_certificate and xks.client_private_key go together: give both or neither".to_owned(),
            )),
        }
    }

    fn breaker(&self) -> BreakerPolicy {
        let pause = Duration::from_millis(self.circuit_breaker_pause_ms);
        BreakerPolicy { failures_to_open: self.circuit_breaker_failures, pause, pause_max: pause * 10 }
    }
}

/// Reads `[xks.connect_to]` so that an error names table and host.
fn connect_to<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, SocketAddr>, D::Error> {
    let addresses = BTreeMap::<String, String>::deserialize(deserializer)?.into_iter();
    let parsed = addresses.map(|(host, text)| match text.parse() {
        Ok(address) => Ok((host, address)),
        Err(_) => Err(serde::de::Error::custom(format!(
            "xks.connect_to.\"{host}\" = \"{text}\" is no address and port: it looks like 127.0.0.1:9443"
        ))),
    });
    parsed.collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::smallest;

    #[test]
    fn paths_are_relative_to_the_file() {
        let text = "[xks]\ntrust_roots = ['ca.pem']\nclient_certificate = 'kms.pem'\nclient_private_key = '/kms.key'\n";
        let xks = smallest::with(text).unwrap().xks;
        assert_eq!(xks.trust_roots, [Path::new("/etc/keystead/ca.pem")]);
        assert_eq!(xks.client_certificate.as_deref(), Some(Path::new("/etc/keystead/kms.pem")));
        assert_eq!(xks.client_private_key.as_deref(), Some(Path::new("/kms.key")));
    }

    #[test]
    fn what_is_wrong_is_named() {
        smallest::refuses(&[
            ("[xks]\nrequest_timeout_ms = 0\n", "xks.request_timeout_ms"),
            ("[xks]\nallowed_networks = ['10.0.0.0/33']\n", "allowed_networks"),
            (
                "[xks.connect_to]\n'xks.example.test' = 'localhost:9443'\n",
                "xks.connect_to.\"xks.example.test\" = \"localhost:9443\"",
            ),
        ]);
    }

    #[test]
    fn a_client_certificate_needs_its_key() {
        for text in ["[xks]\nclient_certificate = 'kms.pem'\n", "[xks]\nclient_private_key = 'kms.pem'\n"] {
            let error = smallest::with(text).unwrap().proxy_client().unwrap_err().to_string();
            assert!(error.contains("/etc/keystead/kms.pem") && error.contains("both or neither"), "{error}");
        }
    }

    #[test]
    fn the_client_hears_of_it() {
        let client = |text| smallest::with(text).unwrap().proxy_client().unwrap();
        assert!(matches!(client("").trust_roots, TrustRoots::Public));
        let alone = client("[xks]\npublic_trust_roots = false\n").trust_roots;
        assert!(matches!(alone, TrustRoots::Bundle(bundle) if bundle.is_empty()));
        let patient = client("[xks]\nrequest_timeout_ms = 300\ncircuit_breaker_pause_ms = 20\n");
        assert_eq!(patient.request_timeout, Duration::from_millis(300));
        assert_eq!(patient.breaker.pause_max, Duration::from_millis(200));
    }
}
