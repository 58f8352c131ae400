//! The other side's public key in a key agreement, and what goes wrong.

use der::Decode;
use spki::SubjectPublicKeyInfoRef;

use crate::algorithm_identifier::Mismatch;
use crate::family::ec::Curve;

/// SEC 1's encoding of the point that is on every curve and no public key.
const POINT_AT_INFINITY: &[u8] = &[0];

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

/// The point of a public key on `curve`, encoded as SEC 1 has it. Whether it is on the curve is not checked.
///
/// That KMS takes compressed points is unverified.
pub(crate) fn peer_point<'a>(spki: &'a [u8], curve: &Curve) -> Result<&'a [u8], AgreementError> {
    let info = SubjectPublicKeyInfoRef::from_der(spki).map_err(|_| AgreementError::UndecodablePublicKey)?;
    curve.identifier.check(info.algorithm).map_err(|mismatch| match mismatch {
        Mismatch::OtherAlgorithm => AgreementError::OtherCurve,
        Mismatch::Parameters => AgreementError::UndecodablePublicKey,
    })?;
    match info.subject_public_key.as_bytes() {
        Some(point) if curve.has_encoding(point) => Ok(point),
        Some(POINT_AT_INFINITY) => Err(AgreementError::InvalidPoint),
        _ => Err(AgreementError::UndecodablePublicKey),
    }
}
