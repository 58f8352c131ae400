//! An issuer's keys, and what it signs with them.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    RsaEncoding, RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keystead_model::Timestamp;
use keystead_oidc::{IssuerSettings, Issuers, KeySettings, RefreshPolicy};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const ISSUER: &str = "https://id.example.com/realms/a";
/// Seconds.
pub(crate) const NOW: i64 = 1_790_000_000;

pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(NOW * 1000)
}

pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key of an issuer.
#[derive(Clone)]
pub(crate) struct Signer {
    pub(crate) key_id: &'static str,
    key: Key,
}

#[derive(Clone)]
enum Key {
    Rsa(Arc<RsaKeyPair>),
    Ec(&'static str, Arc<EcdsaKeyPair>),
    Ed(Arc<Ed25519KeyPair>),
}

/// Two, because they take long to make.
static RSA: LazyLock<[Arc<RsaKeyPair>; 2]> =
    LazyLock::new(|| [(); 2].map(|()| Arc::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())));

impl Signer {
    pub(crate) fn rsa(key_id: &'static str) -> Self {
        Self { key_id, key: Key::Rsa(RSA[0].clone()) }
    }

    /// Not the key of [`Signer::rsa`].
    pub(crate) fn other_rsa(key_id: &'static str) -> Self {
        Self { key_id, key: Key::Rsa(RSA[1].clone()) }
    }

    pub(crate) fn p256(key_id: &'static str) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { key_id, key: Key::Ec("P-256", Arc::new(key)) }
    }

    pub(crate) fn p384(key_id: &'static str) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        Self { key_id, key: Key::Ec("P-384", Arc::new(key)) }
    }

    pub(crate) fn ed25519(key_id: &'static str) -> Self {
        Self { key_id, key: Key::Ed(Arc::new(Ed25519KeyPair::generate().unwrap())) }
    }

    /// The public key as the issuer publishes it.
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = match &self.key {
            Key::Rsa(key) => {
                let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::<Vec<u8>>::from(key.public_key());
                json!({"kty": "RSA", "n": base64(n), "e": base64(e)})
            }
            Key::Ec(curve, key) => {
                // An uncompressed point: 4, x, y.
                let point = &key.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({"kty": "EC", "crv": curve, "x": base64(x), "y": base64(y)})
            }
            Key::Ed(key) => json!({"kty": "OKP", "crv": "Ed25519", "x": base64(key.public_key())}),
        };
        jwk["kid"] = self.key_id.into();
        jwk["use"] = "sig".into();
        jwk
    }

    /// A token with this header and these claims, signed as its `alg` says.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", base64(header.to_string()), base64(claims.to_string()));
        let signature = self.signature(header["alg"].as_str().unwrap(), message.as_bytes());
        format!("{message}.{}", base64(signature))
    }

    /// A token of these claims, as this issuer makes them.
    pub(crate) fn token(&self, algorithm: &str, claims: &Value) -> String {
        self.sign(&json!({"alg": algorithm, "kid": self.key_id, "typ": "JWT"}), claims)
    }

    fn signature(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.key {
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(rsa_encoding(algorithm), &random, message, &mut signature).unwrap();
                signature
            }
            Key::Ec(_, key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Key::Ed(key) => key.sign(message).as_ref().to_vec(),
        }
    }
}

fn rsa_encoding(algorithm: &str) -> &'static dyn RsaEncoding {
    match algorithm {
        "RS384" => &signature::RSA_PKCS1_SHA384,
        "RS512" => &signature::RSA_PKCS1_SHA512,
        "PS256" => &signature::RSA_PSS_SHA256,
        "PS384" => &signature::RSA_PSS_SHA384,
        "PS512" => &signature::RSA_PSS_SHA512,
        // Also where the header lies about the algorithm.
        _ => &signature::RSA_PKCS1_SHA256,
    }
}

/// Claims that are fine.
pub(crate) fn claims() -> Value {
    json!({"iss": ISSUER, "sub": "alice", "aud": "kms", "iat": NOW - 10, "nbf": NOW - 10, "exp": NOW + 600})
}

/// The same with some changed; `null` leaves one out.
pub(crate) fn claims_with(changes: &Value) -> Value {
    let mut claims = claims();
    for (claim, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => _ = claims.as_object_mut().unwrap().remove(claim),
            value => claims[claim] = value.clone(),
        }
    }
    claims
}

pub(crate) fn key_set(signers: &[&Signer]) -> String {
    json!({"keys": signers.iter().map(|signer| signer.jwk()).collect::<Vec<_>>()}).to_string()
}

/// The issuer with its keys in a file.
pub(crate) struct FileIssuer {
    pub(crate) issuers: Issuers,
    folder: TempDir,
}

impl FileIssuer {
    pub(crate) fn new(signers: &[&Signer]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("keys.json"), key_set(signers)).unwrap();
        let keys = KeySettings::File(folder.path().join("keys.json"));
        let settings = IssuerSettings { issuer: ISSUER.to_owned(), keys };
        Self { issuers: Issuers::new(vec![settings], RefreshPolicy::default()).unwrap(), folder }
    }

    pub(crate) fn file(&self) -> std::path::PathBuf {
        Path::new(self.folder.path()).join("keys.json")
    }
}
