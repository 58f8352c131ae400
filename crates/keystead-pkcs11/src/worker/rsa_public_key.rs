//! `RSAPublicKey` of PKCS #1 in DER: a sequence of two integers.
//!
//! Source: RFC 8017 A.1.1; X.690 8.1.3, 8.3.

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;

/// Modulus and exponent, big-endian, without leading zeros.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RsaPublicKey {
    pub(crate) modulus: Vec<u8>,
    pub(crate) public_exponent: Vec<u8>,
}

impl RsaPublicKey {
    /// Writes it.
    pub(crate) fn to_der(&self) -> Vec<u8> {
        let mut content = integer(&self.modulus);
        content.extend(integer(&self.public_exponent));
        element(SEQUENCE, &content)
    }

    /// Reads it; `None` if it is anything else.
    pub(crate) fn from_der(der: &[u8]) -> Option<Self> {
        let (content, rest) = take(der, SEQUENCE)?;
        let (modulus, content) = take(content, INTEGER)?;
        let (public_exponent, content) = take(content, INTEGER)?;
        let key = Self { modulus: magnitude(modulus)?, public_exponent: magnitude(public_exponent)? };
        (rest.is_empty() && content.is_empty()).then_some(key)
    }
}

fn integer(magnitude: &[u8]) -> Vec<u8> {
    let first = magnitude.iter().position(|&byte| byte != 0).unwrap_or(magnitude.len());
    let magnitude = &magnitude[first..];
    // A leading one bit would make it negative, and no byte at all nothing.
    let mut content = Vec::with_capacity(magnitude.len() + 1);
    if magnitude.first().is_none_or(|byte| byte & 0x80 != 0) {
        content.push(0);
    }
    content.extend_from_slice(magnitude);
    element(INTEGER, &content)
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut element = vec![tag];
    let length = content.len().to_be_bytes();
    match content.len() {
        short @ 0..=0x7f => element.push(short as u8),
        _ => {
            let first = length.iter().position(|&byte| byte != 0).unwrap_or(0);
            element.push(0x80 | (length.len() - first) as u8);
            element.extend_from_slice(&length[first..]);
        }
    }
    element.extend_from_slice(content);
    element
}

/// Takes one element of this tag off the front: its content, and what follows.
fn take(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x82 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)), rest)
        }
        _ => return None,
    };
    (found == tag).then(|| rest.split_at_checked(length))?
}

fn magnitude(integer: &[u8]) -> Option<Vec<u8>> {
    let (&first, rest) = integer.split_first()?;
    match first {
        0 if !rest.is_empty() => Some(rest.to_vec()),
        1..=0x7f => Some(integer.to_vec()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(modulus: Vec<u8>) -> RsaPublicKey {
        RsaPublicKey { modulus, public_exponent: vec![1, 0, 1] }
    }

    #[test]
    fn a_known_key() {
        let der = [0x30, 10, 0x02, 3, 0, 0xc5, 0x03, 0x02, 3, 1, 0, 1];
        assert_eq!(key(vec![0xc5, 3]).to_der(), der);
        assert_eq!(RsaPublicKey::from_der(&der), Some(key(vec![0xc5, 3])));
    }

    #[test]
    fn keys_of_every_length_come_back() {
        for length in [1, 100, 120, 128, 256, 512] {
            for first in [0x01, 0xff] {
                let mut modulus = vec![7; length];
                modulus[0] = first;
                let der = key(modulus.clone()).to_der();
                assert_eq!(RsaPublicKey::from_der(&der), Some(key(modulus)));
                for cut in 0..der.len() {
                    assert_eq!(RsaPublicKey::from_der(&der[..cut]), None);
                }
            }
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let negative = [0x30, 9, 0x02, 2, 0xc5, 0x03, 0x02, 3, 1, 0, 1];
        let surplus = [0x30, 10, 0x02, 3, 0, 0xc5, 0x03, 0x02, 3, 1, 0, 1, 0];
        let endless = [0x30, 0x88, 255, 255, 255, 255, 255, 255, 255, 255];
        for der in [&negative[..], &surplus, &endless, &[]] {
            assert_eq!(RsaPublicKey::from_der(der), None);
        }
    }
}
