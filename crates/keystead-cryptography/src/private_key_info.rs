//! The envelope of a private key: PKCS #8 (RFC 5208, RFC 5958), strictly.

use der::asn1::ObjectIdentifier;
use der::{AnyRef, Decode, Tag, Tagged};
use pkcs8::PrivateKeyInfo;

use crate::InvalidPrivateKey;

/// `rsaEncryption` (RFC 8017).
pub(crate) const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// `id-ecPublicKey` (RFC 5480).
pub(crate) const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// `id-Ed25519` (RFC 8410).
pub(crate) const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// `id-ml-dsa-44` (RFC 9881).
pub(crate) const ML_DSA_44: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.17");
/// `id-ml-dsa-65` (RFC 9881).
pub(crate) const ML_DSA_65: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.18");
/// `id-ml-dsa-87` (RFC 9881).
pub(crate) const ML_DSA_87: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.19");

/// What an algorithm identifier must have as parameters.
pub(crate) enum Parameters {
    /// NULL (RSA).
    Null,
    /// The named curve (EC); never the curve spelled out.
    Curve(ObjectIdentifier),
    /// None at all (Ed25519, ML-DSA).
    Absent,
}

/// Opens the envelope of a private key of `algorithm` and returns the algorithm's own structure, which is one DER value.
///
/// aws-lc reads from the front and leaves alone what follows; here nothing may follow, neither the envelope nor what is in it.
pub(crate) fn open<'a>(
    pkcs8: &'a [u8],
    algorithm: ObjectIdentifier,
    parameters: Parameters,
) -> Result<&'a [u8], InvalidPrivateKey> {
    let info = PrivateKeyInfo::from_der(pkcs8).map_err(|_| InvalidPrivateKey::Malformed)?;
    if info.algorithm.oid != algorithm {
        return Err(InvalidPrivateKey::OtherKeySpec);
    }
    check_parameters(info.algorithm.parameters, parameters)?;
    AnyRef::from_der(info.private_key).map_err(|_| InvalidPrivateKey::Unacceptable)?;
    Ok(info.private_key)
}

fn check_parameters(found: Option<AnyRef<'_>>, expected: Parameters) -> Result<(), InvalidPrivateKey> {
    match (found, expected) {
        (None, Parameters::Absent) => Ok(()),
        (Some(found), Parameters::Null) if found.tag() == Tag::Null => Ok(()),
        (Some(found), Parameters::Curve(curve)) => match found.decode_as::<ObjectIdentifier>() {
            Ok(found) if found == curve => Ok(()),
            Ok(_) => Err(InvalidPrivateKey::OtherKeySpec),
            Err(_) => Err(InvalidPrivateKey::Unacceptable),
        },
        _ => Err(InvalidPrivateKey::Unacceptable),
    }
}
