//! The documented table of key specs, usages and algorithms (KMS Developer Guide, "Key spec reference").

use keystead_model::kms::{
    EncryptionAlgorithmSpec, KeyAgreementAlgorithmSpec, KeySpec, KeyUsageType, MacAlgorithmSpec, SigningAlgorithmSpec,
};

/// What a KMS key of one key spec can be and do.
#[derive(Debug)]
pub struct KeySpecFacts {
    /// The key spec.
    pub spec: KeySpec,
    /// Its usages, with the algorithms of each in the order in which DescribeKey lists them.
    pub usages: &'static [(KeyUsageType, Algorithms)],
    /// Whether key material can be imported (origin `EXTERNAL`).
    pub origin_external_allowed: bool,
    /// Whether there are multi-Region keys of it.
    pub multi_region_allowed: bool,
    /// Whether a custom key store can hold it.
    pub custom_key_store_allowed: bool,
    /// Whether only China Regions have it. No key pair of it can be made here.
    pub china_regions_only: bool,
}

/// The algorithms of one usage.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Algorithms {
    /// `EncryptionAlgorithms` of `ENCRYPT_DECRYPT`.
    Encryption(&'static [EncryptionAlgorithmSpec]),
    /// `SigningAlgorithms` of `SIGN_VERIFY`.
    Signing(&'static [SigningAlgorithmSpec]),
    /// `MacAlgorithms` of `GENERATE_VERIFY_MAC`.
    Mac(&'static [MacAlgorithmSpec]),
    /// `KeyAgreementAlgorithms` of `KEY_AGREEMENT`.
    KeyAgreement(&'static [KeyAgreementAlgorithmSpec]),
}

/// A row for a key spec that all Regions have and that no custom key store holds.
const fn row(spec: KeySpec, usages: &'static [(KeyUsageType, Algorithms)]) -> KeySpecFacts {
    KeySpecFacts {
        spec,
        usages,
        origin_external_allowed: true,
        multi_region_allowed: true,
        custom_key_store_allowed: false,
        china_regions_only: false,
    }
}

const SYMMETRIC: &[(KeyUsageType, Algorithms)] =
    &[(KeyUsageType::EncryptDecrypt, Algorithms::Encryption(&[EncryptionAlgorithmSpec::SymmetricDefault]))];

const RSA: &[(KeyUsageType, Algorithms)] = &[
    (
        KeyUsageType::EncryptDecrypt,
        Algorithms::Encryption(&[EncryptionAlgorithmSpec::RsaesOaepSha1, EncryptionAlgorithmSpec::RsaesOaepSha256]),
    ),
    (
        KeyUsageType::SignVerify,
        Algorithms::Signing(&[
            SigningAlgorithmSpec::RsassaPkcs1V15Sha256,
            SigningAlgorithmSpec::RsassaPkcs1V15Sha384,
            SigningAlgorithmSpec::RsassaPkcs1V15Sha512,
            SigningAlgorithmSpec::RsassaPssSha256,
            SigningAlgorithmSpec::RsassaPssSha384,
            SigningAlgorithmSpec::RsassaPssSha512,
        ]),
    ),
];

const ECDH: (KeyUsageType, Algorithms) =
    (KeyUsageType::KeyAgreement, Algorithms::KeyAgreement(&[KeyAgreementAlgorithmSpec::Ecdh]));

const ED25519: &[(KeyUsageType, Algorithms)] = &[(
    KeyUsageType::SignVerify,
    Algorithms::Signing(&[SigningAlgorithmSpec::Ed25519Sha512, SigningAlgorithmSpec::Ed25519PhSha512]),
)];

const SM2: &[(KeyUsageType, Algorithms)] = &[
    (KeyUsageType::EncryptDecrypt, Algorithms::Encryption(&[EncryptionAlgorithmSpec::Sm2pke])),
    (KeyUsageType::SignVerify, Algorithms::Signing(&[SigningAlgorithmSpec::Sm2dsa])),
    ECDH,
];

/// Every key spec once, in the order of [`KeySpec`].
pub static KEY_SPECS: [KeySpecFacts; 17] = [
    row(KeySpec::Rsa2048, RSA),
    row(KeySpec::Rsa3072, RSA),
    row(KeySpec::Rsa4096, RSA),
    row(
        KeySpec::EccNistP256,
        &[(KeyUsageType::SignVerify, Algorithms::Signing(&[SigningAlgorithmSpec::EcdsaSha256])), ECDH],
    ),
    row(
        KeySpec::EccNistP384,
        &[(KeyUsageType::SignVerify, Algorithms::Signing(&[SigningAlgorithmSpec::EcdsaSha384])), ECDH],
    ),
    row(
        KeySpec::EccNistP521,
        &[(KeyUsageType::SignVerify, Algorithms::Signing(&[SigningAlgorithmSpec::EcdsaSha512])), ECDH],
    ),
    row(
        KeySpec::EccSecgP256k1,
        &[(KeyUsageType::SignVerify, Algorithms::Signing(&[SigningAlgorithmSpec::EcdsaSha256]))],
    ),
    KeySpecFacts { custom_key_store_allowed: true, ..row(KeySpec::SymmetricDefault, SYMMETRIC) },
    row(KeySpec::Hmac224, &[(KeyUsageType::GenerateVerifyMac, Algorithms::Mac(&[MacAlgorithmSpec::HmacSha224]))]),
    row(KeySpec::Hmac256, &[(KeyUsageType::GenerateVerifyMac, Algorithms::Mac(&[MacAlgorithmSpec::HmacSha256]))]),
    row(KeySpec::Hmac384, &[(KeyUsageType::GenerateVerifyMac, Algorithms::Mac(&[MacAlgorithmSpec::HmacSha384]))]),
    row(KeySpec::Hmac512, &[(KeyUsageType::GenerateVerifyMac, Algorithms::Mac(&[MacAlgorithmSpec::HmacSha512]))]),
    KeySpecFacts {
        origin_external_allowed: false,
        multi_region_allowed: false,
        china_regions_only: true,
        ..row(KeySpec::Sm2, SM2)
    },
    ml_dsa(KeySpec::MlDsa44),
    ml_dsa(KeySpec::MlDsa65),
    ml_dsa(KeySpec::MlDsa87),
    // Import and multi-Region keys are unverified; allowed, as for the other elliptic curves.
    row(KeySpec::EccNistEdwards25519, ED25519),
];

/// [`facts`] finds a row by its place.
const _: () = {
    let mut place = 0;
    while place < KeySpec::ALL.len() {
        assert!(KEY_SPECS[place].spec as usize == place);
        place += 1;
    }
};

/// Import is unverified, and refused: the guide names no format for the private key.
const fn ml_dsa(spec: KeySpec) -> KeySpecFacts {
    KeySpecFacts {
        origin_external_allowed: false,
        ..row(spec, &[(KeyUsageType::SignVerify, Algorithms::Signing(&[SigningAlgorithmSpec::MlDsaShake256]))])
    }
}

/// The row of a key spec.
pub fn facts(spec: KeySpec) -> &'static KeySpecFacts {
    &KEY_SPECS[spec as usize]
}

/// The usages that a KMS key of `spec` can be made for.
pub fn usages(spec: KeySpec) -> impl Iterator<Item = KeyUsageType> {
    facts(spec).usages.iter().map(|(usage, _)| *usage)
}

/// The algorithms of a KMS key of `spec` and `usage`; `None` if the spec has no such usage.
pub fn algorithms(spec: KeySpec, usage: KeyUsageType) -> Option<Algorithms> {
    facts(spec).usages.iter().find(|(of, _)| *of == usage).map(|(_, algorithms)| *algorithms)
}

/// `EncryptionAlgorithms` of a KMS key; empty unless it is for encryption.
pub fn encryption_algorithms(spec: KeySpec, usage: KeyUsageType) -> &'static [EncryptionAlgorithmSpec] {
    match algorithms(spec, usage) {
        Some(Algorithms::Encryption(algorithms)) => algorithms,
        _ => &[],
    }
}

/// `SigningAlgorithms` of a KMS key; empty unless it is for signing.
pub fn signing_algorithms(spec: KeySpec, usage: KeyUsageType) -> &'static [SigningAlgorithmSpec] {
    match algorithms(spec, usage) {
        Some(Algorithms::Signing(algorithms)) => algorithms,
        _ => &[],
    }
}

/// `MacAlgorithms` of a KMS key; empty unless it is for MACs.
pub fn mac_algorithms(spec: KeySpec, usage: KeyUsageType) -> &'static [MacAlgorithmSpec] {
    match algorithms(spec, usage) {
        Some(Algorithms::Mac(algorithms)) => algorithms,
        _ => &[],
    }
}

/// `KeyAgreementAlgorithms` of a KMS key; empty unless it is for key agreement.
pub fn key_agreement_algorithms(spec: KeySpec, usage: KeyUsageType) -> &'static [KeyAgreementAlgorithmSpec] {
    match algorithms(spec, usage) {
        Some(Algorithms::KeyAgreement(algorithms)) => algorithms,
        _ => &[],
    }
}
