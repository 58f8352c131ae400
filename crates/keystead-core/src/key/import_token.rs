//! Import tokens: what GetParametersForImport gives for ImportKeyMaterial to know again.
//!
//! A token holds the private half of its wrapping key, sealed under the root key for the one KMS key that it was made for. So nothing is
//! stored between the two calls, whichever server gets the second one: a token and the public key that came with it belong together because
//! each has one half of the wrapping key, and a token of another key does not open. It can be used again until it expires (KMS API
//! Reference, GetParametersForImport).
//!
//! Layout of what is sealed: version (1 byte, `1`), wrapping key spec (1), wrapping algorithm (1), end of validity (8, milliseconds since
//! the epoch, big-endian), private key (PKCS #8 in DER).

use keystead_cryptography::{WrappingAlgorithm, WrappingKeySpec};
use keystead_model::Timestamp;
use zeroize::Zeroizing;

use crate::port::Entropy;
use crate::sealing::{RootKey, SealError, Sealed, SealedRecord};

const VERSION: u8 = 1;
const HEADER_LENGTH: usize = 3;

/// The byte of each wrapping key spec.
const SPECS: &[(u8, WrappingKeySpec)] =
    &[(1, WrappingKeySpec::Rsa2048), (2, WrappingKeySpec::Rsa3072), (3, WrappingKeySpec::Rsa4096)];
/// The byte of each wrapping algorithm.
const ALGORITHMS: &[(u8, WrappingAlgorithm)] = &[
    (1, WrappingAlgorithm::RsaesOaepSha1),
    (2, WrappingAlgorithm::RsaesOaepSha256),
    (3, WrappingAlgorithm::RsaAesKeyWrapSha1),
    (4, WrappingAlgorithm::RsaAesKeyWrapSha256),
];

/// An import token.
pub struct ImportToken {
    /// The type of the wrapping key.
    pub spec: WrappingKeySpec,
    /// How the key material is wrapped.
    pub algorithm: WrappingAlgorithm,
    /// When token and wrapping key stop being valid.
    pub valid_to: Timestamp,
    /// The private half of the wrapping key: PKCS #8 in DER.
    pub private_key: Zeroizing<Vec<u8>>,
}

impl ImportToken {
    /// The token as callers get it, for the key with this ARN; at most 2600 bytes.
    pub fn seal(&self, root_key: &RootKey, arn: &str, entropy: &dyn Entropy) -> Result<Vec<u8>, SealError> {
        // Sized at once: a buffer that grows would leave copies of the private key behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(HEADER_LENGTH + size_of::<i64>() + self.private_key.len()));
        bytes.extend_from_slice(&[VERSION, byte_of(SPECS, self.spec), byte_of(ALGORITHMS, self.algorithm)]);
        bytes.extend_from_slice(&self.valid_to.millis().to_be_bytes());
        bytes.extend_from_slice(&self.private_key);
        let sealed = root_key.seal(SealedRecord::ImportToken(arn), &bytes, entropy)?;
        Ok(sealed.as_bytes().to_vec())
    }

    /// The token behind what a caller sent back for the key with this ARN. `None` if it is none of ours, or one of another key.
    pub fn open(token: &[u8], root_key: &RootKey, arn: &str) -> Option<Self> {
        let bytes = root_key.open(SealedRecord::ImportToken(arn), &Sealed::from_bytes(token.to_vec())).ok()?;
        let ([version, spec, algorithm], rest) = bytes.split_first_chunk::<HEADER_LENGTH>()?;
        let (valid_to, private_key) = rest.split_first_chunk()?;
        if *version != VERSION {
            return None;
        }
        Some(Self {
            spec: value_of(SPECS, *spec)?,
            algorithm: value_of(ALGORITHMS, *algorithm)?,
            valid_to: Timestamp::from_millis(i64::from_be_bytes(*valid_to)),
            private_key: Zeroizing::new(private_key.to_vec()),
        })
    }
}

/// Each value has its row; a test holds the tables to that.
fn byte_of<T: PartialEq>(table: &[(u8, T)], value: T) -> u8 {
    table.iter().find(|(_, listed)| *listed == value).map_or(0, |(byte, _)| *byte)
}

fn value_of<T: Copy>(table: &[(u8, T)], byte: u8) -> Option<T> {
    table.iter().find(|(listed, _)| *listed == byte).map(|(_, value)| *value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::port::SystemEntropy;

    const ARN: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    fn root_key() -> RootKey {
        RootKey::new(&[7; 32]).unwrap()
    }

    fn token(spec: WrappingKeySpec, algorithm: WrappingAlgorithm) -> ImportToken {
        let private_key = Zeroizing::new(vec![9; 40]);
        ImportToken { spec, algorithm, valid_to: Timestamp::from_millis(1_790_000_000_123), private_key }
    }

    #[test]
    fn what_is_in_comes_out() {
        for (_, spec) in SPECS {
            for (_, algorithm) in ALGORITHMS {
                let made = token(*spec, *algorithm);
                let opened =
                    ImportToken::open(&made.seal(&root_key(), ARN, &SystemEntropy).unwrap(), &root_key(), ARN).unwrap();
                assert_eq!((opened.spec, opened.algorithm, opened.valid_to), (*spec, *algorithm, made.valid_to));
                assert_eq!(*opened.private_key, *made.private_key);
            }
        }
    }

    #[test]
    fn a_token_opens_for_its_own_key_alone_and_unchanged() {
        let sealed = token(WrappingKeySpec::Rsa2048, WrappingAlgorithm::RsaesOaepSha256)
            .seal(&root_key(), ARN, &SystemEntropy)
            .unwrap();
        assert!(ImportToken::open(&sealed, &root_key(), &ARN.replace("us-east-1", "us-east-2")).is_none());
        assert!(ImportToken::open(&sealed, &RootKey::new(&[8; 32]).unwrap(), ARN).is_none());
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert!(ImportToken::open(&changed, &root_key(), ARN).is_none(), "byte {position}");
            assert!(ImportToken::open(&sealed[..position], &root_key(), ARN).is_none(), "cut at {position}");
        }
    }

    #[test]
    fn something_else_that_is_sealed_is_no_token() {
        let other = root_key().seal(SealedRecord::KeyMaterial(ARN, "id"), &[1; 60], &SystemEntropy).unwrap();
        assert!(ImportToken::open(other.as_bytes(), &root_key(), ARN).is_none());
        for inside in
            [&[][..], &[1; 10], &[2; 60], &[1, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0, 5], &[1, 1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 5]]
        {
            let sealed = root_key().seal(SealedRecord::ImportToken(ARN), inside, &SystemEntropy).unwrap();
            assert!(ImportToken::open(sealed.as_bytes(), &root_key(), ARN).is_none(), "{inside:?}");
        }
    }
}
