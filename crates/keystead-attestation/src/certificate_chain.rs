//! From the signing certificate over the bundle to a configured root.
//!
//! Path building, signatures, dates, basicConstraints and critical extensions are webpki's. What a library for TLS leaves out and
//! the specification asks for is added: keyUsage of each certificate, and dates and path length of the root.
//!
//! Source: RFC 5280, section 6; Nitro Enclaves User Guide, "Semantical validation". As it says there, revocation is not checked.

use std::collections::BTreeSet;
use std::time::Duration;

use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::aws_lc_rs::ECDSA_P384_SHA384;
use webpki::{EndEntityCert, VerifiedPath};
use x509_cert::Certificate;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};

use crate::error::{AttestationError, ChainFault};
use crate::roots::{AttestationRoots, Root};

/// `anyExtendedKeyUsage` (RFC 5280, section 4.2.1.12), the content of its DER. Nitro's certificates have no extended key usage;
/// one that is limited to other purposes, such as TLS, may not sign documents.
const ANY_EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0x00];
/// `id-ecPublicKey` (RFC 5480, section 2.1.1).
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// `secp384r1` in DER, which is P-384 (RFC 5480, section 2.1.1.1).
const SECP384R1: [u8; 7] = [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];

/// The P-384 key that signs a document, of a certificate that leads to a configured root.
pub(crate) struct SigningKey {
    point: Vec<u8>,
}

impl SigningKey {
    /// The point as SEC 1 writes it.
    pub(crate) fn point(&self) -> &[u8] {
        &self.point
    }
}

/// Verifies that `certificate` leads over `cabundle` to one of `roots`, that all of them are valid at `now` (time since the Unix
/// epoch), and that each may do what it did.
pub(crate) fn verify_chain(
    certificate: &[u8],
    cabundle: &[&[u8]],
    roots: &AttestationRoots,
    now: Duration,
) -> Result<SigningKey, AttestationError> {
    let valid_roots = roots_valid_at(roots, now)?;
    let anchors: Vec<TrustAnchor<'_>> = valid_roots.iter().map(|root| root.anchor.clone()).collect();
    let bundle: Vec<CertificateDer<'_>> = cabundle.iter().map(|der| CertificateDer::from(*der)).collect();
    require_distinct_subjects(&bundle)?;
    let certificate_der = CertificateDer::from(certificate);
    let end_entity = EndEntityCert::try_from(&certificate_der).map_err(|error| fault(&error))?;
    let path = end_entity
        .verify_for_usage(
            &[ECDSA_P384_SHA384],
            &anchors,
            &bundle,
            UnixTime::since_unix_epoch(now),
            webpki::KeyUsage::required_if_present(ANY_EXTENDED_KEY_USAGE),
            None,
            None,
        )
        .map_err(|error| fault(&error))?;
    require_path_length(&path, &valid_roots)?;
    for issuer in path.intermediate_certificates() {
        require_issuer_key_usage(&issuer.der())?;
    }
    signing_key(certificate)
}

/// The roots that are valid at `now`. If none is, the reason is that of the last one.
fn roots_valid_at(roots: &AttestationRoots, now: Duration) -> Result<Vec<&Root>, AttestationError> {
    let mut valid = Vec::new();
    let mut reason = AttestationError::NoRoots;
    for root in roots.iter() {
        if now < root.not_before {
            reason = AttestationError::CertificateNotYetValid;
        } else if now > root.not_after {
            reason = AttestationError::CertificateExpired;
        } else {
            valid.push(root);
        }
    }
    if valid.is_empty() { Err(reason) } else { Ok(valid) }
}

/// A bundle is one chain, so each subject is there once. This also keeps path building short: in a bundle full of one name there
/// would be hundreds of thousands of ways to try.
fn require_distinct_subjects(bundle: &[CertificateDer<'_>]) -> Result<(), AttestationError> {
    let mut subjects = BTreeSet::new();
    for der in bundle {
        let certificate = EndEntityCert::try_from(der).map_err(|error| fault(&error))?;
        if !subjects.insert(certificate.subject().to_vec()) {
            return Err(AttestationError::Chain(ChainFault::SameSubject));
        }
    }
    Ok(())
}

/// The root's own path length, which a trust anchor of webpki does not have.
fn require_path_length(path: &VerifiedPath<'_>, roots: &[&Root]) -> Result<(), AttestationError> {
    let intermediates = path.intermediate_certificates().count();
    let same_anchor = |root: &&&Root| {
        root.anchor.subject == path.anchor().subject
            && root.anchor.subject_public_key_info == path.anchor().subject_public_key_info
    };
    let allowed = roots
        .iter()
        .filter(same_anchor)
        .any(|root| root.path_length_max.is_none_or(|maximum| intermediates <= usize::from(maximum)));
    if allowed { Ok(()) } else { Err(AttestationError::Chain(ChainFault::PathLength)) }
}

fn require_issuer_key_usage(issuer: &[u8]) -> Result<(), AttestationError> {
    let certificate = parse(issuer)?;
    match extension::<KeyUsage>(&certificate)? {
        Some(key_usage) if key_usage.key_cert_sign() => Ok(()),
        _ => Err(AttestationError::Chain(ChainFault::KeyUsage)),
    }
}

/// The key of the signing certificate, which must be allowed to sign and must not have a path length.
fn signing_key(certificate: &[u8]) -> Result<SigningKey, AttestationError> {
    let certificate = parse(certificate)?;
    match extension::<KeyUsage>(&certificate)? {
        Some(key_usage) if key_usage.digital_signature() => {}
        _ => return Err(AttestationError::Chain(ChainFault::KeyUsage)),
    }
    if extension::<BasicConstraints>(&certificate)?.is_some_and(|constraints| constraints.path_len_constraint.is_some())
    {
        return Err(AttestationError::Chain(ChainFault::BasicConstraints));
    }
    let key = &certificate.tbs_certificate.subject_public_key_info;
    let curve = key.algorithm.parameters.as_ref().and_then(|parameters| parameters.to_der().ok());
    if key.algorithm.oid != EC_PUBLIC_KEY || curve.as_deref() != Some(&SECP384R1) {
        return Err(AttestationError::Chain(ChainFault::SignatureAlgorithm));
    }
    let point = key.subject_public_key.as_bytes().ok_or(AttestationError::Chain(ChainFault::Malformed))?;
    Ok(SigningKey { point: point.to_vec() })
}

fn parse(der: &[u8]) -> Result<Certificate, AttestationError> {
    Certificate::from_der(der).map_err(|_| AttestationError::Chain(ChainFault::Malformed))
}

fn extension<'a, T>(certificate: &'a Certificate) -> Result<Option<T>, AttestationError>
where
    T: Decode<'a> + x509_cert::der::oid::AssociatedOid,
{
    match certificate.tbs_certificate.get::<T>() {
        Ok(extension) => Ok(extension.map(|(_, value)| value)),
        Err(_) => Err(AttestationError::Chain(ChainFault::Malformed)),
    }
}

/// webpki's error as one of ours. It has many that concern TLS, lists of revocations and names; those go by their own words.
fn fault(error: &webpki::Error) -> AttestationError {
    use webpki::Error;
    AttestationError::Chain(match error {
        Error::CertExpired { .. } => return AttestationError::CertificateExpired,
        Error::CertNotValidYet { .. } => return AttestationError::CertificateNotYetValid,
        Error::UnknownIssuer => ChainFault::UnknownIssuer,
        Error::InvalidSignatureForPublicKey => ChainFault::Signature,
        Error::UnsupportedSignatureAlgorithmContext(_) | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            ChainFault::SignatureAlgorithm
        }
        Error::CaUsedAsEndEntity | Error::EndEntityUsedAsCa => ChainFault::BasicConstraints,
        Error::PathLenConstraintViolated | Error::MaximumPathDepthExceeded => ChainFault::PathLength,
        Error::BadDer
        | Error::BadDerTime
        | Error::TrailingData(_)
        | Error::InvalidSerialNumber
        | Error::InvalidCertValidity
        | Error::MalformedExtensions
        | Error::ExtensionValueInvalid
        | Error::UnsupportedCertVersion
        | Error::SignatureAlgorithmMismatch => ChainFault::Malformed,
        other => ChainFault::Other(other.to_string()),
    })
}
