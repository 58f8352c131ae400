//! The four APIs over both HTTP versions, with their sizes.

use crate::support::client::{Call, Client, decrypt_body, good_body, metadata};
use crate::support::{RunningProxy, Setup};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use keystead_xks::wire::{Api, EncryptResponse, ErrorName, GetHealthStatusResponse};
use serde_json::{Value, json};

const AAD: &str = "cHJvamVjdD1uaWxlLGRlcGFydG1lbnQ9bWFya2V0aW5n";

fn encrypt_body(plaintext: &[u8], aad: Option<&[u8]>) -> Value {
    let mut body = json!({
        "requestMetadata": metadata("Encrypt"),
        "plaintext": STANDARD.encode(plaintext),
        "encryptionAlgorithm": "AES_GCM"
    });
    if let Some(aad) = aad {
        body["additionalAuthenticatedData"] = STANDARD.encode(aad).into();
    }
    body
}

async fn the_whole_story(proxy: &RunningProxy, client: &mut Client) {
    let health = client.ok(proxy, Api::GetHealthStatus, &good_body(Api::GetHealthStatus)).await;
    let health: GetHealthStatusResponse = serde_json::from_value(health).unwrap();
    assert_eq!(health.validate(), Ok(()));
    assert!(!health.is_unavailable());
    assert_eq!(health.xks_proxy_vendor, "Keystead");

    let key = client.ok(proxy, Api::GetKeyMetadata, &good_body(Api::GetKeyMetadata)).await;
    assert_eq!(key, json!({"keySpec": "AES_256", "keyUsage": ["ENCRYPT", "DECRYPT"], "keyStatus": "ENABLED"}));

    for aad in [None, Some(AAD)] {
        for integrity in [false, true] {
            let mut body = good_body(Api::Encrypt);
            if let Some(aad) = aad {
                body["additionalAuthenticatedData"] = aad.into();
            }
            if integrity {
                body["ciphertextDataIntegrityValueAlgorithm"] = "SHA_256".into();
            }
            let encrypted = client.ok(proxy, Api::Encrypt, &body).await;
            let response: EncryptResponse = serde_json::from_value(encrypted.clone()).unwrap();
            let aad_bytes = STANDARD.decode(aad.unwrap_or_default()).unwrap();
            assert_eq!(response.validate(12, &aad_bytes, integrity), Ok(()));
            assert_eq!(response.ciphertext_data_integrity_value.is_some(), integrity);
            let decrypted = client.ok(proxy, Api::Decrypt, &decrypt_body(&encrypted, aad)).await;
            assert_eq!(decrypted, json!({"plaintext": "SGVsbG8gV29ybGQh"}));
        }
    }
}

#[tokio::test]
async fn http_1() {
    let proxy = Setup::new().start().await;
    let mut client = Client::http1(&proxy).await;
    the_whole_story(&proxy, &mut client).await;
    proxy.stop().await;
}

#[tokio::test]
async fn http_2() {
    let proxy = Setup::new().start().await;
    let mut client = Client::http2(&proxy).await;
    the_whole_story(&proxy, &mut client).await;
    proxy.stop().await;
}

#[tokio::test]
async fn unknown_members_and_operations_are_tolerated() {
    let proxy = Setup::new().start().await;
    let mut client = Client::http1(&proxy).await;
    for api in [Api::GetHealthStatus, Api::GetKeyMetadata, Api::Encrypt] {
        let mut body = good_body(api);
        body["later"] = json!({"a": [1]});
        body["requestMetadata"]["sourceIdentity"] = json!({"b": null});
        body["requestMetadata"]["kmsOperation"] = "InventedTomorrow".into();
        body["requestMetadata"]["awsPrincipalArn"] = "p".repeat(2048).into();
        client.ok(&proxy, api, &body).await;
    }
    proxy.stop().await;
}

#[tokio::test]
async fn the_supported_sizes_and_the_configured_limits() {
    let proxy = Setup::new().start().await;
    let mut client = Client::http1(&proxy).await;
    let aad = vec![7; 8192];
    for plaintext_bytes in [1, 4300, 8192] {
        let body = encrypt_body(&vec![5; plaintext_bytes], Some(&aad));
        let encrypted = client.ok(&proxy, Api::Encrypt, &body).await;
        let body = decrypt_body(&encrypted, Some(&STANDARD.encode(&aad)));
        let decrypted = client.ok(&proxy, Api::Decrypt, &body).await;
        assert_eq!(decrypted["plaintext"], STANDARD.encode(vec![5; plaintext_bytes]));
    }
    let mut long_ciphertext = good_body(Api::Decrypt);
    long_ciphertext["ciphertext"] = STANDARD.encode(vec![5; 8193]).into();
    for (api, body) in [
        (Api::Encrypt, encrypt_body(&[5; 8193], None)),
        (Api::Encrypt, encrypt_body(&[5], Some(&[7; 8193]))),
        (Api::Encrypt, encrypt_body(&vec![5; 200_000], None)),
        (Api::Decrypt, long_ciphertext),
    ] {
        let error = client.error(&proxy, api, &body).await;
        assert_eq!(error, ErrorName::UnsupportedOperationException);
        client = Client::http1(&proxy).await;
    }
    proxy.stop().await;
}

#[tokio::test]
async fn other_methods_get_405_on_every_api() {
    let proxy = Setup::new().start().await;
    let mut client = Client::http1(&proxy).await;
    for api in Api::ALL {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let mut call = Call::new(&proxy.setup.credential, api, &good_body(api));
            call.method = method;
            let answer = client.send(&call).await;
            assert_eq!(answer.status, 405, "{api:?}");
            assert_eq!(answer.headers["allow"], "POST");
            client = Client::http1(&proxy).await;
        }
    }
    proxy.stop().await;
}
