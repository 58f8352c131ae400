//! Which wrapping algorithm wraps which key material (KMS Developer Guide, "Select a wrapping algorithm").

use keystead_cryptography::{WrappingAlgorithm, WrappingKeySpec};
use keystead_model::kms::{self, AlgorithmSpec, KeySpec};

use crate::error::KmsError;

/// What sort of key material a key spec has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum MaterialSort {
    /// The bytes of a symmetric or an HMAC key.
    Secret,
    /// The private key of an elliptic curve key pair.
    Ecc,
    /// The private key of an RSA key pair.
    Rsa,
}

use MaterialSort::{Ecc, Rsa, Secret};

/// The table: the value of `WrappingAlgorithm`, what it is here, and what it wraps. The others are not served: `RSAES_PKCS1_V1_5` by AWS
/// neither, since 2023, and `SM2PKE` in China Regions only.
static WRAPPING_ALGORITHMS: &[(AlgorithmSpec, WrappingAlgorithm, &[MaterialSort])] = &[
    (AlgorithmSpec::RsaesOaepSha1, WrappingAlgorithm::RsaesOaepSha1, &[Secret, Ecc]),
    (AlgorithmSpec::RsaesOaepSha256, WrappingAlgorithm::RsaesOaepSha256, &[Secret, Ecc]),
    (AlgorithmSpec::RsaAesKeyWrapSha1, WrappingAlgorithm::RsaAesKeyWrapSha1, &[Ecc, Rsa]),
    (AlgorithmSpec::RsaAesKeyWrapSha256, WrappingAlgorithm::RsaAesKeyWrapSha256, &[Ecc, Rsa]),
];

/// The wrapping that a request asks for, if material of a key of this spec can be wrapped so.
///
/// Fails with `UnsupportedOperationException`; that AWS gives this exception, and its texts, are unverified.
pub(super) fn wrapping(
    spec: KeySpec,
    algorithm: AlgorithmSpec,
    wrapping_key_spec: kms::WrappingKeySpec,
) -> Result<(WrappingAlgorithm, WrappingKeySpec), KmsError> {
    let refused = || {
        Err(KmsError::unsupported(format!(
            "Wrapping algorithm {algorithm} with wrapping key spec {wrapping_key_spec} is not supported for key material of key spec {spec}."
        )))
    };
    let wrapping_key = match wrapping_key_spec {
        kms::WrappingKeySpec::Rsa2048 => WrappingKeySpec::Rsa2048,
        kms::WrappingKeySpec::Rsa3072 => WrappingKeySpec::Rsa3072,
        kms::WrappingKeySpec::Rsa4096 => WrappingKeySpec::Rsa4096,
        kms::WrappingKeySpec::Sm2 => return refused(),
    };
    let row = WRAPPING_ALGORITHMS.iter().find(|(listed, ..)| *listed == algorithm);
    let Some((_, wrapping_algorithm, sorts)) = row else { return refused() };
    // Its private key is longer than what RSA_2048 encrypts at once.
    let too_long = spec == KeySpec::EccNistP521
        && wrapping_key == WrappingKeySpec::Rsa2048
        && matches!(wrapping_algorithm, WrappingAlgorithm::RsaesOaepSha1 | WrappingAlgorithm::RsaesOaepSha256);
    if too_long || !sort(spec).is_some_and(|sort| sorts.contains(&sort)) {
        return refused();
    }
    Ok((*wrapping_algorithm, wrapping_key))
}

/// `None` for key specs whose material cannot be imported.
fn sort(spec: KeySpec) -> Option<MaterialSort> {
    match spec {
        KeySpec::SymmetricDefault | KeySpec::Hmac224 | KeySpec::Hmac256 | KeySpec::Hmac384 | KeySpec::Hmac512 => {
            Some(Secret)
        }
        KeySpec::EccNistP256
        | KeySpec::EccNistP384
        | KeySpec::EccNistP521
        | KeySpec::EccSecgP256k1
        | KeySpec::EccNistEdwards25519 => Some(Ecc),
        KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => Some(Rsa),
        KeySpec::MlDsa44 | KeySpec::MlDsa65 | KeySpec::MlDsa87 | KeySpec::Sm2 => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use keystead_cryptography::key_spec;

    /// KMS core digest 5.5: key specs, then which of RSAES_OAEP_SHA_1 and _256, RSA_AES_KEY_WRAP_SHA_1 and _256 wrap their material.
    const PRINTED: &[(&[KeySpec], [bool; 4])] = &[
        (
            &[KeySpec::SymmetricDefault, KeySpec::Hmac224, KeySpec::Hmac256, KeySpec::Hmac384, KeySpec::Hmac512],
            [true, true, false, false],
        ),
        (&[KeySpec::EccNistP256, KeySpec::EccNistP384, KeySpec::EccNistP521, KeySpec::EccSecgP256k1], [true; 4]),
        (&[KeySpec::Rsa2048, KeySpec::Rsa3072, KeySpec::Rsa4096], [false, false, true, true]),
    ];
    const COLUMNS: [AlgorithmSpec; 4] = [
        AlgorithmSpec::RsaesOaepSha1,
        AlgorithmSpec::RsaesOaepSha256,
        AlgorithmSpec::RsaAesKeyWrapSha1,
        AlgorithmSpec::RsaAesKeyWrapSha256,
    ];

    #[test]
    fn the_documented_table() {
        for (specs, wraps) in PRINTED {
            for spec in *specs {
                for (algorithm, wraps) in COLUMNS.into_iter().zip(wraps) {
                    let wrapped = wrapping(*spec, algorithm, kms::WrappingKeySpec::Rsa4096);
                    assert_eq!(wrapped.is_ok(), *wraps, "{spec} {algorithm}");
                }
            }
        }
    }

    #[test]
    fn a_p521_key_is_too_long_for_oaep_with_rsa_2048() {
        for algorithm in COLUMNS {
            let wrapped = wrapping(KeySpec::EccNistP521, algorithm, kms::WrappingKeySpec::Rsa2048);
            let oaep = matches!(algorithm, AlgorithmSpec::RsaesOaepSha1 | AlgorithmSpec::RsaesOaepSha256);
            assert_eq!(wrapped.is_err(), oaep, "{algorithm}");
        }
    }

    #[test]
    fn nothing_is_wrapped_as_aws_does_no_more_or_only_in_china() {
        for spec in KeySpec::ALL {
            for key_spec in [kms::WrappingKeySpec::Rsa4096, kms::WrappingKeySpec::Sm2] {
                for algorithm in [AlgorithmSpec::RsaesPkcs1V15, AlgorithmSpec::Sm2pke] {
                    assert!(wrapping(*spec, algorithm, key_spec).is_err());
                }
            }
            assert!(wrapping(*spec, AlgorithmSpec::RsaesOaepSha256, kms::WrappingKeySpec::Sm2).is_err());
        }
    }

    #[test]
    fn every_key_spec_that_can_have_imported_material_has_a_sort() {
        for spec in KeySpec::ALL {
            assert_eq!(sort(*spec).is_some(), key_spec::facts(*spec).origin_external_allowed, "{spec}");
        }
    }
}
