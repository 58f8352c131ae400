//! Certificates that do not lead to a configured root, or may not do what they did.

use keystead_attestation::{AttestationError, AttestationRoots, ChainFault, verify};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519,
};
use time::{Duration, OffsetDateTime};

use crate::support::NOW_UNIX_MS;
use crate::support::der::rsa_public_key;
use crate::support::document::{Fields, array, bytes};
use crate::support::pki::{Level, Pki};

/// How many issuers stand between the root and the signing certificate, as in Nitro's chains.
const ISSUERS: usize = 3;
const ALL: [Level; 5] = [Level::Root, Level::Issuer(0), Level::Issuer(1), Level::Issuer(2), Level::Signer];

/// The refusal of an otherwise sound document with the certificates of `pki`.
fn refusal(pki: &Pki, roots: &AttestationRoots) -> AttestationError {
    let document = Fields::of(pki, &rsa_public_key(2048)).signed_by(pki);
    verify(&document, roots, NOW_UNIX_MS).unwrap_err()
}

/// The refusal when one certificate is made otherwise.
fn refusal_of(level: Level, change: impl Fn(&mut CertificateParams)) -> AttestationError {
    let pki = Pki::changed(ISSUERS, &|at, params| {
        if at == level {
            change(params);
        }
    });
    refusal(&pki, &pki.roots())
}

fn chain(fault: ChainFault) -> AttestationError {
    AttestationError::Chain(fault)
}

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(NOW_UNIX_MS / 1000).unwrap()
}

#[test]
fn a_foreign_root_does_not_vouch() {
    let foreign = Pki::changed(ISSUERS, &|level, params| {
        if level == Level::Root {
            params.distinguished_name.push(DnType::CommonName, "foreign.nitro-enclaves");
        }
    });
    for pki in [Pki::nitro(), Pki::short()] {
        assert_eq!(refusal(&pki, &foreign.roots()), chain(ChainFault::UnknownIssuer));
        // Another root of the same name.
        assert_eq!(refusal(&pki, &Pki::nitro().roots()), chain(ChainFault::Signature));
    }
}

#[test]
fn a_bundle_has_each_subject_once() {
    let pki = Pki::nitro();
    let twin = Pki::nitro();
    for again in [pki.cabundle()[2], twin.cabundle()[2]] {
        let mut bundle: Vec<Vec<u8>> = pki.cabundle().into_iter().map(bytes).collect();
        bundle.push(bytes(again));
        let document = Fields::of(&pki, &rsa_public_key(2048)).with("cabundle", array(&bundle)).signed_by(&pki);
        assert_eq!(verify(&document, &pki.roots(), NOW_UNIX_MS).unwrap_err(), chain(ChainFault::SameSubject));
    }
}

#[test]
fn every_certificate_must_be_valid_now() {
    for level in ALL {
        let expired = refusal_of(level, |params| params.not_after = now() - Duration::seconds(1));
        assert_eq!(expired, AttestationError::CertificateExpired, "{level:?}");

        let early = refusal_of(level, |params| params.not_before = now() + Duration::seconds(1));
        assert_eq!(early, AttestationError::CertificateNotYetValid, "{level:?}");
    }
}

#[test]
fn the_time_decides_and_no_time_is_too_strange() {
    let pki = Pki::nitro();
    let document = Fields::of(&pki, &rsa_public_key(2048)).signed_by(&pki);
    for (now_unix_ms, refusal) in [
        (i64::MIN, AttestationError::CertificateNotYetValid),
        (-1, AttestationError::CertificateNotYetValid),
        (0, AttestationError::CertificateNotYetValid),
        (i64::MAX, AttestationError::CertificateExpired),
    ] {
        assert_eq!(verify(&document, &pki.roots(), now_unix_ms).unwrap_err(), refusal, "{now_unix_ms}");
    }
}

#[test]
fn an_issuer_is_missing_or_another() {
    let (pki, other) = (Pki::nitro(), Pki::nitro());
    let roots = pki.roots();
    let bundle = |certificates: &[&[u8]]| {
        let certificates: Vec<Vec<u8>> = certificates.iter().map(|der| bytes(der)).collect();
        let document = Fields::of(&pki, &rsa_public_key(2048)).with("cabundle", array(&certificates)).signed_by(&pki);
        verify(&document, &roots, NOW_UNIX_MS).unwrap_err()
    };
    let own = pki.cabundle();
    let foreign = other.cabundle();

    for missing in 1..own.len() {
        let mut certificates = own.clone();
        certificates.remove(missing);
        assert_eq!(bundle(&certificates), chain(ChainFault::UnknownIssuer), "{missing}");
    }
    for replaced in 1..own.len() {
        let mut certificates = own.clone();
        certificates[replaced] = foreign[replaced];
        assert_eq!(bundle(&certificates), chain(ChainFault::Signature), "{replaced}");
    }
    assert_eq!(bundle(&foreign), chain(ChainFault::Signature));
    assert_eq!(bundle(&own[..1]), chain(ChainFault::UnknownIssuer));
}

#[test]
fn every_certificates_own_signature_counts() {
    for level in 1..ALL.len() {
        let mut pki = Pki::nitro();
        // The last byte belongs to s of the signature.
        *pki.certificates[level].last_mut().unwrap() ^= 1;

        assert_eq!(refusal(&pki, &pki.roots()), chain(ChainFault::Signature), "{level}");
    }
}

#[test]
fn issuers_are_certificate_authorities_and_the_signer_is_none() {
    for level in [Level::Issuer(0), Level::Issuer(2)] {
        assert_eq!(refusal_of(level, |params| params.is_ca = IsCa::ExplicitNoCa), chain(ChainFault::BasicConstraints));
        assert_eq!(refusal_of(level, |params| params.is_ca = IsCa::NoCa), chain(ChainFault::BasicConstraints));
    }
    for constraints in [BasicConstraints::Unconstrained, BasicConstraints::Constrained(0)] {
        let authority = refusal_of(Level::Signer, |params| params.is_ca = IsCa::Ca(constraints));
        assert_eq!(authority, chain(ChainFault::BasicConstraints));
    }
}

#[test]
fn a_signer_has_no_path_length() {
    // basicConstraints without cA and with pathLenConstraint 0, which RFC 5280 gives no meaning.
    let with_path_length = refusal_of(Level::Signer, |params| {
        params.is_ca = IsCa::NoCa;
        params.custom_extensions =
            vec![CustomExtension::from_oid_content(&[2, 5, 29, 19], vec![0x30, 0x03, 0x02, 0x01, 0x00])];
    });
    assert_eq!(with_path_length, chain(ChainFault::BasicConstraints));
}

#[test]
fn no_chain_is_longer_than_an_authority_allows() {
    for (level, too_few) in [(Level::Root, 2), (Level::Issuer(0), 1), (Level::Issuer(1), 0)] {
        let short = refusal_of(level, |params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(too_few)));
        assert_eq!(short, chain(ChainFault::PathLength), "{level:?}");
    }
    let exact = Pki::changed(ISSUERS, &|level, params| {
        if level == Level::Root {
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(3));
        }
    });
    let document = Fields::of(&exact, &rsa_public_key(2048)).signed_by(&exact);
    assert!(verify(&document, &exact.roots(), NOW_UNIX_MS).is_ok());

    let endless = Pki::changed(9, &|_, _| {});
    assert_eq!(refusal(&endless, &endless.roots()), chain(ChainFault::PathLength));
}

#[test]
fn key_usage_allows_what_each_certificate_did() {
    for level in [Level::Issuer(0), Level::Issuer(1), Level::Issuer(2)] {
        for usages in [vec![], vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::CrlSign]] {
            assert_eq!(refusal_of(level, |params| params.key_usages.clone_from(&usages)), chain(ChainFault::KeyUsage));
        }
    }
    for usages in [vec![], vec![KeyUsagePurpose::ContentCommitment, KeyUsagePurpose::KeyAgreement]] {
        let other_use = refusal_of(Level::Signer, |params| params.key_usages.clone_from(&usages));
        assert_eq!(other_use, chain(ChainFault::KeyUsage));
    }
}

#[test]
fn a_certificate_for_tls_signs_no_documents() {
    let for_tls =
        refusal_of(Level::Signer, |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
    assert!(matches!(for_tls, AttestationError::Chain(ChainFault::Other(_))), "{for_tls:?}");

    let for_anything =
        Pki::changed(ISSUERS, &|_, params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any]);
    let document = Fields::of(&for_anything, &rsa_public_key(2048)).signed_by(&for_anything);
    assert!(verify(&document, &for_anything.roots(), NOW_UNIX_MS).is_ok());
}

#[test]
fn an_unknown_critical_extension_is_refused() {
    for level in [Level::Issuer(1), Level::Signer] {
        let unknown = refusal_of(level, |params| {
            let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![0x05, 0x00]);
            extension.set_criticality(true);
            params.custom_extensions = vec![extension];
        });
        assert!(matches!(unknown, AttestationError::Chain(ChainFault::Other(_))), "{level:?}: {unknown:?}");
    }
}

#[test]
fn nothing_but_p384_signs() {
    for level in [Level::Root, Level::Issuer(1)] {
        for other in [&PKCS_ECDSA_P256_SHA256, &PKCS_ED25519] {
            let algorithm = |at| if at == level { other } else { &PKCS_ECDSA_P384_SHA384 };
            let pki = Pki::with_keys(ISSUERS, &|_, _| {}, &algorithm);
            assert_eq!(refusal(&pki, &pki.roots()), chain(ChainFault::SignatureAlgorithm), "{level:?} {other:?}");
        }
    }
    // The key of the signing certificate itself; the signature here is another's and is not even looked at.
    let pki = Pki::with_keys(ISSUERS, &|_, _| {}, &|level| match level {
        Level::Signer => &PKCS_ECDSA_P256_SHA256,
        _ => &PKCS_ECDSA_P384_SHA384,
    });
    let document = Fields::of(&pki, &rsa_public_key(2048)).signed_by(&Pki::short());
    assert_eq!(verify(&document, &pki.roots(), NOW_UNIX_MS).unwrap_err(), chain(ChainFault::SignatureAlgorithm));
}

#[test]
fn malformed_certificates_are_refused() {
    let pki = Pki::nitro();
    let sound = Fields::of(&pki, &rsa_public_key(2048));
    let trailing = [pki.signer(), &[0]].concat();
    for certificate in [&[0x30][..], &[0; 500], &pki.signer()[..pki.signer().len() - 1], &trailing] {
        let document = sound.clone().with("certificate", bytes(certificate)).signed_by(&pki);
        assert_eq!(verify(&document, &pki.roots(), NOW_UNIX_MS).unwrap_err(), chain(ChainFault::Malformed));
    }
    let mut bundle: Vec<Vec<u8>> = pki.cabundle().into_iter().map(bytes).collect();
    bundle[2] = bytes(&[0x30]);
    let document = sound.with("cabundle", array(&bundle)).signed_by(&pki);
    assert_eq!(verify(&document, &pki.roots(), NOW_UNIX_MS).unwrap_err(), chain(ChainFault::Malformed));
}

#[test]
fn a_valid_root_is_found_beside_one_that_is_not() {
    let expired = Pki::changed(ISSUERS, &|level, params| {
        if level == Level::Root {
            params.not_after = now() - Duration::days(1);
        }
    });
    let sound = Pki::nitro();
    let both = AttestationRoots::from_der([expired.root(), sound.root()]).unwrap();
    let document = Fields::of(&sound, &rsa_public_key(2048)).signed_by(&sound);

    assert!(verify(&document, &both, NOW_UNIX_MS).is_ok());
    assert_eq!(refusal(&expired, &expired.roots()), AttestationError::CertificateExpired);
}
