//! One certificate out of a PEM text.

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RsaParameters,
    UnparsedPublicKey,
};
use keystead_model::Timestamp;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateSigningRequestDer};
use x509_cert::Certificate;
use x509_cert::der::asn1::{ObjectIdentifier, UintRef};
use x509_cert::der::{Decode, Header, Reader, SliceReader};
use x509_cert::ext::pkix::BasicConstraints;
use x509_cert::request::CertReq;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

/// `rsaEncryption` (RFC 8017).
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// The signature algorithms that certificates may have: RSA PKCS #1 v1.5 with SHA-2 (RFC 8017).
const SIGNATURE_ALGORITHMS: &[(ObjectIdentifier, &RsaParameters)] = &[
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11"), &RSA_PKCS1_2048_8192_SHA256),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12"), &RSA_PKCS1_2048_8192_SHA384),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13"), &RSA_PKCS1_2048_8192_SHA512),
];

/// A certificate, and its bytes.
pub(super) struct ParsedCertificate {
    der: Vec<u8>,
    certificate: Certificate,
}

/// Whether a signature holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Signature {
    Good,
    Bad,
    /// Not RSA PKCS #1 v1.5 with SHA-256, SHA-384 or SHA-512.
    UnknownAlgorithm,
}

impl ParsedCertificate {
    /// The one certificate of a PEM text. Says what is wrong as the rest of a sentence that begins with the member's name.
    pub(super) fn of_pem(pem: &str) -> Result<Self, String> {
        let mut found = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            found.push(certificate.map_err(|error| format!("cannot be read as PEM: {error}"))?);
        }
        let der = match found.as_slice() {
            [] => return Err(
                "holds no certificate; give it in PEM, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----"
                    .to_owned(),
            ),
            [one] => one.to_vec(),
            several => return Err(format!("holds {} certificates; give one alone, no chain", several.len())),
        };
        let certificate = Certificate::from_der(&der).map_err(|error| format!("is no X.509 certificate: {error}"))?;
        Ok(Self { der, certificate })
    }

    /// Whether the issuer's name is the subject's name of `issuer`.
    pub(super) fn names_as_issuer(&self, issuer: &Self) -> bool {
        self.certificate.tbs_certificate.issuer == issuer.certificate.tbs_certificate.subject
    }

    /// Whether `issuer` signed this one.
    pub(super) fn signature_by(&self, issuer: &Self) -> Signature {
        let algorithm = self.certificate.signature_algorithm.oid;
        let Some((_, parameters)) = SIGNATURE_ALGORITHMS.iter().find(|(oid, _)| *oid == algorithm) else {
            return Signature::UnknownAlgorithm;
        };
        let verified = || {
            let signed = signed_bytes(&self.der)?;
            let key = UnparsedPublicKey::new(*parameters, issuer.public_key().subject_public_key.as_bytes()?);
            key.verify(signed, self.certificate.signature.as_bytes()?).ok()
        };
        if verified().is_some() { Signature::Good } else { Signature::Bad }
    }

    pub(super) fn public_key(&self) -> &SubjectPublicKeyInfoOwned {
        &self.certificate.tbs_certificate.subject_public_key_info
    }

    /// Length of the modulus of an RSA key, in bits; `None` for keys of other kinds.
    pub(super) fn rsa_bits(&self) -> Option<usize> {
        let key = self.public_key();
        if key.algorithm.oid != RSA_ENCRYPTION {
            return None;
        }
        let mut reader = SliceReader::new(key.subject_public_key.as_bytes()?).ok()?;
        let modulus_bits = reader.sequence(|key| {
            let modulus = UintRef::decode(key)?;
            UintRef::decode(key)?;
            let zeros = modulus.as_bytes().first().map_or(0, |byte| byte.leading_zeros() as usize);
            Ok(modulus.as_bytes().len() * 8 - zeros)
        });
        modulus_bits.ok()
    }

    /// `None` if `now` is within its time; else what is wrong, as the rest of a sentence.
    pub(super) fn out_of_date(&self, now: Timestamp) -> Option<&'static str> {
        let validity = &self.certificate.tbs_certificate.validity;
        let now_seconds = u64::try_from(now.millis() / 1000).unwrap_or(0);
        if now_seconds < validity.not_before.to_unix_duration().as_secs() {
            return Some("is not valid yet");
        }
        (now_seconds > validity.not_after.to_unix_duration().as_secs()).then_some("has expired")
    }

    /// Whether it may issue certificates: its basic constraints say so, or it has no extensions at all, as certificates of version 1.
    pub(super) fn may_issue(&self) -> bool {
        let tbs = &self.certificate.tbs_certificate;
        if tbs.extensions.as_ref().is_none_or(Vec::is_empty) {
            return true;
        }
        matches!(tbs.get::<BasicConstraints>(), Ok(Some((_, constraints))) if constraints.ca)
    }
}

/// The public key of a signing request in PEM; `None` if it is none.
pub(super) fn requested_key(csr: &str) -> Option<SubjectPublicKeyInfoOwned> {
    let der = CertificateSigningRequestDer::from_pem_slice(csr.as_bytes()).ok()?;
    Some(CertReq::from_der(der.as_ref()).ok()?.info.public_key)
}

/// The part of a certificate that its signature is over, as it stands in the certificate's bytes.
fn signed_bytes(der: &[u8]) -> Option<&[u8]> {
    let mut reader = SliceReader::new(der).ok()?;
    Header::decode(&mut reader).ok()?;
    reader.tlv_bytes().ok()
}
