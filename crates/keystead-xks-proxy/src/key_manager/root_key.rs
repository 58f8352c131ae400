//! The root key: seals the material of external keys at rest.

use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use keystead_private_file::{RootKeyFileError, read_root_key_file};
use zeroize::Zeroizing;

/// AES-256-GCM under the root key. No `Debug`; the library zeroes the key when it is dropped.
pub(crate) struct RootKey(LessSafeKey);

impl RootKey {
    /// Reads a private root key file.
    pub(crate) fn read(path: &Path) -> Result<Self, RootKeyFileError> {
        let bytes = read_root_key_file(path)?;
        Self::new(&bytes).ok_or_else(|| RootKeyFileError::Content { path: path.to_owned() })
    }

    fn new(bytes: &[u8]) -> Option<Self> {
        UnboundKey::new(&AES_256_GCM, bytes).ok().map(|key| Self(LessSafeKey::new(key)))
    }

    /// `nonce || ciphertext || tag`. `identity` is authenticated: what was sealed for one record opens for no other.
    pub(crate) fn seal(&self, identity: &str, plaintext: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let mut nonce = [0; NONCE_LEN];
        aws_lc_rs::rand::fill(&mut nonce)?;
        let room = nonce.len() + plaintext.len() + AES_256_GCM.tag_len();
        let mut sealed = Vec::with_capacity(room);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.0.seal_in_place_separate_tag(nonce, Aad::from(identity.as_bytes()), &mut sealed[NONCE_LEN..])?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// What [`Self::seal`] was given. Fails if a bit, the identity or the root key is another.
    pub(crate) fn open(&self, identity: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or(Unspecified)?;
        let mut plaintext = Zeroizing::new(rest.to_vec());
        let nonce = Nonce::try_assume_unique_for_key(nonce)?;
        let aad = Aad::from(identity.as_bytes());
        let length = self.0.open_in_place(nonce, aad, &mut plaintext)?.len();
        plaintext.truncate(length);
        Ok(plaintext)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_as_it_was() {
        let key = RootKey::new(&[15; 32]).unwrap();
        let sealed = key.seal("key/a/version/1", &[7; 32]).unwrap();
        assert_eq!(&**key.open("key/a/version/1", &sealed).unwrap(), [7; 32]);
        assert!(key.open("key/b/version/1", &sealed).is_err());
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(key.open("key/a/version/1", &changed).is_err(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(key.open("key/a/version/1", &sealed[..length]).is_err());
        }
        let other = RootKey::new(&[14; 32]).unwrap();
        assert!(other.open("key/a/version/1", &sealed).is_err());
    }
}
