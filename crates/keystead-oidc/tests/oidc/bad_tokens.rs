//! Tokens that are refused: each is a good one with one thing wrong.

use aws_lc_rs::hmac;
use keystead_oidc::{TOKEN_CHARACTERS_MAX, TokenError};
use serde_json::{Value, json};

use crate::signer::{FileIssuer, NOW, Signer, base64, claims, claims_with, key_set, now};

struct Case {
    what: &'static str,
    token: String,
}

fn case(what: &'static str, token: String) -> Case {
    Case { what, token }
}

/// A MAC with what everybody knows: the public key, in the forms that implementations have taken it in.
fn mac(algorithm: hmac::Algorithm, header: &Value, key: &[u8]) -> String {
    let message = format!("{}.{}", base64(header.to_string()), base64(claims().to_string()));
    let tag = hmac::sign(&hmac::Key::new(algorithm, key), message.as_bytes());
    format!("{message}.{}", base64(tag))
}

fn unsigned(algorithm: &str, signature: &str) -> String {
    let header = json!({"alg": algorithm, "kid": "rsa"});
    format!("{}.{}.{signature}", base64(header.to_string()), base64(claims().to_string()))
}

fn forged(rsa: &Signer) -> Vec<Case> {
    let modulus = rsa.jwk()["n"].as_str().unwrap().to_owned();
    let header = json!({"alg": "HS256", "kid": "rsa"});
    let good = rsa.token("RS256", &claims());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (head, _) = message.split_once('.').unwrap();
    let other_claims = base64(claims_with(&json!({"sub": "mallory"})).to_string());
    vec![
        case("alg none", unsigned("none", "")),
        case("alg None", unsigned("None", "")),
        case("alg NONE with a signature", unsigned("NONE", signature)),
        case("no alg", format!("{}.{}.{signature}", base64("{}"), base64(claims().to_string()))),
        case("signature stripped", format!("{message}.")),
        case("two parts", message.to_owned()),
        case("four parts", format!("{good}.AAAA")),
        case("five parts, as encrypted ones have", format!("{good}.AAAA.AAAA")),
        case("claims exchanged", format!("{head}.{other_claims}.{signature}")),
        case("signature of another token", {
            let other = rsa.token("RS256", &claims_with(&json!({"sub": "bob"})));
            format!("{message}.{}", other.rsplit_once('.').unwrap().1)
        }),
        case("signature with padding", format!("{good}==")),
        case("a space before it", format!(" {good}")),
        case("a line break behind it", format!("{good}\n")),
        case("HMAC with the modulus", mac(hmac::HMAC_SHA256, &header, modulus.as_bytes())),
        case("HMAC with the key set", mac(hmac::HMAC_SHA256, &header, key_set(&[rsa]).as_bytes())),
        case("HMAC with nothing", mac(hmac::HMAC_SHA256, &header, b"")),
        case("HS384", mac(hmac::HMAC_SHA384, &json!({"alg": "HS384", "kid": "rsa"}), modulus.as_bytes())),
        case("HS512", mac(hmac::HMAC_SHA512, &json!({"alg": "HS512", "kid": "rsa"}), modulus.as_bytes())),
        case(
            "another algorithm than that of the signature",
            rsa.sign(&json!({"alg": "ES256", "kid": "rsa"}), &claims()),
        ),
        case("EdDSA with an RSA key", rsa.sign(&json!({"alg": "EdDSA", "kid": "rsa"}), &claims())),
        case("PKCS #1 signature under PS256", {
            let header = base64(json!({"alg": "PS256", "kid": "rsa"}).to_string());
            let token = rsa.token("RS256", &claims());
            let rest = token.split_once('.').unwrap().1;
            format!("{header}.{rest}")
        }),
        case(
            "critical header parameters",
            rsa.sign(&json!({"alg": "RS256", "kid": "rsa", "crit": ["b64"], "b64": false}), &claims()),
        ),
        case("alg in lower case", rsa.sign(&json!({"alg": "rs256", "kid": "rsa"}), &claims())),
    ]
}

fn of_other_keys(rsa: &Signer) -> Vec<Case> {
    let other = Signer::other_rsa("rsa");
    let own_key = json!({"alg": "RS256", "kid": "rsa", "jwk": other.jwk()});
    let elsewhere = json!({"alg": "RS256", "kid": "rsa", "jku": "https://mallory.example/keys"});
    vec![
        case("another key under the same name", other.token("RS256", &claims())),
        case("an unknown key", Signer::other_rsa("unknown").token("RS256", &claims())),
        case("a known key under an unknown name", rsa.sign(&json!({"alg": "RS256", "kid": "RSA"}), &claims())),
        case("the name of a key of another kind", rsa.sign(&json!({"alg": "RS256", "kid": "p256"}), &claims())),
        case("a key that the token brings itself", other.sign(&own_key, &claims())),
        case("a key that the token says where to find", other.sign(&elsewhere, &claims())),
        case("a curve's key for the other curve's algorithm", Signer::p384("p256").token("ES384", &claims())),
    ]
}

fn claiming(rsa: &Signer) -> Vec<Case> {
    let changed = |what, changes: Value| case(what, rsa.token("RS256", &claims_with(&changes)));
    vec![
        changed("another issuer", json!({"iss": "https://mallory.example"})),
        changed("the issuer with a slash", json!({"iss": format!("{}/", crate::signer::ISSUER)})),
        changed("the issuer in upper case", json!({"iss": crate::signer::ISSUER.to_uppercase()})),
        changed("no issuer", json!({"iss": null})),
        changed("a list of issuers", json!({"iss": [crate::signer::ISSUER]})),
        changed("no audience", json!({"aud": null})),
        changed("no subject", json!({"sub": null})),
        changed("no end", json!({"exp": null})),
        changed("the end as a text", json!({"exp": (NOW + 600).to_string()})),
        changed("no beginning", json!({"iat": null})),
        changed("from the future", json!({"iat": NOW + 3600, "exp": NOW + 7200})),
        changed("not yet", json!({"nbf": NOW + 3600})),
        changed("for a year", json!({"exp": NOW + 365 * 24 * 3600})),
        case("claims that are a list", rsa.token("RS256", &json!([claims()]))),
    ]
}

#[tokio::test]
async fn every_one_is_refused() {
    let rsa = Signer::rsa("rsa");
    let issuer = FileIssuer::new(&[&rsa, &Signer::p256("p256")]);
    issuer.issuers.verify(&rsa.token("RS256", &claims()), now()).await.expect("the good one");
    let mut cases = forged(&rsa);
    cases.extend(of_other_keys(&rsa));
    cases.extend(claiming(&rsa));
    cases.extend(
        ["", ".", "..", "...", "a.b.c", "e30.e30.", "e30.e30.e30"].map(|text| case("no token", text.to_owned())),
    );
    for Case { what, token } in cases {
        match issuer.issuers.verify(&token, now()).await {
            Err(TokenError::Invalid(_) | TokenError::RejectedClaim(_)) => {}
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn time_runs_out() {
    let rsa = Signer::rsa("rsa");
    let issuer = FileIssuer::new(&[&rsa]);
    let expired = rsa.token("RS256", &claims_with(&json!({"iat": NOW - 7200, "exp": NOW - 3600})));
    assert_eq!(issuer.issuers.verify(&expired, now()).await.unwrap_err(), TokenError::Expired);
    // What it claims is not believed before its signature verifies.
    let forged = Signer::other_rsa("rsa").token("RS256", &claims_with(&json!({"iat": NOW - 7200, "exp": NOW - 3600})));
    assert!(matches!(issuer.issuers.verify(&forged, now()).await, Err(TokenError::Invalid(_))));
}

#[tokio::test]
async fn a_huge_one_is_refused_unread() {
    let rsa = Signer::rsa("rsa");
    let issuer = FileIssuer::new(&[&rsa]);
    let padded = |length: usize| rsa.token("RS256", &claims_with(&json!({"padding": "x".repeat(length)})));
    let huge = padded(TOKEN_CHARACTERS_MAX);
    let refused = issuer.issuers.verify(&huge, now()).await.unwrap_err();
    assert!(refused.to_string().contains("20000"), "{refused}");
    assert!(issuer.issuers.verify(&padded(TOKEN_CHARACTERS_MAX / 2), now()).await.is_ok());
}

#[tokio::test]
async fn no_character_of_a_signature_or_of_the_claims_can_be_changed() {
    let signer = Signer::p256("p256");
    let issuer = FileIssuer::new(&[&signer]);
    let token = signer.token("ES256", &claims());
    let claims_at = token.find('.').unwrap() + 1;
    for position in claims_at..token.len() {
        let other = if token.as_bytes()[position] == b'A' { 'B' } else { 'A' };
        let altered: String =
            token.char_indices().map(|(index, own)| if index == position { other } else { own }).collect();
        assert!(issuer.issuers.verify(&altered, now()).await.is_err(), "{position}");
    }
}
