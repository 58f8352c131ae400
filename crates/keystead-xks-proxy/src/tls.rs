//! The proxy's TLS: 1.2 and 1.3, the specification's cipher suites and no others, certificates that follow their files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{cipher_suite as suite, default_provider};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig, SupportedCipherSuite};

use crate::client_common_name::ClientCommonName;
use crate::config::ProxyConfig;
use crate::reloading::{FileSource, Reloading};

/// Specification, "TLS": the suites that a proxy must choose from.
const CIPHER_SUITES: [SupportedCipherSuite; 4] = [
    suite::TLS13_AES_256_GCM_SHA384,
    suite::TLS13_CHACHA20_POLY1305_SHA256,
    suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
];

/// HTTP/1.1 first: a call is one small request and one small answer, and on a warm connection of its own it costs both sides a third less
/// time than a stream of a shared HTTP/2 connection (measured at 1,000 calls a second). A client that offers HTTP/2 alone gets it.
const ALPN: [&[u8]; 2] = [b"http/1.1", b"h2"];

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("{key} = {path}: {problem}")]
pub struct TlsError {
    /// The configuration's key.
    pub key: &'static str,
    /// The file that it names.
    pub path: PathBuf,
    /// What is wrong and what to do.
    pub problem: String,
}

/// Follows the certificate files. A broken new version is reported, and the last good one stays in use.
pub(crate) struct TlsSource {
    certificate: PathBuf,
    private_key: PathBuf,
    client: Option<ClientAuthentication>,
    paths: Vec<PathBuf>,
}

struct ClientAuthentication {
    roots: PathBuf,
    common_name: String,
}

impl TlsSource {
    /// Starts following the files of `config`. Fails if they are not good now.
    pub(crate) fn follow(config: &ProxyConfig) -> Result<Reloading<Self>, TlsError> {
        Reloading::new(Self::new(config))
    }

    fn new(config: &ProxyConfig) -> Self {
        let tls = &config.tls;
        let mut paths = vec![tls.certificate.clone(), tls.private_key.clone()];
        paths.extend(tls.client_ca.clone());
        let client =
            tls.client_ca.clone().map(|roots| ClientAuthentication { roots, common_name: config.client_common_name() });
        Self { certificate: tls.certificate.clone(), private_key: tls.private_key.clone(), client, paths }
    }

    fn server_config(&self) -> Result<ServerConfig, TlsError> {
        let chain = read_certificates("tls.certificate", &self.certificate)?;
        let key = read_private_key(&self.private_key)?;
        let failed = |error: rustls::Error| TlsError {
            key: "tls.certificate",
            path: self.certificate.clone(),
            problem: format!("{error}; is {} its private key?", self.private_key.display()),
        };
        let provider = Arc::new(provider());
        let versions = &[&rustls::version::TLS13, &rustls::version::TLS12];
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .map_err(failed)?;
        let builder = match &self.client {
            Some(client) => builder.with_client_cert_verifier(client.verifier(provider)?),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain, key).map_err(failed)?;
        if self.client.is_some() {
            // A resumed session would skip the checks of the client's certificate, though it or its CA may have ended since.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        config.alpn_protocols = ALPN.map(<[u8]>::to_vec).to_vec();
        Ok(config)
    }
}

fn provider() -> CryptoProvider {
    CryptoProvider { cipher_suites: CIPHER_SUITES.to_vec(), ..default_provider() }
}

impl ClientAuthentication {
    fn verifier(&self, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        let failed = |problem: String| TlsError { key: "tls.client_ca", path: self.roots.clone(), problem };
        let mut roots = RootCertStore::empty();
        for root in read_certificates("tls.client_ca", &self.roots)? {
            roots.add(root).map_err(|error| failed(error.to_string()))?;
        }
        let chain = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| failed(error.to_string()))?;
        Ok(Arc::new(ClientCommonName::new(chain, self.common_name.clone())))
    }
}

fn read_certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |problem: String| TlsError { key, path: path.to_owned(), problem };
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| failed(format!("{error}; a PEM file with certificates is expected")))?;
    if certificates.is_empty() {
        return Err(failed("there is no certificate in it; a PEM file is expected".to_owned()));
    }
    Ok(certificates)
}

fn read_private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| TlsError {
        key: "tls.private_key",
        path: path.to_owned(),
        problem: format!("{error}; a PEM file with one private key is expected"),
    })
}

impl FileSource for TlsSource {
    type Value = ServerConfig;
    type Error = TlsError;

    fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    fn read(&self) -> Result<ServerConfig, TlsError> {
        self.server_config()
    }

    fn after_failure(&self, error: TlsError, previous: Arc<ServerConfig>) -> Arc<ServerConfig> {
        tracing::error!(%error, "the changed certificates are not used; the last good ones stay in use");
        previous
    }
}
