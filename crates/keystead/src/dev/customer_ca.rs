//! The authority that the owner of a cluster signs it with; its certificate is the trust anchor of cluster and key store.
//!
//! Source: AWS CloudHSM User Guide, "Initialize the cluster", whose names for the files these are. The guide's key is RSA of 2048 bits.

use rcgen::{
    BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, PublicKeyData,
    RsaKeySize, SignatureAlgorithm,
};
use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject;
use x509_cert::der::Decode;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::request::CertReq;

use super::certificates::{CA_DAYS, common_name, valid_for};
use super::folder::Folder;
use crate::Failure;

const KEY_FILE: &str = "customerCA.key";
const CERTIFICATE_FILE: &str = "customerCA.crt";
/// The most of either file that is read.
const FILE_BYTES_MAX: u64 = 64 * 1024;
/// PKCS #1: `rsaEncryption`
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// An authority whose key stays in the folder.
pub(super) struct CustomerCa {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

/// The public key of a signing request.
struct RequestedKey(Vec<u8>);

impl CustomerCa {
    /// Takes up the folder's authority, or makes one. Making an RSA key takes a while: for a thread that may be busy.
    pub(super) fn open(folder: &Folder) -> Result<Self, Failure> {
        let (key_file, certificate_file) = (folder.path(KEY_FILE), folder.path(CERTIFICATE_FILE));
        if key_file.exists() && certificate_file.exists() {
            let text = keystead_private_file::read_private(&key_file, FILE_BYTES_MAX)
                .map_err(|error| format!("{}: {error}", key_file.display()))?;
            let key = KeyPair::from_pem(std::str::from_utf8(&text)?)
                .map_err(|error| format!("{}: {error}", key_file.display()))?;
            let certificate = std::fs::read_to_string(&certificate_file)
                .map_err(|error| format!("{}: {error}", certificate_file.display()))?;
            return Ok(Self { issuer: Issuer::new(ca_params()?, key), certificate });
        }
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
        let params = ca_params()?;
        let certificate = params.self_signed(&key)?.pem();
        folder.write_private(KEY_FILE, key.serialize_pem().as_bytes())?;
        folder.write_public(CERTIFICATE_FILE, certificate.as_bytes())?;
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }

    /// PEM: the trust anchor.
    pub(super) fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Signs a cluster's `ClusterCsr`; PEM in, PEM out.
    pub(super) fn sign(&self, cluster_id: &str, csr: &str) -> Result<String, Failure> {
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(cluster_id);
        params.use_authority_key_identifier_extension = true;
        valid_for(&mut params, CA_DAYS);
        Ok(params.signed_by(&RequestedKey::of(csr)?, &self.issuer)?.pem())
    }
}

impl RequestedKey {
    fn of(csr: &str) -> Result<Self, Failure> {
        let der = CertificateSigningRequestDer::from_pem_slice(csr.as_bytes())?;
        let key = CertReq::from_der(&der)?.info.public_key;
        if key.algorithm.oid != RSA_ENCRYPTION {
            return Err(format!("the cluster's CSR has a key of another kind than RSA: {}", key.algorithm.oid).into());
        }
        Ok(Self(key.subject_public_key.raw_bytes().to_vec()))
    }
}

impl PublicKeyData for RequestedKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

/// The same each time, so that an issuer made from the stored key matches the stored certificate.
fn ca_params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name = common_name("Keystead development customerCA");
    valid_for(&mut params, CA_DAYS);
    Ok(params)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rustls_pki_types::CertificateDer;
    use x509_cert::Certificate;

    use super::*;

    fn certificate(pem: &str) -> Certificate {
        Certificate::from_der(&CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap()
    }

    fn csr(key: &KeyPair) -> String {
        CertificateParams::default().serialize_request(key).unwrap().pem().unwrap()
    }

    #[test]
    fn the_authority_stays_the_same_and_signs_the_requested_key() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Folder::open(folder.path()).unwrap();
        let made = CustomerCa::open(&folder).unwrap();
        let again = CustomerCa::open(&folder).unwrap();
        assert_eq!(made.certificate(), again.certificate());

        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let signed = certificate(&again.sign("cluster-aaaaaaaaaaa", &csr(&key)).unwrap());
        let anchor = certificate(made.certificate());
        assert_eq!(signed.tbs_certificate.issuer, anchor.tbs_certificate.subject);
        let public_key = signed.tbs_certificate.subject_public_key_info.subject_public_key;
        assert_eq!(public_key.raw_bytes(), key.public_key_raw());
    }

    #[test]
    fn what_is_no_rsa_request_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let ca = CustomerCa::open(&Folder::open(folder.path()).unwrap()).unwrap();
        assert!(ca.sign("cluster-a", "no request").is_err());
        let elliptic = KeyPair::generate().unwrap();
        assert!(ca.sign("cluster-a", &csr(&elliptic)).unwrap_err().to_string().contains("RSA"));
    }
}
