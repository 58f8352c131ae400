//! AssumeRoleWithWebIdentity.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keystead_core::access::OidcProvider;
use keystead_core::port::IdentityStore;
use keystead_oidc::{IssuerSettings, Issuers, KeySettings, RefreshPolicy};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::{Answer, Sts, allow};
use crate::support::account;

const URL: &str = "id.example.com/realms/a";
const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/id.example.com/realms/a";
const ACTION: &str = "sts:AssumeRoleWithWebIdentity";

/// An issuer, and the account's provider for it.
struct World {
    sts: Sts,
    key: Ed25519KeyPair,
    _folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let (key, folder) = (Ed25519KeyPair::generate().unwrap(), tempfile::tempdir().unwrap());
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": URL_SAFE_NO_PAD.encode(key.public_key())});
        let file = folder.path().join("keys.json");
        std::fs::write(&file, json!({"keys": [jwk]}).to_string()).unwrap();
        let settings =
            |issuer: &str| IssuerSettings { issuer: issuer.to_owned(), keys: KeySettings::File(file.clone()) };
        let settings = vec![settings(&format!("https://{URL}")), settings("https://other.example.com")];
        let sts = Sts::with_issuers(Issuers::new(settings, RefreshPolicy::default()).unwrap()).await;
        let provider = OidcProvider {
            account: account(),
            url: URL.to_owned(),
            client_ids: BTreeSet::from(["kms".to_owned(), "app".to_owned()]),
            thumbprints: Vec::new(),
            created: sts.installation.now(),
            tags: BTreeMap::new(),
            revision: 0,
        };
        sts.installation.store.insert_oidc_provider(&provider, 10).await.unwrap();
        Self { sts, key, _folder: folder }
    }

    /// A token of good claims, with some changed.
    fn token(&self, changes: &Value) -> String {
        let now = self.sts.installation.now().millis() / 1000;
        let mut claims =
            json!({"iss": format!("https://{URL}"), "sub": "alice", "aud": "kms", "iat": now, "exp": now + 600});
        for (claim, value) in changes.as_object().unwrap() {
            claims[claim] = value.clone();
        }
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(json!({"alg": "EdDSA", "kid": "1"})), part(claims));
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(self.key.sign(message.as_bytes())))
    }

    async fn role(&self, name: &str, actions: &[&str], condition: Value) -> String {
        let statement =
            json!({"Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": actions, "Condition": condition});
        self.sts.role(name, &[statement], &[allow(&["kms:ListKeys"], "*")]).await
    }

    async fn assume(&self, role: &str, token: &str, more: &[(&str, &str)]) -> Answer {
        let parameters = [&[("RoleArn", role), ("RoleSessionName", "web"), ("WebIdentityToken", token)], more].concat();
        self.sts.anonymously("AssumeRoleWithWebIdentity", &parameters).await.unwrap()
    }
}

fn aud(audience: &str) -> Value {
    json!({"StringEquals": {format!("{URL}:aud"): audience}})
}

#[tokio::test]
async fn whom_a_provider_vouches_for_gets_a_session() {
    let world = World::new().await;
    let sts = &world.sts;
    let role = world.role("Web", &[ACTION], aud("kms")).await;
    let token = world.token(&json!({}));
    let answer = world.assume(&role, &token, &[("DurationSeconds", "900")]).await.unwrap();
    assert_eq!(answer["SubjectFromWebIdentityToken"], "alice");
    assert_eq!((&answer["Audience"], &answer["Provider"]), (&json!("kms"), &json!(PROVIDER)));
    assert_eq!(answer["AssumedRoleUser"]["Arn"], "arn:aws:sts::111122223333:assumed-role/Web/web");
    sts.kms_with(&answer["Credentials"], "ListKeys", json!({})).await.unwrap();
    let credential = sts.credential(&answer["Credentials"]).await.unwrap();
    let session = credential.principal.session.as_deref().unwrap();
    assert_eq!(session.federated_provider.as_deref(), Some(PROVIDER));

    let record = &sts.records("AssumeRoleWithWebIdentity")[0];
    let identity = json!({"type": "WebIdentityUser", "principalId": format!("{PROVIDER}:kms:alice"), "userName": "alice",
        "identityProvider": PROVIDER});
    assert_eq!(record["userIdentity"], identity);
    assert_eq!(record["recipientAccountId"], "111122223333");
    assert_eq!(record["responseElements"]["credentials"]["accessKeyId"], answer["Credentials"]["AccessKeyId"]);
    for secret in [
        token.as_str(),
        answer["Credentials"]["SecretAccessKey"].as_str().unwrap(),
        answer["Credentials"]["SessionToken"].as_str().unwrap(),
    ] {
        assert!(!sts.all_records().contains(secret));
    }
}

#[tokio::test]
async fn trust_policies_see_claims() {
    let world = World::new().await;
    let key = |claim: &str| format!("{URL}:{claim}");
    for (index, (condition, claims, taken)) in [
        (json!({"StringEquals": {key("sub"): "alice"}}), json!({}), true),
        (json!({"StringEquals": {key("sub"): "bob"}}), json!({}), false),
        (json!({"StringLike": {key("sub"): "repo:org/*"}}), json!({"sub": "repo:org/a"}), true),
        (aud("kms"), json!({"aud": ["other", "kms"]}), true),
        (aud("other"), json!({"aud": ["other", "kms"]}), false),
        (aud("app"), json!({"azp": "app"}), true),
        (json!({"ForAnyValue:StringEquals": {key("oaud"): "kms"}}), json!({"azp": "app"}), true),
        (json!({"ForAnyValue:StringEquals": {key("amr"): "mfa"}}), json!({"amr": ["pwd", "mfa"]}), true),
        (json!({"ForAnyValue:StringEquals": {key("amr"): "mfa"}}), json!({"amr": ["pwd"]}), false),
        (json!({"StringEquals": {"sts:RoleSessionName": "web"}}), json!({}), true),
        (json!({"StringEquals": {"other.example.com:sub": "alice"}}), json!({}), false),
        (json!({"Null": {"aws:PrincipalArn": "true", "aws:username": "true"}}), json!({}), true),
        (json!({"IpAddress": {"aws:SourceIp": "127.0.0.1/32"}}), json!({}), true),
    ]
    .into_iter()
    .enumerate()
    {
        let role = world.role(&format!("Role{index}"), &[ACTION], condition.clone()).await;
        let answer = world.assume(&role, &world.token(&claims), &[]).await;
        assert_eq!(answer.is_ok(), taken, "{condition} {claims}: {answer:?}");
        if let Err(refused) = answer {
            assert_eq!(refused.message, format!("Not authorized to perform {ACTION}"));
        }
    }
}

#[tokio::test]
async fn who_is_refused() {
    let world = World::new().await;
    let role = world.role("Web", &[ACTION], aud("kms")).await;
    let other = json!({"Federated": "arn:aws:iam::111122223333:oidc-provider/other.example.com"});
    let trusts_other = json!({"Effect": "Allow", "Principal": other, "Action": ACTION});
    let of_others = world.sts.role("Others", &[trusts_other], &[]).await;
    let of_account = world
        .sts
        .role("Account", &[json!({"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:*"})], &[])
        .await;
    let good = world.token(&json!({}));
    let stripped = good.rsplit_once('.').unwrap().0.to_owned() + ".";
    let now = world.sts.installation.now().millis() / 1000;
    for (what, role, token, code) in [
        ("no token", role.as_str(), "none".to_owned(), "InvalidIdentityToken"),
        ("no signature", &role, stripped, "InvalidIdentityToken"),
        ("too old", &role, world.token(&json!({"iat": now - 7200, "exp": now - 3600})), "ExpiredTokenException"),
        ("for another audience", &role, world.token(&json!({"aud": "other"})), "InvalidIdentityToken"),
        ("made for another party", &role, world.token(&json!({"azp": "other"})), "InvalidIdentityToken"),
        (
            "of an issuer that the account has no provider for",
            &role,
            world.token(&json!({"iss": "https://other.example.com"})),
            "InvalidIdentityToken",
        ),
        (
            "of an issuer that nobody knows",
            &role,
            world.token(&json!({"iss": "https://mallory.example"})),
            "InvalidIdentityToken",
        ),
        ("tags that are none", &role, world.token(&json!({"https://aws.amazon.com/tags": []})), "IDPRejectedClaim"),
        (
            "tags of several values",
            &role,
            world.token(&json!({"https://aws.amazon.com/tags": {"principal_tags": {"a": ["1", "2"]}}})),
            "IDPRejectedClaim",
        ),
        ("a role of another provider", &of_others, good.clone(), "AccessDenied"),
        ("a role of the account's users", &of_account, good.clone(), "AccessDenied"),
        ("no role", "arn:aws:iam::111122223333:role/Absent", good.clone(), "AccessDenied"),
        ("another account", "arn:aws:iam::444455556666:role/Absent", good.clone(), "InvalidIdentityToken"),
    ] {
        let refused = world.assume(role, &token, &[]).await.unwrap_err();
        assert_eq!(refused.code, code, "{what}: {}", refused.message);
    }
    assert!(!world.sts.all_records().contains(&good));
    for (parameter, value) in [("ProviderId", "www.amazon.com"), ("DurationSeconds", "1"), ("Policy", "{")] {
        world.assume(&role, &good, &[(parameter, value)]).await.unwrap_err();
    }
    let refused = world.assume(&role, &good, &[("DurationSeconds", "3601")]).await.unwrap_err();
    assert!(refused.message.contains("MaxSessionDuration"), "{refused:?}");
}

#[tokio::test]
async fn tags_and_source_identity_come_from_the_token() {
    let world = World::new().await;
    let tags = json!({"principal_tags": {"Project": ["nile"], "Stage": "live"}, "transitive_tag_keys": ["Project"]});
    let token =
        world.token(&json!({"https://aws.amazon.com/tags": tags, "https://aws.amazon.com/source_identity": "alice"}));
    let full = [ACTION, "sts:TagSession", "sts:SetSourceIdentity"];
    let condition = json!({"StringEquals": {"aws:RequestTag/Project": "nile", "sts:SourceIdentity": "alice"}});
    let role = world.role("Full", &full, condition).await;
    let answer = world.assume(&role, &token, &[]).await.unwrap();
    assert_eq!(answer["SourceIdentity"], "alice");
    let credential = world.sts.credential(&answer["Credentials"]).await.unwrap();
    let session = credential.principal.session.as_deref().unwrap();
    assert_eq!(json!(session.tags), json!({"Project": "nile", "Stage": "live"}));
    assert_eq!(json!(session.transitive_tag_keys), json!(["Project"]));
    for (index, actions) in
        [&[ACTION][..], &[ACTION, "sts:TagSession"], &[ACTION, "sts:SetSourceIdentity"]].into_iter().enumerate()
    {
        let role = world.role(&format!("Part{index}"), actions, json!({})).await;
        assert_eq!(world.assume(&role, &token, &[]).await.unwrap_err().code, "AccessDenied", "{actions:?}");
    }
}

#[tokio::test]
async fn little_is_recorded_of_whom_nobody_vouches_for() {
    let world = World::new().await;
    let role = world.role("Web", &[ACTION], aud("kms")).await;
    let long = "x".repeat(60_000);
    let (good, junk) = (world.token(&json!({})), "a.b.c".to_owned());
    for (token, authenticated) in [(&junk, false), (&long, false), (&good, true)] {
        let parameters = [
            ("RoleArn", role.as_str()),
            ("RoleSessionName", long.as_str()),
            ("WebIdentityToken", token),
            ("Policy", long.as_str()),
            ("PolicyArns.member.1.arn", long.as_str()),
        ];
        assert!(!world.sts.authenticates("AssumeRoleWithWebIdentity", &parameters).await);
        let shown = [("RoleArn", role.as_str()), ("RoleSessionName", "web"), ("WebIdentityToken", token)];
        assert_eq!(world.sts.authenticates("AssumeRoleWithWebIdentity", &shown).await, authenticated);
    }
    for record in world.sts.records("AssumeRoleWithWebIdentity") {
        assert!(record.to_string().len() < 8000);
        let parameters = record["requestParameters"].as_object().unwrap();
        assert!(parameters.keys().eq(["roleArn", "roleSessionName"]), "{parameters:?}");
    }
    // One that is refused has proved who it is all the same.
    let others = world.role("Others", &[ACTION], aud("other")).await;
    let parameters = [("RoleArn", others.as_str()), ("RoleSessionName", "web"), ("WebIdentityToken", &good)];
    assert!(world.sts.authenticates("AssumeRoleWithWebIdentity", &parameters).await);
}
