//! The configuration of `keystead serve`: one TOML file, overridden by the environment. An unknown key is refused.

mod attestation;
mod audit;
mod custom_key_stores;
mod error;
mod hsm;
mod key_deletion;
mod key_lifecycle;
mod limits;
mod number;
mod oidc;
mod pem;
mod regions;
mod request_quotas;
mod resource_quotas;
mod root_key;
mod sigv4;
#[cfg(test)]
mod smallest;
mod tls;
mod vpc_endpoint;
mod xks;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keystead_core::kms::Settings;
use keystead_model::arn::Region;
use keystead_oidc::Issuers;
use keystead_server::ServerConfig;
use keystead_xks::ClientConfig;
use serde::Deserialize;

use crate::environment_override;
use attestation::AttestationConfig;
use audit::AuditConfig;
use custom_key_stores::CustomKeyStoresConfig;
pub(crate) use error::ConfigError;
use hsm::HsmConfig;
use key_deletion::KeyDeletionConfig;
use key_lifecycle::KeyLifecycleConfig;
use limits::LimitsConfig;
use number::Number;
use oidc::OidcIssuerConfig;
use request_quotas::RequestQuotasConfig;
use resource_quotas::ResourceQuotasConfig;
use root_key::RootKeyConfig;
use sigv4::SigV4Config;
use tls::TlsConfig;
use vpc_endpoint::VpcEndpointConfig;
use xks::XksConfig;

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
        let refused = |message: String| ConfigError::content(file, message);
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
        for path in self.paths() {
            *path = folder.join(&*path);
        }
        self.audit.file = self.data_dir.join(&self.audit.file);
    }

    /// The paths that are relative to the folder of the configuration file.
    fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.data_dir, &mut self.root_key.file]
            .into_iter()
            .chain(self.tls.iter_mut().flat_map(TlsConfig::paths))
            .chain(self.xks.paths())
            .chain(self.hsm.paths())
            .chain(&mut self.attestation.roots)
            .chain(self.oidc_issuer.iter_mut().flat_map(OidcIssuerConfig::paths))
    }

    fn check(&self) -> Result<(), String> {
        regions::check(&self.region, &self.other_regions)?;
        oidc::check(&self.oidc_issuer)?;
        vpc_endpoint::check(&self.vpc_endpoint)?;
        self.numbers().try_for_each(|number| number.check())?;
        self.request_quotas.check()?;
        self.custom_key_stores.check_lease(self.xks.request_timeout_ms)
    }

    /// The numbers of all sections.
    fn numbers(&self) -> impl Iterator<Item = Number> {
        self.limits
            .numbers()
            .into_iter()
            .chain(self.sigv4.numbers())
            .chain(self.custom_key_stores.numbers())
            .chain(self.xks.numbers())
            .chain(self.hsm.numbers())
            .chain(self.key_deletion.numbers())
            .chain(self.key_lifecycle.numbers())
            .chain(self.resource_quotas.numbers())
    }

    /// The home Region; [`Config::load`] has checked it.
    pub(crate) fn region(&self) -> Result<Region, ConfigError> {
        regions::region(&self.region)
    }

    /// The store's file.
    pub(crate) fn store_file(&self) -> PathBuf {
        self.data_dir.join("store.sqlite")
    }

    /// What the core is to know. Reads the root certificates for attestation documents.
    pub(crate) fn settings(&self) -> Result<Settings, ConfigError> {
        Ok(Settings {
            home_region: self.region()?,
            other_regions: self.other_regions.iter().map(|name| regions::region(name)).collect::<Result<_, _>>()?,
            key_transition_min: self.key_lifecycle.transition_min(),
            key_maintenance_interval: self.key_lifecycle.sweep_interval(),
            transition_min: self.custom_key_stores.transition_min(),
            job_lease: self.custom_key_stores.job_lease(),
            health_poll_interval: self.custom_key_stores.health_poll_interval(),
            key_deletion_interval: self.key_deletion.sweep_interval(),
            change_feed_interval: CHANGE_FEED_INTERVAL,
            key_store_requests_per_second: self.custom_key_stores.requests_per_second,
            key_store_probes_per_second: self.custom_key_stores.probes_per_second,
            resource_quotas: self.resource_quotas.quotas(),
            request_quotas: self.request_quotas.quotas(),
            attestation_roots: Arc::new(self.attestation.read_roots()?),
        })
    }

    /// The OpenID Connect issuers. Reads their files.
    pub(crate) fn issuers(&self) -> Result<Issuers, ConfigError> {
        oidc::issuers(&self.oidc_issuer)
    }

    /// What the front end is to know.
    pub(crate) fn server(&self) -> ServerConfig {
        ServerConfig {
            listen: self.listen,
            tls: self.tls.as_ref().map(TlsConfig::files),
            limits: self.limits.limits(),
            clock_skew: self.sigv4.clock_skew(),
            vpc_endpoints: self.vpc_endpoint.iter().map(VpcEndpointConfig::networks).collect(),
        }
    }

    /// What the proxy client is to know. Reads the certificate files.
    pub(crate) fn proxy_client(&self) -> Result<ClientConfig, ConfigError> {
        self.xks.client()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::smallest::{self, SMALLEST};
    use super::*;

    #[test]
    fn paths_are_relative_to_the_file() {
        let config = smallest::with("").unwrap();
        assert_eq!(config.store_file(), Path::new("/etc/keystead/data/store.sqlite"));
        assert_eq!(config.audit.file, Path::new("/etc/keystead/data/audit.jsonl"));
        assert_eq!(config.root_key.file, Path::new("/etc/keystead/root.key"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        smallest::refuses(&[("regoin = 'x'\n", "regoin")]);
        assert!(smallest::parse("listen = 'x'").unwrap_err().contains("listen"));
        assert!(smallest::parse(&SMALLEST.replace("us-east-1", "here")).unwrap_err().contains("region"));
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

    /// docs/configuration.md tells each with its default.
    #[test]
    fn every_number_is_documented() {
        let documented = include_str!("../../../docs/configuration.md");
        for Number { name, value, .. } in smallest::with("").unwrap().numbers() {
            let row = format!("| `{name}` | `{value}` |");
            assert!(documented.contains(&row), "{row}");
        }
    }

    #[test]
    fn every_number_may_be_its_bounds_and_no_more() {
        for number in smallest::with("").unwrap().numbers() {
            assert_eq!(number.check(), Ok(()));
            let (section, key) = number.name.split_once('.').unwrap();
            for wrong in [number.range.start().checked_sub(1), Some(number.range.end() + 1)].into_iter().flatten() {
                let error = smallest::with(&format!("[{section}]\n{key} = {wrong}\n")).unwrap_err();
                assert!(error.contains(key), "{error}");
            }
        }
    }
}
