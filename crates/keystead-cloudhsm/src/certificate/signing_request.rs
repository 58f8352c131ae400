//! The key pair of a new cluster, its signing request, and who vouches for the HSM behind it.
//!
//! AWS and the manufacturer vouch for hardware. Here there is none: the two chains are made for the cluster, so that a client which checks
//! them finds what it looks for; they prove nothing.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, Error, IsCa, Issuer, KeyPair, PKCS_RSA_SHA256,
    PublicKeyData, RsaKeySize,
};
use zeroize::{Zeroize, Zeroizing};

use crate::cluster::HardwareCertificates;

/// What a cluster has once its first HSM is there.
pub(crate) struct NewIdentity {
    /// PKCS #8, DER.
    pub(crate) private_key: Zeroizing<Vec<u8>>,
    /// PEM.
    pub(crate) csr: String,
    pub(crate) hardware: HardwareCertificates,
}

/// Makes a key pair (RSA 2048) and its signing request. Takes up to seconds: for a thread that may be busy.
pub(crate) fn make_identity(cluster_id: &str, hsm_id: &str) -> Result<NewIdentity, Error> {
    let mut key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
    let subject = name(&format!("HSM:{hsm_id}:CLUSTER:{cluster_id}"));
    let csr = params(subject.clone()).serialize_request(&key)?.pem()?;
    let hardware = hardware_certificates(&key, subject, hsm_id)?;
    let private_key = Zeroizing::new(key.serialize_der());
    key.zeroize();
    Ok(NewIdentity { private_key, csr, hardware })
}

fn hardware_certificates(
    key: &impl PublicKeyData,
    subject: DistinguishedName,
    hsm_id: &str,
) -> Result<HardwareCertificates, Error> {
    let hardware_key = KeyPair::generate()?;
    let hardware_name = name(&format!("HSM:{hsm_id}"));
    let vouched_by = |root: &str| -> Result<String, Error> {
        let issuer = Issuer::new(authority(name(root)), KeyPair::generate()?);
        Ok(authority(hardware_name.clone()).signed_by(&hardware_key, &issuer)?.pem())
    };
    let aws_hardware = vouched_by("Keystead HSM hardware root")?;
    let manufacturer_hardware = vouched_by("Keystead HSM manufacturer root")?;
    let hardware = Issuer::new(authority(hardware_name.clone()), hardware_key);
    let hsm = params(subject).signed_by(key, &hardware)?.pem();
    Ok(HardwareCertificates { hsm, aws_hardware, manufacturer_hardware })
}

fn params(subject: DistinguishedName) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = subject;
    params
}

fn authority(subject: DistinguishedName) -> CertificateParams {
    let mut params = params(subject);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "Keystead");
    name.push(DnType::CommonName, common_name);
    name
}
