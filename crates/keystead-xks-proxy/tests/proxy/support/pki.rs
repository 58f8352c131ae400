//! Certificates made for one test.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256,
};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use super::SERVER_NAME;

pub(crate) struct Authority {
    certificate: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
}

pub(crate) struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A server certificate with an ECDSA key.
    pub(crate) fn server(&self) -> Identity {
        self.issue(params(SERVER_NAME), ExtendedKeyUsagePurpose::ServerAuth, KeyPair::generate().unwrap())
    }

    /// A server certificate with an RSA key.
    pub(crate) fn rsa_server(&self) -> Identity {
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        self.issue(params(SERVER_NAME), ExtendedKeyUsagePurpose::ServerAuth, key)
    }

    /// A client certificate with this subject CN.
    pub(crate) fn client(&self, common_name: &str) -> Identity {
        self.issue(params(common_name), ExtendedKeyUsagePurpose::ClientAuth, KeyPair::generate().unwrap())
    }

    fn issue(&self, mut params: CertificateParams, purpose: ExtendedKeyUsagePurpose, key: KeyPair) -> Identity {
        params.extended_key_usages = vec![purpose];
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { certificate, key }
    }

    /// A client that trusts this authority alone.
    pub(crate) fn client_config(&self, provider: CryptoProvider, identity: Option<&Identity>) -> ClientConfig {
        self.client_config_for(provider, rustls::DEFAULT_VERSIONS, identity)
    }

    /// The same, with some versions of TLS only.
    pub(crate) fn client_config_for(
        &self,
        provider: CryptoProvider,
        versions: &[&'static SupportedProtocolVersion],
        identity: Option<&Identity>,
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        match identity {
            Some(identity) => {
                builder.with_client_auth_cert(vec![identity.certificate_der()], identity.key_der()).unwrap()
            }
            None => builder.with_no_client_auth(),
        }
    }
}

impl Identity {
    pub(crate) fn certificate_pem(&self) -> String {
        self.certificate.pem()
    }

    pub(crate) fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    pub(crate) fn certificate_der(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }

    fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.key.serialize_der().into())
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![SERVER_NAME.to_owned()]).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
