//! Whether a cluster is the one that a key store was created for: its certificate must be issued by the trust anchor.

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RsaParameters,
    UnparsedPublicKey,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use x509_cert::Certificate;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode, Header, Reader, SliceReader};

/// PKCS #1 v1.5 signatures (RFC 8017, appendix C). Trust anchors have RSA keys of 2048 or 4096 bits (CloudHSM InitializeCluster).
static SIGNATURE_ALGORITHMS: &[(ObjectIdentifier, &RsaParameters)] = &[
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11"), &RSA_PKCS1_2048_8192_SHA256),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12"), &RSA_PKCS1_2048_8192_SHA384),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13"), &RSA_PKCS1_2048_8192_SHA512),
];

/// Why a cluster is not trusted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum UntrustedCluster {
    #[error("the cluster has no certificate: it is not initialized")]
    NoCertificate,
    #[error("the {0} cannot be read: {1}")]
    Unreadable(&'static str, String),
    #[error("the cluster certificate names another issuer than the trust anchor's subject")]
    OtherIssuer,
    #[error("the cluster certificate is signed with {0}, and not with RSA and SHA-256, SHA-384 or SHA-512")]
    UnknownAlgorithm(ObjectIdentifier),
    #[error("the trust anchor did not sign the cluster certificate")]
    NotSigned,
}

/// Checks that the trust anchor issued the cluster certificate, both PEM.
///
/// Dates are not looked at (unverified): a certificate that expires while nobody thinks of it must not part an owner from the keys.
pub(crate) fn check_trust(cluster_certificate: Option<&str>, trust_anchor: &str) -> Result<(), UntrustedCluster> {
    let cluster_pem = cluster_certificate.ok_or(UntrustedCluster::NoCertificate)?;
    let (cluster_der, cluster) = read("cluster certificate", cluster_pem)?;
    let (_, anchor) = read("trust anchor", trust_anchor)?;
    if cluster.tbs_certificate.issuer != anchor.tbs_certificate.subject {
        return Err(UntrustedCluster::OtherIssuer);
    }
    let algorithm = cluster.signature_algorithm.oid;
    let (_, parameters) = SIGNATURE_ALGORITHMS
        .iter()
        .find(|(known, _)| *known == algorithm)
        .ok_or(UntrustedCluster::UnknownAlgorithm(algorithm))?;
    let key = anchor.tbs_certificate.subject_public_key_info.subject_public_key.raw_bytes();
    UnparsedPublicKey::new(*parameters, key)
        .verify(signed_part(&cluster_der)?, cluster.signature.raw_bytes())
        .map_err(|_| UntrustedCluster::NotSigned)
}

fn read(what: &'static str, pem: &str) -> Result<(CertificateDer<'static>, Certificate), UntrustedCluster> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes())
        .map_err(|error| UntrustedCluster::Unreadable(what, error.to_string()))?;
    let certificate =
        Certificate::from_der(&der).map_err(|error| UntrustedCluster::Unreadable(what, error.to_string()))?;
    Ok((der, certificate))
}

/// The `tbsCertificate` of a certificate as it was signed, byte by byte.
fn signed_part(der: &[u8]) -> Result<&[u8], UntrustedCluster> {
    let part = |der| {
        let mut reader = SliceReader::new(der)?;
        Header::decode(&mut reader)?;
        reader.tlv_bytes()
    };
    part(der)
        .map_err(|error: x509_cert::der::Error| UntrustedCluster::Unreadable("cluster certificate", error.to_string()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PKCS_RSA_SHA256, RsaKeySize,
    };

    use super::*;

    fn rsa() -> KeyPair {
        KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap()
    }

    fn anchor(name: &str, key: KeyPair) -> CertifiedIssuer<'static, KeyPair> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, key).unwrap()
    }

    fn issued_by(anchor: &CertifiedIssuer<'static, KeyPair>) -> String {
        CertificateParams::default().signed_by(&KeyPair::generate().unwrap(), anchor).unwrap().pem()
    }

    #[test]
    fn only_the_issuer_is_the_trust_anchor() {
        let (owner, same_name) = (anchor("owner", rsa()), anchor("owner", rsa()));
        let (stranger, elliptic) = (anchor("stranger", rsa()), anchor("owner", KeyPair::generate().unwrap()));
        let cluster = issued_by(&owner);
        assert_eq!(check_trust(Some(&cluster), &owner.pem()), Ok(()));
        assert_eq!(check_trust(Some(&cluster.replace('\n', "\r\n")), &format!("\n{}\n", owner.pem())), Ok(()));
        assert_eq!(check_trust(Some(&cluster), &same_name.pem()), Err(UntrustedCluster::NotSigned));
        assert_eq!(check_trust(Some(&cluster), &stranger.pem()), Err(UntrustedCluster::OtherIssuer));
        assert_eq!(check_trust(Some(&cluster), &cluster), Err(UntrustedCluster::OtherIssuer));
        assert_eq!(check_trust(None, &owner.pem()), Err(UntrustedCluster::NoCertificate));
        let refused = check_trust(Some(&issued_by(&elliptic)), &elliptic.pem());
        assert!(matches!(refused, Err(UntrustedCluster::UnknownAlgorithm(_))), "{refused:?}");
    }

    #[test]
    fn what_is_no_certificate_is_told_by_name() {
        let owner = anchor("owner", rsa());
        let no_der = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for text in ["", "owner", no_der] {
            let refused = check_trust(Some(&issued_by(&owner)), text);
            assert!(matches!(refused, Err(UntrustedCluster::Unreadable("trust anchor", _))), "{refused:?}");
            let refused = check_trust(Some(text), &owner.pem());
            assert!(matches!(refused, Err(UntrustedCluster::Unreadable("cluster certificate", _))), "{refused:?}");
        }
    }
}
