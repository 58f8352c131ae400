//! Which algorithms a token may be signed with, and which keys fit each.

use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};

/// What kind of key an algorithm takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum KeyKind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

/// All that are taken. Whoever has the public key could make a MAC with it, and `none` is no signature: neither is here.
const ALGORITHMS: &[(Algorithm, KeyKind)] = &[
    (Algorithm::RS256, KeyKind::Rsa),
    (Algorithm::RS384, KeyKind::Rsa),
    (Algorithm::RS512, KeyKind::Rsa),
    (Algorithm::PS256, KeyKind::Rsa),
    (Algorithm::PS384, KeyKind::Rsa),
    (Algorithm::PS512, KeyKind::Rsa),
    (Algorithm::ES256, KeyKind::P256),
    (Algorithm::ES384, KeyKind::P384),
    (Algorithm::EdDSA, KeyKind::Ed25519),
];

/// Whether a token may be signed with it.
pub(crate) fn is_taken(algorithm: Algorithm) -> bool {
    ALGORITHMS.iter().any(|(taken, _)| *taken == algorithm)
}

/// Whether a key is for signatures with this algorithm: by its kind, its curve, its `use` and its `alg`.
pub(crate) fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let wanted = ALGORITHMS.iter().find(|(taken, _)| *taken == algorithm).map(|(_, kind)| *kind);
    let for_signatures = key.common.public_key_use.as_ref().is_none_or(|of_key| *of_key == PublicKeyUse::Signature);
    let for_algorithm = key.common.key_algorithm.is_none_or(|of_key| of_key == KeyAlgorithm::from(algorithm));
    wanted.is_some() && kind(key) == wanted && for_signatures && for_algorithm
}

/// Whether a key is for signatures with any of the algorithms.
pub(crate) fn fits_any(key: &Jwk) -> bool {
    ALGORITHMS.iter().any(|(algorithm, _)| fits(key, *algorithm))
}

fn kind(key: &Jwk) -> Option<KeyKind> {
    match &key.algorithm {
        AlgorithmParameters::RSA(_) => Some(KeyKind::Rsa),
        AlgorithmParameters::EllipticCurve(parameters) => match parameters.curve {
            EllipticCurve::P256 => Some(KeyKind::P256),
            EllipticCurve::P384 => Some(KeyKind::P384),
            _ => None,
        },
        AlgorithmParameters::OctetKeyPair(parameters) => match parameters.curve {
            EllipticCurve::Ed25519 => Some(KeyKind::Ed25519),
            _ => None,
        },
        _ => None,
    }
}
