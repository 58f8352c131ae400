//! Which key signs what with which algorithm, and that nothing but a signature verifies.

use crate::support::*;
use aws_lc_rs::digest::{self, digest};
use keystead_cryptography::{Message, SignatureError, key_spec, signing_digest_bytes};
use keystead_model::kms::{KeySpec, KeyUsageType, SigningAlgorithmSpec};

const MESSAGE: &[u8] = b"what is signed";

/// The message types that an algorithm signs (KMS API Reference, Sign).
struct Types {
    raw: bool,
    digest: bool,
    external_mu: bool,
}

fn types(algorithm: SigningAlgorithmSpec) -> Types {
    use SigningAlgorithmSpec as A;
    match algorithm {
        A::Ed25519Sha512 => Types { raw: true, digest: false, external_mu: false },
        A::Ed25519PhSha512 => Types { raw: false, digest: true, external_mu: false },
        A::MlDsaShake256 => Types { raw: true, digest: false, external_mu: true },
        _ => Types { raw: true, digest: true, external_mu: false },
    }
}

/// A message of every type that the algorithm signs.
fn messages(algorithm: SigningAlgorithmSpec) -> Vec<Message<'static>> {
    const MU: &[u8] = &[0x5a; 64];
    let types = types(algorithm);
    let mut messages = Vec::new();
    if types.raw {
        messages.push(Message::Raw(MESSAGE));
    }
    if types.digest {
        messages.push(Message::Digest(&MU[..signing_digest_bytes(algorithm).unwrap()]));
    }
    if types.external_mu {
        messages.push(Message::ExternalMu(MU));
    }
    messages
}

fn algorithms(spec: KeySpec) -> &'static [SigningAlgorithmSpec] {
    key_spec::signing_algorithms(spec, KeyUsageType::SignVerify)
}

/// Every key spec with every algorithm and a message of every type.
#[test]
fn a_key_signs_with_its_key_specs_algorithms_alone() {
    let long = [0x5a; 64];
    for spec in KEY_PAIR_SPECS {
        let key = key_pair(spec);
        for algorithm in SigningAlgorithmSpec::ALL.iter().copied() {
            let digest = Message::Digest(&long[..signing_digest_bytes(algorithm).unwrap_or(64)]);
            let types = types(algorithm);
            let cases = [
                (Message::Raw(MESSAGE), types.raw),
                (digest, types.digest),
                (Message::ExternalMu(&long), types.external_mu),
            ];
            for (message, allowed) in cases {
                let expected = match (algorithms(spec).contains(&algorithm), allowed) {
                    (true, true) => Ok(true),
                    (true, false) => Err(SignatureError::MessageTypeNotAllowed),
                    (false, _) => Err(SignatureError::AlgorithmNotOfKey),
                };
                let signature = key.sign(algorithm, message);
                let verdict = key.verify(algorithm, message, signature.as_deref().unwrap_or_default());
                assert_eq!(verdict, expected, "{spec} {algorithm}");
                assert_eq!(signature.map(|_| true), expected, "{spec} {algorithm}");
            }
        }
    }
}

#[test]
fn digests_and_mu_have_exactly_their_length() {
    let bytes = [0; 80];
    for spec in KEY_PAIR_SPECS {
        let key = key_pair(spec);
        for algorithm in algorithms(spec).iter().copied() {
            let Some(expected) = signing_digest_bytes(algorithm) else { continue };
            for length in (0..bytes.len()).filter(|length| *length != expected) {
                let refused = SignatureError::WrongDigestLength { expected };
                let digest = Message::Digest(&bytes[..length]);
                assert_eq!(key.sign(algorithm, digest), Err(refused), "{spec} {algorithm} {length}");
                assert_eq!(key.verify(algorithm, digest, &[]), Err(refused), "{spec} {algorithm} {length}");
            }
        }
    }
    for length in (0..bytes.len()).filter(|length| *length != 64) {
        let refused = SignatureError::WrongDigestLength { expected: 64 };
        let (key, mu) = (key_pair(KeySpec::MlDsa44), Message::ExternalMu(&bytes[..length]));
        assert_eq!(key.sign(SigningAlgorithmSpec::MlDsaShake256, mu), Err(refused));
        assert_eq!(key.verify(SigningAlgorithmSpec::MlDsaShake256, mu, &[]), Err(refused));
    }
}

/// Verification does not care how it was signed (KMS API Reference, Verify); a digest signed as a message is hashed again.
#[test]
fn a_message_and_its_digest_have_the_same_signatures() {
    use SigningAlgorithmSpec as A;
    let hashes = [
        (&digest::SHA256, [A::RsassaPssSha256, A::RsassaPkcs1V15Sha256, A::EcdsaSha256]),
        (&digest::SHA384, [A::RsassaPssSha384, A::RsassaPkcs1V15Sha384, A::EcdsaSha384]),
        (&digest::SHA512, [A::RsassaPssSha512, A::RsassaPkcs1V15Sha512, A::EcdsaSha512]),
    ];
    for spec in KEY_PAIR_SPECS {
        let key = key_pair(spec);
        for (hash, hashed_so) in hashes {
            let hashed = digest(hash, MESSAGE);
            let (raw, digest) = (Message::Raw(MESSAGE), Message::Digest(hashed.as_ref()));
            for algorithm in hashed_so.into_iter().filter(|algorithm| algorithms(spec).contains(algorithm)) {
                let of_raw = key.sign(algorithm, raw).unwrap();
                let of_digest = key.sign(algorithm, digest).unwrap();
                assert_eq!(key.verify(algorithm, digest, &of_raw), Ok(true), "{spec} {algorithm}");
                assert_eq!(key.verify(algorithm, raw, &of_digest), Ok(true), "{spec} {algorithm}");
                assert_eq!(
                    key.verify(algorithm, Message::Raw(hashed.as_ref()), &of_raw),
                    Ok(false),
                    "{spec} {algorithm}"
                );
            }
        }
    }
}

/// Lengths in bytes (RFC 8017, RFC 8032, FIPS 204); ECDSA signatures are DER and vary.
#[test]
fn signatures_have_their_algorithms_form() {
    let lengths = [
        (KeySpec::Rsa2048, 256),
        (KeySpec::Rsa3072, 384),
        (KeySpec::Rsa4096, 512),
        (KeySpec::EccNistEdwards25519, 64),
        (KeySpec::MlDsa44, 2420),
        (KeySpec::MlDsa65, 3309),
        (KeySpec::MlDsa87, 4627),
    ];
    for (spec, length) in lengths {
        for algorithm in algorithms(spec).iter().copied() {
            for message in messages(algorithm) {
                assert_eq!(key_pair(spec).sign(algorithm, message).unwrap().len(), length, "{spec} {algorithm}");
            }
        }
    }
    for spec in [KeySpec::EccNistP256, KeySpec::EccNistP384, KeySpec::EccNistP521, KeySpec::EccSecgP256k1] {
        let signature = key_pair(spec).sign(algorithms(spec)[0], Message::Raw(MESSAGE)).unwrap();
        let (content, rest) = value(&signature);
        let (_, after_r) = value(content);
        let (_, after_s) = value(after_r);
        assert_eq!((signature[0], content[0], after_r[0]), (0x30, 0x02, 0x02), "{spec}");
        assert!(rest.is_empty() && after_s.is_empty(), "{spec}");
    }
}

#[test]
fn no_changed_truncated_or_extended_signature_verifies() {
    for spec in KEY_PAIR_SPECS {
        let key = key_pair(spec);
        for algorithm in algorithms(spec).iter().copied() {
            for message in messages(algorithm) {
                let signature = key.sign(algorithm, message).unwrap();
                let verifies = |signature: &[u8]| key.verify(algorithm, message, signature).unwrap();
                assert!(verifies(&signature));
                for at in 0..signature.len() {
                    let mut changed = signature.clone();
                    changed[at] ^= 1 << (at % 8);
                    assert!(!verifies(&changed), "{spec} {algorithm}: byte {at}");
                    assert!(!verifies(&signature[..at]), "{spec} {algorithm}: {at} bytes");
                }
                assert!(!verifies(&[&signature[..], &[0]].concat()), "{spec} {algorithm}");
                assert!(!verifies(&[&[0], &signature[..]].concat()), "{spec} {algorithm}");
            }
        }
    }
}

#[test]
fn no_bytes_but_a_signature_verify() {
    for spec in KEY_PAIR_SPECS {
        let key = key_pair(spec);
        for algorithm in algorithms(spec).iter().copied() {
            for message in messages(algorithm) {
                for length in [0, 1, 2, 8, 63, 64, 65, 71, 256, 384, 512, 2420, 3309, 4627, 6144] {
                    for fill in [0x00, 0x01, 0x30, 0x7f, 0xff] {
                        assert_eq!(
                            key.verify(algorithm, message, &vec![fill; length]),
                            Ok(false),
                            "{spec} {algorithm}"
                        );
                    }
                }
                // DER: r and s of 0, of 1, and more than either could be.
                for number in [&[0][..], &[1], &[0xff; 66]] {
                    let numbers = sequence(&[integer(number), integer(number)]);
                    assert_eq!(key.verify(algorithm, message, &numbers), Ok(false), "{spec} {algorithm}");
                }
            }
        }
    }
}

#[test]
fn a_signature_is_of_one_message_one_algorithm_and_one_key() {
    for spec in KEY_PAIR_SPECS {
        let key = key_pair(spec);
        for algorithm in algorithms(spec).iter().copied().filter(|algorithm| types(*algorithm).raw) {
            let signature = key.sign(algorithm, Message::Raw(MESSAGE)).unwrap();
            for other in [&b""[..], b"What is signed", b"what is signed\0", &MESSAGE[1..]] {
                assert_eq!(key.verify(algorithm, Message::Raw(other), &signature), Ok(false), "{spec} {algorithm}");
            }
            for other in algorithms(spec).iter().copied().filter(|other| *other != algorithm && types(*other).raw) {
                assert_eq!(
                    key.verify(other, Message::Raw(MESSAGE), &signature),
                    Ok(false),
                    "{spec} {algorithm} {other}"
                );
            }
            for other in
                KEY_PAIR_SPECS.into_iter().filter(|other| *other != spec && algorithms(*other).contains(&algorithm))
            {
                let verdict = key_pair(other).verify(algorithm, Message::Raw(MESSAGE), &signature);
                assert_eq!(verdict, Ok(false), "{spec} {algorithm} {other}");
            }
        }
    }
}

/// The messages of Sign and Verify have 1 to 4096 bytes; the rest is for the API to refuse.
#[test]
fn messages_of_any_length_are_signed() {
    for spec in KEY_PAIR_SPECS {
        let key = key_pair(spec);
        for algorithm in algorithms(spec).iter().copied().filter(|algorithm| types(*algorithm).raw) {
            for length in [0, 1, 4096, 70_000] {
                let message = vec![0x42; length];
                let signature = key.sign(algorithm, Message::Raw(&message)).unwrap();
                assert_eq!(key.verify(algorithm, Message::Raw(&message), &signature), Ok(true), "{spec} {algorithm}");
            }
        }
    }
}

/// RSASSA-PKCS1-v1_5 and Ed25519 have one signature for a message; the others have one every time.
#[test]
fn signatures_are_deterministic_only_where_the_algorithm_is() {
    use SigningAlgorithmSpec as A;
    for spec in KEY_PAIR_SPECS {
        let key = key_pair(spec);
        for algorithm in algorithms(spec).iter().copied() {
            let deterministic = matches!(
                algorithm,
                A::RsassaPkcs1V15Sha256
                    | A::RsassaPkcs1V15Sha384
                    | A::RsassaPkcs1V15Sha512
                    | A::Ed25519Sha512
                    | A::Ed25519PhSha512
            );
            for message in messages(algorithm) {
                let same = key.sign(algorithm, message).unwrap() == key.sign(algorithm, message).unwrap();
                assert_eq!(same, deterministic, "{spec} {algorithm}");
            }
        }
    }
}

/// KMS takes the digest for the message of Ed25519ph, which hashes it once more. Computed with the reference code of RFC 8032, appendix A.
#[test]
fn ed25519ph_hashes_the_digest_once_more() {
    use keystead_cryptography::KeyPair;
    let seed = hex("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42");
    let expected = hex("914dc6538ac512db8ffbdfbbf9c2fd2c1e5c915ff5d708751ad2d3a1425f0c9b\
                        fa3f1da6d93e5c7fc5b106b536f7263a3db68e4a285f30e4bd7e8b9f93d42f0e");
    let document = pkcs8(&[object_identifier(oid::ED25519)], &octet_string(&seed));
    let key = KeyPair::from_pkcs8(KeySpec::EccNistEdwards25519, &document).unwrap();
    let hashed = digest(&digest::SHA512, b"abc");
    let message = Message::Digest(hashed.as_ref());
    assert_eq!(key.sign(SigningAlgorithmSpec::Ed25519PhSha512, message).unwrap(), expected);
    assert_eq!(key.verify(SigningAlgorithmSpec::Ed25519PhSha512, message, &expected), Ok(true));
}

/// RFC 8032, section 7.1, test 3.
#[test]
fn ed25519_of_rfc_8032() {
    use keystead_cryptography::KeyPair;
    let seed = hex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7");
    let public_key = hex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
    let expected = hex("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
                        18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a");
    let document = pkcs8(&[object_identifier(oid::ED25519)], &octet_string(&seed));
    let key = KeyPair::from_pkcs8(KeySpec::EccNistEdwards25519, &document).unwrap();
    assert_eq!(public_key_bits(key.public_key_der()), public_key);
    assert_eq!(key.sign(SigningAlgorithmSpec::Ed25519Sha512, Message::Raw(&[0xaf, 0x82])).unwrap(), expected);
}

/// A key pair is used by many threads at once, and what it makes late it makes once.
#[test]
fn a_key_pair_is_used_by_many_threads_at_once() {
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for spec in KEY_PAIR_SPECS {
                    let (key, algorithm) = (key_pair(spec), algorithms(spec)[0]);
                    let signature = key.sign(algorithm, Message::Raw(MESSAGE)).unwrap();
                    assert_eq!(key.verify(algorithm, Message::Raw(MESSAGE), &signature), Ok(true));
                    if key.agree(key.public_key_der()).is_ok() {
                        assert_eq!(key.agree(key.public_key_der()).unwrap(), key.agree(key.public_key_der()).unwrap());
                    }
                }
            });
        }
    });
}
