//! What is accepted, and what it attests.

use aws_lc_rs::rsa::KeySize;
use keystead_attestation::{
    AGE_MS_MAX, AttestationError, AttestationRoots, Registers, RootsError, SKEW_MS_MAX, verify,
};

use crate::support::NOW_UNIX_MS;
use crate::support::der::rsa_public_key;
use crate::support::document::{Fields, array, bytes, null, number, registers};
use crate::support::pki::Pki;
use crate::support::recipient::Recipient;

#[test]
fn a_document_of_an_enclave_attests_its_fields() {
    let pki = Pki::nitro();
    let public_key = Recipient::generate(KeySize::Rsa2048).public_key_der();
    let document =
        Fields::of(&pki, &public_key).with("user_data", bytes(b"data")).with("nonce", bytes(&[])).signed_by(&pki);

    let attestation = verify(&document, &pki.roots(), NOW_UNIX_MS).unwrap();

    assert_eq!(attestation.module_id(), "i-0123456789abcdef0-enc0123456789abcdef");
    assert_eq!(attestation.timestamp_unix_ms(), NOW_UNIX_MS as u64);
    assert_eq!(attestation.public_key_der(), public_key);
    assert_eq!(attestation.user_data(), Some(b"data".as_slice()));
    assert_eq!(attestation.nonce(), Some(b"".as_slice()));
    assert!(matches!(attestation.registers(), Registers::NitroEnclave(values) if values.len() == 16));
    assert_eq!(attestation.registers().get(15), Some([15; 48].as_slice()));
    assert_eq!(attestation.registers().get(16), None);
    let conditions = attestation.condition_values();
    assert_eq!(conditions.len(), 17);
    assert!(conditions.contains(&("kms:RecipientAttestation:ImageSha384".to_owned(), "00".repeat(48))));
    assert!(conditions.contains(&("kms:RecipientAttestation:PCR10".to_owned(), "0a".repeat(48))));
    assert_eq!(
        attestation.audit_elements().iter().map(|(element, _)| *element).collect::<Vec<_>>(),
        [
            "attestationDocumentModuleId",
            "attestationDocumentEnclaveImageDigest",
            "attestationDocumentEnclavePCR1",
            "attestationDocumentEnclavePCR2",
            "attestationDocumentEnclavePCR3",
            "attestationDocumentEnclavePCR4",
            "attestationDocumentEnclavePCR8",
        ]
    );
    assert_eq!(attestation.audit_elements()[0].1, attestation.module_id());
}

#[test]
fn a_document_of_a_nitro_tpm_attests_registers_of_its_own() {
    let pki = Pki::nitro();
    let document = Fields::of(&pki, &rsa_public_key(2048))
        .without("pcrs")
        .and("nitrotpm_pcrs", registers(0..24, 48))
        .signed_by(&pki);

    let attestation = verify(&document, &pki.roots(), NOW_UNIX_MS).unwrap();

    assert!(matches!(attestation.registers(), Registers::NitroTpm(values) if values.len() == 24));
    let conditions = attestation.condition_values();
    assert_eq!(conditions.len(), 24);
    assert!(conditions.contains(&("kms:RecipientAttestation:NitroTPMPCR4".to_owned(), "04".repeat(48))));
    assert!(attestation.audit_elements().iter().any(|(element, _)| *element == "attestationDocumentNitroTPMPCR7"));
}

#[test]
fn each_form_that_the_specification_leaves_open_is_accepted() {
    let pki = Pki::nitro();
    let fields = Fields::of(&pki, &rsa_public_key(2048));
    let untagged = fields.signed_by(&pki);
    let indefinite_payload = {
        let payload = fields.payload();
        // The head of a map of nine entries is one byte.
        let payload = [&[0xbf], &payload[1..], &[0xff]].concat();
        crate::support::document::signed(&pki, &crate::support::document::ES384, &payload)
    };
    let now = NOW_UNIX_MS;
    for (form, document) in [
        ("untagged", untagged.clone()),
        ("tagged", [&[0xd2], untagged.as_slice()].concat()),
        ("a map of indefinite length", indefinite_payload),
        ("no user_data and no nonce", fields.clone().without("user_data").without("nonce").signed_by(&pki)),
        ("one register of 32 bytes", fields.clone().with("pcrs", registers(0..1, 32)).signed_by(&pki)),
        ("32 registers of 64 bytes", fields.clone().with("pcrs", registers(0..32, 64)).signed_by(&pki)),
        ("user_data of 512 bytes", fields.clone().with("user_data", bytes(&[7; 512])).signed_by(&pki)),
        ("RSA-3072", fields.clone().with("public_key", bytes(&rsa_public_key(3072))).signed_by(&pki)),
        ("RSA-4096", fields.clone().with("public_key", bytes(&rsa_public_key(4096))).signed_by(&pki)),
        ("five minutes old", fields.clone().with("timestamp", number(now - AGE_MS_MAX as i64)).signed_by(&pki)),
        ("five minutes ahead", fields.clone().with("timestamp", number(now + SKEW_MS_MAX as i64)).signed_by(&pki)),
        ("absent optional field as null", fields.clone().with("nonce", null()).signed_by(&pki)),
        ("root not in the bundle", {
            let without_root: Vec<Vec<u8>> = pki.cabundle()[1..].iter().map(|der| bytes(der)).collect();
            fields.clone().with("cabundle", array(&without_root)).signed_by(&pki)
        }),
    ] {
        let verdict = verify(&document, &pki.roots(), now);
        assert!(verdict.is_ok(), "{form}: {verdict:?}");
    }
}

#[test]
fn any_of_several_roots_may_vouch() {
    let (commercial, china, foreign) = (Pki::nitro(), Pki::nitro(), Pki::nitro());
    let read_at_once = AttestationRoots::from_der([commercial.root(), china.root()]).unwrap();
    let mut one_after_the_other = commercial.roots();
    one_after_the_other.append(china.roots());

    for roots in [read_at_once, one_after_the_other] {
        assert_eq!(roots.len(), 2);
        for pki in [&commercial, &china] {
            let document = Fields::of(pki, &rsa_public_key(2048)).signed_by(pki);
            assert!(verify(&document, &roots, NOW_UNIX_MS).is_ok());
        }
        let document = Fields::of(&foreign, &rsa_public_key(2048)).signed_by(&foreign);
        assert!(matches!(verify(&document, &roots, NOW_UNIX_MS), Err(AttestationError::Chain(_))));
    }
}

#[test]
fn roots_come_as_pem_or_der_and_must_be_certificate_authorities() {
    let pki = Pki::nitro();
    let pem = |der: &[u8]| {
        use base64::Engine;
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
    };
    let two = format!("a comment\n{}{}", pem(pki.root()), pem(Pki::short().root()));

    assert_eq!(AttestationRoots::from_pem(two.as_bytes()).unwrap().len(), 2);
    assert!(AttestationRoots::default().is_empty());
    assert_eq!(AttestationRoots::from_pem(b"").unwrap_err(), RootsError::NoCertificate);
    assert_eq!(AttestationRoots::from_pem(b"-----BEGIN CERTIFICATE-----\nAAAA").unwrap_err(), RootsError::Pem);
    assert_eq!(AttestationRoots::from_pem(pem(b"no certificate").as_bytes()).unwrap_err(), RootsError::Malformed(1));
    assert_eq!(
        AttestationRoots::from_der([pki.root(), pki.signer()]).unwrap_err(),
        RootsError::NotACertificateAuthority(2)
    );
}
