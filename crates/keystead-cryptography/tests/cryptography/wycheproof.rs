//! Project Wycheproof's vectors, valid and invalid, through the crate's own calls.

use crate::support::*;
use aws_lc_rs::digest::{self, digest};
use keystead_cryptography::{
    AgreementError, HmacKey, KeyPair, Message, PublicKey, WrappingAlgorithm, WrappingKey, WrappingKeySpec,
};
use keystead_model::kms::{EncryptionAlgorithmSpec, KeySpec, SigningAlgorithmSpec};
use wycheproof::{HashFunction, TestResult};
use zeroize::Zeroizing;

/// How many vectors were used, so that a test cannot pass by using none.
#[derive(Default, Debug)]
struct Used {
    valid: usize,
    invalid: usize,
}

impl Used {
    fn count(&mut self, result: TestResult) {
        match result {
            TestResult::Valid => self.valid += 1,
            TestResult::Invalid => self.invalid += 1,
            TestResult::Acceptable => {}
        }
    }

    fn check(self) {
        assert!(self.valid > 0 && self.invalid > 0, "{self:?}");
    }
}

/// Whether a verdict is as the vector wants it.
fn fits(result: TestResult, accepted: bool) -> bool {
    match result {
        TestResult::Valid => accepted,
        TestResult::Invalid => !accepted,
        TestResult::Acceptable => true,
    }
}

fn sha2(hash: HashFunction) -> Option<&'static digest::Algorithm> {
    match hash {
        HashFunction::Sha2_256 => Some(&digest::SHA256),
        HashFunction::Sha2_384 => Some(&digest::SHA384),
        HashFunction::Sha2_512 => Some(&digest::SHA512),
        _ => None,
    }
}

/// The verdict on a signature of a message, which must be that on one of its digest.
fn verdict(
    key: &PublicKey,
    algorithm: SigningAlgorithmSpec,
    hash: HashFunction,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let raw = key.verify(algorithm, Message::Raw(message), signature).expect("a verdict");
    let hashed = digest(sha2(hash).expect("a hash of KMS's"), message);
    let digested = key.verify(algorithm, Message::Digest(hashed.as_ref()), signature).expect("a verdict");
    assert_eq!(raw, digested);
    raw
}

#[test]
fn ecdsa() {
    use wycheproof::ecdsa::{TestName, TestSet};
    let sets = [
        (TestName::EcdsaSecp256r1Sha256, KeySpec::EccNistP256, SigningAlgorithmSpec::EcdsaSha256),
        (TestName::EcdsaSecp384r1Sha384, KeySpec::EccNistP384, SigningAlgorithmSpec::EcdsaSha384),
        (TestName::EcdsaSecp521r1Sha512, KeySpec::EccNistP521, SigningAlgorithmSpec::EcdsaSha512),
        (TestName::EcdsaSecp256k1Sha256, KeySpec::EccSecgP256k1, SigningAlgorithmSpec::EcdsaSha256),
    ];
    for (name, spec, algorithm) in sets {
        let mut used = Used::default();
        for group in TestSet::load(name).expect("a test set").test_groups {
            let key = PublicKey::from_der(spec, &group.der).expect("a public key");
            for test in group.tests {
                let accepted = verdict(&key, algorithm, group.hash, &test.msg, &test.sig);
                assert!(fits(test.result, accepted), "{name:?} {}: {}", test.tc_id, test.comment);
                used.count(test.result);
            }
        }
        used.check();
    }
}

#[test]
fn ed25519() {
    use wycheproof::eddsa::{TestName, TestSet};
    let mut used = Used::default();
    for group in TestSet::load(TestName::Ed25519).expect("a test set").test_groups {
        let key = PublicKey::from_der(KeySpec::EccNistEdwards25519, &group.der).expect("a public key");
        for test in group.tests {
            let accepted = key.verify(SigningAlgorithmSpec::Ed25519Sha512, Message::Raw(&test.msg), &test.sig);
            assert!(fits(test.result, accepted.expect("a verdict")), "{}: {}", test.tc_id, test.comment);
            used.count(test.result);
        }
    }
    used.check();
}

fn rsa_spec(bits: usize) -> Option<KeySpec> {
    match bits {
        2048 => Some(KeySpec::Rsa2048),
        3072 => Some(KeySpec::Rsa3072),
        4096 => Some(KeySpec::Rsa4096),
        _ => None,
    }
}

#[test]
fn rsassa_pkcs1_v1_5() {
    use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};
    let mut used = Used::default();
    for name in TestName::all() {
        for group in TestSet::load(name).expect("a test set").test_groups {
            let algorithm = match group.hash {
                HashFunction::Sha2_256 => SigningAlgorithmSpec::RsassaPkcs1V15Sha256,
                HashFunction::Sha2_384 => SigningAlgorithmSpec::RsassaPkcs1V15Sha384,
                HashFunction::Sha2_512 => SigningAlgorithmSpec::RsassaPkcs1V15Sha512,
                _ => continue,
            };
            let Some(spec) = rsa_spec(group.key_size) else { continue };
            let Some(key) = rsa_public_key(spec, &group.der, &group.key.e) else { continue };
            for test in group.tests {
                let accepted = verdict(&key, algorithm, group.hash, &test.msg, &test.sig);
                assert!(fits(test.result, accepted), "{name:?} {}: {}", test.tc_id, test.comment);
                used.count(test.result);
            }
        }
    }
    used.check();
}

/// The public key, or none if its exponent is below 65537: that must be refused.
fn rsa_public_key(spec: KeySpec, der: &[u8], exponent: &[u8]) -> Option<PublicKey> {
    let key = PublicKey::from_der(spec, der);
    let large = exponent.iter().skip_while(|byte| **byte == 0).count() >= 3;
    assert_eq!(key.is_ok(), large, "{exponent:?}");
    key.ok()
}

#[test]
fn rsassa_pss() {
    use wycheproof::rsa_pss_verify::{TestName, TestSet};
    let mut used = Used::default();
    for name in TestName::all() {
        for group in TestSet::load(name).expect("a test set").test_groups {
            let (algorithm, salt_bytes) = match group.hash {
                HashFunction::Sha2_256 => (SigningAlgorithmSpec::RsassaPssSha256, 32),
                HashFunction::Sha2_384 => (SigningAlgorithmSpec::RsassaPssSha384, 48),
                HashFunction::Sha2_512 => (SigningAlgorithmSpec::RsassaPssSha512, 64),
                _ => continue,
            };
            let Some(spec) = rsa_spec(group.key_size) else { continue };
            // Some sets have the key as id-RSASSA-PSS; KMS's are rsaEncryption.
            let rsa_encryption = spki(&[object_identifier(oid::RSA_ENCRYPTION), null()], &group.asn_key);
            assert_eq!(group.der[..] == rsa_encryption[..], PublicKey::from_der(spec, &group.der).is_ok(), "{name:?}");
            let key = PublicKey::from_der(spec, &rsa_encryption).expect("a public key");
            // MGF1 and salt as KMS has them; a signature with others is none.
            let kms = group.mgf_hash == Some(group.hash) && group.salt_size == salt_bytes;
            for test in group.tests {
                // Another group's invalid vectors can be right for KMS: one has KMS's salt instead of none.
                if kms || test.result == TestResult::Valid {
                    let accepted = verdict(&key, algorithm, group.hash, &test.msg, &test.sig);
                    let result = if kms { test.result } else { TestResult::Invalid };
                    assert!(fits(result, accepted), "{name:?} {}: {}", test.tc_id, test.comment);
                    used.count(result);
                }
            }
        }
    }
    used.check();
}

#[test]
fn rsaes_oaep() {
    use wycheproof::rsa_oaep::{TestName, TestSet};
    let mut used = Used::default();
    for name in TestName::all() {
        for group in TestSet::load(name).expect("a test set").test_groups {
            let algorithm = match (group.hash, group.mgf_hash) {
                (HashFunction::Sha1, HashFunction::Sha1) => EncryptionAlgorithmSpec::RsaesOaepSha1,
                (HashFunction::Sha2_256, HashFunction::Sha2_256) => EncryptionAlgorithmSpec::RsaesOaepSha256,
                _ => continue,
            };
            let Some(spec) = rsa_spec(group.key_size) else { continue };
            let key = KeyPair::from_pkcs8(spec, &group.pkcs8).expect("a private key");
            for test in group.tests {
                let plaintext = key.decrypt(algorithm, &test.ct);
                // KMS has no labels: what was encrypted with one does not decrypt.
                if test.result == TestResult::Valid && test.label.is_empty() {
                    assert_eq!(plaintext.as_deref().map(Vec::as_slice), Ok(&test.pt[..]), "{name:?} {}", test.tc_id);
                    used.valid += 1;
                } else if test.result == TestResult::Invalid || !test.label.is_empty() {
                    assert!(plaintext.is_err(), "{name:?} {}: {}", test.tc_id, test.comment);
                    used.invalid += 1;
                }
            }
        }
    }
    used.check();
}

#[test]
fn hmac() {
    use wycheproof::mac::{TestName, TestSet};
    let sets = [
        (TestName::HmacSha224, KeySpec::Hmac224, 28),
        (TestName::HmacSha256, KeySpec::Hmac256, 32),
        (TestName::HmacSha384, KeySpec::Hmac384, 48),
        (TestName::HmacSha512, KeySpec::Hmac512, 64),
    ];
    for (name, spec, tag_bytes) in sets {
        let mut used = Used::default();
        for group in TestSet::load(name).expect("a test set").test_groups {
            for test in group.tests {
                let allowed = keystead_cryptography::hmac_key_bytes_allowed(spec).expect("an HMAC key spec");
                let key = HmacKey::from_bytes(spec, Zeroizing::new(test.key.to_vec()));
                assert_eq!(key.is_ok(), allowed.contains(&test.key.len()));
                let Ok(key) = key else { continue };
                let accepted = key.verify(&test.msg, &test.tag);
                // A truncated tag is none.
                let whole = group.tag_size == tag_bytes * 8;
                let right = if whole { fits(test.result, accepted) } else { !accepted };
                assert!(right, "{name:?} {}: {}", test.tc_id, test.comment);
                if test.result == TestResult::Valid {
                    assert_eq!(key.mac(&test.msg)[..test.tag.len()], test.tag[..]);
                }
                used.count(if whole { test.result } else { TestResult::Invalid });
            }
        }
        used.check();
    }
}

#[test]
fn ecdh() {
    use wycheproof::ecdh::{EcdhEncoding, TestName, TestSet};
    let sets = [
        (TestName::EcdhSecp256r1, KeySpec::EccNistP256, oid::P256, 32),
        (TestName::EcdhSecp384r1, KeySpec::EccNistP384, oid::P384, 48),
        (TestName::EcdhSecp521r1, KeySpec::EccNistP521, oid::P521, 66),
        (TestName::EcdhSecp256r1Ecpoint, KeySpec::EccNistP256, oid::P256, 32),
        (TestName::EcdhSecp384r1Ecpoint, KeySpec::EccNistP384, oid::P384, 48),
        (TestName::EcdhSecp521r1Ecpoint, KeySpec::EccNistP521, oid::P521, 66),
    ];
    for (name, spec, curve, coordinate_bytes) in sets {
        let mut used = Used::default();
        for group in TestSet::load(name).expect("a test set").test_groups {
            for test in group.tests {
                let private_key = ec_private_key(&padded(&test.private_key, coordinate_bytes));
                let key = KeyPair::from_pkcs8(spec, &pkcs8(&on_curve(curve), &private_key)).expect("a private key");
                let peer = match group.encoding {
                    EcdhEncoding::Asn1 => test.public_key.to_vec(),
                    EcdhEncoding::EcPoint => spki(&on_curve(curve), &test.public_key),
                };
                let secret = key.agree(&peer);
                match &secret {
                    Ok(secret) => assert_eq!(secret[..], test.shared_secret[..], "{name:?} {}", test.tc_id),
                    Err(AgreementError::NotAnAgreementKey | AgreementError::Library) => {
                        panic!("{name:?} {}", test.tc_id)
                    }
                    Err(_) => {}
                }
                assert!(fits(test.result, secret.is_ok()), "{name:?} {}: {} {secret:?}", test.tc_id, test.comment);
                used.count(test.result);
            }
        }
        used.check();
    }
}

/// A number with as many bytes as its curve's coordinates.
fn padded(big_endian: &[u8], bytes: usize) -> Vec<u8> {
    let significant: Vec<u8> = big_endian.iter().copied().skip_while(|byte| *byte == 0).collect();
    [vec![0; bytes - significant.len()], significant].concat()
}

/// Each vector as RSA_AES_KEY_WRAP has it, behind its AES key encrypted with OAEP.
#[test]
fn rsa_aes_key_wrap() {
    use wycheproof::keywrap::{TestName, TestSet};
    let wrapping_key = WrappingKey::generate(WrappingKeySpec::Rsa2048).expect("a wrapping key");
    let public_key = PublicKey::from_der(KeySpec::Rsa2048, wrapping_key.public_key_der()).expect("a public key");
    let algorithms = [
        (WrappingAlgorithm::RsaAesKeyWrapSha1, EncryptionAlgorithmSpec::RsaesOaepSha1),
        (WrappingAlgorithm::RsaAesKeyWrapSha256, EncryptionAlgorithmSpec::RsaesOaepSha256),
    ];
    let mut used = Used::default();
    for group in TestSet::load(TestName::AesKeyWrapWithPadding).expect("a test set").test_groups {
        for test in group.tests {
            for (wrapping, oaep) in algorithms {
                let aes_key = public_key.encrypt(oaep, &test.key).expect("an encrypted AES key");
                let unwrapped = wrapping_key.unwrap(wrapping, &[&aes_key[..], &test.ct].concat());
                if group.key_size != 256 {
                    assert!(unwrapped.is_err(), "{}: only AES-256 wraps", test.tc_id);
                    continue;
                }
                if let Ok(unwrapped) = &unwrapped {
                    assert_eq!(unwrapped[..], test.pt[..], "{}", test.tc_id);
                }
                assert!(fits(test.result, unwrapped.is_ok()), "{}: {}", test.tc_id, test.comment);
                used.count(test.result);
            }
        }
    }
    used.check();
}

#[test]
fn ml_dsa_verify() {
    use wycheproof::mldsa_verify::{TestName, TestSet};
    let sets = [
        (TestName::MlDsa44Verify, KeySpec::MlDsa44, oid::ML_DSA_44),
        (TestName::MlDsa65Verify, KeySpec::MlDsa65, oid::ML_DSA_65),
        (TestName::MlDsa87Verify, KeySpec::MlDsa87, oid::ML_DSA_87),
    ];
    for (name, spec, algorithm) in sets {
        let mut used = Used::default();
        for group in TestSet::load(name).expect("a test set").test_groups {
            let der = spki(&[object_identifier(algorithm)], &group.pubkey);
            let key = PublicKey::from_der(spec, &der);
            for test in group.tests {
                // KMS signs with the empty context: a signature with another is none.
                let empty_context = test.ctx.as_ref().is_none_or(|context| context.is_empty());
                let accepted = key.as_ref().is_ok_and(|key| {
                    let raw = key.verify(SigningAlgorithmSpec::MlDsaShake256, Message::Raw(&test.msg), &test.sig);
                    let mu = external_mu(&group.pubkey, &test.msg);
                    let external = key.verify(SigningAlgorithmSpec::MlDsaShake256, Message::ExternalMu(&mu), &test.sig);
                    assert_eq!(raw, external, "{name:?} {}: {}", test.tc_id, test.comment);
                    raw.expect("a verdict")
                });
                let result = if empty_context { test.result } else { TestResult::Invalid };
                assert!(fits(result, accepted), "{name:?} {}: {}", test.tc_id, test.comment);
                used.count(result);
            }
        }
        used.check();
    }
}

/// mu of a message with the empty context (FIPS 204, algorithm 7, line 6; section 5.2).
fn external_mu(public_key: &[u8], message: &[u8]) -> [u8; 64] {
    let tr = shake256(&[public_key]);
    shake256(&[&tr, &[0, 0], message])
}

fn shake256(input: &[&[u8]]) -> [u8; 64] {
    use shake::digest::{ExtendableOutput, Update, XofReader};
    let mut hash = shake::Shake256::default();
    input.iter().for_each(|part| hash.update(part));
    let mut output = [0; 64];
    hash.finalize_xof().read(&mut output);
    output
}

#[test]
fn ml_dsa_sign() {
    use wycheproof::mldsa_sign::{TestName, TestSet};
    let sets = [
        (TestName::MlDsa44SignSeed, KeySpec::MlDsa44, oid::ML_DSA_44),
        (TestName::MlDsa65SignSeed, KeySpec::MlDsa65, oid::ML_DSA_65),
        (TestName::MlDsa87SignSeed, KeySpec::MlDsa87, oid::ML_DSA_87),
        (TestName::MlDsa44SignNoSeed, KeySpec::MlDsa44, oid::ML_DSA_44),
        (TestName::MlDsa65SignNoSeed, KeySpec::MlDsa65, oid::ML_DSA_65),
        (TestName::MlDsa87SignNoSeed, KeySpec::MlDsa87, oid::ML_DSA_87),
    ];
    const ALGORITHM: SigningAlgorithmSpec = SigningAlgorithmSpec::MlDsaShake256;
    for (name, spec, oid) in sets {
        let mut used = Used::default();
        for group in TestSet::load(name).expect("a test set").test_groups {
            let private_key = match (&group.privseed, &group.privkey) {
                (Some(seed), None) => der(0x80, seed),
                (None, Some(expanded)) => octet_string(expanded),
                _ => panic!("{name:?}: a seed or an expanded private key"),
            };
            let document = pkcs8(&[object_identifier(oid)], &private_key);
            let key = KeyPair::from_pkcs8(spec, &document);
            // Where the seed is too short or too long, there is no document.
            if let Some(expected) = group.privkey_pkcs8.as_ref().filter(|expected| !expected.is_empty()) {
                assert_eq!(document, expected.to_vec());
            }
            if let (Ok(key), Some(public_key)) = (&key, &group.pubkey) {
                assert_eq!(public_key_bits(key.public_key_der()), public_key.to_vec());
                assert_eq!(key.to_pkcs8().expect("PKCS #8").as_slice(), document);
            }
            for test in group.tests {
                if test.ctx.as_ref().is_some_and(|context| !context.is_empty()) {
                    continue;
                }
                assert!(fits(test.result, key.is_ok()), "{name:?} {}: {}", test.tc_id, test.comment);
                used.count(test.result);
                let Ok(key) = &key else { continue };
                let raw = test.msg.as_ref().map(|message| Message::Raw(message));
                let mu = test.mu.as_ref().map(|mu| Message::ExternalMu(mu));
                let messages: Vec<Message<'_>> = [raw, mu].into_iter().flatten().collect();
                for message in &messages {
                    assert_eq!(key.verify(ALGORITHM, *message, &test.sig), Ok(true), "{name:?} {}", test.tc_id);
                    // Signatures differ, as they are hedged; but each is good for the message and for its mu.
                    let signature = key.sign(ALGORITHM, *message).expect("a signature");
                    for same in &messages {
                        assert_eq!(key.verify(ALGORITHM, *same, &signature), Ok(true), "{name:?} {}", test.tc_id);
                    }
                }
            }
        }
        used.check();
    }
}
