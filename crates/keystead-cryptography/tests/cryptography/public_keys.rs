//! Public keys come in as `SubjectPublicKeyInfo`, and only if they are whole, in range and of the key spec.

use crate::support::*;
use keystead_cryptography::{InvalidPublicKey, PublicKey};
use keystead_model::kms::KeySpec;

fn reason(spec: KeySpec, der: &[u8]) -> Option<InvalidPublicKey> {
    PublicKey::from_der(spec, der).err()
}

/// RFC 8017, RFC 5480, RFC 8410, RFC 9881; lengths in bits or bytes of the KMS Developer Guide.
#[test]
fn public_keys_say_what_they_are() {
    let rsa = [object_identifier(oid::RSA_ENCRYPTION), null()].to_vec();
    let expected: [(KeySpec, Vec<Vec<u8>>, usize); 11] = [
        (KeySpec::Rsa2048, rsa.clone(), 270),
        (KeySpec::Rsa3072, rsa.clone(), 398),
        (KeySpec::Rsa4096, rsa, 526),
        (KeySpec::EccNistP256, on_curve(oid::P256), 65),
        (KeySpec::EccNistP384, on_curve(oid::P384), 97),
        (KeySpec::EccNistP521, on_curve(oid::P521), 133),
        (KeySpec::EccSecgP256k1, on_curve(oid::P256K1), 65),
        (KeySpec::EccNistEdwards25519, vec![object_identifier(oid::ED25519)], 32),
        (KeySpec::MlDsa44, vec![object_identifier(oid::ML_DSA_44)], 1312),
        (KeySpec::MlDsa65, vec![object_identifier(oid::ML_DSA_65)], 1952),
        (KeySpec::MlDsa87, vec![object_identifier(oid::ML_DSA_87)], 2592),
    ];
    for (spec, algorithm, length) in expected {
        let der = key_pair(spec).public_key_der();
        let public_key = public_key_bits(der);
        assert_eq!(public_key.len(), length, "{spec}");
        assert_eq!(der, spki(&algorithm, &public_key), "{spec}");
        let read = PublicKey::from_der(spec, der).unwrap();
        assert_eq!((read.spec(), read.der()), (spec, der));
    }
}

#[test]
fn a_public_key_is_of_no_other_key_spec() {
    for spec in KEY_PAIR_SPECS {
        for other in KEY_PAIR_SPECS.into_iter().filter(|other| *other != spec) {
            let der = key_pair(spec).public_key_der();
            assert_eq!(reason(other, der), Some(InvalidPublicKey::OtherKeySpec), "{spec} as {other}");
        }
    }
}

#[test]
fn key_specs_without_key_pairs_are_refused() {
    let der = key_pair(KeySpec::EccNistP256).public_key_der();
    for spec in KeySpec::ALL.iter().copied().filter(|spec| !KEY_PAIR_SPECS.contains(spec)) {
        assert_eq!(reason(spec, der), Some(InvalidPublicKey::UnsupportedKeySpec(spec)));
    }
}

#[test]
fn every_truncation_and_every_addition_is_malformed() {
    for spec in KEY_PAIR_SPECS {
        let der = key_pair(spec).public_key_der();
        for length in 0..der.len() {
            assert_eq!(reason(spec, &der[..length]), Some(InvalidPublicKey::Malformed), "{spec}: {length} bytes");
        }
        assert_eq!(reason(spec, &[der, &[0]].concat()), Some(InvalidPublicKey::Malformed), "{spec}");
    }
}

/// Whatever a changed byte makes of it, there is no panic, and what comes in can be asked for a verdict.
#[test]
fn changed_bytes_do_no_harm() {
    use keystead_cryptography::{Message, key_spec};
    use keystead_model::kms::KeyUsageType;
    for spec in KEY_PAIR_SPECS {
        let algorithm = key_spec::signing_algorithms(spec, KeyUsageType::SignVerify)[0];
        let signature = key_pair(spec).sign(algorithm, Message::Raw(b"message")).unwrap();
        let der = key_pair(spec).public_key_der();
        for at in 0..der.len() {
            let mut changed = der.to_vec();
            changed[at] ^= 0x01;
            let Ok(key) = PublicKey::from_der(spec, &changed) else { continue };
            assert_eq!(key.verify(algorithm, Message::Raw(b"message"), &signature), Ok(false), "{spec}: byte {at}");
        }
    }
}

#[test]
fn points_off_the_curve_are_unacceptable() {
    let curves = [
        (KeySpec::EccNistP256, oid::P256),
        (KeySpec::EccNistP384, oid::P384),
        (KeySpec::EccNistP521, oid::P521),
        (KeySpec::EccSecgP256k1, oid::P256K1),
    ];
    for (spec, curve) in curves {
        let point = public_key_bits(key_pair(spec).public_key_der());
        let mut off = point.clone();
        *off.last_mut().unwrap() ^= 1;
        let hybrid = [&[0x06 | (point.last().unwrap() & 1)], &point[1..]].concat();
        let zeros = [&[4][..], &vec![0; point.len() - 1]].concat();
        let ones = [&[4][..], &vec![0xff; point.len() - 1]].concat();
        for wrong in [off, hybrid, zeros, ones, vec![0], vec![], point[1..].to_vec()] {
            let refused = reason(spec, &spki(&on_curve(curve), &wrong));
            assert_eq!(refused, Some(InvalidPublicKey::Unacceptable), "{spec}: {wrong:02x?}");
        }
    }
}

/// The eight points whose order divides the cofactor: on the curve, but under them anybody can make signatures that verify.
#[test]
fn ed25519_keys_of_small_order_are_unacceptable() {
    let small = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    ];
    for point in small {
        let bytes = hex(point);
        assert!(ed25519_dalek::VerifyingKey::try_from(&bytes[..]).unwrap().is_weak(), "{point}");
        let der = spki(&[object_identifier(oid::ED25519)], &bytes);
        assert_eq!(reason(KeySpec::EccNistEdwards25519, &der), Some(InvalidPublicKey::Unacceptable), "{point}");
    }
}

#[test]
fn rsa_numbers_out_of_range_are_refused() {
    let numbers = |modulus: &[u8], exponent: &[u8]| {
        let key = sequence(&[integer(modulus), integer(exponent)]);
        reason(KeySpec::Rsa2048, &spki(&[object_identifier(oid::RSA_ENCRYPTION), null()], &key))
    };
    let modulus = &public_key_bits(key_pair(KeySpec::Rsa2048).public_key_der())[9..265];
    assert_eq!(numbers(modulus, &[1, 0, 1]), None);
    for exponent in [&[0][..], &[1], &[2], &[3], &[0xff, 0xff], &[1, 0, 0], &[3, 0, 0, 0, 1], &[1; 256]] {
        assert_eq!(numbers(modulus, exponent), Some(InvalidPublicKey::Unacceptable), "{exponent:?}");
    }
    let mut even = modulus.to_vec();
    even[255] &= 0xfe;
    assert_eq!(numbers(&even, &[1, 0, 1]), Some(InvalidPublicKey::Unacceptable));
    for bits in [&modulus[1..], &[&[0x7f], &modulus[1..]].concat(), &[&[0x80], modulus].concat()] {
        assert_eq!(numbers(bits, &[1, 0, 1]), Some(InvalidPublicKey::OtherKeySpec));
    }
}
