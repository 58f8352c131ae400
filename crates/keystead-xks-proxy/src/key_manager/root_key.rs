//! The root key: seals the material of external keys at rest.

use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::durable_file::{create_private, read_private};

const ROOT_KEY_BYTES: usize = 32;
const FILE_MAX_BYTES: u64 = 256;

/// What is wrong with a root key file.
#[derive(Debug, thiserror::Error)]
pub enum RootKeyError {
    /// The file cannot be read or written.
    #[error("root key file {path}: {source}; root_key_file must name the file that the external keys were sealed with")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("root key file {path}: expected 32 random bytes, as 64 hexadecimal digits or as 44 characters of base64")]
    Content {
        /// The file.
        path: PathBuf,
    },
    /// The system gives no random numbers.
    #[error("the system's random number generator failed")]
    Random,
}

/// AES-256-GCM under the root key. No `Debug`; the library zeroes the key when it is dropped.
pub(crate) struct RootKey(LessSafeKey);

impl RootKey {
    /// Reads a private root key file.
    pub(crate) fn read(path: &Path) -> Result<Self, RootKeyError> {
        let text = read_private(path, FILE_MAX_BYTES)
            .map_err(|source| RootKeyError::File { path: path.to_owned(), source })?;
        Self::parse(&text).ok_or_else(|| RootKeyError::Content { path: path.to_owned() })
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let text = text.trim_ascii();
        let bytes = match text.len() {
            64 => from_hex(text)?,
            _ => Zeroizing::new(STANDARD.decode(text).ok()?),
        };
        if bytes.len() != ROOT_KEY_BYTES {
            return None;
        }
        let key = UnboundKey::new(&AES_256_GCM, &bytes).ok()?;
        Some(Self(LessSafeKey::new(key)))
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

/// Makes a root key file with 32 fresh random bytes as hexadecimal digits, mode 0600. Never overwrites one: every key
/// sealed under it would be lost.
pub fn create_root_key_file(path: &Path) -> Result<(), RootKeyError> {
    let mut bytes = Zeroizing::new([0; ROOT_KEY_BYTES]);
    aws_lc_rs::rand::fill(bytes.as_mut()).map_err(|_| RootKeyError::Random)?;
    let mut text = Zeroizing::new(Vec::with_capacity(2 * ROOT_KEY_BYTES + 1));
    for byte in bytes.iter() {
        text.extend([byte >> 4, byte & 15].map(hex_digit));
    }
    text.push(b'\n');
    create_private(path, &text).map_err(|source| RootKeyError::File { path: path.to_owned(), source })
}

fn hex_digit(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0' + nibble,
        _ => b'a' + nibble - 10,
    }
}

fn from_hex(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() / 2));
    for pair in text.chunks_exact(2) {
        let [high, low] = [pair[0], pair[1]].map(|digit| char::from(digit).to_digit(16));
        bytes.push((high? * 16 + low?) as u8);
    }
    Some(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn both_notations_are_the_same_key() {
        let bytes: Vec<u8> = (0..32).collect();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        let base64 = STANDARD.encode(&bytes) + "\n";
        let sealed = RootKey::parse(hex.as_bytes()).unwrap().seal("id", b"material").unwrap();
        let opened = RootKey::parse(base64.as_bytes()).unwrap().open("id", &sealed);
        assert_eq!(&**opened.unwrap(), b"material");
    }

    #[test]
    fn other_content_is_refused() {
        let short = STANDARD.encode([1; 31]);
        let no_digits = "g".repeat(64);
        for text in ["", "0123", short.as_str(), no_digits.as_str(), "é"] {
            assert!(RootKey::parse(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn what_is_sealed_opens_only_as_it_was() {
        let key = RootKey::parse("0f".repeat(32).as_bytes()).unwrap();
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
        let other = RootKey::parse("0e".repeat(32).as_bytes()).unwrap();
        assert!(other.open("key/a/version/1", &sealed).is_err());
    }

    #[test]
    fn a_made_file_is_private_random_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        create_root_key_file(&one).unwrap();
        create_root_key_file(&two).unwrap();
        assert_ne!(std::fs::read(&one).unwrap(), std::fs::read(&two).unwrap());
        let sealed = RootKey::read(&one).unwrap().seal("id", b"x").unwrap();
        let error = create_root_key_file(&one).unwrap_err().to_string();
        assert!(error.contains("exists already"), "{error}");
        assert!(RootKey::read(&one).unwrap().open("id", &sealed).is_ok());
    }
}
