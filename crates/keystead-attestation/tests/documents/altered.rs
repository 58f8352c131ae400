//! Documents that were altered on their way, in every byte and at random: none is accepted, and none makes the crate panic.

use keystead_attestation::{AttestationError, verify};

use crate::support::NOW_UNIX_MS;
use crate::support::der::rsa_public_key;
use crate::support::document::{ES384, Fields, signed};
use crate::support::pki::Pki;
use crate::support::sequence::Sequence;

const SEED: u64 = 0x6174_7465_7374_6564;
const ROUNDS: usize = 10_000;
/// Rounds in which the altered document is signed again, so that what lies behind the signature is reached too.
const SIGNED_ROUNDS: usize = 3_000;
const SIGNATURE_BYTES: usize = 96;

#[test]
fn each_byte_of_the_signature_counts() {
    let pki = Pki::short();
    let document = Fields::of(&pki, &rsa_public_key(2048)).signed_by(&pki);

    for at in document.len() - SIGNATURE_BYTES..document.len() {
        for bit in [0x01, 0x80] {
            let mut altered = document.clone();
            altered[at] ^= bit;
            assert_eq!(
                verify(&altered, &pki.roots(), NOW_UNIX_MS).unwrap_err(),
                AttestationError::Signature,
                "byte {at}"
            );
        }
    }
}

#[test]
fn each_byte_of_the_document_counts() {
    let pki = Pki::short();
    let document = Fields::of(&pki, &rsa_public_key(2048)).signed_by(&pki);

    for at in 0..document.len() {
        let mut altered = document.clone();
        altered[at] ^= 0x01;
        assert!(verify(&altered, &pki.roots(), NOW_UNIX_MS).is_err(), "byte {at}");
    }
}

#[test]
fn a_document_is_refused_at_each_shorter_length() {
    let pki = Pki::nitro();
    let document = Fields::of(&pki, &rsa_public_key(2048)).signed_by(&pki);
    assert!(verify(&document, &pki.roots(), NOW_UNIX_MS).is_ok());

    for length in 1..document.len() {
        let refusal = verify(&document[..length], &pki.roots(), NOW_UNIX_MS).unwrap_err();
        assert!(matches!(refusal, AttestationError::MalformedCbor(_)), "{length}: {refusal:?}");
    }
}

#[test]
fn random_changes_are_refused_and_never_panic() {
    let pki = Pki::short();
    let document = Fields::of(&pki, &rsa_public_key(2048)).signed_by(&pki);
    let mut sequence = Sequence(SEED);

    for round in 0..ROUNDS {
        let altered = sequence.mutated(&document);
        let verdict = verify(&altered, &pki.roots(), NOW_UNIX_MS);
        assert!(verdict.is_err() || altered == document, "round {round}");
    }
}

#[test]
fn random_changes_of_what_is_signed_never_panic() {
    let pki = Pki::short();
    let fields = Fields::of(&pki, &rsa_public_key(2048));
    let payload = fields.payload();
    let mut sequence = Sequence(SEED);

    for round in 0..SIGNED_ROUNDS {
        let altered = sequence.mutated(&payload);
        if let Ok(attestation) = verify(&signed(&pki, &ES384, &altered), &pki.roots(), NOW_UNIX_MS) {
            // Registers, identifier and key may have changed within what is allowed: then the document is as sound as before.
            assert!(!attestation.module_id().is_empty(), "round {round}");
            assert!(attestation.envelop(b"plaintext", &mut |bytes| sequence.fill(bytes)).is_ok(), "round {round}");
        }
    }
}

#[test]
fn random_bytes_are_refused_and_never_panic() {
    let pki = Pki::short();
    let mut sequence = Sequence(SEED);

    for round in 0..ROUNDS {
        let mut bytes = vec![0; 1 + sequence.next(64)];
        sequence.fill(&mut bytes);
        assert!(verify(&bytes, &pki.roots(), NOW_UNIX_MS).is_err(), "round {round}");
    }
}
