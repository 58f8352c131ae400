//! Digests that callers computed.

use aws_lc_rs::digest::{Algorithm, Digest};

use crate::SignatureError;

/// Takes `bytes` as a digest of `algorithm`; fails unless they are as many as that has.
pub(crate) fn import(algorithm: &'static Algorithm, bytes: &[u8]) -> Result<Digest, SignatureError> {
    Digest::import_less_safe(bytes, algorithm)
        .map_err(|_| SignatureError::WrongDigestLength { expected: algorithm.output_len() })
}
