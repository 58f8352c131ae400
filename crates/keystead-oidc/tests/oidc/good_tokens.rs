//! Tokens that are taken.

use serde_json::json;

use crate::signer::{FileIssuer, Signer, claims, claims_with, now};

#[tokio::test]
async fn every_algorithm_verifies_with_its_key() {
    let (rsa, p256, p384, ed25519) =
        (Signer::rsa("rsa"), Signer::p256("p256"), Signer::p384("p384"), Signer::ed25519("ed"));
    let issuer = FileIssuer::new(&[&rsa, &p256, &p384, &ed25519]);
    for (signer, algorithm) in [
        (&rsa, "RS256"),
        (&rsa, "RS384"),
        (&rsa, "RS512"),
        (&rsa, "PS256"),
        (&rsa, "PS384"),
        (&rsa, "PS512"),
        (&p256, "ES256"),
        (&p384, "ES384"),
        (&ed25519, "EdDSA"),
    ] {
        let identity = issuer.issuers.verify(&signer.token(algorithm, &claims()), now()).await.expect(algorithm);
        assert_eq!((identity.subject.as_str(), identity.audiences.as_slice()), ("alice", &["kms".to_owned()][..]));
    }
}

#[tokio::test]
async fn an_issuer_with_one_key_need_not_name_it() {
    let signer = Signer::p256("only");
    let token = signer.sign(&json!({"alg": "ES256"}), &claims());
    assert!(FileIssuer::new(&[&signer, &Signer::rsa("rsa")]).issuers.verify(&token, now()).await.is_ok());
    let two = FileIssuer::new(&[&signer, &Signer::p256("second")]);
    assert!(two.issuers.verify(&token, now()).await.is_err(), "nobody can tell which of the two is meant");
}

#[tokio::test]
async fn claims_are_kept() {
    let signer = Signer::ed25519("ed");
    let claims =
        claims_with(&json!({"aud": ["web", "kms"], "azp": "web", "amr": ["mfa", "pwd"], "email": "a@example.com"}));
    let issuer = FileIssuer::new(&[&signer]);
    let identity = issuer.issuers.verify(&signer.token("EdDSA", &claims), now()).await.unwrap();
    assert_eq!(identity.audiences, ["web", "kms"]);
    assert_eq!(identity.authorized_party.as_deref(), Some("web"));
    assert_eq!(identity.texts("amr").unwrap(), ["mfa", "pwd"]);
    assert_eq!(identity.texts("email").unwrap(), ["a@example.com"]);
    assert_eq!(identity.texts("exp"), None);
}
