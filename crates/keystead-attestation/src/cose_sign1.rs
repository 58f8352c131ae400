//! The envelope of an attestation document: COSE_Sign1 with one ECDSA signature (RFC 9052, section 4.2).

use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED, UnparsedPublicKey};
use minicbor::data::Type;
use minicbor::decode::Error;
use minicbor::{Decoder, Encoder};

use crate::cbor_items::Items;
use crate::certificate_chain::SigningKey;
use crate::error::AttestationError;

/// CBOR tag of COSE_Sign1 (RFC 9052, section 2). A document may come without it.
const COSE_SIGN1_TAG: u64 = 18;
/// Protected header, unprotected header, payload, signature.
const MEMBERS: u64 = 4;
/// Label of the algorithm in a header (RFC 9052, section 3.1).
const LABEL_ALGORITHM: i64 = 1;
/// ECDSA with SHA-384 (RFC 9053, section 2.1); Nitro uses it with P-384.
const ES384: i64 = -35;
/// r and s of P-384, 48 bytes each.
const SIGNATURE_BYTES: usize = 96;
/// What a signature over a COSE_Sign1 begins with (RFC 9052, section 4.4).
const CONTEXT: &str = "Signature1";

/// A COSE_Sign1 as Nitro makes it; the signature is not verified yet.
pub(crate) struct CoseSign1<'a> {
    /// The protected header's bytes, as they were signed.
    protected: &'a [u8],
    /// The attestation document in CBOR.
    pub(crate) payload: &'a [u8],
    signature: &'a [u8],
}

impl<'a> CoseSign1<'a> {
    /// Reads the structure, with or without its tag, and checks that the protected header says ES384 and nothing else.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, AttestationError> {
        let mut decoder = Decoder::new(bytes);
        if decoder.datatype().map_err(|error| cose(&error, "it is empty"))? == Type::Tag {
            let tag = decoder.tag().map_err(|error| cose(&error, "its tag is malformed"))?;
            if tag.as_u64() != COSE_SIGN1_TAG {
                return Err(AttestationError::MalformedCose("its tag is not 18"));
            }
        }
        if decoder.array().map_err(|error| cose(&error, "it is not an array"))? != Some(MEMBERS) {
            return Err(AttestationError::MalformedCose("it is not an array of four"));
        }
        let protected = decoder.bytes().map_err(|error| cose(&error, "the protected header is not a byte string"))?;
        require_empty_map(&mut decoder)?;
        let payload = decoder.bytes().map_err(|error| cose(&error, "the payload is not a byte string"))?;
        let signature = decoder.bytes().map_err(|error| cose(&error, "the signature is not a byte string"))?;
        if signature.len() != SIGNATURE_BYTES {
            return Err(AttestationError::MalformedCose("the signature does not have 96 bytes"));
        }
        if decoder.position() != bytes.len() {
            return Err(AttestationError::MalformedCose("something follows it"));
        }
        require_es384(protected)?;
        Ok(Self { protected, payload, signature })
    }

    /// Verifies the signature over header and payload.
    pub(crate) fn verify(&self, key: &SigningKey) -> Result<(), AttestationError> {
        UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, key.point())
            .verify(&self.signed_bytes()?, self.signature)
            .map_err(|_| AttestationError::Signature)
    }

    /// The Sig_structure: context, protected header, no external data, payload.
    fn signed_bytes(&self) -> Result<Vec<u8>, AttestationError> {
        let mut encoder = Encoder::new(Vec::with_capacity(self.payload.len() + 64));
        let written = encoder
            .array(MEMBERS)
            .and_then(|encoder| encoder.str(CONTEXT))
            .and_then(|encoder| encoder.bytes(self.protected))
            .and_then(|encoder| encoder.bytes(&[]))
            .and_then(|encoder| encoder.bytes(self.payload))
            .map(|_| ());
        match written {
            Ok(()) => Ok(encoder.into_writer()),
            // Writing to memory cannot fail, and if it did, nothing would be verified.
            Err(_) => Err(AttestationError::Signature),
        }
    }
}

/// Nitro puts nothing into the unprotected header, and what stands there would not be signed.
fn require_empty_map(decoder: &mut Decoder<'_>) -> Result<(), AttestationError> {
    let not_a_map = |error: Error| cose(&error, "the unprotected header is not a map");
    let mut entries = Items::announced(decoder.map().map_err(not_a_map)?);
    if entries.advance(decoder).map_err(not_a_map)? {
        return Err(AttestationError::MalformedCose("the unprotected header is not empty"));
    }
    Ok(())
}

fn require_es384(protected: &[u8]) -> Result<(), AttestationError> {
    let mut decoder = Decoder::new(protected);
    let mut entries =
        Items::announced(decoder.map().map_err(|error| cose(&error, "the protected header is not a map"))?);
    let mut algorithm = None;
    while entries.advance(&mut decoder).map_err(|error| cose(&error, "the protected header is malformed"))? {
        let label = decoder.i64().map_err(|error| cose(&error, "the protected header has an unknown label"))?;
        if label != LABEL_ALGORITHM || algorithm.is_some() {
            return Err(AttestationError::MalformedCose("the protected header has more than the algorithm"));
        }
        algorithm = Some(decoder.i64().map_err(|error| cose(&error, "the algorithm is not a number"))?);
    }
    if decoder.position() != protected.len() {
        return Err(AttestationError::MalformedCose("something follows the protected header"));
    }
    match algorithm {
        Some(ES384) => Ok(()),
        Some(other) => Err(AttestationError::Algorithm(other)),
        None => Err(AttestationError::MalformedCose("the protected header has no algorithm")),
    }
}

/// Well-formed CBOR of another type is no COSE_Sign1; everything else is no CBOR.
fn cose(error: &Error, otherwise: &'static str) -> AttestationError {
    if error.is_type_mismatch() {
        AttestationError::MalformedCose(otherwise)
    } else {
        AttestationError::MalformedCbor(error.to_string())
    }
}
