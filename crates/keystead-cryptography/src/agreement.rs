//! The other side's public key in a key agreement, and what goes wrong.

use der::Decode;
use der::asn1::ObjectIdentifier;
use spki::SubjectPublicKeyInfoRef;

use crate::private_key_info::EC_PUBLIC_KEY;

/// Why there is no shared secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AgreementError {
    /// The key's spec agrees on no secrets: only `ECC_NIST_P256`, `ECC_NIST_P384` and `ECC_NIST_P521` do.
    #[error("the key agrees on no secrets")]
    NotAnAgreementKey,
    /// The public key is not one `SubjectPublicKeyInfo` in DER, or has no point in it.
    #[error("the public key is not SubjectPublicKeyInfo in DER")]
    UndecodablePublicKey,
    /// The public key is of another curve, or of another algorithm.
    #[error("the public key is not on the key's curve")]
    OtherCurve,
    /// The public key names the curve, but its point is not on it, or is the point at infinity.
    #[error("the public key's point is not on its curve")]
    InvalidPoint,
    /// The cryptographic library failed before it saw the public key.
    #[error("the cryptographic library failed")]
    Library,
}

/// The encoded point of a public key on `curve` (SEC 1), with coordinates of `coordinate_bytes`. Whether it is on the curve is not checked.
///
/// The curve must be named (RFC 5480). Points may be compressed or not; the hybrid form, which RFC 5480 forbids, is undecodable.
/// That KMS takes compressed points is unverified.
pub(crate) fn peer_point(
    spki: &[u8],
    curve: ObjectIdentifier,
    coordinate_bytes: usize,
) -> Result<&[u8], AgreementError> {
    let info = SubjectPublicKeyInfoRef::from_der(spki).map_err(|_| AgreementError::UndecodablePublicKey)?;
    if info.algorithm.oid != EC_PUBLIC_KEY {
        return Err(AgreementError::OtherCurve);
    }
    let named = info.algorithm.parameters_oid().map_err(|_| AgreementError::UndecodablePublicKey)?;
    if named != curve {
        return Err(AgreementError::OtherCurve);
    }
    let point = info.subject_public_key.as_bytes().ok_or(AgreementError::UndecodablePublicKey)?;
    match point {
        [0x04, rest @ ..] if rest.len() == 2 * coordinate_bytes => Ok(point),
        [0x02 | 0x03, rest @ ..] if rest.len() == coordinate_bytes => Ok(point),
        // The point at infinity.
        [0x00] => Err(AgreementError::InvalidPoint),
        _ => Err(AgreementError::UndecodablePublicKey),
    }
}
