//! Just enough DER to write a public key that no library would make.

/// Tag, length and contents.
pub(crate) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let contents = parts.concat();
    let mut encoded = vec![tag];
    match contents.len() {
        length @ 0..=0x7f => encoded.push(length as u8),
        length @ 0x80..=0xff => encoded.extend([0x81, length as u8]),
        length => encoded.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    encoded.extend(contents);
    encoded
}

/// A SubjectPublicKeyInfo with an RSA key of `bits` bits and exponent 65537. The modulus is odd and otherwise arbitrary.
pub(crate) fn rsa_public_key(bits: usize) -> Vec<u8> {
    let mut modulus = vec![0x5b; bits.div_ceil(8)];
    let top = (bits - 1) % 8;
    modulus[0] = 1 << top;
    if top == 7 {
        modulus.insert(0, 0);
    }
    let key = element(0x30, &[&element(0x02, &[&modulus]), &[0x02, 0x03, 0x01, 0x00, 0x01]]);
    let rsa_encryption = [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    element(0x30, &[&rsa_encryption, &element(0x03, &[&[0], &key])])
}
