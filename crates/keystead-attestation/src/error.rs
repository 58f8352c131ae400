//! What is wrong with an attestation document, with the roots that should vouch for it, or with an answer for it.

/// Why an attestation document was refused. No variant says anything about the plaintext that was to be encrypted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttestationError {
    /// No root certificate is configured, so nobody can vouch for any document.
    #[error("no root certificate for attestation documents is configured")]
    NoRoots,
    /// The document is empty or too large.
    #[error("the attestation document has {0} bytes; it must have 1 to 262144")]
    DocumentSize(usize),
    /// The document, its protected header or its payload is not well-formed CBOR, or ends too early.
    #[error("the attestation document is not well-formed CBOR: {0}")]
    MalformedCbor(String),
    /// CBOR, but not a COSE_Sign1 structure as Nitro makes it.
    #[error("the attestation document is not a COSE_Sign1 structure: {0}")]
    MalformedCose(&'static str),
    /// The protected header names another algorithm than ES384 (-35).
    #[error("the attestation document is signed with COSE algorithm {0}; it must be ES384 (-35)")]
    Algorithm(i64),
    /// A field that each document must have is not there.
    #[error("the attestation document has no {0}")]
    MissingField(&'static str),
    /// A field has another type, length or value than the specification allows, or is there twice.
    #[error("the attestation document's {field} must be {expected}")]
    InvalidField {
        /// The field's name.
        field: &'static str,
        /// What the specification asks for.
        expected: &'static str,
    },
    /// A field that the specification does not know.
    #[error("the attestation document has a field that is not in its specification")]
    UnknownField,
    /// The certificates do not lead to a configured root.
    #[error("the attestation document's certificates are not trusted: {0}")]
    Chain(ChainFault),
    /// A certificate of the chain, or the root, has expired.
    #[error("a certificate of the attestation document has expired")]
    CertificateExpired,
    /// A certificate of the chain, or the root, is not valid yet.
    #[error("a certificate of the attestation document is not valid yet")]
    CertificateNotYetValid,
    /// The signature is not the certificate's over this document.
    #[error("the attestation document's signature does not verify")]
    Signature,
    /// The document was made more than five minutes ago.
    #[error("the attestation document is too old: it was made {age_ms} ms ago")]
    TooOld {
        /// Age of the document in milliseconds.
        age_ms: u64,
    },
    /// The document claims to be made more than five minutes from now.
    #[error("the attestation document's timestamp is {ahead_ms} ms in the future")]
    InTheFuture {
        /// How far ahead the timestamp is, in milliseconds.
        ahead_ms: u64,
    },
    /// The document has no public key, so nothing can be encrypted for it.
    #[error("the attestation document has no public_key")]
    NoPublicKey,
    /// The public key is not a SubjectPublicKeyInfo with an RSA key of 2048 to 4096 bits.
    #[error(
        "the attestation document's public_key is not an RSA key of 2048 to 4096 bits in SubjectPublicKeyInfo form"
    )]
    UnsupportedPublicKey,
}

/// Why the certificates of a document do not lead to a configured root.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// A certificate is not well-formed, or not X.509 version 3.
    #[error("a certificate is malformed")]
    Malformed,
    /// Two certificates of the bundle have the same subject, so that there is more than one way through it.
    #[error("two of them have the same subject")]
    SameSubject,
    /// Nobody in the bundle and no root issued a certificate of the chain.
    #[error("no configured root issued them")]
    UnknownIssuer,
    /// A certificate was not signed by the key of its issuer.
    #[error("a certificate's signature does not verify")]
    Signature,
    /// A certificate is signed with something else than ECDSA P-384 and SHA-384, or the signing key is not on P-384.
    #[error("a certificate is not signed with ECDSA on P-384 with SHA-384")]
    SignatureAlgorithm,
    /// An issuer's certificate is none of a certificate authority, or the signing certificate is one.
    #[error("basicConstraints do not allow the chain")]
    BasicConstraints,
    /// The chain is longer than a certificate authority allows, or than any sound chain.
    #[error("the chain is longer than allowed")]
    PathLength,
    /// An issuer may not sign certificates, or the signing certificate may not sign documents.
    #[error("keyUsage does not allow the chain")]
    KeyUsage,
    /// Another rule of RFC 5280 is broken, such as an unknown critical extension.
    #[error("{0}")]
    Other(String),
}

/// Why root certificates were refused when they were read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RootsError {
    /// The PEM text is malformed.
    #[error("the root certificates are not well-formed PEM")]
    Pem,
    /// The PEM text has no certificate.
    #[error("there is no certificate among the root certificates")]
    NoCertificate,
    /// A certificate is not well-formed DER.
    #[error("root certificate {0} is malformed")]
    Malformed(usize),
    /// A certificate is none of a certificate authority: basicConstraints or keyUsage does not let it sign certificates.
    #[error("root certificate {0} is not that of a certificate authority")]
    NotACertificateAuthority(usize),
}

/// Why a plaintext could not be encrypted for the attested key. The cryptography library alone decides that, and gives no reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer could not be encrypted under the attested public key")]
pub struct EnvelopError;
