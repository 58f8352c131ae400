//! What several tests share: DER written by hand, and the key specs with key pairs.

use std::sync::OnceLock;

use keystead_cryptography::KeyPair;
use keystead_model::kms::KeySpec;

/// Every key spec that has key pairs here.
pub(crate) const KEY_PAIR_SPECS: [KeySpec; 11] = [
    KeySpec::Rsa2048,
    KeySpec::Rsa3072,
    KeySpec::Rsa4096,
    KeySpec::EccNistP256,
    KeySpec::EccNistP384,
    KeySpec::EccNistP521,
    KeySpec::EccSecgP256k1,
    KeySpec::MlDsa44,
    KeySpec::MlDsa65,
    KeySpec::MlDsa87,
    KeySpec::EccNistEdwards25519,
];

/// A key pair of each of [`KEY_PAIR_SPECS`], made once a program: RSA takes its time.
pub(crate) fn key_pair(spec: KeySpec) -> &'static KeyPair {
    static KEY_PAIRS: [OnceLock<KeyPair>; KEY_PAIR_SPECS.len()] = [const { OnceLock::new() }; KEY_PAIR_SPECS.len()];
    let place = KEY_PAIR_SPECS.iter().position(|of| *of == spec).expect("a key spec with key pairs");
    KEY_PAIRS[place].get_or_init(|| KeyPair::generate(spec).expect("a key pair"))
}

/// Object identifiers, as DER has their content.
pub(crate) mod oid {
    pub(crate) const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    pub(crate) const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    pub(crate) const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    pub(crate) const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
    pub(crate) const P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
    pub(crate) const P256K1: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x0a];
    pub(crate) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
    pub(crate) const ML_DSA_44: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x11];
    pub(crate) const ML_DSA_65: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x12];
    pub(crate) const ML_DSA_87: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x13];
}

/// One DER value.
pub(crate) fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut der = vec![tag];
    match length {
        0..0x80 => der.push(length as u8),
        0x80..0x100 => der.extend([0x81, length as u8]),
        _ => der.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    der.extend(content);
    der
}

pub(crate) fn sequence(items: &[Vec<u8>]) -> Vec<u8> {
    der(0x30, &items.concat())
}

/// A number that is not negative.
pub(crate) fn integer(big_endian: &[u8]) -> Vec<u8> {
    let significant: &[u8] = match big_endian.iter().position(|byte| *byte != 0) {
        Some(first) => &big_endian[first..],
        None => &[0],
    };
    if significant[0] & 0x80 == 0 { der(0x02, significant) } else { der(0x02, &[&[0], significant].concat()) }
}

pub(crate) fn octet_string(content: &[u8]) -> Vec<u8> {
    der(0x04, content)
}

pub(crate) fn bit_string(content: &[u8]) -> Vec<u8> {
    der(0x03, &[&[0], content].concat())
}

pub(crate) fn object_identifier(content: &[u8]) -> Vec<u8> {
    der(0x06, content)
}

pub(crate) fn null() -> Vec<u8> {
    der(0x05, &[])
}

/// PKCS #8, version 1, without attributes.
pub(crate) fn pkcs8(algorithm: &[Vec<u8>], private_key: &[u8]) -> Vec<u8> {
    sequence(&[integer(&[0]), sequence(algorithm), octet_string(private_key)])
}

/// PKCS #8, version 2, with the public key.
pub(crate) fn pkcs8_with_public_key(algorithm: &[Vec<u8>], private_key: &[u8], public_key: &[u8]) -> Vec<u8> {
    let public_key = der(0x81, &[&[0], public_key].concat());
    sequence(&[integer(&[1]), sequence(algorithm), octet_string(private_key), public_key])
}

/// `SubjectPublicKeyInfo`.
pub(crate) fn spki(algorithm: &[Vec<u8>], public_key: &[u8]) -> Vec<u8> {
    sequence(&[sequence(algorithm), bit_string(public_key)])
}

/// The algorithm of a key on a curve.
pub(crate) fn on_curve(curve: &[u8]) -> Vec<Vec<u8>> {
    vec![object_identifier(oid::EC_PUBLIC_KEY), object_identifier(curve)]
}

/// A private key on a curve, without its public key (RFC 5915).
pub(crate) fn ec_private_key(scalar: &[u8]) -> Vec<u8> {
    sequence(&[integer(&[1]), octet_string(scalar)])
}

/// Bytes from hexadecimal digits; white space between them does not matter.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u32> = digits.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

/// The key in a `SubjectPublicKeyInfo` of this crate's, which never has unused bits.
pub(crate) fn public_key_bits(spki: &[u8]) -> Vec<u8> {
    let content = value(spki).0;
    let (_, after_algorithm) = value(content);
    value(after_algorithm).0[1..].to_vec()
}

/// The content of the first DER value, and what follows it.
pub(crate) fn value(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (length, header) = match bytes[1] {
        0x81 => (usize::from(bytes[2]), 3),
        0x82 => (usize::from(bytes[2]) << 8 | usize::from(bytes[3]), 4),
        short => (usize::from(short), 2),
    };
    (&bytes[header..header + length], &bytes[header + length..])
}
