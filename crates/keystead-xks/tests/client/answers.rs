//! What a proxy answers, to the letter: good answers, error names, and every way to be malformed.

use std::sync::{Arc, Mutex};

use keystead_core::port::{BackendCiphertext, KeyStoreBackend};
use keystead_xks::XksProxyClient;
use keystead_xks::wire::{Api, ERROR_TABLE};
use serde_json::{Value, json};

use crate::support::*;

const ALPNS: [&str; 2] = ["http/1.1", "h2"];

async fn call(client: &XksProxyClient, api: Api) -> Result<(), ProxyFailure> {
    let link = link();
    match api {
        Api::GetHealthStatus => poll(client, &link).await,
        Api::GetKeyMetadata => client.key_metadata(&link, KEY, &metadata("CreateKey")).await.map(drop),
        Api::Encrypt => client.encrypt(&link, KEY, PLAINTEXT, AAD, &metadata("Encrypt")).await.map(drop),
        Api::Decrypt => {
            let ciphertext = BackendCiphertext {
                ciphertext: vec![0; 12],
                initialization_vector: vec![1; 12],
                authentication_tag: [2; 16],
                metadata: None,
            };
            client.decrypt(&link, KEY, &ciphertext, AAD, &metadata("Decrypt")).await.map(drop)
        }
    }
}

/// A proxy that answers what it is told to, and a client for it.
struct Dictated {
    client: Arc<XksProxyClient>,
    answer: Arc<Mutex<(u16, String)>>,
    _proxy: Proxy,
}

impl Dictated {
    async fn start(alpn: &str) -> Self {
        let ca = Ca::new();
        let answer = Arc::new(Mutex::new((200, String::new())));
        let dictated = Arc::clone(&answer);
        let proxy = Proxy::start(Entrance::Tls(ca.server(&[alpn])), move |_| {
            let (status, body) = dictated.lock().unwrap().clone();
            Reply::Json(status, body)
        })
        .await;
        Self { client: client(config(&ca, proxy.address)), answer, _proxy: proxy }
    }

    async fn call(&self, api: Api, status: u16, body: &str) -> Result<(), ProxyFailure> {
        *self.answer.lock().unwrap() = (status, body.to_owned());
        within_reason("the call", call(&self.client, api)).await
    }
}

#[tokio::test]
async fn a_good_proxy_serves_all_four_apis() {
    for alpn in ALPNS {
        let ca = Ca::new();
        let proxy = Proxy::start(Entrance::Tls(ca.server(&[alpn])), good_answer).await;
        let (client, link) = (client(config(&ca, proxy.address)), link());
        probe(&client, &link).await.unwrap();
        let key = client.key_metadata(&link, KEY, &metadata("CreateKey")).await.unwrap();
        assert_eq!(key.key_spec, "AES_256");
        assert_eq!(key.key_usage, ["ENCRYPT", "DECRYPT"]);
        assert_eq!(key.key_status, "ENABLED");
        for aad in [AAD, b""] {
            let ciphertext = client.encrypt(&link, KEY, PLAINTEXT, aad, &metadata("Encrypt")).await.unwrap();
            assert_eq!(ciphertext.initialization_vector, [1; 12]);
            assert_eq!(ciphertext.authentication_tag, [2; 16]);
            assert_eq!(ciphertext.metadata.as_deref(), Some(&b"v=1"[..]));
            let plaintext = client.decrypt(&link, KEY, &ciphertext, aad, &metadata("Decrypt")).await.unwrap();
            assert_eq!(*plaintext, PLAINTEXT);
        }
        let is_http2 = alpn == "h2";
        assert!(proxy.requests().iter().all(|r| r.is_http2 == is_http2));
    }
}

#[tokio::test]
async fn the_largest_plaintext_and_aad_fit() {
    for alpn in ALPNS {
        let ca = Ca::new();
        let proxy = Proxy::start(Entrance::Tls(ca.server(&[alpn])), good_answer).await;
        let (client, link) = (client(config(&ca, proxy.address)), link());
        let (plaintext, aad) = (vec![7; 4300], vec![8; 8192]);
        let ciphertext = client.encrypt(&link, KEY, &plaintext, &aad, &metadata("Encrypt")).await.unwrap();
        let decrypted = client.decrypt(&link, KEY, &ciphertext, &aad, &metadata("Decrypt")).await.unwrap();
        assert_eq!(*decrypted, plaintext);
    }
}

#[tokio::test]
async fn requests_are_what_the_specification_asks_for() {
    use keystead_sigv4 as sigv4;
    for alpn in ALPNS {
        let ca = Ca::new();
        let proxy = Proxy::start(Entrance::Tls(ca.server(&[alpn])), good_answer).await;
        let client = client(config(&ca, proxy.address));
        for api in Api::ALL {
            call(&client, api).await.unwrap();
        }
        for request in proxy.requests() {
            assert_eq!(request.method, "POST");
            assert_eq!(request.header("content-type"), Some("application/json"));
            assert_eq!(request.header("host"), Some(HOST));
            let date = request.header("x-amz-date").unwrap();
            let authorization = request.header("authorization").unwrap();
            assert!(authorization.contains("SignedHeaders=host;x-amz-date,"));
            let parsed = sigv4::parse_authorization(authorization, true).unwrap();
            let now = sigv4::AmzDate::parse(date).unwrap();
            let scope = sigv4::CredentialScope::on(now, "us-east-1", "kms-xks-proxy");
            let key = sigv4::SigningKey::derive(&sigv4::SecretAccessKey::new(SECRET), &scope);
            let signed = sigv4::SignableRequest {
                method: &request.method,
                path: &request.path,
                query: "",
                headers: &[("host", HOST.as_bytes()), ("x-amz-date", date.as_bytes())],
                payload_sha256: &sigv4::payload_sha256_hex(&request.body),
            };
            let expectation = sigv4::Expectation {
                region: "us-east-1",
                service: "kms-xks-proxy",
                now,
                max_skew_seconds: 300,
                path_mode: sigv4::PathMode::AsIs,
                must_sign: &["host", "x-amz-date"],
            };
            sigv4::verify(&parsed, &signed, &key, &expectation).unwrap();
        }
        members_are_those_of_the_specification(&proxy.requests());
    }
}

/// External key stores digest 1.4 to 1.8.
fn members_are_those_of_the_specification(requests: &[Request]) {
    let table: [(&str, &[&str], &[&str]); 4] = [
        ("health", &[], &["kmsOperation", "kmsRequestId"]),
        ("metadata", &[], &["awsPrincipalArn", "kmsOperation", "kmsRequestId"]),
        (
            "encrypt",
            &[
                "additionalAuthenticatedData",
                "ciphertextDataIntegrityValueAlgorithm",
                "encryptionAlgorithm",
                "plaintext",
            ],
            &["awsPrincipalArn", "kmsKeyArn", "kmsOperation", "kmsRequestId"],
        ),
        (
            "decrypt",
            &[
                "additionalAuthenticatedData",
                "authenticationTag",
                "ciphertext",
                "encryptionAlgorithm",
                "initializationVector",
            ],
            &["awsPrincipalArn", "kmsKeyArn", "kmsOperation", "kmsRequestId"],
        ),
    ];
    for (action, members, metadata) in table {
        let request = requests.iter().find(|r| r.path.ends_with(action)).unwrap();
        let expected_path = match action {
            "health" => format!("{PATH}/health"),
            _ => format!("{PATH}/keys/{KEY}/{action}"),
        };
        assert_eq!(request.path, expected_path);
        let mut body: Value = serde_json::from_slice(&request.body).unwrap();
        let sent = body.as_object_mut().unwrap();
        let sent_metadata = sent.remove("requestMetadata").unwrap();
        let names = |object: &serde_json::Map<String, Value>| {
            let mut names: Vec<String> = object.keys().cloned().collect();
            names.sort();
            names
        };
        assert_eq!(names(sent), members, "{action}");
        assert_eq!(names(sent_metadata.as_object().unwrap()), metadata, "{action}");
    }
}

#[tokio::test]
async fn every_error_name_of_the_table_from_every_api() {
    for alpn in ALPNS {
        let dictated = Dictated::start(alpn).await;
        for row in ERROR_TABLE {
            let body = json!({"errorName": row.text, "errorMessage": "do not repeat this"});
            for api in Api::ALL {
                let failure = dictated.call(api, row.http_status, &body.to_string()).await;
                let name = format!("{:?}Exception", failure.unwrap_err());
                // Not in the table, but KMS documents what comes of them.
                let tolerated = matches!(
                    (api, row.text),
                    (Api::GetHealthStatus, "AccessDeniedException") | (Api::GetKeyMetadata, "InvalidKeyUsageException")
                );
                let expected =
                    if row.name.may_come_from(api) || tolerated { row.text } else { "MalformedResponseException" };
                assert_eq!(name, expected, "{api:?} {}", row.text);
            }
        }
    }
}

#[tokio::test]
async fn what_is_no_json_and_what_redirects_is_malformed() {
    let dictated = Dictated::start("http/1.1").await;
    for (status, body) in [
        (200, ""),
        (200, "<html></html>"),
        (200, "{"),
        (204, ""),
        (301, "{}"),
        (302, r#"{"Location":"https://elsewhere.example.com"}"#),
        (404, "not found"),
        (500, r#"{"errorName":"TeapotException"}"#),
        (503, ""),
    ] {
        for api in Api::ALL {
            let failure = dictated.call(api, status, body).await;
            assert_eq!(failure, Err(ProxyFailure::MalformedResponse), "{api:?} {status} {body}");
        }
    }
}

/// One change to a good answer.
fn with(good: &Value, change: impl FnOnce(&mut Value)) -> String {
    let mut value = good.clone();
    change(&mut value);
    value.to_string()
}

fn base64(bytes: usize) -> Value {
    use keystead_xks::wire::Base64Bytes;
    serde_json::to_value(Base64Bytes::from(vec![1; bytes])).unwrap()
}

/// The answer of the specification's appendix C, to [`PLAINTEXT`] and [`AAD`].
fn good_encrypt() -> Value {
    json!({
        "ciphertext": "ghxkK1txeDNn3q8Y",
        "initializationVector": "HMrlRw85cAJUd5Ax",
        "authenticationTag": "vBxN2ncH1oEkR8WVXpmyYQ==",
        "ciphertextMetadata": "a2V5X3ZlcnNpb249MQ==",
        "ciphertextDataIntegrityValue": "qHA/ImC9h5HsLRXqCyPmWgYx7tzyoTplzILbP0fPXsc="
    })
}

#[tokio::test]
async fn malformed_encrypt_answers() {
    use ProxyFailure::{IntegrityMismatch, MalformedResponse};
    let good = good_encrypt();
    let dictated = Dictated::start("http/1.1").await;
    dictated.call(Api::Encrypt, 200, &good.to_string()).await.unwrap();
    let member = "ciphertextDataIntegrityValue";
    let integrity = [
        with(&good, |v| drop(v.as_object_mut().unwrap().remove(member))),
        with(&good, |v| v[member] = Value::Null),
        with(&good, |v| v[member] = base64(32)),
        with(&good, |v| v[member] = base64(31)),
        with(&good, |v| v[member] = "".into()),
        with(&good, |v| v["ciphertextMetadata"] = base64(20)),
        with(&good, |v| v["initializationVector"] = base64(16)),
    ];
    for body in integrity {
        let failure = dictated.call(Api::Encrypt, 200, &body).await;
        assert_eq!(failure, Err(IntegrityMismatch), "{body}");
    }
    let mut malformed = vec![
        with(&good, |v| v["ciphertext"] = base64(11)),
        with(&good, |v| v["ciphertext"] = base64(28)),
        with(&good, |v| v["initializationVector"] = base64(8)),
        with(&good, |v| v["initializationVector"] = base64(13)),
        with(&good, |v| v["authenticationTag"] = base64(12)),
        with(&good, |v| v["authenticationTag"] = base64(17)),
        with(&good, |v| v["ciphertextMetadata"] = base64(21)),
    ];
    for required in ["ciphertext", "initializationVector", "authenticationTag"] {
        malformed.push(with(&good, |v| drop(v.as_object_mut().unwrap().remove(required))));
        for wrong in [Value::Null, 12.into(), "".into(), "no base64!".into(), json!([])] {
            malformed.push(with(&good, |v| v[required] = wrong));
        }
    }
    for body in malformed {
        let failure = dictated.call(Api::Encrypt, 200, &body).await;
        assert_eq!(failure, Err(MalformedResponse), "{body}");
    }
}

#[tokio::test]
async fn malformed_decrypt_answers() {
    let dictated = Dictated::start("http/1.1").await;
    for plaintext in
        [base64(11), base64(13), base64(0), Value::Null, 7.into(), "SGVsbG8gV29ybGQ".into(), "SGVsbG8-V29ybGQh".into()]
    {
        let body = json!({ "plaintext": plaintext }).to_string();
        let failure = dictated.call(Api::Decrypt, 200, &body).await;
        assert_eq!(failure, Err(ProxyFailure::MalformedResponse), "{body}");
    }
}

#[tokio::test]
async fn malformed_metadata_answers() {
    let good = json!({"keySpec": "AES_256", "keyUsage": ["ENCRYPT", "DECRYPT"], "keyStatus": "ENABLED"});
    let dictated = Dictated::start("http/1.1").await;
    for body in [
        with(&good, |v| v["keySpec"] = "".into()),
        with(&good, |v| v["keySpec"] = 256.into()),
        with(&good, |v| v["keyUsage"] = "ENCRYPT".into()),
        with(&good, |v| v["keyUsage"] = json!([])),
        with(&good, |v| v["keyUsage"] = json!(vec!["A"; 11])),
        with(&good, |v| v["keyStatus"] = "MAYBE".into()),
        with(&good, |v| drop(v.as_object_mut().unwrap().remove("keyStatus"))),
    ] {
        let failure = dictated.call(Api::GetKeyMetadata, 200, &body).await;
        assert_eq!(failure, Err(ProxyFailure::MalformedResponse), "{body}");
    }
}

#[tokio::test]
async fn health_answers() {
    use ProxyFailure::{ExternalKeyManagerUnavailable, MalformedResponse};
    let instance = |status: &str| json!({"id": "1", "model": "M", "healthStatus": status});
    let good = json!({
        "xksProxyFleetSize": 1,
        "xksProxyVendor": "V",
        "xksProxyModel": "M",
        "ekmVendor": "E",
        "ekmFleetDetails": [instance("ACTIVE")]
    });
    let fleet = |instances: Vec<Value>| with(&good, |v| v["ekmFleetDetails"] = instances.into());
    let unavailable = instance("UNAVAILABLE");
    let table = [
        (good.to_string(), Ok(())),
        (fleet(vec![unavailable.clone(), instance("DEGRADED")]), Ok(())),
        (fleet(vec![unavailable.clone(); 2]), Err(ExternalKeyManagerUnavailable)),
        (fleet(vec![]), Err(MalformedResponse)),
        (fleet(vec![unavailable; 11]), Err(MalformedResponse)),
        (fleet(vec![instance("FINE")]), Err(MalformedResponse)),
        (with(&good, |v| v["xksProxyFleetSize"] = 0.into()), Err(MalformedResponse)),
        (with(&good, |v| v["xksProxyVendor"] = "".into()), Err(MalformedResponse)),
        (with(&good, |v| v["ekmVendor"] = Value::Null), Err(MalformedResponse)),
    ];
    let dictated = Dictated::start("http/1.1").await;
    for (body, expected) in table {
        assert_eq!(dictated.call(Api::GetHealthStatus, 200, &body).await, expected, "{body}");
    }
}

#[tokio::test]
async fn keys_that_cannot_exist_are_not_asked_for() {
    let ca = Ca::new();
    let proxy = Proxy::start(Entrance::Tls(ca.server(&["http/1.1"])), good_answer).await;
    let client = client(config(&ca, proxy.address));
    let mut long = external_link("cks-1");
    long.uri_path = format!("/{}{PATH}", "p".repeat(200));
    let long_link = link_of(long);
    let call = metadata("CreateKey");
    let found = client.key_metadata(&link(), "../health", &call).await;
    assert_eq!(found, Err(ProxyFailure::KeyNotFound));
    let found = client.key_metadata(&long_link, KEY, &call).await;
    assert_eq!(found, Err(ProxyFailure::InvalidUriPath));
    assert_eq!(proxy.accepted(), 0);
}
