//! Key agreement.

use crate::support::*;
use keystead_cryptography::{AgreementError, KeyPair};
use keystead_model::kms::KeySpec;

/// Key spec, curve, bytes of a coordinate.
const CURVES: [(KeySpec, &[u8], usize); 3] = [
    (KeySpec::EccNistP256, oid::P256, 32),
    (KeySpec::EccNistP384, oid::P384, 48),
    (KeySpec::EccNistP521, oid::P521, 66),
];

fn refusal(key: &KeyPair, peer: &[u8]) -> Option<AgreementError> {
    key.agree(peer).err()
}

#[test]
fn both_sides_have_the_same_secret() {
    for (spec, curve, coordinate_bytes) in CURVES {
        let (one, other) = (key_pair(spec), KeyPair::generate(spec).unwrap());
        let secret = one.agree(other.public_key_der()).unwrap();
        assert_eq!(secret.len(), coordinate_bytes, "{spec}");
        assert_eq!(other.agree(one.public_key_der()).unwrap(), secret, "{spec}");
        assert_ne!(one.agree(one.public_key_der()).unwrap(), secret, "{spec}");
        // The same point, compressed.
        let point = public_key_bits(other.public_key_der());
        let sign = 2 | (point.last().unwrap() & 1);
        let compressed = [&[sign], &point[1..=coordinate_bytes]].concat();
        assert_eq!(one.agree(&spki(&on_curve(curve), &compressed)).unwrap(), secret, "{spec}");
    }
}

/// A secret may begin with zeros, and keeps them. NIST's P-256 example of RFC 5903, section 8.1, begins with none; so one is searched.
#[test]
fn secrets_keep_leading_zeros() {
    let key = key_pair(KeySpec::EccNistP256);
    let short = (0..100_000).find_map(|_| {
        let secret = key.agree(KeyPair::generate(KeySpec::EccNistP256).unwrap().public_key_der()).unwrap();
        (secret[0] == 0).then_some(secret)
    });
    assert_eq!(short.expect("one in 256 begins with a zero").len(), 32);
}

/// RFC 5903, section 8.1.
#[test]
fn ecdh_of_rfc_5903() {
    let private_key = hex("c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433");
    let peer = hex("04 d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63
                    56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab");
    let expected = hex("d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de");
    let document = pkcs8(&on_curve(oid::P256), &ec_private_key(&private_key));
    let key = KeyPair::from_pkcs8(KeySpec::EccNistP256, &document).unwrap();
    assert_eq!(key.agree(&spki(&on_curve(oid::P256), &peer)).unwrap().as_slice(), expected);
}

#[test]
fn other_keys_agree_on_nothing() {
    for spec in KEY_PAIR_SPECS.into_iter().filter(|spec| CURVES.iter().all(|row| row.0 != *spec)) {
        let key = key_pair(spec);
        assert_eq!(refusal(key, key.public_key_der()), Some(AgreementError::NotAnAgreementKey), "{spec}");
    }
}

#[test]
fn public_keys_of_other_curves_and_algorithms_are_told_apart() {
    for (spec, ..) in CURVES {
        for other in KEY_PAIR_SPECS.into_iter().filter(|other| *other != spec) {
            let refused = refusal(key_pair(spec), key_pair(other).public_key_der());
            assert_eq!(refused, Some(AgreementError::OtherCurve), "{spec} with {other}");
        }
    }
}

#[test]
fn points_off_the_curve_are_invalid() {
    for (spec, curve, coordinate_bytes) in CURVES {
        let point = public_key_bits(key_pair(spec).public_key_der());
        let mut off = point.clone();
        *off.last_mut().unwrap() ^= 1;
        let zeros = [&[4][..], &vec![0; 2 * coordinate_bytes]].concat();
        // Coordinates above the field's prime.
        let ones = [&[4][..], &vec![0xff; 2 * coordinate_bytes]].concat();
        let infinity = vec![0];
        for wrong in [off, zeros, ones, infinity] {
            let refused = refusal(key_pair(spec), &spki(&on_curve(curve), &wrong));
            assert_eq!(refused, Some(AgreementError::InvalidPoint), "{spec}: {wrong:02x?}");
        }
        // Half of all x coordinates have no point.
        let off_curve = (0..=255).filter(|x| {
            let compressed = [&[2][..], &vec![0; coordinate_bytes - 1], &[*x]].concat();
            refusal(key_pair(spec), &spki(&on_curve(curve), &compressed)) == Some(AgreementError::InvalidPoint)
        });
        assert!((64..192).contains(&off_curve.count()), "{spec}");
    }
}

#[test]
fn what_is_no_public_key_is_undecodable() {
    for (spec, curve, coordinate_bytes) in CURVES {
        let key = key_pair(spec);
        let der = key.public_key_der();
        let point = public_key_bits(der);
        let hybrid = [&[6 | (point.last().unwrap() & 1)], &point[1..]].concat();
        let wrong = [
            vec![],
            point.clone(),
            [der, &[0]].concat(),
            spki(&on_curve(curve), &[]),
            spki(&on_curve(curve), &point[..2 * coordinate_bytes]),
            spki(&on_curve(curve), &[&point[..], &[0]].concat()),
            spki(&on_curve(curve), &hybrid),
            spki(&on_curve(curve), &[&[9], &point[1..]].concat()),
            // No curve; none by name.
            spki(&[object_identifier(oid::EC_PUBLIC_KEY)], &point),
            spki(&[object_identifier(oid::EC_PUBLIC_KEY), null()], &point),
            spki(&[object_identifier(oid::EC_PUBLIC_KEY), sequence(&[integer(&[1])])], &point),
            // Seven bits are not part of the key.
            sequence(&[sequence(&on_curve(curve)), self::der(0x03, &[&[7], &point[..]].concat())]),
            b"-----BEGIN PUBLIC KEY-----".to_vec(),
        ];
        for bytes in wrong {
            assert_eq!(refusal(key, &bytes), Some(AgreementError::UndecodablePublicKey), "{spec}: {bytes:02x?}");
        }
        for length in 0..der.len() {
            assert_eq!(
                refusal(key, &der[..length]),
                Some(AgreementError::UndecodablePublicKey),
                "{spec}: {length} bytes"
            );
        }
    }
}

#[test]
fn changed_public_keys_do_no_harm() {
    for (spec, ..) in CURVES {
        let (key, peer) = (key_pair(spec), KeyPair::generate(spec).unwrap());
        for at in 0..peer.public_key_der().len() {
            for change in [0x01, 0x80] {
                let mut changed = peer.public_key_der().to_vec();
                changed[at] ^= change;
                assert!(key.agree(&changed).is_err(), "{spec}: byte {at}");
            }
        }
    }
}
