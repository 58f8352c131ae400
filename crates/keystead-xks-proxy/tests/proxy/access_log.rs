//! The access log: one line per request, everything that was known, nothing that was secret.

use std::sync::Arc;

use crate::support::client::{Call, Client, decrypt_body, good_body};
use crate::support::key_managers::Gated;
use crate::support::{KEY, Setup};
use keystead_xks::wire::Api;
use keystead_xks_proxy::credential;
use serde_json::Value;
use tokio::sync::Semaphore;

#[tokio::test]
async fn one_line_per_request_without_secrets() {
    let mut setup = Setup::new();
    setup.top = "access_log = \"access.log\"".to_owned();
    let proxy = setup.start().await;
    let mut client = Client::http1(&proxy).await;
    let encrypted = client.ok(&proxy, Api::Encrypt, &good_body(Api::Encrypt)).await;
    client.ok(&proxy, Api::Decrypt, &decrypt_body(&encrypted, None)).await;
    let stranger = credential::generate().unwrap();
    let refused = Call::new(&stranger, Api::GetKeyMetadata, &good_body(Api::GetKeyMetadata));
    client.send(&refused).await.error();
    let mut bad = good_body(Api::Encrypt);
    bad["plaintext"] = "SGVsbG8gV29ybGQh!".into();
    client.error(&proxy, Api::Encrypt, &bad).await;
    let access_key_id = proxy.setup.credential.access_key_id().to_owned();
    let secret = proxy.setup.credential.expose_raw_secret_access_key().to_owned();
    let setup = proxy.stop().await;

    let text = std::fs::read_to_string(setup.path("access.log")).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4, "{text}");

    let encrypt = &lines[0];
    assert_eq!(encrypt["api"], "Encrypt");
    assert_eq!(encrypt["status"], 200);
    assert_eq!(encrypt["externalKeyId"], KEY);
    assert_eq!(encrypt["uriPath"], "/example/kms/xks/v1");
    assert_eq!(encrypt["accessKeyId"], access_key_id.as_str());
    assert_eq!(encrypt["kmsOperation"], "Encrypt");
    assert_eq!(encrypt["kmsRequestId"], "4112f4d6-db54-4af4-ae30-c55a22a8dfae");
    assert_eq!(encrypt["awsPrincipalArn"], "arn:aws:iam::111122223333:user/Alice");
    assert!(encrypt["kmsKeyArn"].as_str().unwrap().starts_with("arn:aws:kms:"));
    assert!(encrypt["time"].as_str().unwrap().ends_with('Z'));
    assert!(encrypt["duration_us"].as_u64().unwrap() > 0);
    assert!(encrypt.get("errorName").is_none());

    assert_eq!(lines[1]["api"], "Decrypt");
    assert_eq!(lines[2]["errorName"], "AuthenticationFailedException");
    assert_eq!(lines[2]["accessKeyId"], stranger.access_key_id());
    assert!(lines[2].get("kmsRequestId").is_none(), "nothing of an unproven body is logged");
    assert_eq!(lines[3]["errorName"], "ValidationException");
    assert_eq!(lines[3]["status"], 400);

    let ciphertext = encrypted["ciphertext"].as_str().unwrap();
    for hidden in ["SGVsbG8gV29ybGQh", "Hello World!", ciphertext, secret.as_str(), "Signature="] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
}

#[tokio::test]
async fn a_request_whose_client_hangs_up_leaves_its_line() {
    for http2 in [false, true] {
        let mut setup = Setup::new();
        setup.top = "access_log = \"access.log\"".to_owned();
        setup.rest = "[limits]\nkey_manager_timeout_ms = 86400000".to_owned();
        let manager = Arc::new(Gated { entered: Semaphore::new(0), gate: Semaphore::new(0) });
        let proxy = setup.start_with(manager.clone()).await;
        let mut client = if http2 { Client::http2(&proxy).await } else { Client::http1(&proxy).await };
        let call = Call::new(&proxy.setup.credential, Api::Encrypt, &good_body(Api::Encrypt));
        let asking = tokio::spawn(async move { client.send(&call).await.status });
        manager.entered.acquire().await.unwrap().forget();
        asking.abort();
        let setup = proxy.stop().await;
        let text = std::fs::read_to_string(setup.path("access.log")).unwrap();
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&line["api"], &line["status"]), (&"Encrypt".into(), &499.into()), "{line}");
        assert_eq!(line["externalKeyId"], KEY);
        assert!(line.get("errorName").is_none(), "{line}");
    }
}
