//! A document that Nitro made.
//!
//! An enclave of i-0fd25f30661854f2b in us-west-1 got it on 26 April 2021 in debug mode; it is published in the tests of UID2 core
//! (Apache-2.0). It has no public key, so a verdict about that is the furthest it can come: everything before was verified.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keystead_attestation::{AGE_MS_MAX, AttestationError, AttestationRoots, ChainFault, verify};
use time::OffsetDateTime;

use crate::support::pki::Pki;

const DOCUMENT: &str = include_str!("fixtures/nitro_enclave_2021-04-26.base64");
/// The root that AWS publishes for its commercial Regions.
const ROOT: &str = include_str!("fixtures/aws_nitro_enclaves_root_g1.pem");
/// `timestamp` of the document.
const MADE_UNIX_MS: i64 = 1_619_410_153_100;
/// Three hours after its certificate was made.
const EXPIRED_UNIX_MS: i64 = 1_619_420_954_000;

fn document() -> Vec<u8> {
    STANDARD.decode(DOCUMENT.split_whitespace().collect::<String>()).unwrap()
}

fn refusal(document: &[u8], roots: &AttestationRoots, now_unix_ms: i64) -> AttestationError {
    verify(document, roots, now_unix_ms).unwrap_err()
}

#[test]
fn a_real_document_verifies_against_the_root_of_aws_until_its_public_key_is_wanted() {
    let roots = AttestationRoots::from_pem(ROOT.as_bytes()).unwrap();

    assert_eq!(refusal(&document(), &roots, MADE_UNIX_MS), AttestationError::NoPublicKey);
}

#[test]
fn a_real_document_is_refused_when_anything_is_wrong() {
    let roots = AttestationRoots::from_pem(ROOT.as_bytes()).unwrap();
    let foreign = Pki::changed(0, &|_, params| params.not_before = OffsetDateTime::UNIX_EPOCH);
    let document = document();
    let later = MADE_UNIX_MS + AGE_MS_MAX as i64 + 1;

    assert_eq!(refusal(&document, &roots, later), AttestationError::TooOld { age_ms: AGE_MS_MAX + 1 });
    assert_eq!(refusal(&document, &roots, EXPIRED_UNIX_MS), AttestationError::CertificateExpired);
    assert_eq!(refusal(&document, &roots, 0), AttestationError::CertificateNotYetValid);
    assert_eq!(refusal(&document, &foreign.roots(), MADE_UNIX_MS), AttestationError::Chain(ChainFault::UnknownIssuer));
}

#[test]
fn each_byte_of_a_real_signature_counts_and_so_does_what_was_measured() {
    let roots = AttestationRoots::from_pem(ROOT.as_bytes()).unwrap();
    let document = document();
    let register_4 = document.windows(4).position(|window| window == [0x04, 0x58, 0x30, 0xab]).unwrap();

    for at in (document.len() - 96..document.len()).chain([register_4 + 3]) {
        let mut altered = document.clone();
        altered[at] ^= 0x01;
        assert_eq!(refusal(&altered, &roots, MADE_UNIX_MS), AttestationError::Signature, "{at}");
    }
}
