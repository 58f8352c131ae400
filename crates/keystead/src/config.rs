//! The configuration of `keystead serve`: one TOML file, overridden by the environment. An unknown key is refused.

mod hsm;
mod oidc;
mod vpc_endpoint;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use keystead_attestation::AttestationRoots;
use keystead_core::kms::Settings;
use keystead_core::quota::{
    CUSTOM_KEY_STORE_REQUESTS_PER_SECOND, REQUEST_QUOTAS, RequestQuotaSettings, ResourceQuotas,
};
use keystead_model::arn::Region;
use keystead_oidc::Issuers;
use keystead_server::{Limits, ServerConfig, TlsFiles};
use keystead_xks::{BreakerPolicy, ClientCertificate, ClientConfig, TrustRoots};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Deserializer};

use crate::environment_override;
pub(crate) use hsm::HsmConfig;
use oidc::OidcIssuerConfig;
use vpc_endpoint::VpcEndpointConfig;

/// The longest duration that makes sense of any setting.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// A connect asks its proxy once; the lease must outlast that, with its retries, and the store's part of the work.
const JOB_LEASE_TIMEOUTS: u64 = 4;
/// How long what another process wrote may take to be seen: the window of eventual consistency.
const CHANGE_FEED_INTERVAL: Duration = Duration::from_millis(250);

/// The configuration of one server. Paths are relative to the folder of the configuration file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Address and port of the KMS endpoint. Port 0 lets the system choose.
    pub(crate) listen: SocketAddr,
    /// Folder of the store and, unless named otherwise, of the audit log.
    pub(crate) data_dir: PathBuf,
    /// The home Region: the one that clusters of HSMs are in, and the first that keys may be in.
    pub(crate) region: String,
    /// Further Regions in which this server has keys, and in which multi-Region keys may have replicas. Default: none.
    #[serde(default)]
    pub(crate) other_regions: Vec<String>,
    /// Where the root key comes from.
    pub(crate) root_key: RootKeyConfig,
    /// The endpoint's certificate. Default: plain HTTP.
    #[serde(default)]
    pub(crate) tls: Option<TlsConfig>,
    /// The audit log.
    #[serde(default)]
    pub(crate) audit: AuditConfig,
    /// Sizes and times of requests.
    #[serde(default)]
    pub(crate) limits: LimitsConfig,
    /// Signature verification.
    #[serde(default)]
    pub(crate) sigv4: SigV4Config,
    /// Custom key stores of every kind.
    #[serde(default)]
    pub(crate) custom_key_stores: CustomKeyStoresConfig,
    /// Calls to XKS proxies.
    #[serde(default)]
    pub(crate) xks: XksConfig,
    /// Clusters of HSMs.
    #[serde(default)]
    pub(crate) hsm: HsmConfig,
    /// The deletion of keys whose waiting period is over.
    #[serde(default)]
    pub(crate) key_deletion: KeyDeletionConfig,
    /// What keys do by themselves besides.
    #[serde(default)]
    pub(crate) key_lifecycle: KeyLifecycleConfig,
    /// How many keys, aliases and so on there may be.
    #[serde(default)]
    pub(crate) resource_quotas: ResourceQuotasConfig,
    /// How often a second an account may call what.
    #[serde(default)]
    pub(crate) request_quotas: RequestQuotasConfig,
    /// Attestation documents of recipients.
    #[serde(default)]
    pub(crate) attestation: AttestationConfig,
    /// OpenID Connect issuers whose web identity tokens accounts may take. Default: none.
    #[serde(default)]
    pub(crate) oidc_issuer: Vec<OidcIssuerConfig>,
    /// The VPC endpoints that requests come through. Default: none.
    #[serde(default)]
    pub(crate) vpc_endpoint: Vec<VpcEndpointConfig>,
}

/// `[root_key]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RootKeyConfig {
    /// A file of mode 0600 with 32 random bytes, as `keystead root-key create` makes it.
    pub(crate) file: PathBuf,
}

/// `[tls]`. The files are read again when they change.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsConfig {
    /// PEM: the server's certificate, then its intermediates.
    pub(crate) certificate: PathBuf,
    /// PEM: the certificate's private key.
    pub(crate) private_key: PathBuf,
}

/// `[audit]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AuditConfig {
    /// The audit log, relative to `data_dir`. Default `audit.jsonl`.
    pub(crate) file: PathBuf,
    /// Whether a record is on stable storage before its answer leaves, rather than with the operating system only. Default true.
    pub(crate) fsync: bool,
}

/// `[limits]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LimitsConfig {
    /// Longest request body, in bytes. Default 1048576.
    pub(crate) body_bytes_max: usize,
    /// Longest sum of a request's header names and values, in bytes. Default 16384.
    pub(crate) header_bytes_max: usize,
    /// Time for a TLS handshake and for a request's head, in milliseconds. Default 10000.
    pub(crate) header_timeout_ms: u64,
    /// Time for a request's body, in milliseconds. Default 10000.
    pub(crate) body_timeout_ms: u64,
    /// Time a connection may be without a request, in milliseconds. Default 90000.
    pub(crate) idle_timeout_ms: u64,
    /// Most connections at once; further ones wait. Default 4096.
    pub(crate) connections_max: usize,
    /// Most requests a second from one address that may fail to show who sent them; 0 is no limit. Default 0.
    pub(crate) failed_authentications_per_second_max: u32,
    /// Time for requests in flight when the server is stopped, in milliseconds. Default 10000.
    pub(crate) shutdown_grace_ms: u64,
}

/// `[sigv4]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SigV4Config {
    /// How far a request's date may be off, either way, in seconds. Default 300.
    pub(crate) clock_skew_seconds: u64,
}

/// `[custom_key_stores]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CustomKeyStoresConfig {
    /// The least time in CONNECTING and DISCONNECTING, in milliseconds, so that the states can be seen. Default 500.
    pub(crate) transition_min_ms: u64,
    /// After this time another worker takes up a connect or disconnect that a crash left, in milliseconds. Default 10000.
    pub(crate) job_lease_ms: u64,
    /// Time between health polls of connected key stores, in milliseconds. Default 180000.
    pub(crate) health_poll_interval_ms: u64,
    /// Cryptographic requests a second for each custom key store. Default 1800.
    pub(crate) requests_per_second: u32,
    /// CreateCustomKeyStore and UpdateCustomKeyStore of one account ask a proxy at most so often a second. Default 5.
    pub(crate) probes_per_second: u32,
}

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

/// `[key_deletion]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct KeyDeletionConfig {
    /// Time between looks for keys whose day has come, in milliseconds. Default 60000.
    pub(crate) sweep_interval_ms: u64,
}

/// `[key_lifecycle]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct KeyLifecycleConfig {
    /// The least time that a rotation on demand, the making of a replica and the change of a primary Region take, in milliseconds, so that
    /// the states can be seen. Default 500.
    pub(crate) transition_min_ms: u64,
    /// Time between looks for keys that are due for rotation or whose imported material has expired, in milliseconds. Default 1000.
    pub(crate) sweep_interval_ms: u64,
}

impl Default for KeyLifecycleConfig {
    fn default() -> Self {
        Self { transition_min_ms: 500, sweep_interval_ms: 1000 }
    }
}

/// `[resource_quotas]`. The defaults are AWS's.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ResourceQuotasConfig {
    /// KMS keys in an account and Region, in any state. Default 100000.
    pub(crate) kms_keys: u64,
    /// Aliases of one key. Default 50.
    pub(crate) aliases_per_key: u64,
    /// Grants of one key. Default 50000.
    pub(crate) grants_per_key: u64,
    /// Custom key stores in an account and Region, of both kinds and in any state. Default 10.
    pub(crate) custom_key_stores: u64,
    /// Longest key policy, in bytes. Default 32768.
    pub(crate) key_policy_bytes: u64,
}

impl Default for ResourceQuotasConfig {
    fn default() -> Self {
        let ResourceQuotas { kms_keys, aliases_per_key, grants_per_key, custom_key_stores, key_policy_bytes } =
            ResourceQuotas::default();
        Self { kms_keys, aliases_per_key, grants_per_key, custom_key_stores, key_policy_bytes: key_policy_bytes as u64 }
    }
}

/// `[request_quotas]`. The defaults are AWS's.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RequestQuotasConfig {
    /// Whether request quotas hold. Default true.
    pub(crate) enabled: bool,
    /// Requests a second of each account in a Region, where they differ from AWS's: by the quota's name, such as `CreateKey`.
    pub(crate) per_second: BTreeMap<String, u32>,
}

/// `[attestation]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AttestationConfig {
    /// PEM files of root certificates that vouch for attestation documents. Default: none, so that every `Recipient` is refused.
    pub(crate) roots: Vec<PathBuf>,
}

impl Default for RequestQuotasConfig {
    fn default() -> Self {
        Self { enabled: true, per_second: BTreeMap::new() }
    }
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self { file: PathBuf::from("audit.jsonl"), fsync: true }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            body_bytes_max: 1024 * 1024,
            header_bytes_max: 16 * 1024,
            header_timeout_ms: 10_000,
            body_timeout_ms: 10_000,
            idle_timeout_ms: 90_000,
            connections_max: 4096,
            failed_authentications_per_second_max: 0,
            shutdown_grace_ms: 10_000,
        }
    }
}

impl Default for SigV4Config {
    fn default() -> Self {
        Self { clock_skew_seconds: 300 }
    }
}

impl Default for CustomKeyStoresConfig {
    fn default() -> Self {
        Self {
            transition_min_ms: 500,
            job_lease_ms: 10_000,
            health_poll_interval_ms: 180_000,
            requests_per_second: CUSTOM_KEY_STORE_REQUESTS_PER_SECOND,
            probes_per_second: 5,
        }
    }
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

impl Default for KeyDeletionConfig {
    fn default() -> Self {
        Self { sweep_interval_ms: 60_000 }
    }
}

/// Why a configuration is refused: the file, the key, and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("configuration {}: {source}; name a file that can be read with --config", file.display())]
    Read { file: PathBuf, source: std::io::Error },
    #[error("configuration {}: {message}", file.display())]
    Content { file: PathBuf, message: String },
}

impl Config {
    /// Reads the file and applies the environment.
    pub(crate) fn load(file: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(file).map_err(|source| ConfigError::Read { file: file.to_owned(), source })?;
        Self::parse(&text, file, std::env::vars_os())
    }

    fn parse(
        text: &str,
        file: &Path,
        variables: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let refused = |message: String| ConfigError::Content { file: file.to_owned(), message };
        let mut table: toml::Table = toml::from_str(text).map_err(|error| refused(error.to_string()))?;
        let overridden = environment_override::apply(&mut table, variables).map_err(refused)?;
        // Read from the text where that is possible: its errors point to the line.
        let config: Result<Self, _> = if overridden { table.try_into() } else { toml::from_str(text) };
        let mut config = config.map_err(|error| refused(error.to_string()))?;
        config.resolve_paths(file.parent().unwrap_or(Path::new("")));
        config.check().map_err(refused)?;
        Ok(config)
    }

    fn resolve_paths(&mut self, folder: &Path) {
        self.data_dir = folder.join(&self.data_dir);
        self.root_key.file = folder.join(&self.root_key.file);
        self.audit.file = self.data_dir.join(&self.audit.file);
        if let Some(tls) = &mut self.tls {
            tls.certificate = folder.join(&tls.certificate);
            tls.private_key = folder.join(&tls.private_key);
        }
        self.hsm.resolve_paths(folder);
        self.oidc_issuer.iter_mut().for_each(|issuer| issuer.resolve_paths(folder));
        let xks = &mut self.xks;
        let certificates = [&mut xks.client_certificate, &mut xks.client_private_key];
        let roots = xks.trust_roots.iter_mut().chain(&mut self.attestation.roots);
        for path in roots.chain(certificates.into_iter().flatten()) {
            *path = folder.join(&*path);
        }
    }

    fn check(&self) -> Result<(), String> {
        self.check_regions()?;
        oidc::check(&self.oidc_issuer)?;
        vpc_endpoint::check(&self.vpc_endpoint)?;
        if let Some((name, _, range)) =
            self.bounds().into_iter().chain(self.hsm.bounds()).find(|(_, value, range)| !range.contains(value))
        {
            return Err(format!("{name} must be {} to {}", range.start(), range.end()));
        }
        for (name, per_second) in &self.request_quotas.per_second {
            if !REQUEST_QUOTAS.iter().any(|quota| quota.name == name) {
                return Err(format!(
                    "request_quotas.per_second.{name}: there is no such quota; docs/quotas.md lists all of them"
                ));
            }
            if *per_second == 0 {
                return Err(format!("request_quotas.per_second.{name} must be 1 or more"));
            }
        }
        let least = JOB_LEASE_TIMEOUTS * self.xks.request_timeout_ms;
        if self.custom_key_stores.job_lease_ms < least {
            return Err(format!(
                "custom_key_stores.job_lease_ms must be {least} or more: {JOB_LEASE_TIMEOUTS} times xks.request_timeout_ms, so that no \
                 other worker takes up a connect that is still waiting for its proxy"
            ));
        }
        Ok(())
    }

    fn check_regions(&self) -> Result<(), String> {
        for (key, name) in self.region_names() {
            if Region::parse(name).is_none() {
                return Err(format!("{key}: \"{name}\" is no Region: it looks like us-east-1"));
            }
        }
        let mut seen = BTreeSet::new();
        match self.region_names().find(|(_, name)| !seen.insert(*name)) {
            Some((key, name)) => {
                Err(format!("{key}: \"{name}\" is named twice; name each Region once, in region or in other_regions"))
            }
            None => Ok(()),
        }
    }

    /// The names of all Regions, each with the key that it stands in.
    fn region_names(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let others = self.other_regions.iter().map(|name| ("other_regions", name.as_str()));
        std::iter::once(("region", self.region.as_str())).chain(others)
    }

    /// Every number outside `[hsm]`, with the least and the greatest that it may be.
    fn bounds(&self) -> [(&'static str, u64, RangeInclusive<u64>); 24] {
        const DURATION: RangeInclusive<u64> = 1..=DAY_MS;
        const DURATION_OR_NONE: RangeInclusive<u64> = 0..=DAY_MS;
        const SIZE: RangeInclusive<u64> = 1..=i32::MAX as u64;
        const COUNT: RangeInclusive<u64> = 1..=u32::MAX as u64;
        let (limits, stores, xks) = (&self.limits, &self.custom_key_stores, &self.xks);
        let quotas = &self.resource_quotas;
        [
            ("limits.header_timeout_ms", limits.header_timeout_ms, DURATION),
            ("limits.body_timeout_ms", limits.body_timeout_ms, DURATION),
            ("limits.idle_timeout_ms", limits.idle_timeout_ms, DURATION),
            (
                "limits.failed_authentications_per_second_max",
                u64::from(limits.failed_authentications_per_second_max),
                0..=1_000_000,
            ),
            ("limits.shutdown_grace_ms", limits.shutdown_grace_ms, DURATION_OR_NONE),
            ("sigv4.clock_skew_seconds", self.sigv4.clock_skew_seconds, 1..=DAY_MS / 1000),
            ("custom_key_stores.transition_min_ms", stores.transition_min_ms, DURATION_OR_NONE),
            ("custom_key_stores.job_lease_ms", stores.job_lease_ms, DURATION),
            ("custom_key_stores.health_poll_interval_ms", stores.health_poll_interval_ms, DURATION),
            ("custom_key_stores.requests_per_second", u64::from(stores.requests_per_second), COUNT),
            ("custom_key_stores.probes_per_second", u64::from(stores.probes_per_second), COUNT),
            ("xks.request_timeout_ms", xks.request_timeout_ms, DURATION),
            ("xks.circuit_breaker_failures", u64::from(xks.circuit_breaker_failures), COUNT),
            ("xks.circuit_breaker_pause_ms", xks.circuit_breaker_pause_ms, DURATION_OR_NONE),
            ("key_deletion.sweep_interval_ms", self.key_deletion.sweep_interval_ms, DURATION),
            ("key_lifecycle.transition_min_ms", self.key_lifecycle.transition_min_ms, DURATION_OR_NONE),
            ("key_lifecycle.sweep_interval_ms", self.key_lifecycle.sweep_interval_ms, DURATION),
            ("resource_quotas.kms_keys", quotas.kms_keys, COUNT),
            ("resource_quotas.aliases_per_key", quotas.aliases_per_key, COUNT),
            ("resource_quotas.grants_per_key", quotas.grants_per_key, COUNT),
            ("resource_quotas.custom_key_stores", quotas.custom_key_stores, 1..=10_000),
            // The model's own maximum.
            ("resource_quotas.key_policy_bytes", quotas.key_policy_bytes, 1..=131_072),
            ("limits.body_bytes_max", limits.body_bytes_max as u64, SIZE),
            ("limits.header_bytes_max", limits.header_bytes_max as u64, SIZE),
        ]
    }

    /// The home Region; [`Config::load`] has checked it.
    pub(crate) fn region(&self) -> Result<Region, ConfigError> {
        region(&self.region)
    }

    /// The Regions besides; [`Config::load`] has checked them.
    fn other_regions(&self) -> Result<Vec<Region>, ConfigError> {
        self.other_regions.iter().map(|name| region(name)).collect()
    }

    /// The store's file.
    pub(crate) fn store_file(&self) -> PathBuf {
        self.data_dir.join("store.sqlite")
    }

    /// What the core is to know. Reads the root certificates for attestation documents.
    pub(crate) fn settings(&self) -> Result<Settings, ConfigError> {
        let key_stores = &self.custom_key_stores;
        Ok(Settings {
            home_region: self.region()?,
            other_regions: self.other_regions()?,
            key_transition_min: Duration::from_millis(self.key_lifecycle.transition_min_ms),
            key_maintenance_interval: Duration::from_millis(self.key_lifecycle.sweep_interval_ms),
            transition_min: Duration::from_millis(key_stores.transition_min_ms),
            job_lease: Duration::from_millis(key_stores.job_lease_ms),
            health_poll_interval: Duration::from_millis(key_stores.health_poll_interval_ms),
            key_deletion_interval: Duration::from_millis(self.key_deletion.sweep_interval_ms),
            change_feed_interval: CHANGE_FEED_INTERVAL,
            key_store_requests_per_second: key_stores.requests_per_second,
            key_store_probes_per_second: key_stores.probes_per_second,
            resource_quotas: ResourceQuotas {
                kms_keys: self.resource_quotas.kms_keys,
                aliases_per_key: self.resource_quotas.aliases_per_key,
                grants_per_key: self.resource_quotas.grants_per_key,
                custom_key_stores: self.resource_quotas.custom_key_stores,
                key_policy_bytes: usize::try_from(self.resource_quotas.key_policy_bytes).unwrap_or(usize::MAX),
            },
            request_quotas: RequestQuotaSettings {
                enabled: self.request_quotas.enabled,
                per_second: self.request_quotas.per_second.clone(),
            },
            attestation_roots: Arc::new(self.attestation_roots()?),
        })
    }

    fn attestation_roots(&self) -> Result<AttestationRoots, ConfigError> {
        let mut roots = AttestationRoots::default();
        for file in &self.attestation.roots {
            let certificates = certificates("attestation.roots", file)?;
            let of_file = AttestationRoots::from_der(certificates.iter().map(AsRef::as_ref));
            roots.append(of_file.map_err(|error| ConfigError::Content {
                file: file.clone(),
                message: format!("attestation.roots: {error}; name a PEM file with nothing but root certificates"),
            })?);
        }
        Ok(roots)
    }

    /// The OpenID Connect issuers. Reads their files.
    pub(crate) fn issuers(&self) -> Result<Issuers, ConfigError> {
        oidc::issuers(&self.oidc_issuer)
    }

    /// What the front end is to know.
    pub(crate) fn server(&self) -> ServerConfig {
        let limits = &self.limits;
        ServerConfig {
            listen: self.listen,
            tls: self
                .tls
                .as_ref()
                .map(|tls| TlsFiles { certificate: tls.certificate.clone(), private_key: tls.private_key.clone() }),
            limits: Limits {
                body_bytes_max: limits.body_bytes_max,
                header_bytes_max: limits.header_bytes_max,
                header_timeout: Duration::from_millis(limits.header_timeout_ms),
                body_timeout: Duration::from_millis(limits.body_timeout_ms),
                idle_timeout: Duration::from_millis(limits.idle_timeout_ms),
                connections_max: limits.connections_max,
                failed_authentications_per_second_max: limits.failed_authentications_per_second_max,
                shutdown_grace: Duration::from_millis(limits.shutdown_grace_ms),
            },
            clock_skew: Duration::from_secs(self.sigv4.clock_skew_seconds),
            vpc_endpoints: self.vpc_endpoint.iter().map(VpcEndpointConfig::networks).collect(),
        }
    }

    /// What the proxy client is to know. Reads the certificate files.
    pub(crate) fn proxy_client(&self) -> Result<ClientConfig, ConfigError> {
        let xks = &self.xks;
        let mut bundle = Vec::new();
        for file in &xks.trust_roots {
            bundle.extend(certificates("xks.trust_roots", file)?);
        }
        let trust_roots = match (bundle.is_empty(), xks.public_trust_roots) {
            (true, true) => TrustRoots::Public,
            (false, true) => TrustRoots::PublicAndBundle(bundle),
            (_, false) => TrustRoots::Bundle(bundle),
        };
        let client_certificate = match (&xks.client_certificate, &xks.client_private_key) {
            (None, None) => None,
            (Some(chain), Some(key)) => Some(ClientCertificate {
                chain: certificates("xks.client_certificate", chain)?,
                key: PrivateKeyDer::from_pem_file(key)
                    .map_err(|error| pem_error("xks.client_private_key", key, &error))?,
            }),
            (Some(file), None) | (None, Some(file)) => {
                return Err(ConfigError::Content {
                    file: file.clone(),
                    message: "xks.client_certificate and xks.client_private_key go together: give both or neither"
                        .to_owned(),
                });
            }
        };
        let pause = Duration::from_millis(xks.circuit_breaker_pause_ms);
        Ok(ClientConfig {
            trust_roots,
            client_certificate,
            connect_to: xks.connect_to.clone(),
            allowed_networks: xks.allowed_networks.clone(),
            request_timeout: Duration::from_millis(xks.request_timeout_ms),
            breaker: BreakerPolicy { failures_to_open: xks.circuit_breaker_failures, pause, pause_max: pause * 10 },
            ..ClientConfig::default()
        })
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

fn certificates(name: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let read = || CertificateDer::pem_file_iter(file)?.collect::<Result<Vec<_>, _>>();
    let certificates = read().map_err(|error| pem_error(name, file, &error))?;
    if certificates.is_empty() {
        return Err(ConfigError::Content {
            file: file.to_owned(),
            message: format!("{name}: the file holds no certificate; it must be PEM"),
        });
    }
    Ok(certificates)
}

fn pem_error(name: &str, file: &Path, error: &rustls_pki_types::pem::Error) -> ConfigError {
    ConfigError::Content {
        file: file.to_owned(),
        message: format!("{name}: {error}; name a PEM file that can be read"),
    }
}

fn region(name: &str) -> Result<Region, ConfigError> {
    Region::parse(name)
        .ok_or_else(|| ConfigError::Content { file: PathBuf::new(), message: format!("\"{name}\" is no Region") })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SMALLEST: &str =
        "listen = '127.0.0.1:0'\ndata_dir = 'data'\nregion = 'us-east-1'\n[root_key]\nfile = 'root.key'\n";

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("/etc/keystead/keystead.toml"), std::iter::empty())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let lists = "[xks]\ntrust_roots = ['ca.pem']\n[attestation]\nroots = ['nitro.pem']";
        let config = parse(&format!("{SMALLEST}{lists}")).unwrap();
        assert_eq!(config.store_file(), Path::new("/etc/keystead/data/store.sqlite"));
        assert_eq!(config.audit.file, Path::new("/etc/keystead/data/audit.jsonl"));
        assert_eq!(config.root_key.file, Path::new("/etc/keystead/root.key"));
        assert_eq!(config.xks.trust_roots, [Path::new("/etc/keystead/ca.pem")]);
        assert_eq!(config.attestation.roots, [Path::new("/etc/keystead/nitro.pem")]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, named) in [
            ("regoin = 'x'\n", "regoin"),
            ("other_regions = ['Ireland']\n", "other_regions: \"Ireland\""),
            ("other_regions = ['us-east-1']\n", "other_regions: \"us-east-1\" is named twice"),
            ("other_regions = ['eu-west-1', 'eu-west-1']\n", "other_regions: \"eu-west-1\" is named twice"),
            ("other_regions = 'eu-west-1'\n", "other_regions"),
            ("[key_lifecycle]\nsweep_interval_ms = 0\n", "key_lifecycle.sweep_interval_ms"),
            ("[limits]\nbody_max = 1\n", "body_max"),
            ("[xks]\nrequest_timeout_ms = 0\n", "xks.request_timeout_ms"),
            (
                "[xks.connect_to]\n'xks.example.test' = 'localhost:9443'\n",
                "xks.connect_to.\"xks.example.test\" = \"localhost:9443\"",
            ),
            (
                "[custom_key_stores]\njob_lease_ms = 9223372036854775807\n",
                "custom_key_stores.job_lease_ms must be 1 to 86400000",
            ),
            ("[custom_key_stores]\ntransition_min_ms = 86400001\n", "custom_key_stores.transition_min_ms"),
            ("[custom_key_stores]\njob_lease_ms = 999\n", "custom_key_stores.job_lease_ms must be 1000 or more"),
            ("[custom_key_stores]\nprobes_per_second = 0\n", "custom_key_stores.probes_per_second"),
            ("[xks]\nallowed_networks = ['10.0.0.0/33']\n", "allowed_networks"),
            ("[hsm]\nmodule = 'opencryptoki'\n", "opencryptoki"),
            ("[hsm]\nbackup_retention_days = 6\n", "hsm.backup_retention_days must be 7 to 379"),
            ("[hsm]\nlogin_strikes = 5\n", "login_strikes"),
            ("[[vpc_endpoint]]\nid = 'vpce-1a2b3c4d'\nvpc = 'vpc-1a2b3c4d'\n", "networks"),
            (
                "[[vpc_endpoint]]\nid = 'vpce-1'\nvpc = 'vpc-1a2b3c4d'\nnetworks = ['10.0.0.0/8']\n",
                "vpc_endpoint.id: \"vpce-1\"",
            ),
        ] {
            let text = if text.starts_with('[') { format!("{SMALLEST}{text}") } else { format!("{text}{SMALLEST}") };
            let error = parse(&text).unwrap_err();
            assert!(error.contains(named) && error.contains("keystead.toml"), "{error}");
        }
        assert!(parse("listen = 'x'").unwrap_err().contains("listen"));
        assert!(parse(&SMALLEST.replace("us-east-1", "here")).unwrap_err().contains("region"));
    }

    #[test]
    fn the_environment_wins() {
        let variables = [("KEYSTEAD__AUDIT__FSYNC".into(), "false".into())].into_iter();
        let config = Config::parse(SMALLEST, Path::new("k.toml"), variables).unwrap();
        assert!(!config.audit.fsync);
        let variables = [("KEYSTEAD__AUDIT__FSYCN".into(), "false".into())].into_iter();
        let error = Config::parse(SMALLEST, Path::new("k.toml"), variables).unwrap_err();
        assert!(error.to_string().contains("fsycn"));
    }

    #[test]
    fn there_may_be_several_regions() {
        let settings =
            parse(&format!("other_regions = ['eu-west-1', 'eu-central-1']\n{SMALLEST}")).unwrap().settings().unwrap();
        let regions: Vec<_> =
            std::iter::once(&settings.home_region).chain(&settings.other_regions).map(Region::as_str).collect();
        assert_eq!(regions, ["us-east-1", "eu-west-1", "eu-central-1"]);
        assert_eq!(parse(SMALLEST).unwrap().settings().unwrap().other_regions, []);
    }

    #[test]
    fn the_front_end_hears_of_vpc_endpoints() {
        let text =
            "[[vpc_endpoint]]\nid = 'vpce-1a2b3c4d'\nvpc = 'vpc-1a2b3c4d'\nnetworks = ['10.0.0.0/8', 'fd00::/8']\n";
        let server = parse(&format!("{SMALLEST}{text}")).unwrap().server();
        assert_eq!(server.vpc_endpoints.len(), 1);
        assert_eq!(server.vpc_endpoints[0].endpoint.vpc_id, "vpc-1a2b3c4d");
        assert_eq!(server.vpc_endpoints[0].networks.len(), 2);
        assert!(parse(SMALLEST).unwrap().server().vpc_endpoints.is_empty());
    }

    /// docs/configuration.md tells each with its default.
    #[test]
    fn every_number_is_documented() {
        let documented = include_str!("../../../docs/configuration.md");
        let config = parse(SMALLEST).unwrap();
        for (name, value, _) in config.bounds().into_iter().chain(config.hsm.bounds()) {
            let row = format!("| `{name}` | `{value}` |");
            assert!(documented.contains(&row), "{row}");
        }
    }

    #[test]
    fn every_number_may_be_its_bounds_and_no_more() {
        let config = parse(SMALLEST).unwrap();
        for (name, value, range) in config.bounds().into_iter().chain(config.hsm.bounds()) {
            assert!(range.contains(&value), "the default of {name}");
            let (section, key) = name.split_once('.').unwrap();
            let error = parse(&format!("{SMALLEST}[{section}]\n{key} = {}\n", range.end() + 1)).unwrap_err();
            assert!(error.contains(key), "{error}");
        }
    }
}
