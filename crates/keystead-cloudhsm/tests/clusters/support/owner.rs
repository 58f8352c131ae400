//! The owner of a cluster, who has a certificate authority.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, PKCS_RSA_SHA256,
    PublicKeyData, RsaKeySize, SignatureAlgorithm,
};
use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject;
use x509_cert::der::Decode;
use x509_cert::request::CertReq;

pub(crate) struct Owner {
    key: KeyPair,
    root: CertificateParams,
}

struct RequestedKey(Vec<u8>);

impl PublicKeyData for RequestedKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

impl Owner {
    pub(crate) fn new() -> Self {
        let mut root = named("customer root");
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { key: KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap(), root }
    }

    pub(crate) fn trust_anchor(&self) -> String {
        self.root.self_signed(&self.key).unwrap().pem()
    }

    pub(crate) fn sign(&self, csr: &str) -> String {
        let der = CertificateSigningRequestDer::from_pem_slice(csr.as_bytes()).unwrap();
        let request = CertReq::from_der(der.as_ref()).unwrap();
        let key = RequestedKey(request.info.public_key.subject_public_key.as_bytes().unwrap().to_vec());
        named("cluster").signed_by(&key, &Issuer::from_params(&self.root, &self.key)).unwrap().pem()
    }
}
