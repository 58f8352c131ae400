//! AES-256-GCM of one message under one version of an external key.
//!
//! Random 96-bit IVs are safe for about 2^32 messages under one key, and at the 1,800 requests a second of one key store
//! that is four weeks. So each message gets a key of its own, derived from the version's material and 16 random bytes
//! (HKDF-Expand with SHA-256). The random bytes travel in the ciphertext metadata beside the version number and fill it
//! to the 20 bytes that KMS allows:
//!
//! ```text
//! metadata = u32be(version) || salt (16 bytes)
//! GCM AAD  = u16be(len AAD) || AAD || u8(len metadata) || metadata      (specification, "Encrypt")
//! ```

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk};
use keystead_xks::wire::CIPHERTEXT_METADATA_MAX_BYTES;
use zeroize::Zeroizing;

use super::EncryptedData;

/// Tells this use of the material from every other.
const DERIVATION_LABEL: &[u8] = b"keystead-xks-proxy message key v1";
const VERSION_BYTES: usize = 4;
const SALT_BYTES: usize = 16;
const METADATA_BYTES: usize = VERSION_BYTES + SALT_BYTES;
const _: () = assert!(METADATA_BYTES <= CIPHERTEXT_METADATA_MAX_BYTES);

/// The material of one key version, ready to derive message keys. No `Debug`; the library zeroes it when dropped.
pub(super) struct VersionMaterial(Prk);

impl VersionMaterial {
    /// Takes 32 bytes.
    pub(super) fn new(material: &[u8; 32]) -> Self {
        Self(Prk::new_less_safe(HKDF_SHA256, material))
    }

    fn message_key(&self, salt: &[u8]) -> Result<LessSafeKey, Unspecified> {
        let info = [DERIVATION_LABEL, salt];
        let key = UnboundKey::from(self.0.expand(&info, &AES_256_GCM)?);
        Ok(LessSafeKey::new(key))
    }

    /// Encrypts under a fresh message key and a fresh IV. Fails only if the random numbers do, or `aad` is longer than
    /// 65535 bytes.
    pub(super) fn encrypt(&self, version: u32, plaintext: &[u8], aad: &[u8]) -> Result<EncryptedData, Unspecified> {
        let mut random = [0; SALT_BYTES + NONCE_LEN];
        aws_lc_rs::rand::fill(&mut random)?;
        let (salt, iv) = random.split_at(SALT_BYTES);
        let metadata = [&version.to_be_bytes(), salt].concat();
        let mut ciphertext = plaintext.to_vec();
        let tag = self.message_key(salt)?.seal_in_place_separate_tag(
            Nonce::try_assume_unique_for_key(iv)?,
            Aad::from(gcm_aad(aad, &metadata)?),
            &mut ciphertext,
        )?;
        Ok(EncryptedData {
            ciphertext,
            initialization_vector: iv.to_vec(),
            authentication_tag: tag.as_ref().to_vec(),
            metadata,
        })
    }

    /// Fails if anything is not as it was when it was encrypted.
    pub(super) fn decrypt(&self, data: &EncryptedData, aad: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        let salt = data.metadata.get(VERSION_BYTES..).ok_or(Unspecified)?;
        let mut plaintext = Zeroizing::new(vec![0; data.ciphertext.len()]);
        self.message_key(salt)?.open_separate_gather(
            Nonce::try_assume_unique_for_key(&data.initialization_vector)?,
            Aad::from(gcm_aad(aad, &data.metadata)?),
            &data.ciphertext,
            &data.authentication_tag,
            &mut plaintext,
        )?;
        Ok(plaintext)
    }
}

/// The key version that `metadata` names. `None` if it has not this module's form.
pub(super) fn version_of(metadata: &[u8]) -> Option<u32> {
    if metadata.len() != METADATA_BYTES {
        return None;
    }
    let (version, _) = metadata.split_first_chunk::<VERSION_BYTES>()?;
    Some(u32::from_be_bytes(*version))
}

fn gcm_aad(aad: &[u8], metadata: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let aad_length = u16::try_from(aad.len()).map_err(|_| Unspecified)?;
    let metadata_length = u8::try_from(metadata.len()).map_err(|_| Unspecified)?;
    Ok([&aad_length.to_be_bytes()[..], aad, &[metadata_length], metadata].concat())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn material() -> VersionMaterial {
        VersionMaterial::new(&[5; 32])
    }

    #[test]
    fn the_gcm_aad_is_the_specifications() {
        assert_eq!(gcm_aad(b"abc", b"m").unwrap(), b"\x00\x03abc\x01m");
        assert_eq!(gcm_aad(b"", b"").unwrap(), b"\x00\x00\x00");
        let long = gcm_aad(&[9; 65_535], b"m").unwrap();
        assert_eq!(long[..2], [255, 255]);
        assert!(gcm_aad(&[9; 65_536], b"m").is_err());
    }

    #[test]
    fn messages_round_trip_and_never_repeat() {
        let one = material().encrypt(7, b"Hello World!", b"aad").unwrap();
        let two = material().encrypt(7, b"Hello World!", b"aad").unwrap();
        assert_ne!(one.ciphertext, two.ciphertext);
        assert_ne!(one.metadata, two.metadata);
        assert_ne!(one.initialization_vector, two.initialization_vector);
        assert_eq!(version_of(&one.metadata), Some(7));
        assert_eq!(one.metadata.len(), 20);
        assert_eq!(one.initialization_vector.len(), 12);
        assert_eq!(one.authentication_tag.len(), 16);
        assert_eq!(&**material().decrypt(&one, b"aad").unwrap(), b"Hello World!");
    }

    #[test]
    fn a_changed_bit_anywhere_is_refused() {
        let good = material().encrypt(1, b"Hello World!", b"aad").unwrap();
        let parts: [fn(&mut EncryptedData) -> &mut Vec<u8>; 4] = [
            |data| &mut data.ciphertext,
            |data| &mut data.initialization_vector,
            |data| &mut data.authentication_tag,
            |data| &mut data.metadata,
        ];
        for part in parts {
            for bit in 0..part(&mut good.clone()).len() * 8 {
                let mut changed = good.clone();
                part(&mut changed)[bit / 8] ^= 1 << (bit % 8);
                assert!(material().decrypt(&changed, b"aad").is_err(), "{changed:?}");
            }
            let mut shorter = good.clone();
            part(&mut shorter).pop();
            assert!(material().decrypt(&shorter, b"aad").is_err());
            let mut empty = good.clone();
            part(&mut empty).clear();
            assert!(material().decrypt(&empty, b"aad").is_err());
        }
        assert!(material().decrypt(&good, b"aae").is_err());
        assert!(material().decrypt(&good, b"").is_err());
        assert!(VersionMaterial::new(&[6; 32]).decrypt(&good, b"aad").is_err());
    }

    #[test]
    fn only_whole_metadata_names_a_version() {
        for (metadata, version) in [
            (&[0, 0, 1, 2, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9][..], Some(258)),
            (&[0, 0, 0, 1], None),
            (&[], None),
            (&[0; 21], None),
        ] {
            assert_eq!(version_of(metadata), version);
        }
    }
}
