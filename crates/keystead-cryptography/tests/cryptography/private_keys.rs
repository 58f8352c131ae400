//! Private keys come in as OpenSSL and Python's `cryptography` write them, and come in only if they are whole, consistent and of the

//! key spec.

use crate::support::*;
use keystead_cryptography::{CryptographyError, InvalidPrivateKey, KeyPair};
use keystead_model::kms::KeySpec;

macro_rules! data {
    ($name:literal) => {
        ($name, include_bytes!(concat!("data/", $name)) as &[u8])
    };
}

/// Written by OpenSSL 3.0 (`openssl genpkey ... | openssl pkcs8 -topk8 -nocrypt -outform DER`) and by Python's `cryptography` 48
/// (`private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())`).
const FOREIGN: [((&str, &[u8]), KeySpec); 18] = [
    (data!("openssl_rsa_2048.der"), KeySpec::Rsa2048),
    (data!("openssl_rsa_3072.der"), KeySpec::Rsa3072),
    (data!("openssl_rsa_4096.der"), KeySpec::Rsa4096),
    (data!("openssl_p256.der"), KeySpec::EccNistP256),
    // `openssl ec -no_public`
    (data!("openssl_p256_no_public.der"), KeySpec::EccNistP256),
    (data!("openssl_p384.der"), KeySpec::EccNistP384),
    (data!("openssl_p521.der"), KeySpec::EccNistP521),
    (data!("openssl_p256k1.der"), KeySpec::EccSecgP256k1),
    (data!("openssl_ed25519.der"), KeySpec::EccNistEdwards25519),
    (data!("python_rsa_2048.der"), KeySpec::Rsa2048),
    (data!("python_p256.der"), KeySpec::EccNistP256),
    (data!("python_p384.der"), KeySpec::EccNistP384),
    (data!("python_p521.der"), KeySpec::EccNistP521),
    (data!("python_p256k1.der"), KeySpec::EccSecgP256k1),
    (data!("python_ed25519.der"), KeySpec::EccNistEdwards25519),
    (data!("python_ml_dsa_44.der"), KeySpec::MlDsa44),
    (data!("python_ml_dsa_65.der"), KeySpec::MlDsa65),
    (data!("python_ml_dsa_87.der"), KeySpec::MlDsa87),
];

fn reason(spec: KeySpec, der: &[u8]) -> Option<InvalidPrivateKey> {
    KeyPair::from_pkcs8(spec, der).err()
}

#[test]
fn what_others_write_comes_in_and_stays_the_same_key() {
    for ((name, der), spec) in FOREIGN {
        let key = KeyPair::from_pkcs8(spec, der).unwrap_or_else(|error| panic!("{name}: {error}"));
        let again = KeyPair::from_pkcs8(spec, &key.to_pkcs8().unwrap()).unwrap();
        assert_eq!(key.public_key_der(), again.public_key_der(), "{name}");
        assert_eq!(key.to_pkcs8().unwrap(), again.to_pkcs8().unwrap(), "{name}");
        assert_eq!((key.spec(), again.spec()), (spec, spec));
    }
}

/// What OpenSSL writes with and without the public key, and with it compressed, is one key; its public key is answered uncompressed.
#[test]
fn all_forms_of_a_key_on_a_curve_are_one_key() {
    let with = data!("openssl_p256.der").1;
    let key = KeyPair::from_pkcs8(KeySpec::EccNistP256, with).unwrap();
    assert_eq!(public_key_bits(key.public_key_der()), with[with.len() - 65..]);
    for (name, other) in [data!("openssl_p256_no_public.der"), data!("openssl_p256_compressed.der")] {
        let other = KeyPair::from_pkcs8(KeySpec::EccNistP256, other).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(other.public_key_der(), key.public_key_der(), "{name}");
        assert_eq!(other.to_pkcs8().unwrap(), key.to_pkcs8().unwrap(), "{name}");
    }
}

#[test]
fn made_keys_come_back_from_pkcs8() {
    for spec in KEY_PAIR_SPECS {
        let key = key_pair(spec);
        let again = KeyPair::from_pkcs8(spec, &key.to_pkcs8().unwrap()).unwrap();
        assert_eq!(key.public_key_der(), again.public_key_der(), "{spec}");
        assert_eq!(key.to_pkcs8().unwrap(), again.to_pkcs8().unwrap(), "{spec}");
    }
}

#[test]
fn two_made_keys_differ() {
    for spec in [KeySpec::Rsa2048, KeySpec::EccNistP256, KeySpec::EccNistEdwards25519, KeySpec::MlDsa44] {
        let (one, other) = (KeyPair::generate(spec).unwrap(), KeyPair::generate(spec).unwrap());
        assert_ne!(one.public_key_der(), other.public_key_der(), "{spec}");
    }
}

#[test]
fn key_specs_without_key_pairs_are_refused() {
    for spec in KeySpec::ALL.iter().copied().filter(|spec| !KEY_PAIR_SPECS.contains(spec)) {
        assert_eq!(KeyPair::generate(spec).err(), Some(CryptographyError::UnsupportedKeySpec(spec)));
        assert_eq!(reason(spec, FOREIGN[0].0.1), Some(InvalidPrivateKey::UnsupportedKeySpec(spec)));
    }
}

#[test]
fn a_key_is_of_no_other_key_spec() {
    for ((name, der), spec) in FOREIGN {
        for other in KEY_PAIR_SPECS.into_iter().filter(|other| *other != spec) {
            assert_eq!(reason(other, der), Some(InvalidPrivateKey::OtherKeySpec), "{name} as {other}");
        }
    }
}

#[test]
fn every_truncation_and_every_addition_is_refused() {
    for ((name, der), spec) in FOREIGN {
        for length in 0..der.len() {
            assert!(reason(spec, &der[..length]).is_some(), "{name}: {length} bytes");
        }
        for trailing in [&[0][..], &[0x30, 0], der] {
            assert_eq!(reason(spec, &[der, trailing].concat()), Some(InvalidPrivateKey::Malformed), "{name}");
        }
    }
}

/// Nothing may panic, and what comes in all the same is a whole key: it signs, and its signature verifies.
#[test]
fn a_changed_byte_is_refused_or_makes_another_whole_key() {
    for ((name, der), spec) in FOREIGN {
        // RSA is checked with arithmetic on large numbers: every 16th byte is enough of that.
        let step = if der.len() > 1000 { 16 } else { 1 };
        for at in (0..der.len()).step_by(step) {
            for change in [0x01, 0x80] {
                let mut changed = der.to_vec();
                changed[at] ^= change;
                let Ok(key) = KeyPair::from_pkcs8(spec, &changed) else { continue };
                let again = KeyPair::from_pkcs8(spec, &key.to_pkcs8().unwrap()).unwrap();
                assert_eq!(key.public_key_der(), again.public_key_der(), "{name}: byte {at}");
                assert!(signs(&key), "{name}: byte {at}");
            }
        }
    }
}

fn signs(key: &KeyPair) -> bool {
    use keystead_cryptography::{Message, key_spec};
    use keystead_model::kms::KeyUsageType;
    let algorithm = key_spec::signing_algorithms(key.spec(), KeyUsageType::SignVerify)[0];
    let signature = key.sign(algorithm, Message::Raw(b"message")).unwrap();
    key.verify(algorithm, Message::Raw(b"message"), &signature).unwrap()
}

#[test]
fn what_is_no_pkcs8_in_der_is_malformed() {
    for (name, der) in
        [data!("openssl_p256_traditional.der"), ("nothing", &[]), ("PEM", b"-----BEGIN PRIVATE KEY-----")]
    {
        assert_eq!(reason(KeySpec::EccNistP256, der), Some(InvalidPrivateKey::Malformed), "{name}");
    }
}

#[test]
fn keys_of_neighbouring_kinds_are_of_another_key_spec() {
    let others = [
        (data!("openssl_rsa_pss_2048.der"), KeySpec::Rsa2048),
        (data!("openssl_x25519.der"), KeySpec::EccNistEdwards25519),
    ];
    for ((name, der), spec) in others {
        assert_eq!(reason(spec, der), Some(InvalidPrivateKey::OtherKeySpec), "{name}");
    }
}

#[test]
fn unusual_keys_are_unacceptable() {
    let others = [
        (data!("openssl_rsa_2047.der"), KeySpec::Rsa2048),
        (data!("python_rsa_2048_exponent_3.der"), KeySpec::Rsa2048),
        (data!("openssl_rsa_2048_three_primes.der"), KeySpec::Rsa2048),
        (data!("openssl_p256_explicit.der"), KeySpec::EccNistP256),
    ];
    for ((name, der), spec) in others {
        assert_eq!(reason(spec, der), Some(InvalidPrivateKey::Unacceptable), "{name}");
    }
}

/// RFC 5208 has attributes, which some programs write; they mean nothing here.
#[test]
fn attributes_do_not_matter() {
    let key = KeyPair::from_pkcs8(KeySpec::EccNistP256, data!("openssl_p256.der").1).unwrap();
    let (content, _) = value(data!("openssl_p256.der").1);
    // id-ce-keyUsage with an empty BIT STRING, as Microsoft's tools write it with bits.
    let attribute = sequence(&[object_identifier(&[0x55, 0x1d, 0x0f]), der(0x31, &bit_string(&[0x80]))]);
    let with_attributes = der(0x30, &[content, &der(0xa0, &attribute)].concat());
    let read = KeyPair::from_pkcs8(KeySpec::EccNistP256, &with_attributes).unwrap();
    assert_eq!(read.to_pkcs8().unwrap(), key.to_pkcs8().unwrap());
}

/// RFC 5958 has the public key beside the private one.
#[test]
fn an_enclosed_public_key_must_be_the_private_keys() {
    let algorithms = [
        (KeySpec::Rsa2048, vec![object_identifier(oid::RSA_ENCRYPTION), null()]),
        (KeySpec::EccNistP256, on_curve(oid::P256)),
        (KeySpec::EccSecgP256k1, on_curve(oid::P256K1)),
        (KeySpec::EccNistEdwards25519, vec![object_identifier(oid::ED25519)]),
        (KeySpec::MlDsa44, vec![object_identifier(oid::ML_DSA_44)]),
    ];
    for (spec, algorithm) in algorithms {
        let key = key_pair(spec);
        let private_key = private_key_in(&key.to_pkcs8().unwrap());
        let public_key = public_key_bits(key.public_key_der());
        let right = pkcs8_with_public_key(&algorithm, &private_key, &public_key);
        let read = KeyPair::from_pkcs8(spec, &right).unwrap_or_else(|error| panic!("{spec}: {error}"));
        assert_eq!(read.public_key_der(), key.public_key_der());
        let another = KeyPair::generate(spec).unwrap();
        let wrong = pkcs8_with_public_key(&algorithm, &private_key, &public_key_bits(another.public_key_der()));
        assert_eq!(reason(spec, &wrong), Some(InvalidPrivateKey::Unacceptable), "{spec}");
        let short = pkcs8_with_public_key(&algorithm, &private_key, &public_key[..public_key.len() - 1]);
        assert_eq!(reason(spec, &short), Some(InvalidPrivateKey::Unacceptable), "{spec}");
    }
}

/// The content of the OCTET STRING in PKCS #8, version 1.
fn private_key_in(pkcs8: &[u8]) -> Vec<u8> {
    let (content, _) = value(pkcs8);
    let (_, after_version) = value(content);
    let (_, after_algorithm) = value(after_version);
    value(after_algorithm).0.to_vec()
}

#[test]
fn nothing_follows_what_is_in_the_envelope() {
    let specs = [
        (KeySpec::Rsa2048, vec![object_identifier(oid::RSA_ENCRYPTION), null()]),
        (KeySpec::EccNistP384, on_curve(oid::P384)),
        (KeySpec::EccNistEdwards25519, vec![object_identifier(oid::ED25519)]),
        (KeySpec::MlDsa65, vec![object_identifier(oid::ML_DSA_65)]),
    ];
    for (spec, algorithm) in specs {
        let private_key = private_key_in(&key_pair(spec).to_pkcs8().unwrap());
        assert!(KeyPair::from_pkcs8(spec, &pkcs8(&algorithm, &private_key)).is_ok(), "{spec}");
        let followed = pkcs8(&algorithm, &[&private_key[..], &null()].concat());
        assert_eq!(reason(spec, &followed), Some(InvalidPrivateKey::Unacceptable), "{spec}");
        // And within the algorithm's own structure, if it has one.
        if private_key[0] == 0x30 {
            let (content, _) = value(&private_key);
            let extended = der(0x30, &[content, &null()].concat());
            assert_eq!(reason(spec, &pkcs8(&algorithm, &extended)), Some(InvalidPrivateKey::Unacceptable), "{spec}");
        }
    }
}

#[test]
fn parameters_must_be_the_algorithms() {
    let rsa = private_key_in(&key_pair(KeySpec::Rsa2048).to_pkcs8().unwrap());
    let ed25519 = private_key_in(&key_pair(KeySpec::EccNistEdwards25519).to_pkcs8().unwrap());
    let p256 = private_key_in(&key_pair(KeySpec::EccNistP256).to_pkcs8().unwrap());
    let ml_dsa = private_key_in(&key_pair(KeySpec::MlDsa44).to_pkcs8().unwrap());
    let cases = [
        (KeySpec::Rsa2048, vec![object_identifier(oid::RSA_ENCRYPTION)], rsa.clone()),
        (KeySpec::Rsa2048, vec![object_identifier(oid::RSA_ENCRYPTION), sequence(&[])], rsa),
        (KeySpec::EccNistEdwards25519, vec![object_identifier(oid::ED25519), null()], ed25519),
        (KeySpec::EccNistP256, vec![object_identifier(oid::EC_PUBLIC_KEY)], p256.clone()),
        (KeySpec::EccNistP256, vec![object_identifier(oid::EC_PUBLIC_KEY), null()], p256),
        (KeySpec::MlDsa44, vec![object_identifier(oid::ML_DSA_44), null()], ml_dsa),
    ];
    for (spec, algorithm, private_key) in cases {
        assert_eq!(reason(spec, &pkcs8(&algorithm, &private_key)), Some(InvalidPrivateKey::Unacceptable), "{spec}");
    }
}

#[test]
fn scalars_out_of_range_are_unacceptable() {
    let order_of_p256 = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    let mut last = order_of_p256.clone();
    last[31] -= 1;
    let read = |scalar: &[u8]| reason(KeySpec::EccNistP256, &pkcs8(&on_curve(oid::P256), &ec_private_key(scalar)));
    assert_eq!(read(&last), None);
    assert_eq!(read(&[&[0; 31][..], &[1]].concat()), None);
    for scalar in [&[0; 32][..], &order_of_p256, &[0xff; 32], &[0xff; 33], &[]] {
        assert_eq!(read(scalar), Some(InvalidPrivateKey::Unacceptable), "{scalar:?}");
    }
}

/// A public key on the curve, but another one than the private key's, in the private key's own structure (RFC 5915).
#[test]
fn a_private_key_on_a_curve_may_not_name_another_public_key() {
    let key = key_pair(KeySpec::EccNistP256);
    let scalar = &private_key_in(&key.to_pkcs8().unwrap())[7..39];
    let with_public_key = |public_key: &[u8]| {
        let content = sequence(&[integer(&[1]), octet_string(scalar), der(0xa1, &bit_string(public_key))]);
        reason(KeySpec::EccNistP256, &pkcs8(&on_curve(oid::P256), &content))
    };
    assert_eq!(with_public_key(&public_key_bits(key.public_key_der())), None);
    let another = KeyPair::generate(KeySpec::EccNistP256).unwrap();
    assert_eq!(with_public_key(&public_key_bits(another.public_key_der())), Some(InvalidPrivateKey::Unacceptable));
}

/// An RSA key's numbers contradict each other as soon as one of them changes.
#[test]
fn an_rsa_key_with_one_wrong_number_is_unacceptable() {
    let algorithm = [object_identifier(oid::RSA_ENCRYPTION), null()];
    let numbers = numbers_in(&private_key_in(data!("openssl_rsa_2048.der").1));
    let other = numbers_in(&private_key_in(data!("python_rsa_2048.der").1));
    assert_eq!(numbers.len(), 9);
    assert_eq!(reason(KeySpec::Rsa2048, &pkcs8(&algorithm, &sequence(&numbers))), None);
    // Version and public exponent are the same in both keys.
    for place in (0..numbers.len()).filter(|place| numbers[*place] != other[*place]) {
        let mut mixed = numbers.clone();
        mixed[place].clone_from(&other[place]);
        let document = pkcs8(&algorithm, &sequence(&mixed));
        assert_eq!(reason(KeySpec::Rsa2048, &document), Some(InvalidPrivateKey::Unacceptable), "number {place}");
    }
    let mut even = numbers.clone();
    even[2] = integer(&[1, 0, 0]);
    assert_eq!(reason(KeySpec::Rsa2048, &pkcs8(&algorithm, &sequence(&even))), Some(InvalidPrivateKey::Unacceptable));
}

/// The DER values of a SEQUENCE.
fn numbers_in(der: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = value(der).0;
    let mut numbers = Vec::new();
    while !rest.is_empty() {
        let after = value(rest).1;
        numbers.push(rest[..rest.len() - after.len()].to_vec());
        rest = after;
    }
    numbers
}

/// RFC 9881: the seed, the expanded private key, or both. The three are one key; without the seed it is kept expanded.
#[test]
fn ml_dsa_keys_come_as_seed_expanded_or_both() {
    for (spec, oid, signing) in ML_DSA {
        let algorithm = [object_identifier(oid)];
        let key = key_pair(spec);
        let seed = private_key_in(&key.to_pkcs8().unwrap())[2..].to_vec();
        let expanded = expanded_private_key(signing, &seed);
        let both = pkcs8(&algorithm, &sequence(&[octet_string(&seed), octet_string(&expanded)]));
        let both = KeyPair::from_pkcs8(spec, &both).unwrap();
        assert_eq!(both.to_pkcs8().unwrap(), key.to_pkcs8().unwrap());
        let document = pkcs8(&algorithm, &octet_string(&expanded));
        let alone = KeyPair::from_pkcs8(spec, &document).unwrap();
        assert_eq!(alone.to_pkcs8().unwrap().as_slice(), document);
        assert_eq!(alone.public_key_der(), key.public_key_der());
        // Seed and expanded private key of two keys.
        let another = private_key_in(&KeyPair::generate(spec).unwrap().to_pkcs8().unwrap())[2..].to_vec();
        let mixed = pkcs8(&algorithm, &sequence(&[octet_string(&another), octet_string(&expanded)]));
        assert_eq!(reason(spec, &mixed), Some(InvalidPrivateKey::Unacceptable), "{spec}");
        let followed = pkcs8(&algorithm, &sequence(&[octet_string(&seed), octet_string(&expanded), null()]));
        assert_eq!(reason(spec, &followed), Some(InvalidPrivateKey::Unacceptable), "{spec}");
        for short in [der(0x80, &seed[1..]), octet_string(&expanded[1..]), null()] {
            assert_eq!(reason(spec, &pkcs8(&algorithm, &short)), Some(InvalidPrivateKey::Unacceptable), "{spec}");
        }
    }
}

/// What an expanded private key has that does not follow from it is 32 random bytes, K. Any other change must be found: some would make
/// the library for an external mu panic.
#[test]
fn a_changed_expanded_ml_dsa_key_is_refused_except_in_its_random_bytes() {
    use keystead_cryptography::Message;
    use keystead_model::kms::SigningAlgorithmSpec::MlDsaShake256;
    for (spec, oid, signing) in ML_DSA {
        let seed = private_key_in(&key_pair(spec).to_pkcs8().unwrap())[2..].to_vec();
        let expanded = expanded_private_key(signing, &seed);
        for at in (0..expanded.len()).step_by(13) {
            for change in [0x01, 0x10, 0xff] {
                let mut changed = expanded.clone();
                changed[at] ^= change;
                let key = KeyPair::from_pkcs8(spec, &pkcs8(&[object_identifier(oid)], &octet_string(&changed)));
                // FIPS 204, algorithm 24: rho, K, tr, s1, s2, t0.
                assert_eq!(key.is_ok(), (32..64).contains(&at), "{spec}: byte {at}");
                let Ok(key) = key else { continue };
                let signature = key.sign(MlDsaShake256, Message::ExternalMu(&[7; 64])).unwrap();
                assert_eq!(key.verify(MlDsaShake256, Message::ExternalMu(&[7; 64]), &signature), Ok(true));
            }
        }
    }
}

const ML_DSA: [(KeySpec, &[u8], &aws_lc_rs::signature::PqdsaSigningAlgorithm); 3] = [
    (KeySpec::MlDsa44, oid::ML_DSA_44, &aws_lc_rs::signature::ML_DSA_44_SIGNING),
    (KeySpec::MlDsa65, oid::ML_DSA_65, &aws_lc_rs::signature::ML_DSA_65_SIGNING),
    (KeySpec::MlDsa87, oid::ML_DSA_87, &aws_lc_rs::signature::ML_DSA_87_SIGNING),
];

fn expanded_private_key(algorithm: &'static aws_lc_rs::signature::PqdsaSigningAlgorithm, seed: &[u8]) -> Vec<u8> {
    use aws_lc_rs::encoding::AsRawBytes;
    let key = aws_lc_rs::signature::PqdsaKeyPair::from_seed(algorithm, seed).unwrap();
    key.private_key().as_raw_bytes().unwrap().as_ref().to_vec()
}
