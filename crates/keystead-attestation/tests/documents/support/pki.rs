//! A PKI with the levels of Nitro's: root, region, zone, instance, and the certificate that signs.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use keystead_attestation::AttestationRoots;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P384_SHA384, SignatureAlgorithm,
};
use time::{Duration, OffsetDateTime};

use super::NOW_UNIX_MS;

/// A place in the chain, from the root on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Root,
    /// From 0, the one that the root issued.
    Issuer(usize),
    Signer,
}

pub(crate) struct Pki {
    /// DER, the root first, the signing certificate last.
    pub(crate) certificates: Vec<Vec<u8>>,
    signing_key: KeyPair,
}

/// What a test may change of each certificate before it is signed.
type Change<'a> = &'a dyn Fn(Level, &mut CertificateParams);
/// Which key each certificate gets.
type Algorithm<'a> = &'a dyn Fn(Level) -> &'static SignatureAlgorithm;

impl Pki {
    /// As Nitro's: three issuers between root and signer.
    pub(crate) fn nitro() -> Self {
        Self::changed(3, &|_, _| {})
    }

    /// The root signs the signing certificate itself: fewer signatures to verify.
    pub(crate) fn short() -> Self {
        Self::changed(0, &|_, _| {})
    }

    pub(crate) fn changed(issuers: usize, change: Change<'_>) -> Self {
        Self::with_keys(issuers, change, &|_| &PKCS_ECDSA_P384_SHA384)
    }

    pub(crate) fn with_keys(issuers: usize, change: Change<'_>, algorithm: Algorithm<'_>) -> Self {
        let levels = [Level::Root].into_iter().chain((0..issuers).map(Level::Issuer)).chain([Level::Signer]);
        let mut certificates = Vec::new();
        let mut above: Option<(CertificateParams, KeyPair)> = None;
        for level in levels {
            let mut params = params(level, issuers);
            change(level, &mut params);
            let key = KeyPair::generate_for(algorithm(level)).unwrap();
            let certificate = match &above {
                None => params.self_signed(&key),
                Some((issuer, issuer_key)) => params.signed_by(&key, &Issuer::from_params(issuer, issuer_key)),
            };
            certificates.push(certificate.unwrap().der().to_vec());
            above = Some((params, key));
        }
        Self { certificates, signing_key: above.unwrap().1 }
    }

    pub(crate) fn root(&self) -> &[u8] {
        &self.certificates[0]
    }

    pub(crate) fn roots(&self) -> AttestationRoots {
        AttestationRoots::from_der([self.root()]).unwrap()
    }

    pub(crate) fn signer(&self) -> &[u8] {
        self.certificates.last().unwrap()
    }

    /// What a document has as `cabundle`.
    pub(crate) fn cabundle(&self) -> Vec<&[u8]> {
        self.certificates[..self.certificates.len() - 1].iter().map(Vec::as_slice).collect()
    }

    /// r and s over `message`, of the key of the signing certificate.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let key =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, self.signing_key.serialized_der()).unwrap();
        key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
    }
}

fn params(level: Level, issuers: usize) -> CertificateParams {
    let now = OffsetDateTime::from_unix_timestamp(NOW_UNIX_MS / 1000).unwrap();
    let mut params = CertificateParams::default();
    let name = match level {
        Level::Root => "test.nitro-enclaves".to_owned(),
        Level::Issuer(index) => format!("{index}.test.nitro-enclaves"),
        Level::Signer => "i-0123456789abcdef0-enc0123456789abcdef.test".to_owned(),
    };
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CountryName, "US");
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = now - Duration::hours(1);
    params.not_after = now + Duration::hours(2);
    match level {
        Level::Root => {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        }
        Level::Issuer(index) => {
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained((issuers - 1 - index) as u8));
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        }
        Level::Signer => {
            params.is_ca = IsCa::ExplicitNoCa;
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
        }
    }
    params
}
