//! Whom this server believes, and how it speaks TLS to proxies.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{self, cipher_suite};
use rustls::{RootCertStore, SupportedCipherSuite};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::config::ConfigError;

/// The cipher suites of the XKS Proxy API specification: a proxy must offer at least one.
static CIPHER_SUITES: [SupportedCipherSuite; 4] = [
    cipher_suite::TLS13_AES_256_GCM_SHA384,
    cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
    cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
];

/// ALPN: HTTP/2 and HTTP/1.1; a server that says nothing speaks HTTP/1.1.
pub(crate) const ALPN_HTTP2: &[u8] = b"h2";
const ALPN_HTTP1: &[u8] = b"http/1.1";

/// The certificate authorities that a proxy's certificate must chain to.
#[derive(Clone, Debug, Default)]
pub enum TrustRoots {
    /// Mozilla's public roots, as compiled in. What AWS KMS accepts is a subset of them.
    #[default]
    Public,
    /// The operator's own roots alone.
    Bundle(Vec<CertificateDer<'static>>),
    /// Both.
    PublicAndBundle(Vec<CertificateDer<'static>>),
}

impl TrustRoots {
    fn store(&self) -> Result<RootCertStore, ConfigError> {
        let (public, bundle): (bool, &[CertificateDer<'static>]) = match self {
            Self::Public => (true, &[]),
            Self::Bundle(bundle) => (false, bundle),
            Self::PublicAndBundle(bundle) => (true, bundle),
        };
        let mut store = RootCertStore::empty();
        if public {
            store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        for (index, certificate) in bundle.iter().enumerate() {
            store.add(certificate.clone()).map_err(|reason| ConfigError::TrustRoot { index, reason })?;
        }
        if store.is_empty() {
            return Err(ConfigError::NoTrustRoots);
        }
        Ok(store)
    }
}

/// The certificate that this server shows to a proxy that asks for one (mutual TLS).
pub struct ClientCertificate {
    /// The certificate, then its intermediates.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key of the first.
    pub key: PrivateKeyDer<'static>,
}

impl Clone for ClientCertificate {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), key: self.key.clone_key() }
    }
}

impl std::fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClientCertificate({} certificates)", self.chain.len())
    }
}

/// The TLS configuration for calls to proxies: TLS 1.2 and 1.3, the specification's suites, standard WebPKI checks.
pub(crate) fn tls_config(
    roots: &TrustRoots,
    client_certificate: Option<&ClientCertificate>,
) -> Result<Arc<rustls::ClientConfig>, ConfigError> {
    let provider = CryptoProvider { cipher_suites: CIPHER_SUITES.to_vec(), ..aws_lc_rs::default_provider() };
    let builder = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .map_err(ConfigError::Tls)?
        .with_root_certificates(roots.store()?);
    let mut config = match client_certificate.cloned() {
        Some(ClientCertificate { chain, key }) => {
            builder.with_client_auth_cert(chain, key).map_err(ConfigError::ClientCertificate)?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![ALPN_HTTP2.to_vec(), ALPN_HTTP1.to_vec()];
    // A resumed session skips the certificate checks, and an expired or replaced certificate must show at the next
    // connection. The warm pool makes handshakes rare, so little is lost.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn public_roots_make_a_configuration() {
        assert!(tls_config(&TrustRoots::Public, None).is_ok());
    }

    #[test]
    fn bad_bundles_are_refused_with_their_place() {
        let garbage = CertificateDer::from(vec![1, 2, 3]);
        let error = tls_config(&TrustRoots::PublicAndBundle(vec![garbage]), None).unwrap_err();
        assert!(matches!(error, ConfigError::TrustRoot { index: 0, .. }), "{error}");
        let error = tls_config(&TrustRoots::Bundle(Vec::new()), None).unwrap_err();
        assert!(matches!(error, ConfigError::NoTrustRoots), "{error}");
    }
}
