//! Every row of the specification's error table, for every API that may give it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::support::client::{Call, Client, decrypt_body, good_body, uri};
use crate::support::key_managers::{Corrupting, Failing, Silent};
use crate::support::{KEY, PREFIX, RunningProxy, Setup};
use base64::Engine as _;
use keystead_xks::wire::{Api, ERROR_TABLE, ErrorName};
use keystead_xks_proxy::key_manager::KeyUsage;
use keystead_xks_proxy::{credential, external_keys};
use serde_json::{Value, json};

/// What was provoked: error and API, by name.
type Seen = BTreeSet<(&'static str, &'static str)>;

const PREFIXES: &str = r#"
[[prefix]]
path = "/disabled"
credentials_file = "credentials.json"
enabled = false
[[prefix]]
path = "/restricted"
credentials_file = "credentials.json"
allowed_keys = ["another"]
[[prefix]]
path = "/suspicious"
credentials_file = "credentials.json"
denied_principals = ["arn:aws:iam::111122223333:user/*"]
[[prefix]]
path = "/slow"
credentials_file = "credentials.json"
max_requests_per_second = 1
"#;

async fn provoke(proxy: &RunningProxy, api: Api, change: impl FnOnce(&mut Call)) -> ErrorName {
    let mut call = Call::new(&proxy.setup.credential, api, &good_body(api));
    change(&mut call);
    Client::http1(proxy).await.send(&call).await.error()
}

/// Provokes an error by `change` and notes it, having checked that it is `expected`.
async fn expect(seen: &mut Seen, proxy: &RunningProxy, api: Api, expected: ErrorName, change: impl FnOnce(&mut Call)) {
    let found = provoke(proxy, api, change).await;
    assert_eq!(found, expected, "{api:?}");
    assert!(found.may_come_from(api), "{found:?} from {api:?}");
    seen.insert((found.as_str(), api.name()));
}

async fn requests(seen: &mut Seen, proxy: &RunningProxy, api: Api) {
    expect(seen, proxy, api, ErrorName::ValidationException, |call| call.body = "{".into()).await;
    expect(seen, proxy, api, ErrorName::ValidationException, |call| {
        call.body = json!({"requestMetadata": {}}).to_string().into();
    })
    .await;
    expect(seen, proxy, api, ErrorName::AuthenticationFailedException, |call| {
        call.credential = credential::generate().unwrap();
    })
    .await;
    expect(seen, proxy, api, ErrorName::InvalidUriPathException, |call| {
        call.path = uri("/nowhere", api, KEY);
    })
    .await;
    expect(seen, proxy, api, ErrorName::InvalidUriPathException, |call| {
        call.path.push_str("/more");
    })
    .await;
    expect(seen, proxy, api, ErrorName::InvalidUriPathException, |call| {
        call.path.push_str("?a=b");
    })
    .await;
    expect(seen, proxy, api, ErrorName::InvalidStateException, |call| {
        call.path = uri("/disabled", api, KEY);
    })
    .await;
    expect(seen, proxy, api, ErrorName::UnsupportedOperationException, |call| {
        call.body = vec![b' '; proxy.config.limits.body_max_bytes + 1].into();
    })
    .await;
    throttling(seen, proxy, api).await;
}

async fn throttling(seen: &mut Seen, proxy: &RunningProxy, api: Api) {
    let mut call = Call::new(&proxy.setup.credential, api, &good_body(api));
    call.path = uri("/slow", api, KEY);
    let mut client = Client::http1(proxy).await;
    // One request a second is allowed: many at once cannot all be.
    for _ in 0..1000 {
        let answer = client.send(&call).await;
        if answer.status == 429 {
            seen.insert((answer.error().as_str(), api.name()));
            return;
        }
    }
    panic!("1000 requests in a row were never too many");
}

async fn keys(seen: &mut Seen, proxy: &RunningProxy, api: Api) {
    expect(seen, proxy, api, ErrorName::KeyNotFoundException, |call| {
        call.path = uri(PREFIX, api, "no-such-key");
    })
    .await;
    for prefix in ["/restricted", "/suspicious"] {
        expect(seen, proxy, api, ErrorName::AccessDeniedException, |call| {
            call.path = uri(prefix, api, KEY);
        })
        .await;
    }
}

async fn cryptography(seen: &mut Seen, proxy: &RunningProxy, api: Api) {
    expect(seen, proxy, api, ErrorName::InvalidKeyUsageException, |call| {
        call.path = uri(PREFIX, api, "signing-key");
    })
    .await;
    expect(seen, proxy, api, ErrorName::InvalidStateException, |call| {
        call.path = uri(PREFIX, api, "disabled-key");
    })
    .await;
    for change in bad_members(api) {
        let mut body = good_body(api);
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        expect(seen, proxy, api, ErrorName::ValidationException, |call| {
            call.body = body.to_string().into();
        })
        .await;
    }
}

fn bad_members(api: Api) -> Vec<Value> {
    let both = [
        json!({"encryptionAlgorithm": "AES_CBC"}),
        json!({"encryptionAlgorithm": null}),
        json!({"additionalAuthenticatedData": "-_-_"}),
        json!({"requestMetadata": {"awsPrincipalArn": "", "kmsKeyArn": "", "kmsOperation": "", "kmsRequestId": ""}}),
    ];
    let own = match api {
        Api::Encrypt => vec![
            json!({"plaintext": ""}),
            json!({"plaintext": null}),
            json!({"plaintext": 7}),
            json!({"plaintext": "no base64"}),
            json!({"ciphertextDataIntegrityValueAlgorithm": "SHA_512"}),
        ],
        _ => vec![
            json!({"ciphertext": ""}),
            json!({"initializationVector": "AAAA"}),
            json!({"authenticationTag": "AAAA"}),
            json!({"ciphertextMetadata": "AAAAAAAAAAAAAAAAAAAAAAAAAAAA"}),
        ],
    };
    both.into_iter().chain(own).collect()
}

/// A configuration with all prefixes, and keys in each state.
async fn start() -> RunningProxy {
    let mut setup = Setup::new();
    setup.rest = PREFIXES.to_owned();
    let config = setup.config();
    let both = [KeyUsage::Encrypt, KeyUsage::Decrypt];
    external_keys::create(&config, Some("signing-key"), &[KeyUsage::Sign]).unwrap();
    external_keys::create(&config, Some("disabled-key"), &both).unwrap();
    external_keys::disable(&config, "disabled-key").unwrap();
    setup.start().await
}

async fn faults(seen: &mut Seen) {
    let mut setup = Setup::new();
    setup.rest = "[limits]\nkey_manager_timeout_ms = 1".to_owned();
    let silent = setup.start_with(Arc::new(Silent)).await;
    let failing = Setup::new().start_with(Arc::new(Failing)).await;
    for api in Api::ALL {
        expect(seen, &silent, api, ErrorName::DependencyTimeoutException, |_| {}).await;
        expect(seen, &failing, api, ErrorName::InternalException, |_| {}).await;
    }
    silent.stop().await;
    failing.stop().await;
}

#[tokio::test]
async fn every_row_of_the_table_is_reachable() {
    let mut seen = Seen::new();
    let proxy = start().await;
    for api in Api::ALL {
        requests(&mut seen, &proxy, api).await;
    }
    for api in [Api::GetKeyMetadata, Api::Encrypt, Api::Decrypt] {
        keys(&mut seen, &proxy, api).await;
    }
    for api in [Api::Encrypt, Api::Decrypt] {
        cryptography(&mut seen, &proxy, api).await;
    }
    expect(&mut seen, &proxy, Api::Decrypt, ErrorName::InvalidCiphertextException, |_| {}).await;
    proxy.stop().await;
    faults(&mut seen).await;

    let rows = ERROR_TABLE.iter();
    let table: Seen = rows.flat_map(|row| row.apis.iter().map(|api| (row.text, api.name()))).collect();
    assert_eq!(seen, table);
}

#[tokio::test]
async fn a_policy_does_not_touch_health_and_a_disabled_key_is_described() {
    let proxy = start().await;
    let mut client = Client::http1(&proxy).await;
    for prefix in ["/restricted", "/suspicious"] {
        let api = Api::GetHealthStatus;
        let call = Call::new(&proxy.setup.credential, api, &good_body(api));
        let answer = client.send(&call.at(uri(prefix, api, ""))).await;
        assert_eq!(answer.status, 200);
    }
    let api = Api::GetKeyMetadata;
    let call = Call::new(&proxy.setup.credential, api, &good_body(api));
    let answer = client.send(&call.at(uri(PREFIX, api, "disabled-key"))).await;
    assert_eq!(answer.json()["keyStatus"], "DISABLED");
    proxy.stop().await;
}

#[tokio::test]
async fn a_uri_of_more_than_256_characters_is_refused() {
    let proxy = Setup::new().start().await;
    // https://xks.example.com/example/kms/xks/v1/keys/<id>/metadata: an id of 128 characters fits.
    let longest = "k".repeat(128);
    let not_found = provoke(&proxy, Api::GetKeyMetadata, |call| {
        call.path = uri(PREFIX, Api::GetKeyMetadata, &longest);
    });
    assert_eq!(not_found.await, ErrorName::KeyNotFoundException);
    let too_long = provoke(&proxy, Api::GetKeyMetadata, |call| {
        call.path = uri(PREFIX, Api::GetKeyMetadata, &longest);
        call.host = format!("{}.example.com", "x".repeat(100));
    });
    assert_eq!(too_long.await, ErrorName::InvalidUriPathException);
    proxy.stop().await;
}

#[tokio::test]
async fn whatever_is_changed_does_not_decrypt() {
    let proxy = Setup::new().start().await;
    let mut client = Client::http1(&proxy).await;
    let mut body = good_body(Api::Encrypt);
    body["additionalAuthenticatedData"] = "YWFk".into();
    let encrypted = client.ok(&proxy, Api::Encrypt, &body).await;
    let good = decrypt_body(&encrypted, Some("YWFk"));
    client.ok(&proxy, Api::Decrypt, &good).await;

    let mut bad = Vec::new();
    for member in ["ciphertext", "initializationVector", "authenticationTag", "ciphertextMetadata"] {
        let mut changed = good.clone();
        changed[member] = with_one_bit_changed(&good[member]);
        bad.push((member, changed));
    }
    for member in ["ciphertextMetadata", "additionalAuthenticatedData"] {
        let mut without = good.clone();
        without.as_object_mut().unwrap().remove(member);
        bad.push((member, without));
    }
    let mut other_aad = good.clone();
    other_aad["additionalAuthenticatedData"] = "YWFl".into();
    bad.push(("other AAD", other_aad));
    let mut shorter = good.clone();
    shorter["ciphertext"] = "AAAA".into();
    bad.push(("shorter", shorter));
    for (name, body) in bad {
        let error = client.error(&proxy, Api::Decrypt, &body).await;
        assert_eq!(error, ErrorName::InvalidCiphertextException, "{name}");
    }
    proxy.stop().await;
}

fn with_one_bit_changed(base64: &Value) -> Value {
    let engine = base64::engine::general_purpose::STANDARD;
    let mut bytes = engine.decode(base64.as_str().unwrap()).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    engine.encode(bytes).into()
}

#[tokio::test]
async fn what_does_not_decrypt_is_not_answered_with_an_integrity_value() {
    let proxy = Setup::new().start_with(Arc::new(Corrupting)).await;
    let mut client = Client::http1(&proxy).await;
    let mut body = good_body(Api::Encrypt);
    client.ok(&proxy, Api::Encrypt, &body).await;
    body["ciphertextDataIntegrityValueAlgorithm"] = "SHA_256".into();
    let error = client.error(&proxy, Api::Encrypt, &body).await;
    assert_eq!(error, ErrorName::InternalException);
    let error = client.error(&proxy, Api::GetHealthStatus, &good_body(Api::GetHealthStatus)).await;
    assert_eq!(error, ErrorName::InternalException, "11 instances cannot be told");
    proxy.stop().await;
}
