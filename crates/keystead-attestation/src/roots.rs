//! The root certificates that may vouch for attestation documents.

use std::time::Duration;

use rustls_pki_types::pem::{Error as PemError, PemObject};
use rustls_pki_types::{CertificateDer, TrustAnchor};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};

use crate::error::RootsError;

/// Root certificates that the operator trusts, such as that of the AWS Nitro Attestation PKI. With none of them
/// ([`Default`]), every document is refused.
#[derive(Clone, Debug, Default)]
pub struct AttestationRoots {
    roots: Vec<Root>,
}

/// One root certificate, and what path building leaves to us.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    pub(crate) anchor: TrustAnchor<'static>,
    /// Time since the Unix epoch.
    pub(crate) not_before: Duration,
    /// Time since the Unix epoch.
    pub(crate) not_after: Duration,
    /// How many certificate authorities may stand between it and the signing certificate; `None` for any number.
    pub(crate) path_length_max: Option<u8>,
}

impl AttestationRoots {
    /// Reads certificates from PEM text, one after the other; sections of other kinds are passed over.
    ///
    /// Fails if the text is malformed, has no certificate, or has one that may not sign certificates.
    pub fn from_pem(pem: &[u8]) -> Result<Self, RootsError> {
        let certificates: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(pem).collect::<Result<_, PemError>>().map_err(|_| RootsError::Pem)?;
        if certificates.is_empty() {
            return Err(RootsError::NoCertificate);
        }
        Self::from_der(certificates.iter().map(AsRef::as_ref))
    }

    /// Takes certificates in DER. Fails if one is malformed or may not sign certificates; it is named by its place, from 1.
    pub fn from_der<'a>(certificates: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, RootsError> {
        let roots = certificates.into_iter().enumerate().map(|(index, der)| Root::from_der(der, index + 1));
        Ok(Self { roots: roots.collect::<Result<_, _>>()? })
    }

    /// Takes the roots of another as well.
    pub fn append(&mut self, mut others: Self) {
        self.roots.append(&mut others.roots);
    }

    /// Whether there is no root, so that every document is refused.
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// How many roots there are.
    pub fn len(&self) -> usize {
        self.roots.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Root> {
        self.roots.iter()
    }
}

impl Root {
    fn from_der(der: &[u8], place: usize) -> Result<Self, RootsError> {
        let malformed = RootsError::Malformed(place);
        let certificate = Certificate::from_der(der).map_err(|_| malformed.clone())?;
        let tbs = &certificate.tbs_certificate;
        let basic_constraints = tbs.get::<BasicConstraints>().map_err(|_| malformed.clone())?;
        let key_usage = tbs.get::<KeyUsage>().map_err(|_| malformed.clone())?;
        let (Some((_, basic_constraints)), Some((_, key_usage))) = (basic_constraints, key_usage) else {
            return Err(RootsError::NotACertificateAuthority(place));
        };
        if !basic_constraints.ca || !key_usage.key_cert_sign() {
            return Err(RootsError::NotACertificateAuthority(place));
        }
        let anchor = webpki::anchor_from_trusted_cert(&CertificateDer::from(der)).map_err(|_| malformed)?.to_owned();
        Ok(Self {
            anchor,
            not_before: tbs.validity.not_before.to_unix_duration(),
            not_after: tbs.validity.not_after.to_unix_duration(),
            path_length_max: basic_constraints.path_len_constraint,
        })
    }
}
