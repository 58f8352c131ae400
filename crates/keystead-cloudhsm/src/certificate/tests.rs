#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use keystead_core::port::{Clock, SystemClock};
use keystead_model::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, PKCS_RSA_SHA384, PKCS_RSA_SHA512, PublicKeyData, RsaKeySize,
    SignatureAlgorithm, date_time_ymd,
};
use x509_cert::der::Encode;

use super::check::{check_registered, check_signed};
use super::parsed::requested_key;
use super::signing_request::make_identity;

fn params(name: &str, ca: bool) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = if ca { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::ExplicitNoCa };
    params
}

fn rsa(algorithm: &'static SignatureAlgorithm) -> KeyPair {
    KeyPair::generate_rsa_for(algorithm, RsaKeySize::_2048).unwrap()
}

/// A certificate authority as an owner has one, and a cluster that waits for it.
struct Owner {
    key: KeyPair,
    root: CertificateParams,
    csr: String,
}

impl Owner {
    fn new() -> Self {
        let csr = make_identity("cluster-a", "hsm-a").unwrap().csr;
        Self { key: rsa(&PKCS_RSA_SHA256), root: params("root", true), csr }
    }

    fn anchor(&self) -> String {
        self.root.self_signed(&self.key).unwrap().pem()
    }

    /// The cluster's certificate, with what `change` changes.
    fn sign_with(&self, change: impl FnOnce(&mut CertificateParams)) -> String {
        let mut cluster = params("cluster", false);
        change(&mut cluster);
        let key = RequestedKey::of(&self.csr);
        cluster.signed_by(&key, &Issuer::from_params(&self.root, &self.key)).unwrap().pem()
    }

    fn sign(&self) -> String {
        self.sign_with(|_| {})
    }

    fn check(&self, signed: &str, anchor: &str) -> Result<(), String> {
        check_signed(&self.csr, signed, anchor, now())
    }
}

fn now() -> Timestamp {
    SystemClock.now()
}

/// The public key of a signing request, to be signed.
struct RequestedKey(Vec<u8>);

impl RequestedKey {
    fn of(csr: &str) -> Self {
        Self(requested_key(csr).unwrap().subject_public_key.as_bytes().unwrap().to_vec())
    }
}

impl PublicKeyData for RequestedKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

/// The text of a refusal must have all these words, so that each wrong thing is told from the others.
fn refused(result: Result<(), String>, words: &[&str]) {
    let text = result.expect_err(words[0]);
    assert!(words.iter().all(|word| text.contains(word)), "{text:?} lacks one of {words:?}");
}

#[test]
fn a_good_certificate_and_its_root() {
    let owner = Owner::new();
    assert_eq!(owner.check(&owner.sign(), &owner.anchor()), Ok(()));
    assert_eq!(check_registered(&owner.sign(), &owner.anchor(), now()), Ok(()));
}

#[test]
fn line_ends_and_text_around_make_no_difference() {
    let owner = Owner::new();
    let windows = |pem: String| format!("subject=CN = root\r\n{}\r\n\r\n", pem.replace('\n', "\r\n"));
    assert_eq!(owner.check(&windows(owner.sign()), &windows(owner.anchor())), Ok(()));
}

#[test]
fn every_hash_of_the_sha_2_family() {
    for algorithm in [&PKCS_RSA_SHA256, &PKCS_RSA_SHA384, &PKCS_RSA_SHA512] {
        let owner = Owner { key: rsa(algorithm), ..Owner::new() };
        assert_eq!(owner.check(&owner.sign(), &owner.anchor()), Ok(()));
    }
}

#[test]
fn what_is_no_certificate_in_pem() {
    let owner = Owner::new();
    let (signed, anchor) = (owner.sign(), owner.anchor());
    let bare: String = anchor.lines().filter(|line| !line.starts_with("---")).collect();
    for text in ["", "trust me", &bare, &owner.csr] {
        refused(owner.check(&signed, text), &["The trust anchor", "no certificate", "PEM"]);
        refused(owner.check(text, &anchor), &["The cluster certificate", "no certificate", "PEM"]);
    }
    refused(owner.check(&signed, &anchor[..anchor.len() / 2]), &["The trust anchor"]);
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    refused(owner.check(&signed, no_certificate), &["The trust anchor", "no X.509 certificate"]);
}

#[test]
fn a_chain_instead_of_a_root() {
    let owner = Owner::new();
    let intermediate = owner.intermediate();
    refused(
        owner.check(&owner.sign(), &(intermediate.clone() + &owner.anchor())),
        &["trust anchor", "2 certificates", "chain"],
    );
    refused(owner.check(&owner.sign(), &intermediate), &["trust anchor", "not a root"]);
    refused(owner.check(&owner.sign(), &owner.sign()), &["trust anchor", "not a root"]);
}

impl Owner {
    fn intermediate(&self) -> String {
        let intermediate = rsa(&PKCS_RSA_SHA256);
        params("intermediate", true)
            .signed_by(&intermediate, &Issuer::from_params(&self.root, &self.key))
            .unwrap()
            .pem()
    }
}

#[test]
fn another_authority() {
    let owner = Owner::new();
    let stranger = Owner { root: params("stranger", true), key: rsa(&PKCS_RSA_SHA256), csr: owner.csr.clone() };
    let twin = Owner { root: params("root", true), key: rsa(&PKCS_RSA_SHA256), csr: owner.csr.clone() };
    refused(owner.check(&owner.sign(), &stranger.anchor()), &["cluster certificate", "issuer is another"]);
    refused(owner.check(&owner.sign(), &twin.anchor()), &["cluster certificate", "not signed with the key"]);
    refused(
        check_registered(&owner.sign(), &twin.anchor(), now()),
        &["cluster certificate", "not signed with the key"],
    );
}

#[test]
fn another_public_key() {
    let owner = Owner::new();
    let other = make_identity("cluster-b", "hsm-b").unwrap().csr;
    let signed = params("cluster", false)
        .signed_by(&RequestedKey::of(&other), &Issuer::from_params(&owner.root, &owner.key))
        .unwrap()
        .pem();
    refused(owner.check(&signed, &owner.anchor()), &["cluster certificate", "another public key", "ClusterCsr"]);
    refused(owner.check(&owner.anchor(), &owner.anchor()), &["another public key"]);
}

#[test]
fn out_of_their_time() {
    let mut owner = Owner::new();
    let (past, future) = (date_time_ymd(2001, 1, 1), date_time_ymd(2999, 1, 1));
    refused(
        owner.check(&owner.sign_with(|cluster| cluster.not_after = past), &owner.anchor()),
        &["cluster certificate", "expired"],
    );
    refused(
        owner.check(&owner.sign_with(|cluster| cluster.not_before = future), &owner.anchor()),
        &["cluster certificate", "not valid yet"],
    );
    owner.root.not_after = past;
    refused(owner.check(&owner.sign(), &owner.anchor()), &["trust anchor", "expired"]);
    owner.root = params("root", true);
    owner.root.not_before = future;
    refused(owner.check(&owner.sign(), &owner.anchor()), &["trust anchor", "not valid yet"]);
}

#[test]
fn who_may_be_an_anchor() {
    let mut owner = Owner::new();
    owner.root = params("root", false);
    refused(owner.check(&owner.sign(), &owner.anchor()), &["trust anchor", "CA:TRUE"]);
    owner.root.is_ca = IsCa::NoCa;
    owner.root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    refused(owner.check(&owner.sign(), &owner.anchor()), &["trust anchor", "CA:TRUE"]);
    // As a certificate of version 1: without extensions.
    owner.root.key_usages.clear();
    assert_eq!(owner.check(&owner.sign(), &owner.anchor()), Ok(()));
}

#[test]
fn keys_that_an_anchor_may_not_have() {
    let mut owner = Owner::new();
    owner.key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_3072).unwrap();
    refused(owner.check(&owner.sign(), &owner.anchor()), &["trust anchor", "3072 bits", "2048 or 4096"]);
    owner.key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    refused(owner.check(&owner.sign(), &owner.anchor()), &["trust anchor", "no RSA key"]);
}

#[test]
fn the_signing_request_and_who_vouches_for_it() {
    let made = make_identity("cluster-a", "hsm-a").unwrap();
    let requested = requested_key(&made.csr).unwrap();
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&made.private_key.to_vec().into(), &PKCS_RSA_SHA256).unwrap();
    assert_eq!(requested.subject_public_key.as_bytes().unwrap(), key.public_key_raw());
    let hsm = super::parsed::ParsedCertificate::of_pem(&made.hardware.hsm).unwrap();
    assert_eq!(hsm.public_key().to_der().unwrap(), requested.to_der().unwrap());
    for hardware in [&made.hardware.aws_hardware, &made.hardware.manufacturer_hardware] {
        let hardware = super::parsed::ParsedCertificate::of_pem(hardware).unwrap();
        assert!(hsm.names_as_issuer(&hardware));
        assert!(hardware.may_issue());
    }
}
