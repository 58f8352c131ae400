//! The CiphertextBlob: what it says of itself, byte by byte.
//!
//! ```text
//! magic      2   4b 53 ("KS")
//! version    1   1
//! body kind  1   1 = under the KMS key's own material, 2 = an external key around that, 3 = under a key in HSMs
//! key ID    17   1 tag byte (0 UUID, 1 multi-Region), 16 bytes
//! material  32   material ID
//!                -- the 53 bytes so far are the header, authenticated by every layer --
//! kind 1:  message      N (16), ciphertext, tag (16)
//! kind 2:  IV           1 length (12 or 16), bytes
//!          tag          16
//!          metadata     1 length (0 = absent, else 1..=20), bytes
//!          ciphertext   the rest: what the proxy made of a kind 1 message
//! kind 3:  IV           12, made in the HSM or for it
//!          ciphertext   as long as the plaintext, and the tag (16)
//! ```
//!
//! A Decrypt needs nothing but the blob to find its key. At most 6144 bytes for a plaintext of 4096.

use keystead_model::arn::KeyId;

use super::{MaterialId, NONCE_LENGTH, TAG_LENGTH};
use crate::port::{BackendCiphertext, HsmCiphertext};

const MAGIC: [u8; 2] = *b"KS";
const VERSION: u8 = 1;
const KIND_KMS: u8 = 1;
const KIND_EXTERNAL: u8 = 2;
const KIND_HSM: u8 = 3;
const KEY_ID_LENGTH: usize = 17;
const MATERIAL_ID_LENGTH: usize = 32;
/// Length of the header in bytes.
const HEADER_LENGTH: usize = 4 + KEY_ID_LENGTH + MATERIAL_ID_LENGTH;
/// The largest external metadata in bytes (XKS Proxy API specification).
const METADATA_LENGTH_MAX: usize = 20;

/// The authenticated beginning of every blob.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CiphertextHeader {
    /// The key that made it.
    pub key_id: KeyId,
    /// The material of that key.
    pub material_id: MaterialId,
    /// What follows.
    pub kind: CiphertextKind,
}

/// Who encrypted what follows the header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CiphertextKind {
    /// The KMS key's own material.
    Kms,
    /// The KMS key's own material, and an external key around that.
    External,
    /// A key in HSMs.
    Hsm,
}

impl CiphertextKind {
    const ALL: [Self; 3] = [Self::Kms, Self::External, Self::Hsm];

    fn byte(self) -> u8 {
        match self {
            Self::Kms => KIND_KMS,
            Self::External => KIND_EXTERNAL,
            Self::Hsm => KIND_HSM,
        }
    }
}

impl CiphertextHeader {
    /// Its bytes.
    pub fn to_bytes(&self) -> [u8; HEADER_LENGTH] {
        let mut bytes = [0; HEADER_LENGTH];
        bytes[..2].copy_from_slice(&MAGIC);
        bytes[2] = VERSION;
        bytes[3] = self.kind.byte();
        bytes[4..4 + KEY_ID_LENGTH].copy_from_slice(&self.key_id.to_compact());
        bytes[4 + KEY_ID_LENGTH..].copy_from_slice(self.material_id.as_bytes());
        bytes
    }

    fn parse(bytes: &[u8]) -> Result<Self, CiphertextError> {
        let [m0, m1, version, kind, rest @ ..] = bytes else { return Err(CiphertextError) };
        if [*m0, *m1] != MAGIC || *version != VERSION {
            return Err(CiphertextError);
        }
        let kind = CiphertextKind::ALL.into_iter().find(|known| known.byte() == *kind).ok_or(CiphertextError)?;
        let (key_id, material_id) = rest.split_at_checked(KEY_ID_LENGTH).ok_or(CiphertextError)?;
        let key_id = key_id.try_into().ok().and_then(KeyId::from_compact).ok_or(CiphertextError)?;
        let material_id = MaterialId::from_bytes(material_id.try_into().map_err(|_| CiphertextError)?);
        Ok(Self { key_id, material_id, kind })
    }
}

/// What follows the header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CiphertextBody {
    /// N, ciphertext and tag under the KMS key's own material.
    Kms(Vec<u8>),
    /// All that the proxy answered.
    External(BackendCiphertext),
    /// What an HSM answered.
    Hsm(HsmCiphertext),
}

/// A parsed CiphertextBlob.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ciphertext {
    /// Its header.
    pub header: CiphertextHeader,
    /// What follows.
    pub body: CiphertextBody,
}

/// The bytes are no CiphertextBlob of this service.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a ciphertext of this service")]
pub struct CiphertextError;

impl Ciphertext {
    /// The blob.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut blob = self.header.to_bytes().to_vec();
        match &self.body {
            CiphertextBody::Kms(message) => blob.extend_from_slice(message),
            CiphertextBody::External(outer) => write_external(outer, &mut blob),
            CiphertextBody::Hsm(ciphertext) => {
                blob.extend_from_slice(&ciphertext.initialization_vector);
                blob.extend_from_slice(&ciphertext.ciphertext_and_tag);
            }
        }
        blob
    }

    /// Parses a blob; what does not follow the layout exactly is refused.
    pub fn parse(blob: &[u8]) -> Result<Self, CiphertextError> {
        let (header, body) = blob.split_at_checked(HEADER_LENGTH).ok_or(CiphertextError)?;
        let header = CiphertextHeader::parse(header)?;
        let body = match header.kind {
            CiphertextKind::Kms if body.len() < NONCE_LENGTH + TAG_LENGTH => return Err(CiphertextError),
            CiphertextKind::Kms => CiphertextBody::Kms(body.to_vec()),
            CiphertextKind::External => CiphertextBody::External(read_external(body)?),
            CiphertextKind::Hsm => CiphertextBody::Hsm(read_hsm(body)?),
        };
        Ok(Self { header, body })
    }
}

fn write_external(outer: &BackendCiphertext, blob: &mut Vec<u8>) {
    // Both lengths were checked when the proxy's answer was read: 12 or 16, and at most 20.
    blob.push(outer.initialization_vector.len() as u8);
    blob.extend_from_slice(&outer.initialization_vector);
    blob.extend_from_slice(&outer.authentication_tag);
    // Empty and absent are the same to a proxy, so they must be the same here: otherwise one blob could be written in two ways.
    let metadata = outer.metadata.as_deref().unwrap_or_default();
    blob.push(metadata.len() as u8);
    blob.extend_from_slice(metadata);
    blob.extend_from_slice(&outer.ciphertext);
}

fn read_external(body: &[u8]) -> Result<BackendCiphertext, CiphertextError> {
    let (iv_length, rest) = body.split_first().ok_or(CiphertextError)?;
    if !matches!(iv_length, 12 | 16) {
        return Err(CiphertextError);
    }
    let (initialization_vector, rest) = rest.split_at_checked(usize::from(*iv_length)).ok_or(CiphertextError)?;
    let (authentication_tag, rest) = rest.split_first_chunk::<16>().ok_or(CiphertextError)?;
    let (metadata_length, rest) = rest.split_first().ok_or(CiphertextError)?;
    let (metadata, ciphertext) = match usize::from(*metadata_length) {
        0 => (None, rest),
        length if length <= METADATA_LENGTH_MAX => {
            let (metadata, rest) = rest.split_at_checked(length).ok_or(CiphertextError)?;
            (Some(metadata.to_vec()), rest)
        }
        _ => return Err(CiphertextError),
    };
    if ciphertext.len() < NONCE_LENGTH + TAG_LENGTH {
        return Err(CiphertextError);
    }
    Ok(BackendCiphertext {
        ciphertext: ciphertext.to_vec(),
        initialization_vector: initialization_vector.to_vec(),
        authentication_tag: *authentication_tag,
        metadata,
    })
}

fn read_hsm(body: &[u8]) -> Result<HsmCiphertext, CiphertextError> {
    let (initialization_vector, rest) = body.split_first_chunk::<12>().ok_or(CiphertextError)?;
    if rest.len() < TAG_LENGTH {
        return Err(CiphertextError);
    }
    Ok(HsmCiphertext { initialization_vector: *initialization_vector, ciphertext_and_tag: rest.to_vec() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn header(kind: CiphertextKind) -> CiphertextHeader {
        CiphertextHeader {
            key_id: KeyId::parse("1234abcd-12ab-34cd-56ef-1234567890ab").unwrap(),
            material_id: MaterialId::from_bytes([9; 32]),
            kind,
        }
    }

    fn external(iv: usize, metadata: Option<Vec<u8>>) -> Ciphertext {
        let body = CiphertextBody::External(BackendCiphertext {
            ciphertext: vec![1; 40],
            initialization_vector: vec![2; iv],
            authentication_tag: [3; 16],
            metadata,
        });
        Ciphertext { header: header(CiphertextKind::External), body }
    }

    fn samples() -> Vec<Ciphertext> {
        vec![
            Ciphertext { header: header(CiphertextKind::Kms), body: CiphertextBody::Kms(vec![4; 33]) },
            Ciphertext {
                header: header(CiphertextKind::Hsm),
                body: CiphertextBody::Hsm(HsmCiphertext {
                    initialization_vector: [7; 12],
                    ciphertext_and_tag: vec![8; 20],
                }),
            },
            external(12, None),
            external(12, Some(vec![6])),
            external(16, Some(vec![5; 20])),
        ]
    }

    #[test]
    fn every_kind_round_trips() {
        for sample in samples() {
            assert_eq!(Ciphertext::parse(&sample.to_bytes()).unwrap(), sample);
        }
    }

    #[test]
    fn a_truncated_blob_or_a_foreign_one_never_parses_to_the_same() {
        for sample in samples() {
            let blob = sample.to_bytes();
            for length in 0..blob.len() {
                assert_ne!(Ciphertext::parse(&blob[..length]), Ok(sample.clone()));
            }
            for bit in 0..blob.len() * 8 {
                let mut changed = blob.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert_ne!(Ciphertext::parse(&changed), Ok(sample.clone()), "bit {bit}");
            }
        }
        assert_eq!(Ciphertext::parse(b"AQICAHh"), Err(CiphertextError));
    }

    #[test]
    fn the_largest_plaintext_fits() {
        let inner = NONCE_LENGTH + 4096 + TAG_LENGTH;
        assert!(inner <= 4300, "what a proxy must accept");
        assert!(HEADER_LENGTH + 1 + 16 + 16 + 1 + 20 + inner <= 6144);
    }
}
