//! The root key file: 32 random bytes under which other secrets are sealed.

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::private_file::{create_private, read_private};

/// Length of a root key in bytes (AES-256).
pub const ROOT_KEY_BYTES: usize = 32;
const FILE_MAX_BYTES: u64 = 256;

/// What is wrong with a root key file.
#[derive(Debug, thiserror::Error)]
pub enum RootKeyFileError {
    /// The file cannot be read or written.
    #[error("root key file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file holds something else.
    #[error(
        "root key file {}: expected 32 random bytes, as 64 hexadecimal digits or as 44 characters of base64; restore it from a backup, or make a new one for a new installation with `keystead root-key create`",
        path.display()
    )]
    Content {
        /// The file.
        path: PathBuf,
    },
    /// The system gives no random numbers.
    #[error("the system's random number generator failed")]
    Random,
}

/// Reads a private root key file.
pub fn read_root_key_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, RootKeyFileError> {
    let text = read_private(path, FILE_MAX_BYTES)
        .map_err(|source| RootKeyFileError::File { path: path.to_owned(), source })?;
    parse(&text).ok_or_else(|| RootKeyFileError::Content { path: path.to_owned() })
}

fn parse(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = text.trim_ascii();
    let bytes = match text.len() {
        64 => from_hex(text)?,
        _ => Zeroizing::new(STANDARD.decode(text).ok()?),
    };
    (bytes.len() == ROOT_KEY_BYTES).then_some(bytes)
}

/// Makes a root key file with 32 fresh random bytes as hexadecimal digits, mode 0600. Never overwrites one: everything sealed under it
/// would be lost.
pub fn create_root_key_file(path: &Path) -> Result<(), RootKeyFileError> {
    let mut bytes = Zeroizing::new([0; ROOT_KEY_BYTES]);
    aws_lc_rs::rand::fill(bytes.as_mut()).map_err(|_| RootKeyFileError::Random)?;
    let mut text = Zeroizing::new(Vec::with_capacity(2 * ROOT_KEY_BYTES + 1));
    for byte in bytes.iter() {
        text.extend([byte >> 4, byte & 15].map(hex_digit));
    }
    text.push(b'\n');
    create_private(path, &text).map_err(|source| RootKeyFileError::File { path: path.to_owned(), source })
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
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_made_file_reads_back_and_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        create_root_key_file(&path).unwrap();
        let key = read_root_key_file(&path).unwrap();
        assert_eq!(key.len(), ROOT_KEY_BYTES);
        assert!(create_root_key_file(&path).is_err());
        assert_eq!(*read_root_key_file(&path).unwrap(), *key);
    }

    #[test]
    fn both_encodings_are_read_and_anything_else_is_refused() {
        let table: [(&[u8], bool); 7] = [
            (b"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n", true),
            (b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", true),
            (b"", false),
            (b"000102", false),
            (b"zz0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", false),
            (b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", false),
            (b"\xff\xfe", false),
        ];
        let folder = tempfile::tempdir().unwrap();
        for (index, (content, good)) in table.into_iter().enumerate() {
            let path = folder.path().join(index.to_string());
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
            let read = read_root_key_file(&path);
            assert_eq!(read.is_ok(), good, "{:?}", String::from_utf8_lossy(content));
            assert!(read.is_err() || *read.unwrap() == (0..32).collect::<Vec<u8>>());
        }
    }
}
