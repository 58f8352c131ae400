//! A private certificate authority, and the servers that use it.

use std::sync::Arc;

use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs;
use rustls::{ServerConfig, SupportedCipherSuite};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// The host of the test proxies' certificates.
pub(crate) const HOST: &str = "xks.example.test";

pub(crate) struct Ca {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate chain and the key of its first.
pub(crate) type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl Ca {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    pub(crate) fn root(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }

    /// A certificate for `host`, changed as the test wants.
    pub(crate) fn issue(&self, host: &str, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        identity(&certificate, &key)
    }

    /// A good server for [`HOST`] that speaks `alpn`.
    pub(crate) fn server(&self, alpn: &[&str]) -> Arc<ServerConfig> {
        server_config(self.issue(HOST, |_| {}), alpn, None)
    }
}

/// A certificate for [`HOST`] that nobody issued.
pub(crate) fn self_signed(claims_to_be_ca: bool) -> Identity {
    let mut params = CertificateParams::new(vec![HOST.to_owned()]).unwrap();
    if claims_to_be_ca {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    let key = KeyPair::generate().unwrap();
    identity(&params.self_signed(&key).unwrap(), &key)
}

fn identity(certificate: &Certificate, key: &KeyPair) -> Identity {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    (vec![certificate.der().clone()], key)
}

/// A server with `identity`, with all cipher suites or with `suites` alone.
pub(crate) fn server_config(
    (chain, key): Identity,
    alpn: &[&str],
    suites: Option<&[SupportedCipherSuite]>,
) -> Arc<ServerConfig> {
    let mut provider = aws_lc_rs::default_provider();
    if let Some(suites) = suites {
        provider.cipher_suites = suites.to_vec();
    }
    let builder = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth();
    with_alpn(builder.with_single_cert(chain, key).unwrap(), alpn)
}

/// A server of one TLS version that demands a client certificate issued by `clients`.
pub(crate) fn mutual_tls_config(
    (chain, key): Identity,
    clients: &Ca,
    version: &'static rustls::SupportedProtocolVersion,
) -> Arc<ServerConfig> {
    let provider: Arc<CryptoProvider> = Arc::new(aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(clients.root()).unwrap();
    let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap());
    with_alpn(builder.with_single_cert(chain, key).unwrap(), &["http/1.1"])
}

fn with_alpn(mut config: ServerConfig, alpn: &[&str]) -> Arc<ServerConfig> {
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}
