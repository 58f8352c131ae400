//! External keys that change while the proxy runs: versions, states, deletion, damage.

use crate::support::client::{Client, decrypt_body, good_body};
use crate::support::{KEY, RunningProxy, Setup};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keystead_xks::wire::{Api, ErrorName};
use keystead_xks_proxy::external_keys;
use keystead_xks_proxy::key_manager::KeyUsage;
use serde_json::Value;

async fn encrypt(client: &mut Client, proxy: &RunningProxy) -> Value {
    client.ok(proxy, Api::Encrypt, &good_body(Api::Encrypt)).await
}

async fn health(client: &mut Client, proxy: &RunningProxy) -> String {
    let answer = client.ok(proxy, Api::GetHealthStatus, &good_body(Api::GetHealthStatus)).await;
    answer["ekmFleetDetails"][0]["healthStatus"].as_str().unwrap().to_owned()
}

/// The ciphertext metadata begins with the key version.
fn version(encrypted: &Value) -> u32 {
    let metadata = STANDARD.decode(encrypted["ciphertextMetadata"].as_str().unwrap()).unwrap();
    assert_eq!(metadata.len(), 20);
    u32::from_be_bytes(metadata[..4].try_into().unwrap())
}

#[tokio::test]
async fn a_rotated_key_still_decrypts_what_came_before() {
    let proxy = Setup::new().start().await;
    let mut client = Client::http1(&proxy).await;
    let old = encrypt(&mut client, &proxy).await;
    assert_eq!(external_keys::rotate(&proxy.config, KEY).unwrap(), 2);
    let new = encrypt(&mut client, &proxy).await;
    assert_eq!((version(&old), version(&new)), (1, 2));
    for encrypted in [&old, &new] {
        let answer = client.ok(&proxy, Api::Decrypt, &decrypt_body(encrypted, None)).await;
        assert_eq!(answer["plaintext"], "SGVsbG8gV29ybGQh");
    }
    // And after a restart.
    let proxy = proxy.stop().await.start().await;
    let mut client = Client::http1(&proxy).await;
    client.ok(&proxy, Api::Decrypt, &decrypt_body(&old, None)).await;
    proxy.stop().await;
}

#[tokio::test]
async fn disabled_enabled_deleted() {
    let proxy = Setup::new().start().await;
    let mut client = Client::http1(&proxy).await;
    let encrypted = encrypt(&mut client, &proxy).await;
    let body = decrypt_body(&encrypted, None);
    external_keys::disable(&proxy.config, KEY).unwrap();
    let error = client.error(&proxy, Api::Decrypt, &body).await;
    assert_eq!(error, ErrorName::InvalidStateException);
    external_keys::enable(&proxy.config, KEY).unwrap();
    client.ok(&proxy, Api::Decrypt, &body).await;
    external_keys::delete(&proxy.config, KEY).unwrap();
    for api in [Api::GetKeyMetadata, Api::Encrypt, Api::Decrypt] {
        let error = client.error(&proxy, api, &good_body(api)).await;
        assert_eq!(error, ErrorName::KeyNotFoundException);
    }
    // A new key of the same name is another key.
    let both = [KeyUsage::Encrypt, KeyUsage::Decrypt];
    external_keys::create(&proxy.config, Some(KEY), &both).unwrap();
    let error = client.error(&proxy, Api::Decrypt, &body).await;
    assert_eq!(error, ErrorName::InvalidCiphertextException);
    proxy.stop().await;
}

#[tokio::test]
async fn a_damaged_key_file_is_told_and_mended_while_running() {
    let proxy = Setup::new().start().await;
    let mut client = Client::http1(&proxy).await;
    assert_eq!(health(&mut client, &proxy).await, "ACTIVE");
    let encrypted = encrypt(&mut client, &proxy).await;
    let path = &proxy.config.key_file;
    let good = std::fs::read(path).unwrap();
    std::fs::write(path, &good[..good.len() / 2]).unwrap();
    assert_eq!(health(&mut client, &proxy).await, "UNAVAILABLE");
    let error = client.error(&proxy, Api::Encrypt, &good_body(Api::Encrypt)).await;
    assert_eq!(error, ErrorName::InternalException);
    std::fs::write(path, &good).unwrap();
    assert_eq!(health(&mut client, &proxy).await, "ACTIVE");
    client.ok(&proxy, Api::Decrypt, &decrypt_body(&encrypted, None)).await;
    proxy.stop().await;
}
