//! docs/quotas.md is what people read of quotas: it must hold a row for each request quota, with its rate. And what is counted when, and how
//! often.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::{IRELAND, Installation, Server};
use keystead_core::quota::{REQUEST_QUOTAS, RequestQuotaSettings};
use serde_json::json;

const THROTTLING: &str = "ThrottlingException";

/// A server that lets through so many requests of one quota a second, and of others as many as documented.
fn limited(installation: &Installation, quota: &str, per_second: u32) -> Server {
    let rates = [(quota.to_owned(), per_second)].into();
    installation.serve_with(|settings| {
        settings.request_quotas = RequestQuotaSettings { per_second: rates, ..RequestQuotaSettings::default() }
    })
}

#[test]
fn the_document_has_exactly_the_request_quotas_of_the_code() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/quotas.md");
    let text = fs::read_to_string(file).unwrap();
    let (_, table) = text.split_once("| Quota | Requests a second |").unwrap();
    let documented: BTreeSet<(String, u32)> = table
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
            let name = cells.next()?.trim_end_matches('`').to_owned();
            Some((name, cells.next()?.replace(',', "").parse().unwrap()))
        })
        .collect();
    let known = REQUEST_QUOTAS.iter().map(|quota| (quota.name.to_owned(), quota.per_second)).collect();
    assert_eq!(documented, known);
}

/// Neither a key that does not exist nor an attestation document that is none saves a request from being counted.
#[tokio::test]
async fn a_request_counts_before_anything_is_looked_at() {
    let installation = Installation::new().await;
    let server = limited(&installation, "CryptographicOperationsSymmetric", 2);
    let missing = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let encrypt = json!({"KeyId": missing, "Plaintext": "AAAA"});
    assert_eq!(server.refused("Encrypt", encrypt.clone()).await.exception, "NotFoundException");
    let recipient = json!({"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": "AAAA"});
    let data_key = json!({"KeyId": missing, "KeySpec": "AES_256", "Recipient": recipient});
    assert_ne!(server.refused("GenerateDataKey", data_key.clone()).await.exception, THROTTLING);
    assert_eq!(server.refused("GenerateDataKey", data_key).await.exception, THROTTLING);
    assert_eq!(server.refused("Encrypt", encrypt).await.exception, THROTTLING);
    let sign = json!({"KeyId": missing, "Message": "AAAA", "SigningAlgorithm": "ECDSA_SHA_256"});
    assert_eq!(server.refused("Sign", sign).await.exception, "NotFoundException", "another quota");
}

#[tokio::test]
async fn re_encrypt_with_symmetric_keys_counts_once() {
    let installation = Installation::new().await;
    let unlimited = installation.serve();
    let key = unlimited.create_key(json!({})).await;
    let ciphertext = unlimited.encrypt(&key, b"plain").await;
    let server = limited(&installation, "CryptographicOperationsSymmetric", 1);
    let input = json!({"CiphertextBlob": ciphertext, "DestinationKeyId": key});
    server.call("ReEncrypt", input.clone()).await.unwrap();
    assert_eq!(server.refused("ReEncrypt", input).await.exception, THROTTLING);
}

/// Two requests of CreateKey, which come back in two seconds; trying in between costs nothing.
#[tokio::test]
async fn replicate_key_succeeds_at_a_rate_of_one() {
    let installation = Installation::new().await;
    let unlimited = installation.serve();
    let mut primaries = Vec::new();
    for _ in 0..2 {
        primaries.push(unlimited.create_key(json!({"MultiRegion": true})).await);
    }
    let server = limited(&installation, "CreateKey", 1);
    server.replicate(&primaries[0], IRELAND).await;
    let again = json!({"KeyId": primaries[1], "ReplicaRegion": IRELAND});
    for _ in 0..2 {
        assert_eq!(server.refused("ReplicateKey", again.clone()).await.exception, THROTTLING);
        installation.advance(1000);
    }
    server.call("ReplicateKey", again).await.unwrap();
}
