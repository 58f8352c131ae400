//! A trust anchor and a cluster certificate that it issued.

use std::sync::LazyLock;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PKCS_RSA_SHA256, RsaKeySize};

/// Both as PEM.
pub(crate) struct Certificates {
    pub(crate) trust_anchor: String,
    pub(crate) cluster: String,
}

/// The certificates of every cluster in these tests: RSA keys take long to make.
pub(crate) static CERTIFICATES: LazyLock<Certificates> = LazyLock::new(|| issue("owner"));

/// Of another owner of the same name.
pub(crate) static IMPOSTOR: LazyLock<Certificates> = LazyLock::new(|| issue("owner"));

fn rsa_key() -> KeyPair {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap()
}

fn issue(owner: &str) -> Certificates {
    let mut anchor = CertificateParams::default();
    anchor.distinguished_name.push(DnType::CommonName, owner);
    anchor.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let anchor = CertifiedIssuer::self_signed(anchor, rsa_key()).unwrap();
    let mut cluster = CertificateParams::default();
    cluster.distinguished_name.push(DnType::CommonName, "cluster-abcdefghijk");
    let cluster = cluster.signed_by(&rsa_key(), &anchor).unwrap();
    Certificates { trust_anchor: anchor.pem(), cluster: cluster.pem() }
}
