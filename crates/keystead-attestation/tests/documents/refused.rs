//! What is refused in a document whose certificates are sound, and for which reason. Every document here is rightly signed
//! unless the reason is the signature, so that nothing else can be what is wrong with it.

use keystead_attestation::{AGE_MS_MAX, AttestationError, AttestationRoots, DOCUMENT_BYTES_MAX, SKEW_MS_MAX, verify};

use crate::support::NOW_UNIX_MS;
use crate::support::der::{element, rsa_public_key};
use crate::support::document::{ES384, Fields, array, bytes, item, map, null, number, registers, signed, text};
use crate::support::pki::Pki;

fn invalid(field: &'static str, expected: &'static str) -> AttestationError {
    AttestationError::InvalidField { field, expected }
}

#[test]
fn fields_are_as_specified() {
    const MODULE_ID: &str = "text of 1 to 256 bytes";
    const TIMESTAMP: &str = "a positive number of milliseconds";
    const REGISTERS: &str = "a map of 1 to 32 registers, from 0 to 31, each of 32, 48 or 64 bytes";
    const CERTIFICATE: &str = "a certificate of 1 to 1024 bytes";
    const BUNDLE: &str = "an array of 1 to 16 certificates";
    const PUBLIC_KEY: &str = "a byte string of 1 to 1024 bytes";
    const USER_DATA: &str = "a byte string of 0 to 512 bytes";
    let pki = Pki::short();
    let sound = Fields::of(&pki, &rsa_public_key(2048));
    let same_register_twice = [&[0xa2, 0x00, 0x58, 0x30], [1; 48].as_slice(), &[0x00, 0x58, 0x30], &[2; 48]].concat();
    let seventeen = vec![bytes(pki.root()); 17];

    let mut cases: Vec<(Fields, AttestationError)> = Vec::new();
    for required in ["module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle"] {
        cases.push((sound.clone().without(required), AttestationError::MissingField(required)));
        let again = sound.0.iter().find(|(name, _)| *name == required).unwrap().clone();
        cases.push((sound.clone().and(again.0, again.1), invalid(required, "there once")));
    }
    for (field, value, expected) in [
        ("module_id", null(), MODULE_ID),
        ("module_id", bytes(b"i-0"), MODULE_ID),
        ("module_id", text(""), MODULE_ID),
        ("module_id", text(&"i".repeat(257)), MODULE_ID),
        ("digest", null(), "\"SHA384\""),
        ("digest", text("SHA512"), "\"SHA384\""),
        ("digest", bytes(b"SHA384"), "\"SHA384\""),
        ("timestamp", null(), TIMESTAMP),
        ("timestamp", number(0), TIMESTAMP),
        ("timestamp", number(-1), TIMESTAMP),
        ("timestamp", text("1772366400000"), TIMESTAMP),
        ("timestamp", item(|encoder| encoder.f64(NOW_UNIX_MS as f64)), TIMESTAMP),
        ("pcrs", null(), REGISTERS),
        ("pcrs", map(&[]), REGISTERS),
        ("pcrs", array(&[bytes(&[0; 48])]), REGISTERS),
        ("pcrs", registers(0..33, 48), REGISTERS),
        ("pcrs", registers(32..33, 48), REGISTERS),
        ("pcrs", registers(0..1, 47), REGISTERS),
        ("pcrs", registers(0..1, 0), REGISTERS),
        ("pcrs", map(&[(text("0"), bytes(&[0; 48]))]), REGISTERS),
        ("pcrs", map(&[(number(-1), bytes(&[0; 48]))]), REGISTERS),
        ("pcrs", map(&[(number(0), text(&"0".repeat(48)))]), REGISTERS),
        ("pcrs", same_register_twice, "without a register twice"),
        ("certificate", null(), CERTIFICATE),
        ("certificate", bytes(&[]), CERTIFICATE),
        ("certificate", bytes(&[0x30; 1025]), CERTIFICATE),
        ("cabundle", null(), BUNDLE),
        ("cabundle", array(&[]), BUNDLE),
        ("cabundle", bytes(pki.root()), BUNDLE),
        ("cabundle", array(&seventeen), BUNDLE),
        ("cabundle", array(&[bytes(&[])]), CERTIFICATE),
        ("cabundle", array(&[null()]), CERTIFICATE),
        ("cabundle", array(&[bytes(&[0x30; 1025])]), CERTIFICATE),
        ("public_key", text("key"), PUBLIC_KEY),
        ("public_key", bytes(&[]), PUBLIC_KEY),
        ("public_key", bytes(&[0; 1025]), PUBLIC_KEY),
        ("user_data", text("data"), USER_DATA),
        ("user_data", bytes(&[0; 513]), USER_DATA),
        ("nonce", number(1), USER_DATA),
        ("nonce", bytes(&[0; 513]), USER_DATA),
    ] {
        cases.push((sound.clone().with(field, value), invalid(field, expected)));
    }
    cases.push((sound.clone().and("public_key", bytes(&[1])), invalid("public_key", "there once")));
    cases.push((sound.clone().and("nonce", null()), invalid("nonce", "there once")));
    cases.push((sound.clone().and("pcr", registers(0..1, 48)), AttestationError::UnknownField));
    cases.push((
        sound.clone().and("nitrotpm_pcrs", registers(0..1, 48)),
        invalid("nitrotpm_pcrs", "absent when pcrs is there"),
    ));

    for (fields, refusal) in cases {
        assert_eq!(verify(&fields.signed_by(&pki), &pki.roots(), NOW_UNIX_MS).unwrap_err(), refusal);
    }
}

#[test]
fn the_payload_is_one_map_of_named_fields() {
    let pki = Pki::short();
    let payload = Fields::of(&pki, &rsa_public_key(2048)).payload();
    for (payload, refusal) in [
        (number(1), invalid("payload", "a map")),
        (array(&[]), invalid("payload", "a map")),
        (vec![0xff], invalid("payload", "a map")),
        (map(&[(number(1), number(1))]), invalid("field names", "text")),
        ([payload.as_slice(), &[0xf6]].concat(), invalid("payload", "one map and nothing else")),
    ] {
        assert_eq!(verify(&signed(&pki, &ES384, &payload), &pki.roots(), NOW_UNIX_MS).unwrap_err(), refusal);
    }
    for malformed in [vec![], vec![0xbf], vec![0xbb; 9], vec![0xa1, 0x61, 0xff]] {
        let refusal = verify(&signed(&pki, &ES384, &malformed), &pki.roots(), NOW_UNIX_MS).unwrap_err();
        assert!(matches!(refusal, AttestationError::MalformedCbor(_)), "{malformed:02x?}: {refusal:?}");
    }
}

#[test]
fn the_envelope_is_a_cose_sign1_with_es384() {
    let pki = Pki::short();
    let payload = Fields::of(&pki, &rsa_public_key(2048)).payload();
    let protected = |header: Vec<u8>| signed(&pki, &header, &payload);
    let members = |members: &[Vec<u8>]| array(members);
    let signature = vec![1; 96];
    let sound = protected(ES384.to_vec());
    for (document, refusal) in [
        (number(1), "it is not an array"),
        ([&[0xd1], sound.as_slice()].concat(), "its tag is not 18"),
        ([&[0xd2, 0xd2], sound.as_slice()].concat(), "it is not an array"),
        (members(&[bytes(&ES384), map(&[]), bytes(&payload)]), "it is not an array of four"),
        ([&[0x9f], &sound[1..], &[0xff]].concat(), "it is not an array of four"),
        (
            members(&[text("a"), map(&[]), bytes(&payload), bytes(&signature)]),
            "the protected header is not a byte string",
        ),
        (members(&[bytes(&ES384), null(), bytes(&payload), bytes(&signature)]), "the unprotected header is not a map"),
        (
            members(&[bytes(&ES384), map(&[(number(4), bytes(b"kid"))]), bytes(&payload), bytes(&signature)]),
            "the unprotected header is not empty",
        ),
        (members(&[bytes(&ES384), map(&[]), null(), bytes(&signature)]), "the payload is not a byte string"),
        (members(&[bytes(&ES384), map(&[]), bytes(&payload), null()]), "the signature is not a byte string"),
        (
            members(&[bytes(&ES384), map(&[]), bytes(&payload), bytes(&signature[1..])]),
            "the signature does not have 96 bytes",
        ),
        (members(&[bytes(&ES384), map(&[]), bytes(&payload), bytes(&[1; 97])]), "the signature does not have 96 bytes"),
        ([sound.as_slice(), &[0xf6]].concat(), "something follows it"),
        (protected(map(&[])), "the protected header has no algorithm"),
        (protected(array(&[])), "the protected header is not a map"),
        (protected(map(&[(text("alg"), number(-35))])), "the protected header has an unknown label"),
        (protected(map(&[(number(1), text("ES384"))])), "the algorithm is not a number"),
        (
            protected(map(&[(number(1), number(-35)), (number(4), bytes(b"kid"))])),
            "the protected header has more than the algorithm",
        ),
        (
            protected(map(&[(number(1), number(-35)), (number(1), number(-35))])),
            "the protected header has more than the algorithm",
        ),
        (protected([ES384.as_slice(), &[0xf6]].concat()), "something follows the protected header"),
    ] {
        assert_eq!(
            verify(&document, &pki.roots(), NOW_UNIX_MS).unwrap_err(),
            AttestationError::MalformedCose(refusal),
            "{refusal}"
        );
    }
    // ES256, ES512, ES256K, EdDSA, PS384, and no algorithm of COSE at all.
    for algorithm in [-7, -36, -47, -8, -38, 0, 35, i64::MIN] {
        assert_eq!(
            verify(&protected(map(&[(number(1), number(algorithm))])), &pki.roots(), NOW_UNIX_MS).unwrap_err(),
            AttestationError::Algorithm(algorithm)
        );
    }
}

#[test]
fn a_foreign_signature_is_refused() {
    let (pki, foreign) = (Pki::nitro(), Pki::nitro());
    let fields = Fields::of(&pki, &rsa_public_key(2048));

    // The certificates of one enclave, signed with the key of another.
    assert_eq!(
        verify(&fields.signed_by(&foreign), &pki.roots(), NOW_UNIX_MS).unwrap_err(),
        AttestationError::Signature
    );
    // The signature of another document of the same enclave.
    let other = fields.clone().with("nonce", bytes(b"other")).signed_by(&pki);
    let mut document = fields.signed_by(&pki);
    let signature_at = document.len() - 96;
    document[signature_at..].copy_from_slice(&other[other.len() - 96..]);
    assert_eq!(verify(&document, &pki.roots(), NOW_UNIX_MS).unwrap_err(), AttestationError::Signature);
    // Numbers that are no signature of anything.
    for value in [[0; 96], [0xff; 96]] {
        document[signature_at..].copy_from_slice(&value);
        assert_eq!(verify(&document, &pki.roots(), NOW_UNIX_MS).unwrap_err(), AttestationError::Signature);
    }
}

#[test]
fn a_document_is_of_the_last_five_minutes() {
    let pki = Pki::short();
    let sound = Fields::of(&pki, &rsa_public_key(2048));
    let at = |timestamp: i64| {
        let document = sound.clone().with("timestamp", number(timestamp)).signed_by(&pki);
        verify(&document, &pki.roots(), NOW_UNIX_MS).unwrap_err()
    };

    assert_eq!(at(NOW_UNIX_MS - AGE_MS_MAX as i64 - 1), AttestationError::TooOld { age_ms: AGE_MS_MAX + 1 });
    assert_eq!(at(1), AttestationError::TooOld { age_ms: NOW_UNIX_MS as u64 - 1 });
    assert_eq!(at(NOW_UNIX_MS + SKEW_MS_MAX as i64 + 1), AttestationError::InTheFuture { ahead_ms: SKEW_MS_MAX + 1 });
    assert_eq!(at(i64::MAX), AttestationError::InTheFuture { ahead_ms: i64::MAX as u64 - NOW_UNIX_MS as u64 });
    // Seconds in place of milliseconds.
    assert!(matches!(at(NOW_UNIX_MS / 1000), AttestationError::TooOld { .. }));
}

#[test]
fn there_must_be_an_rsa_key_of_2048_to_4096_bits() {
    let pki = Pki::short();
    let sound = Fields::of(&pki, &rsa_public_key(2048));
    for fields in [sound.clone().without("public_key"), sound.clone().with("public_key", null())] {
        assert_eq!(
            verify(&fields.signed_by(&pki), &pki.roots(), NOW_UNIX_MS).unwrap_err(),
            AttestationError::NoPublicKey
        );
    }
    let rsa = rsa_public_key(2048);
    let without_header = rsa[24..].to_vec();
    let p384 = {
        let key = [&[0x00, 0x04], [0x11; 96].as_slice()].concat();
        let algorithm = [
            0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22,
        ];
        element(0x30, &[&algorithm, &element(0x03, &[&key])])
    };
    let rsassa_pss = {
        let mut key = rsa.clone();
        // The last octet of the object identifier: 1 is rsaEncryption, 10 is RSASSA-PSS.
        assert_eq!(key[16], 0x01);
        key[16] = 0x0a;
        key
    };
    let pem = b"-----BEGIN PUBLIC KEY-----\nMIIB".to_vec();
    for (key, der) in [
        ("RSA-1024", rsa_public_key(1024)),
        ("RSA-2047", rsa_public_key(2047)),
        ("RSA-4104", rsa_public_key(4104)),
        ("RSA-7168", rsa_public_key(7168)),
        ("RSAPublicKey without its header", without_header),
        ("trailing bytes", [rsa.as_slice(), &[0]].concat()),
        ("cut off", rsa[..rsa.len() - 1].to_vec()),
        ("P-384", p384),
        ("RSASSA-PSS", rsassa_pss),
        ("PEM", pem),
        ("zeros", vec![0; 294]),
    ] {
        let document = sound.clone().with("public_key", bytes(&der)).signed_by(&pki);
        assert_eq!(
            verify(&document, &pki.roots(), NOW_UNIX_MS).unwrap_err(),
            AttestationError::UnsupportedPublicKey,
            "{key}"
        );
    }
}

#[test]
fn without_roots_every_document_is_refused() {
    let pki = Pki::short();
    let document = Fields::of(&pki, &rsa_public_key(2048)).signed_by(&pki);

    for document in [document.as_slice(), b""] {
        let refusal = verify(document, &AttestationRoots::default(), NOW_UNIX_MS).unwrap_err();
        assert_eq!(refusal, AttestationError::NoRoots);
        assert_eq!(refusal.to_string(), "no root certificate for attestation documents is configured");
    }
}

#[test]
fn a_document_has_1_to_262144_bytes() {
    let pki = Pki::short();
    for length in [0, DOCUMENT_BYTES_MAX + 1] {
        assert_eq!(
            verify(&vec![0x84; length], &pki.roots(), NOW_UNIX_MS).unwrap_err(),
            AttestationError::DocumentSize(length)
        );
    }
    assert!(matches!(
        verify(&vec![0x84; DOCUMENT_BYTES_MAX], &pki.roots(), NOW_UNIX_MS).unwrap_err(),
        AttestationError::MalformedCose(_)
    ));
}
