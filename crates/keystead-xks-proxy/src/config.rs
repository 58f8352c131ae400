//! The proxy's configuration: one TOML file. An unknown key is refused.
//!
//! ```toml
//! listen = "127.0.0.1:8443"
//! region = "us-east-1"
//! key_file = "external-keys.json"
//! root_key_file = "root.key"
//!
//! [tls]
//! certificate = "proxy.pem"
//! private_key = "proxy.key"
//!
//! [[prefix]]
//! path = "/example"
//! credentials_file = "credentials.json"
//! ```

use std::collections::HashSet;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keystead_xks::wire::{
    AAD_ENCODABLE_BYTES, AAD_SUPPORTED_BYTES, API_ROOT, ExternalKeyId, PLAINTEXT_SUPPORTED_BYTES,
};
use serde::Deserialize;

/// The longest `XksProxyUriPath` of the KMS API, in characters.
const URI_PATH_MAX_CHARS: usize = 128;

/// The configuration of one proxy. Paths are relative to the folder of the configuration file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProxyConfig {
    /// Address and port to listen on. Port 0 lets the system choose; KMS itself only ever calls port 443.
    pub listen: SocketAddr,
    /// Region that KMS calls from: part of every request's signature.
    pub region: String,
    /// Further Regions that KMS calls from. Default: none.
    #[serde(default)]
    pub other_regions: Vec<String>,
    /// The external keys, sealed under the root key. Made by `keystead xks-proxy keys create`.
    pub key_file: PathBuf,
    /// The sealing key: 32 random bytes as 64 hexadecimal digits or as base64, in a file of mode 0600.
    pub root_key_file: PathBuf,
    /// Where one JSON line per request goes: a file, or `-` for standard output. Default: no access log.
    #[serde(default)]
    pub access_log: Option<PathBuf>,
    /// `xksProxyVendor` of GetHealthStatus. Default `Keystead`.
    #[serde(default = "default_vendor")]
    pub vendor: String,
    /// `xksProxyModel` of GetHealthStatus. Default `Keystead XKS proxy` and its version.
    #[serde(default = "default_model")]
    pub model: String,
    /// `xksProxyFleetSize` of GetHealthStatus: how many proxies serve this endpoint together. Default 1.
    #[serde(default = "default_fleet_size")]
    pub fleet_size: NonZeroU32,
    /// The certificate, and whether clients need one.
    pub tls: TlsConfig,
    /// Sizes and times. Default: see each.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// The URI path prefixes, one for each external key store. At least one.
    pub prefix: Vec<PrefixConfig>,
}

/// `[tls]`. Changed files count from the next connection on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// PEM: the proxy's certificate, then its intermediates.
    pub certificate: PathBuf,
    /// PEM: the certificate's private key (PKCS#8, PKCS#1 or SEC1).
    pub private_key: PathBuf,
    /// PEM: the roots that client certificates must chain to. Default: clients need no certificate.
    #[serde(default)]
    pub client_ca: Option<PathBuf>,
    /// The subject CN that a client certificate must have. Default `cks.kms.<region>.amazonaws.com`.
    #[serde(default)]
    pub client_common_name: Option<String>,
}

/// `[limits]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Longest request body, in bytes. Default 262144.
    pub body_max_bytes: usize,
    /// Longest plaintext and ciphertext, in bytes: 4300 (the specification's minimum) or more. Default 8192.
    pub plaintext_max_bytes: usize,
    /// Longest additional authenticated data, in bytes: 8192 (the specification's minimum) to 65535. Default 8192.
    pub aad_max_bytes: usize,
    /// Time for the TLS handshake, in milliseconds. Default 5000.
    pub handshake_timeout_ms: u64,
    /// Most bytes of request bodies in memory at once, all requests together; what finds no room waits for it, and gets
    /// ThrottlingException after `body_read_timeout_ms`. Default 67108864.
    pub bodies_max_bytes: usize,
    /// Time until a request's headers are complete, in milliseconds: counted from the handshake for a connection's first
    /// request, and from its first byte for a further one of HTTP/1.1. Default 10000.
    pub header_read_timeout_ms: u64,
    /// Time a connection is kept between two requests, in milliseconds. Default 120000.
    pub idle_timeout_ms: u64,
    /// Time until a request's body is complete, in milliseconds. Default 5000.
    pub body_read_timeout_ms: u64,
    /// Time from the arrival of a request's headers until the key manager has done all that the request needs, in
    /// milliseconds; then DependencyTimeoutException. KMS itself waits 250 ms in all. Default 200.
    pub key_manager_timeout_ms: u64,
    /// Most connections at once; further ones wait. Default 1024.
    pub connections_max: usize,
    /// Time for requests in flight when the proxy is stopped, in milliseconds. Default 10000.
    pub shutdown_grace_ms: u64,
}

/// `[[prefix]]`: one external key store's view of the proxy.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrefixConfig {
    /// What stands before `/kms/xks/v1` in the URI path, such as `/example`. Default: nothing.
    #[serde(default)]
    pub path: String,
    /// The credentials KMS signs with: a private JSON file, read again whenever it changes. See [`crate::credential`].
    pub credentials_file: PathBuf,
    /// False: every request is answered with InvalidStateException. Default true.
    #[serde(default = "default_enabled")]
    pub enabled: bool,
    /// If there are any, other external keys get AccessDeniedException. Default: every key may be used.
    #[serde(default)]
    pub allowed_keys: Vec<ExternalKeyId>,
    /// ARNs of callers that get AccessDeniedException; a `*` at the end stands for any rest. Default: none.
    #[serde(default)]
    pub denied_principals: Vec<String>,
    /// More requests than this get ThrottlingException, per second. Default: no limit.
    #[serde(default)]
    pub max_requests_per_second: Option<NonZeroU32>,
}

fn default_vendor() -> String {
    "Keystead".to_owned()
}

fn default_model() -> String {
    concat!("Keystead XKS proxy ", env!("CARGO_PKG_VERSION")).to_owned()
}

fn default_fleet_size() -> NonZeroU32 {
    NonZeroU32::MIN
}

fn default_enabled() -> bool {
    true
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            body_max_bytes: 256 * 1024,
            bodies_max_bytes: 64 * 1024 * 1024,
            plaintext_max_bytes: 8192,
            aad_max_bytes: AAD_SUPPORTED_BYTES,
            handshake_timeout_ms: 5_000,
            header_read_timeout_ms: 10_000,
            idle_timeout_ms: 120_000,
            body_read_timeout_ms: 5_000,
            key_manager_timeout_ms: 200,
            connections_max: 1024,
            shutdown_grace_ms: 10_000,
        }
    }
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("configuration {path} cannot be read: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML, lacks a key, or has one that does not exist.
    #[error("configuration {path}: {source}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: Box<toml::de::Error>,
    },
    /// A key has a value that cannot be.
    #[error("configuration {path}: {key}: {problem}")]
    Value {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// What is wrong and what to write instead.
        problem: String,
    },
}

impl ProxyConfig {
    /// Reads and checks a configuration file. Fails with the file, the key, and what to do.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// Checks a configuration's text; `path` is where it stands, for relative paths and for errors.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let mut config: Self = toml::from_str(text)
            .map_err(|source| ConfigError::Parse { path: path.to_owned(), source: Box::new(source) })?;
        config.check().map_err(|(key, problem)| ConfigError::Value { path: path.to_owned(), key, problem })?;
        config.resolve(path.parent().unwrap_or(Path::new("")));
        Ok(config)
    }

    fn resolve(&mut self, folder: &Path) {
        let tls = &mut self.tls;
        let mut paths = vec![&mut self.key_file, &mut self.root_key_file, &mut tls.certificate, &mut tls.private_key];
        paths.extend(tls.client_ca.as_mut());
        paths.extend(self.access_log.as_mut().filter(|p| p.as_os_str() != "-"));
        paths.extend(self.prefix.iter_mut().map(|p| &mut p.credentials_file));
        for path in paths {
            *path = folder.join(&*path);
        }
    }

    /// The Regions that KMS calls from.
    pub(crate) fn regions(&self) -> Vec<String> {
        std::iter::once(&self.region).chain(&self.other_regions).cloned().collect()
    }

    /// The subject CN that client certificates must have.
    pub(crate) fn client_common_name(&self) -> String {
        let name = self.tls.client_common_name.clone();
        name.unwrap_or_else(|| format!("cks.kms.{}.amazonaws.com", self.region))
    }

    /// Fails with the key and the problem.
    pub(crate) fn check(&self) -> Result<(), (String, String)> {
        for (key, text) in [("region", &self.region), ("vendor", &self.vendor), ("model", &self.model)] {
            if text.is_empty() {
                return Err((key.to_owned(), "is empty: write a name".to_owned()));
            }
        }
        if self.other_regions.iter().any(String::is_empty) {
            return Err(("other_regions".to_owned(), "has an empty name in it: write a Region".to_owned()));
        }
        if self.tls.client_ca.is_none() && self.tls.client_common_name.is_some() {
            let problem = "needs tls.client_ca: without it no client certificate is asked for";
            return Err(("tls.client_common_name".to_owned(), problem.to_owned()));
        }
        self.limits.check()?;
        self.check_prefixes()
    }

    fn check_prefixes(&self) -> Result<(), (String, String)> {
        if self.prefix.is_empty() {
            let problem = "there is none: add a [[prefix]] with its credentials_file";
            return Err(("prefix".to_owned(), problem.to_owned()));
        }
        let mut seen = HashSet::new();
        for (index, prefix) in self.prefix.iter().enumerate() {
            let failed = |problem: String| (format!("prefix[{index}].path"), problem);
            prefix.check_path().map_err(failed)?;
            if !seen.insert(&prefix.path) {
                return Err(failed(format!("\"{}\" stands in two [[prefix]] entries: rename one", prefix.path)));
            }
        }
        Ok(())
    }
}

impl PrefixConfig {
    /// The whole path in front of the API suffixes, KMS's `XksProxyUriPath`.
    pub fn uri_path(&self) -> String {
        format!("{}{API_ROOT}", self.path)
    }

    /// The pattern of `XksProxyUriPath` in the KMS API model.
    fn check_path(&self) -> Result<(), String> {
        let path = &self.path;
        let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-');
        let has_ends = path.starts_with('/') && !path.ends_with('/');
        let is_prefix = path.is_empty() || (has_ends && path.bytes().all(is_allowed));
        if !is_prefix {
            return Err(format!(
                "\"{path}\" must be empty, or begin with '/', not end with one, and have only A-Z, a-z, 0-9, '/', \
                 '_' and '-'"
            ));
        }
        if path.ends_with(API_ROOT) {
            return Err(format!("\"{path}\": write only what stands before {API_ROOT}"));
        }
        if self.uri_path().len() > URI_PATH_MAX_CHARS {
            return Err(format!("with {API_ROOT} it has more than {URI_PATH_MAX_CHARS} characters: shorten it"));
        }
        Ok(())
    }
}

impl LimitsConfig {
    fn check(&self) -> Result<(), (String, String)> {
        let failed = |key: &str, problem: String| Err((format!("limits.{key}"), problem));
        if self.plaintext_max_bytes < PLAINTEXT_SUPPORTED_BYTES {
            return failed("plaintext_max_bytes", format!("must be at least {PLAINTEXT_SUPPORTED_BYTES}"));
        }
        if !(AAD_SUPPORTED_BYTES..=AAD_ENCODABLE_BYTES).contains(&self.aad_max_bytes) {
            return failed("aad_max_bytes", format!("must be {AAD_SUPPORTED_BYTES} to {AAD_ENCODABLE_BYTES}"));
        }
        let least = self.body_least_bytes();
        if self.body_max_bytes < least {
            return failed(
                "body_max_bytes",
                format!("must be at least {least}, for the largest plaintext and AAD as base64"),
            );
        }
        if self.bodies_max_bytes < self.body_max_bytes {
            return failed("bodies_max_bytes", "must be at least limits.body_max_bytes".to_owned());
        }
        if self.connections_max == 0 {
            return failed("connections_max", "must be at least 1".to_owned());
        }
        self.check_times()
    }

    /// What the largest legal Encrypt needs: base64 of both, two ARNs of 2048 characters, and names around it.
    fn body_least_bytes(&self) -> usize {
        let base64 = |bytes: usize| bytes.div_ceil(3).saturating_mul(4);
        base64(self.plaintext_max_bytes).saturating_add(base64(self.aad_max_bytes)).saturating_add(8192)
    }

    fn check_times(&self) -> Result<(), (String, String)> {
        for (key, value) in [
            ("handshake_timeout_ms", self.handshake_timeout_ms),
            ("header_read_timeout_ms", self.header_read_timeout_ms),
            ("idle_timeout_ms", self.idle_timeout_ms),
            ("body_read_timeout_ms", self.body_read_timeout_ms),
            ("key_manager_timeout_ms", self.key_manager_timeout_ms),
        ] {
            if !(1..=86_400_000).contains(&value) {
                let problem = "must be 1 to 86400000 milliseconds (a day)";
                return Err((format!("limits.{key}"), problem.to_owned()));
            }
        }
        Ok(())
    }

    pub(crate) fn handshake_timeout(&self) -> Duration {
        Duration::from_millis(self.handshake_timeout_ms)
    }

    pub(crate) fn header_read_timeout(&self) -> Duration {
        Duration::from_millis(self.header_read_timeout_ms)
    }

    pub(crate) fn idle_timeout(&self) -> Duration {
        Duration::from_millis(self.idle_timeout_ms)
    }

    pub(crate) fn body_read_timeout(&self) -> Duration {
        Duration::from_millis(self.body_read_timeout_ms)
    }

    pub(crate) fn key_manager_timeout(&self) -> Duration {
        Duration::from_millis(self.key_manager_timeout_ms)
    }

    pub(crate) fn shutdown_grace(&self) -> Duration {
        Duration::from_millis(self.shutdown_grace_ms)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
listen = "127.0.0.1:0"
region = "us-east-1"
key_file = "keys.json"
root_key_file = "/etc/root.key"
[tls]
certificate = "proxy.pem"
private_key = "proxy.key"
[[prefix]]
path = "/example"
credentials_file = "credentials.json"
"#;

    fn parse(text: &str) -> Result<ProxyConfig, ConfigError> {
        ProxyConfig::parse(text, Path::new("/srv/proxy/proxy.toml"))
    }

    #[test]
    fn paths_are_relative_to_the_configuration_and_defaults_hold() {
        let config = parse(GOOD).unwrap();
        assert_eq!(config.key_file, Path::new("/srv/proxy/keys.json"));
        assert_eq!(config.root_key_file, Path::new("/etc/root.key"));
        assert_eq!(config.tls.certificate, Path::new("/srv/proxy/proxy.pem"));
        assert_eq!(config.prefix[0].credentials_file, Path::new("/srv/proxy/credentials.json"));
        assert_eq!(config.prefix[0].uri_path(), "/example/kms/xks/v1");
        assert!(config.prefix[0].enabled);
        assert_eq!(config.access_log, None);
        assert_eq!(config.client_common_name(), "cks.kms.us-east-1.amazonaws.com");
        assert_eq!(config.limits.plaintext_max_bytes, 8192);
    }

    #[test]
    fn standard_output_is_not_a_relative_path() {
        let config = parse(&format!("access_log = \"-\"{GOOD}")).unwrap();
        assert_eq!(config.access_log.unwrap(), Path::new("-"));
    }

    #[test]
    fn every_mistake_is_named() {
        let replaced = |from: &str, to: &str| GOOD.replace(from, to);
        let limits = |line: &str| format!("{GOOD}[limits]\n{line}\n");
        let table = [
            (replaced("region", "regoin"), "regoin"),
            (replaced("key_file = \"keys.json\"", ""), "key_file"),
            (replaced("127.0.0.1:0", "localhost"), "listen"),
            (replaced("us-east-1", ""), "region"),
            (format!("other_regions = [\"\"]{GOOD}"), "other_regions"),
            (replaced("proxy.pem\"", "proxy.pem\"\nunknown = 1"), "unknown"),
            (replaced("proxy.pem\"", "proxy.pem\"\nclient_common_name = \"x\""), "tls.client_common_name"),
            (replaced("/example", "example"), "prefix[0].path"),
            (replaced("/example", "/"), "prefix[0].path"),
            (replaced("/example", "/example/"), "prefix[0].path"),
            (replaced("/example", "/ex ample"), "prefix[0].path"),
            (replaced("/example", "/example/kms/xks/v1"), "prefix[0].path"),
            (replaced("/example", &format!("/{}", "p".repeat(117))), "prefix[0].path"),
            (format!("{GOOD}[[prefix]]\npath = \"/example\"\ncredentials_file = \"b\"\n"), "prefix[1].path"),
            (replaced("path = \"/example\"", "allowed_keys = [\"a b\"]"), "external key id"),
            (replaced("path = \"/example\"", "max_requests_per_second = 0"), "max_requests_per_second"),
            (limits("plaintext_max_bytes = 4299"), "limits.plaintext_max_bytes"),
            (limits("aad_max_bytes = 8191"), "limits.aad_max_bytes"),
            (limits("aad_max_bytes = 65536"), "limits.aad_max_bytes"),
            (limits("body_max_bytes = 20000"), "limits.body_max_bytes"),
            (limits("bodies_max_bytes = 262143"), "limits.bodies_max_bytes"),
            (limits("idle_timeout_ms = 0"), "limits.idle_timeout_ms"),
            (limits("connections_max = 0"), "limits.connections_max"),
            (limits("handshake_timeout_ms = 0"), "limits.handshake_timeout_ms"),
            (limits("body_max = 1"), "body_max"),
        ];
        for (text, key) in table {
            let error = parse(&text).unwrap_err().to_string();
            assert!(error.contains(key), "{key} is missing in: {error}");
            assert!(error.contains("proxy.toml"), "{error}");
        }
        let no_prefix = GOOD.split("[[prefix]]").next().unwrap();
        assert!(parse(no_prefix).unwrap_err().to_string().contains("prefix"));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = ProxyConfig::load(Path::new("/nowhere/proxy.toml")).unwrap_err();
        assert!(error.to_string().contains("/nowhere/proxy.toml"), "{error}");
    }
}
