//! Mutual TLS: a client certificate must chain to the configured roots and have the expected subject CN.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::der::asn1::{PrintableStringRef, TeletexStringRef, Utf8StringRef};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Any, Decode};

/// `id-at-commonName` (RFC 5280, appendix A.1).
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// Ends the handshake of a client whose certificate has another subject CN.
#[derive(Debug)]
pub(crate) struct ClientCommonName {
    chain: Arc<dyn ClientCertVerifier>,
    expected: String,
}

impl ClientCommonName {
    /// `chain` verifies everything but the name.
    pub(crate) fn new(chain: Arc<dyn ClientCertVerifier>, expected: String) -> Self {
        Self { chain, expected }
    }
}

#[derive(Debug)]
struct WrongCommonName {
    expected: String,
}

impl fmt::Display for WrongCommonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the client certificate's subject CN is not {}", self.expected)
    }
}

impl std::error::Error for WrongCommonName {}

impl ClientCertVerifier for ClientCommonName {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.chain.verify_client_cert(end_entity, intermediates, now)?;
        if subject_common_names(end_entity)? == [self.expected.as_str()] {
            return Ok(verified);
        }
        let wrong = WrongCommonName { expected: self.expected.clone() };
        Err(Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(wrong)))))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// All CNs of the subject. More than one matches nothing: which of them counts is nobody's guess.
fn subject_common_names(certificate: &CertificateDer<'_>) -> Result<Vec<String>, Error> {
    let bad_encoding = |_| Error::InvalidCertificate(CertificateError::BadEncoding);
    let certificate = Certificate::from_der(certificate).map_err(bad_encoding)?;
    let attributes = certificate.tbs_certificate.subject.0.iter().flat_map(|set| set.0.iter());
    Ok(attributes
        .filter(|attribute| attribute.oid == COMMON_NAME)
        .map(|attribute| directory_string(&attribute.value))
        .collect())
}

/// A `DirectoryString` in the forms that certificates use; another form yields a text that equals no name.
fn directory_string(value: &Any) -> String {
    let utf8 = value.decode_as::<Utf8StringRef<'_>>().map(|s| s.as_str().to_owned());
    let printable = || value.decode_as::<PrintableStringRef<'_>>().map(|s| s.as_str().to_owned());
    let teletex = || value.decode_as::<TeletexStringRef<'_>>().map(|s| s.as_str().to_owned());
    utf8.or_else(|_| printable()).or_else(|_| teletex()).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair};

    fn certificate(names: &[DnValue]) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(vec!["x.example.com".to_owned()]).unwrap();
        params.distinguished_name = DistinguishedName::new();
        for name in names {
            params.distinguished_name.push(DnType::CommonName, name.clone());
        }
        params.distinguished_name.push(DnType::OrganizationName, "Example");
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().clone()
    }

    #[test]
    fn the_common_name_is_read_in_each_string_form() {
        let utf8 = DnValue::Utf8String("cks.kms".to_owned());
        let printable = DnValue::PrintableString("cks.kms".try_into().unwrap());
        for name in [utf8, printable] {
            let names = subject_common_names(&certificate(&[name])).unwrap();
            assert_eq!(names, ["cks.kms"]);
        }
        assert!(subject_common_names(&certificate(&[])).unwrap().is_empty());
    }

    #[test]
    fn rubbish_is_a_bad_encoding() {
        assert!(subject_common_names(&CertificateDer::from(vec![1, 2, 3])).is_err());
    }
}
