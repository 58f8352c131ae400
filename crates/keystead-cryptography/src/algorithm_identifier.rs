//! What a key in PKCS #8 or `SubjectPublicKeyInfo` says it is: an `AlgorithmIdentifier` (RFC 5280, section 4.1.1.2).

use der::asn1::ObjectIdentifier;
use der::{Tag, Tagged};
use spki::AlgorithmIdentifierRef;

/// `rsaEncryption` (RFC 8017). Not `id-RSASSA-PSS`: a KMS key is for all RSA algorithms of its usage.
pub(crate) static RSA: AlgorithmIdentifier =
    AlgorithmIdentifier { oid: ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1"), parameters: Parameters::Null };
/// `id-ecPublicKey` on `secp256r1` (RFC 5480).
pub(crate) static P256: AlgorithmIdentifier = on_curve("1.2.840.10045.3.1.7");
/// `id-ecPublicKey` on `secp384r1` (RFC 5480).
pub(crate) static P384: AlgorithmIdentifier = on_curve("1.3.132.0.34");
/// `id-ecPublicKey` on `secp521r1` (RFC 5480).
pub(crate) static P521: AlgorithmIdentifier = on_curve("1.3.132.0.35");
/// `id-ecPublicKey` on `secp256k1` (SEC 2).
pub(crate) static P256K1: AlgorithmIdentifier = on_curve("1.3.132.0.10");
/// `id-Ed25519` (RFC 8410).
pub(crate) static ED25519: AlgorithmIdentifier = bare("1.3.101.112");
/// `id-ml-dsa-44` (RFC 9881).
pub(crate) static ML_DSA_44: AlgorithmIdentifier = bare("2.16.840.1.101.3.4.3.17");
/// `id-ml-dsa-65` (RFC 9881).
pub(crate) static ML_DSA_65: AlgorithmIdentifier = bare("2.16.840.1.101.3.4.3.18");
/// `id-ml-dsa-87` (RFC 9881).
pub(crate) static ML_DSA_87: AlgorithmIdentifier = bare("2.16.840.1.101.3.4.3.19");

/// An algorithm, and the parameters that come with it.
pub(crate) struct AlgorithmIdentifier {
    pub(crate) oid: ObjectIdentifier,
    parameters: Parameters,
}

enum Parameters {
    Null,
    /// A curve by its name; never spelled out, which RFC 5480 forbids.
    NamedCurve(ObjectIdentifier),
    Absent,
}

const fn on_curve(name: &str) -> AlgorithmIdentifier {
    AlgorithmIdentifier {
        oid: ObjectIdentifier::new_unwrap("1.2.840.10045.2.1"),
        parameters: Parameters::NamedCurve(ObjectIdentifier::new_unwrap(name)),
    }
}

const fn bare(oid: &str) -> AlgorithmIdentifier {
    AlgorithmIdentifier { oid: ObjectIdentifier::new_unwrap(oid), parameters: Parameters::Absent }
}

/// In what an identifier is another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mismatch {
    /// Another algorithm, or the same on another curve.
    OtherAlgorithm,
    /// The right algorithm, with parameters that it cannot have.
    Parameters,
}

impl AlgorithmIdentifier {
    /// Whether `found` is this one.
    pub(crate) fn check(&self, found: AlgorithmIdentifierRef<'_>) -> Result<(), Mismatch> {
        if found.oid != self.oid {
            return Err(Mismatch::OtherAlgorithm);
        }
        match (&self.parameters, found.parameters) {
            (Parameters::Absent, None) => Ok(()),
            (Parameters::Null, Some(found)) if found.tag() == Tag::Null && found.value().is_empty() => Ok(()),
            (Parameters::NamedCurve(curve), Some(found)) => match found.decode_as::<ObjectIdentifier>() {
                Ok(found) if found == *curve => Ok(()),
                Ok(_) => Err(Mismatch::OtherAlgorithm),
                Err(_) => Err(Mismatch::Parameters),
            },
            _ => Err(Mismatch::Parameters),
        }
    }
}
