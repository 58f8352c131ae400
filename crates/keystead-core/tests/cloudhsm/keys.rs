//! KMS keys of origin AWS_CLOUDHSM.

use std::time::Duration;

use keystead_core::key::{delete_due_keys, sweep_backing_keys};
use keystead_core::key_store::{HSM_FAILURES, HsmFailure};
use keystead_core::port::{Clock, Store};
use serde_json::{Value, json};

use crate::support::server::{CLUSTER, base64};
use crate::support::simulated_hsms::Cluster;
use crate::support::{Cut, CutKind, Installation, Server};

/// A connected key store.
async fn connected(hsms: usize) -> (Installation, Server, String) {
    let installation = Installation::with_hsms(hsms).await;
    let server = installation.serve();
    let id = server.create_key_store().await;
    server.connect(&id).await;
    installation.settled(&id).await;
    (installation, server, id)
}

fn create_key(key_store: &str) -> Value {
    json!({"Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": key_store})
}

fn keys_in_hsms(installation: &Installation) -> usize {
    installation.hsms.with_cluster(CLUSTER, |cluster| cluster.hsms.values().map(|hsm| hsm.keys.len()).sum())
}

#[tokio::test]
async fn a_new_key_is_in_every_hsm_and_nowhere_else() {
    let (installation, server, id) = connected(3).await;
    let created = server.call("CreateKey", create_key(&id)).await.unwrap();
    let metadata = &created["KeyMetadata"];
    assert_eq!((&metadata["Origin"], &metadata["KeyState"]), (&json!("AWS_CLOUDHSM"), &json!("Enabled")));
    assert_eq!((&metadata["CustomKeyStoreId"], &metadata["CloudHsmClusterId"]), (&json!(id), &json!(CLUSTER)));
    for absent in ["CurrentKeyMaterialId", "XksKeyConfiguration", "ExpirationModel", "ValidTo"] {
        assert!(metadata.get(absent).is_none(), "{absent}");
    }
    let described = server.call("DescribeKey", json!({"KeyId": metadata["KeyId"]})).await.unwrap();
    assert_eq!(described["KeyMetadata"], *metadata);
    let backing = installation.hsms.with_cluster(CLUSTER, |cluster| {
        let labels: Vec<_> = cluster.hsms.values().map(|hsm| hsm.labels.clone()).collect();
        assert!(labels.iter().all(|of_one| *of_one == labels[0] && of_one.len() == 1));
        labels[0].iter().map(|(id, label)| (id.to_string(), label.clone())).next().unwrap()
    });
    assert_eq!(backing.1, metadata["Arn"]);
    let data = &server.record("CreateKey")["additionalEventData"];
    let recorded: Value = serde_json::from_str(data["backingKey"].as_str().unwrap()).unwrap();
    assert_eq!(recorded, json!({"backingKeyId": backing.0}));
}

/// Wrong combinations (CloudHSM key stores digest 3.1).
#[tokio::test]
async fn what_create_key_refuses() {
    let (installation, server, id) = connected(2).await;
    let external = json!({
        "CustomKeyStoreName": "external", "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
        "XksProxyConnectivity": "PUBLIC_ENDPOINT", "XksProxyUriEndpoint": "https://proxy.example.com",
        "XksProxyUriPath": "/kms/xks/v1",
        "XksProxyAuthenticationCredential":
            {"AccessKeyId": "ABCDEFGHIJKLMNOPQRST", "RawSecretAccessKey": "x".repeat(43)},
    });
    let external = server.call("CreateCustomKeyStore", external).await.unwrap()["CustomKeyStoreId"].clone();
    let with = |member: &str, value: Value| {
        let mut input = create_key(&id);
        input[member] = value;
        input
    };
    let table = [
        (json!({"Origin": "AWS_CLOUDHSM"}), "ValidationException"),
        (json!({"CustomKeyStoreId": id}), "ValidationException"),
        (json!({"Origin": "EXTERNAL_KEY_STORE", "CustomKeyStoreId": id, "XksKeyId": "k"}), "ValidationException"),
        (create_key(external.as_str().unwrap()), "ValidationException"),
        (with("XksKeyId", json!("k")), "ValidationException"),
        (create_key("cks-00000000000000000"), "CustomKeyStoreNotFoundException"),
        (with("KeySpec", json!("HMAC_256")), "ValidationException"),
        (with("MultiRegion", json!(true)), "UnsupportedOperationException"),
        (with("KeyUsage", json!("SIGN_VERIFY")), "UnsupportedOperationException"),
    ];
    for (input, exception) in table {
        assert_eq!(server.refused("CreateKey", input.clone()).await, exception, "{input}");
    }
    let mut hmac = with("KeySpec", json!("HMAC_256"));
    hmac["KeyUsage"] = json!("GENERATE_VERIFY_MAC");
    assert_eq!(server.refused("CreateKey", hmac).await, "UnsupportedOperationException");

    installation.hsms.with_cluster(CLUSTER, |cluster| cluster.hsms.get_mut("hsm-1-1").unwrap().active = false);
    let one_hsm = server.refused("CreateKey", create_key(&id)).await;
    assert_eq!(one_hsm, "CloudHsmClusterInvalidConfigurationException");
    server.disconnect(&id).await;
    installation.settled(&id).await;
    assert_eq!(server.refused("CreateKey", create_key(&id)).await, "CustomKeyStoreInvalidStateException");
    assert_eq!(keys_in_hsms(&installation), 0);
}

#[tokio::test]
async fn every_cryptographic_operation() {
    let (installation, server, id) = connected(2).await;
    let key = server.create_key(&id).await;
    let own = server.call("CreateKey", json!({})).await.unwrap()["KeyMetadata"]["KeyId"].clone();
    let context = json!({"Project": "nile"});
    let encrypt = json!({"KeyId": key, "Plaintext": base64("secret"), "EncryptionContext": context});
    let one = server.call("Encrypt", encrypt.clone()).await.unwrap()["CiphertextBlob"].clone();
    let other = server.call("Encrypt", encrypt).await.unwrap()["CiphertextBlob"].clone();
    assert_ne!(one, other, "no two are alike");
    // Any HSM that is there decrypts.
    installation.hsms.with_cluster(CLUSTER, |cluster| cluster.hsms.get_mut("hsm-1-0").unwrap().reachable = false);
    let decrypt = json!({"CiphertextBlob": one, "EncryptionContext": context});
    let decrypted = server.call("Decrypt", decrypt).await.unwrap();
    assert_eq!(decrypted["Plaintext"], base64("secret"));
    assert!(decrypted.get("KeyMaterialId").is_none());
    let wrong = server.call("Decrypt", json!({"CiphertextBlob": one, "EncryptionContext": {"Project": "Nile"}})).await;
    assert_eq!(wrong.unwrap_err().exception, "InvalidCiphertextException");

    let data_key = server.call("GenerateDataKey", json!({"KeyId": key, "KeySpec": "AES_256"})).await.unwrap();
    let opened = server.call("Decrypt", json!({"CiphertextBlob": data_key["CiphertextBlob"]})).await.unwrap();
    assert_eq!(opened["Plaintext"], data_key["Plaintext"]);
    let sealed = server.call("GenerateDataKeyWithoutPlaintext", json!({"KeyId": key, "KeySpec": "AES_128"})).await;
    server.call("Decrypt", json!({"CiphertextBlob": sealed.unwrap()["CiphertextBlob"]})).await.unwrap();

    // To a key of Keystead's own and back.
    let to_own = json!({"CiphertextBlob": one, "SourceEncryptionContext": context, "DestinationKeyId": own});
    let to_own = server.call("ReEncrypt", to_own).await.unwrap();
    let back = json!({"CiphertextBlob": to_own["CiphertextBlob"], "DestinationKeyId": key});
    let back = server.call("ReEncrypt", back).await.unwrap();
    let opened = server.call("Decrypt", json!({"CiphertextBlob": back["CiphertextBlob"], "KeyId": key})).await.unwrap();
    assert_eq!(opened["Plaintext"], base64("secret"));
    let data = &server.record("Decrypt")["additionalEventData"];
    assert_eq!((&data["customKeyStoreId"], &data["clusterId"]), (&json!(id), &json!(CLUSTER)));
}

/// A long encryption context reaches the HSMs as a digest, and is bound all the same.
#[tokio::test]
async fn a_long_encryption_context() {
    let (_installation, server, id) = connected(2).await;
    let key = server.create_key(&id).await;
    let context = json!({"k": "v".repeat(12_000)});
    let encrypt = json!({"KeyId": key, "Plaintext": base64(&"x".repeat(4096)), "EncryptionContext": context});
    let blob = server.call("Encrypt", encrypt).await.unwrap()["CiphertextBlob"].clone();
    let mut other = context.clone();
    other["k"] = json!("v".repeat(11_999) + "w");
    let wrong = server.call("Decrypt", json!({"CiphertextBlob": blob, "EncryptionContext": other})).await;
    assert_eq!(wrong.unwrap_err().exception, "InvalidCiphertextException");
    server.call("Decrypt", json!({"CiphertextBlob": blob, "EncryptionContext": context})).await.unwrap();
}

#[tokio::test]
async fn a_dry_run_asks_no_hsm() {
    let (installation, server, id) = connected(2).await;
    let key = server.create_key(&id).await;
    let blob =
        server.call("Encrypt", json!({"KeyId": key, "Plaintext": "YQ=="})).await.unwrap()["CiphertextBlob"].clone();
    installation.hsms.cut(None);
    for (operation, input) in [
        ("Encrypt", json!({"KeyId": key, "Plaintext": "YQ==", "DryRun": true})),
        ("Decrypt", json!({"CiphertextBlob": blob, "DryRun": true})),
        ("GenerateDataKey", json!({"KeyId": key, "KeySpec": "AES_256", "DryRun": true})),
        ("ReEncrypt", json!({"CiphertextBlob": blob, "DestinationKeyId": key, "DryRun": true})),
    ] {
        assert_eq!(server.refused(operation, input).await, "DryRunOperationException", "{operation}");
    }
    assert_eq!(installation.hsms.world().calls, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_disconnected_is_unavailable() {
    let (installation, server, id) = connected(2).await;
    let key = server.create_key(&id).await;
    let arn = server.call("DescribeKey", json!({"KeyId": key})).await.unwrap()["KeyMetadata"]["Arn"].clone();
    let arn = arn.as_str().unwrap();
    server.disconnect(&id).await;
    installation.settled(&id).await;
    let encrypt = json!({"KeyId": key, "Plaintext": "YQ=="});
    let refused = server.call("Encrypt", encrypt.clone()).await.unwrap_err();
    assert_eq!(refused.exception, "KMSInvalidStateException");
    assert_eq!(refused.message, format!("{arn} is unavailable."));
    assert_eq!(refused.cause, Some("KEY_STORE_NOT_CONNECTED"));
    let described = server.call("DescribeKey", json!({"KeyId": key})).await.unwrap();
    assert_eq!(described["KeyMetadata"]["KeyState"], "Unavailable");
    let random = json!({"NumberOfBytes": 8, "CustomKeyStoreId": id});
    assert_eq!(server.refused("GenerateRandom", random).await, "CustomKeyStoreInvalidStateException");

    server.call("DisableKey", json!({"KeyId": key})).await.unwrap();
    server.connect(&id).await;
    installation.settled(&id).await;
    let refused = server.call("Encrypt", encrypt.clone()).await.unwrap_err();
    assert_eq!((refused.exception.as_str(), refused.message), ("DisabledException", format!("{arn} is disabled.")));
    server.call("ScheduleKeyDeletion", json!({"KeyId": key})).await.unwrap();
    let refused = server.call("Encrypt", encrypt).await.unwrap_err();
    assert_eq!(refused.exception, "KMSInvalidStateException");
    assert_eq!(refused.message, format!("{arn} is pending deletion (or pending replica deletion)."));
}

/// Every row of the table of failures, as a caller sees it.
#[tokio::test]
async fn every_failure_of_hsms_as_callers_see_it() {
    let (installation, server, id) = connected(2).await;
    let key = server.create_key(&id).await;
    let encrypt = json!({"KeyId": key, "Plaintext": "YQ=="});
    for row in HSM_FAILURES {
        let kind = CutKind::FailBefore(row.failure);
        installation.hsms.cut(Some(Cut { call: 1, kind }));
        let refused = server.call("Encrypt", encrypt.clone()).await.unwrap_err();
        assert_eq!(refused.exception, row.cryptographic_exception.name(), "{:?}", row.failure);
        assert_eq!((refused.message.as_str(), refused.cause), (row.message, Some(row.cause)));
        // The first call of CreateKey looks at the cluster.
        installation.hsms.cut(Some(Cut { call: 2, kind }));
        let refused = server.call("CreateKey", create_key(&id)).await.unwrap_err();
        assert_eq!(refused.exception, row.create_key_exception.name(), "{:?}", row.failure);
        installation.hsms.cut(Some(Cut { call: 1, kind }));
        let random = json!({"NumberOfBytes": 8, "CustomKeyStoreId": id});
        let refused = server.refused("GenerateRandom", random).await;
        let expected = match row.cryptographic_exception.name() {
            "KMSInvalidStateException" => "CustomKeyStoreInvalidStateException",
            other => other,
        };
        assert_eq!(refused, expected, "{:?}", row.failure);
    }
    installation.hsms.cut(None);
    server.call("Encrypt", encrypt.clone()).await.unwrap();
    installation.hsms.with_cluster(CLUSTER, |cluster| cluster.hsms.values_mut().for_each(|hsm| hsm.reachable = false));
    let refused = server.call("Encrypt", encrypt).await.unwrap_err();
    assert_eq!(refused.message, "KMS cannot communicate with your CloudHSM cluster");
    assert_eq!(server.describe(&id).await["ConnectionState"], "CONNECTED");
}

#[tokio::test]
async fn random_bytes_of_an_hsm() {
    let (installation, server, id) = connected(2).await;
    installation.hsms.cut(None);
    let input = json!({"NumberOfBytes": 1024, "CustomKeyStoreId": id});
    let random = server.call("GenerateRandom", input).await.unwrap();
    assert_eq!(random["Plaintext"].as_str().unwrap().len(), 1368);
    assert_eq!(installation.hsms.world().calls, ["generate_random"]);
}

/// CloudHSM key stores digest 3.4: operations that no such key has.
#[tokio::test]
async fn unsupported_operations() {
    let (_installation, server, id) = connected(2).await;
    let key = server.create_key(&id).await;
    let table = [
        ("EnableKeyRotation", json!({}), "UnsupportedOperationException"),
        ("DisableKeyRotation", json!({}), "UnsupportedOperationException"),
        ("GetKeyRotationStatus", json!({}), "UnsupportedOperationException"),
        ("RotateKeyOnDemand", json!({}), "UnsupportedOperationException"),
        ("ListKeyRotations", json!({}), "UnsupportedOperationException"),
        (
            "GetParametersForImport",
            json!({"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}),
            "UnsupportedOperationException",
        ),
        (
            "ImportKeyMaterial",
            json!({"ImportToken": "YQ==", "EncryptedKeyMaterial": "YQ=="}),
            "UnsupportedOperationException",
        ),
        ("DeleteImportedKeyMaterial", json!({}), "UnsupportedOperationException"),
        ("ReplicateKey", json!({"ReplicaRegion": "eu-west-1"}), "UnsupportedOperationException"),
        ("UpdatePrimaryRegion", json!({"PrimaryRegion": "eu-west-1"}), "UnsupportedOperationException"),
        ("GenerateDataKeyPair", json!({"KeyPairSpec": "RSA_2048"}), "UnsupportedOperationException"),
        ("GenerateDataKeyPairWithoutPlaintext", json!({"KeyPairSpec": "RSA_2048"}), "UnsupportedOperationException"),
        ("GetPublicKey", json!({}), "UnsupportedOperationException"),
        ("Sign", json!({"Message": "YQ==", "SigningAlgorithm": "RSASSA_PSS_SHA_256"}), "InvalidKeyUsageException"),
        (
            "Verify",
            json!({"Message": "YQ==", "Signature": "YQ==", "SigningAlgorithm": "RSASSA_PSS_SHA_256"}),
            "InvalidKeyUsageException",
        ),
        ("GenerateMac", json!({"Message": "YQ==", "MacAlgorithm": "HMAC_SHA_256"}), "InvalidKeyUsageException"),
        (
            "VerifyMac",
            json!({"Message": "YQ==", "Mac": "YQ==", "MacAlgorithm": "HMAC_SHA_256"}),
            "InvalidKeyUsageException",
        ),
        (
            "DeriveSharedSecret",
            json!({"KeyAgreementAlgorithm": "ECDH", "PublicKey": "YQ=="}),
            "InvalidKeyUsageException",
        ),
    ];
    for (operation, mut input, exception) in table {
        input["KeyId"] = json!(key);
        assert_eq!(server.refused(operation, input.clone()).await, exception, "{operation}");
        input["KeyId"] = json!("00000000-0000-4000-8000-000000000000");
        assert_eq!(server.refused(operation, input).await, "NotFoundException", "{operation}");
    }
}

/// A CreateKey that fails or is never finished leaves no key material that the journal does not know.
#[tokio::test]
async fn what_a_create_key_leaves_behind_is_destroyed() {
    for kind in [
        CutKind::FailBefore(HsmFailure::Malfunction),
        CutKind::FailAfter(HsmFailure::Malfunction),
        CutKind::FailBefore(HsmFailure::TimedOut),
        CutKind::FailAfter(HsmFailure::TimedOut),
    ] {
        let (installation, server, id) = connected(2).await;
        installation.hsms.cut(Some(Cut { call: 2, kind }));
        server.refused("CreateKey", create_key(&id)).await;
        // What may still be under way is not called done.
        let timed_out =
            matches!(kind, CutKind::FailBefore(HsmFailure::TimedOut) | CutKind::FailAfter(HsmFailure::TimedOut));
        assert!(timed_out || keys_in_hsms(&installation) == 0, "{kind:?}");
        sweep_backing_keys(&server.kms).await.unwrap();
        installation.advance(Duration::from_secs(300));
        sweep_backing_keys(&server.kms).await.unwrap();
        assert_eq!(keys_in_hsms(&installation), 0, "{kind:?}");
        let key_store = installation.key_store(&id).await;
        let now = installation.clock.now();
        let journal = installation.store.pending_backing_keys(&key_store.id, now, 9).await.unwrap();
        assert_eq!(journal, [], "{kind:?}");
        server.create_key(&id).await;
        assert_eq!(keys_in_hsms(&installation), 2);
    }
}

/// The server dies while the HSMs make a key: the sweep of another one destroys it, once no CreateKey can still be under way, and once
/// every HSM is there.
#[tokio::test]
async fn a_crash_in_create_key() {
    for kind in [CutKind::HangBefore, CutKind::HangAfter] {
        let (installation, server, id) = connected(2).await;
        let server = std::sync::Arc::new(server);
        let survivor = server.create_key(&id).await;
        installation.hsms.cut(Some(Cut { call: 2, kind }));
        let creating = tokio::spawn({
            let (server, input) = (server.clone(), create_key(&id));
            async move { server.call("CreateKey", input).await }
        });
        installation.hsms.hangs().await;
        creating.abort();
        installation.hsms.cut(None);
        let left = keys_in_hsms(&installation);
        sweep_backing_keys(&server.kms).await.unwrap();
        assert_eq!(keys_in_hsms(&installation), left, "it may still be under way");
        installation.advance(Duration::from_secs(300));
        let reachable = |reachable| {
            installation.hsms.with_cluster(CLUSTER, |cluster| {
                cluster.hsms.get_mut("hsm-1-1").unwrap().reachable = reachable;
            });
        };
        reachable(false);
        sweep_backing_keys(&server.kms).await.unwrap();
        reachable(true);
        sweep_backing_keys(&server.kms).await.unwrap();
        assert_eq!(keys_in_hsms(&installation), 2, "{kind:?}: the one key of two HSMs");
        server.call("Encrypt", json!({"KeyId": survivor, "Plaintext": "YQ=="})).await.unwrap();
    }
}

/// A server that has just started knows that what it finds in the journal is nobody's.
#[tokio::test]
async fn what_another_server_left_behind_is_destroyed_at_once() {
    let (installation, server, id) = connected(2).await;
    let server = std::sync::Arc::new(server);
    installation.hsms.cut(Some(Cut { call: 2, kind: CutKind::HangAfter }));
    let creating = tokio::spawn({
        let (server, input) = (server.clone(), create_key(&id));
        async move { server.call("CreateKey", input).await }
    });
    installation.hsms.hangs().await;
    creating.abort();
    installation.hsms.cut(None);
    assert_eq!(keys_in_hsms(&installation), 2);
    installation.advance(Duration::from_millis(1));
    let restarted = installation.serve();
    sweep_backing_keys(&restarted.kms).await.unwrap();
    assert_eq!(keys_in_hsms(&installation), 0);
    restarted.create_key(&id).await;
    sweep_backing_keys(&restarted.kms).await.unwrap();
    assert_eq!(keys_in_hsms(&installation), 2);
}

/// A key store that is disconnected while the HSMs make a key: no key is answered.
#[tokio::test]
async fn a_disconnect_overtakes_a_create_key() {
    let (installation, server, id) = connected(2).await;
    let server = std::sync::Arc::new(server);
    installation.hsms.cut(Some(Cut { call: 2, kind: CutKind::HangAfter }));
    let creating = tokio::spawn({
        let (server, input) = (server.clone(), create_key(&id));
        async move { server.refused("CreateKey", input).await }
    });
    installation.hsms.hangs().await;
    installation.hsms.world().cut = None;
    server.disconnect(&id).await;
    installation.settled(&id).await;
    installation.hsms.release();
    assert_eq!(creating.await.unwrap(), "CustomKeyStoreInvalidStateException");
    let keys = server.call("ListKeys", json!({})).await.unwrap();
    assert_eq!(keys["Keys"], json!([]));
    installation.advance(Duration::from_secs(301));
    server.connect(&id).await;
    installation.settled(&id).await;
    sweep_backing_keys(&server.kms).await.unwrap();
    assert_eq!(keys_in_hsms(&installation), 0);
}

/// Metadata first, then the backing key; what became of it is recorded (CloudHSM key stores digest 3.8, 1.11).
#[tokio::test]
async fn a_deleted_key_takes_its_backing_key_along_if_that_can_be_done() {
    type Trouble = fn(&mut Cluster);
    let table: [(&str, Trouble, bool, usize); 3] = [
        ("SUCCESS", |_| {}, true, 0),
        ("FAILURE", |cluster| cluster.hsms.get_mut("hsm-1-0").unwrap().reachable = false, true, 1),
        ("FAILURE", |_| {}, false, 2),
    ];
    for (status, trouble, stays_connected, left) in table {
        let (installation, server, id) = connected(2).await;
        let key = server.create_key(&id).await;
        let backing_key_id = installation
            .hsms
            .with_cluster(CLUSTER, |cluster| cluster.hsms["hsm-1-0"].keys.keys().next().unwrap().to_string());
        server.call("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 7})).await.unwrap();
        installation.hsms.with_cluster(CLUSTER, trouble);
        if !stays_connected {
            server.disconnect(&id).await;
            installation.settled(&id).await;
        }
        delete_due_keys(&server.kms).await.unwrap();
        server.call("DescribeKey", json!({"KeyId": key})).await.unwrap();
        installation.advance(Duration::from_secs(7 * 86_400));
        delete_due_keys(&server.kms).await.unwrap();
        assert_eq!(server.refused("DescribeKey", json!({"KeyId": key})).await, "NotFoundException");
        assert_eq!(keys_in_hsms(&installation), left, "{status}");
        let record = server.record("DeleteKey");
        let data = &record["additionalEventData"];
        assert_eq!((&data["customKeyStoreId"], &data["clusterId"]), (&json!(id), &json!(CLUSTER)));
        let parsed = |member: &str| serde_json::from_str::<Value>(data[member].as_str().unwrap()).unwrap();
        assert_eq!(parsed("backingKeys"), json!([{"backingKeyId": backing_key_id}]));
        let expected = json!([{"backingKeyId": backing_key_id, "deletionStatus": status}]);
        assert_eq!(parsed("backingKeysDeletionStatus"), expected);
        assert_eq!(record["eventType"], "AwsServiceEvent");
    }
}

/// The quota of a key store counts for this type, too.
#[tokio::test]
async fn the_request_quota_of_a_key_store() {
    let (_installation, server, id) = connected(2).await;
    let key = server.create_key(&id).await;
    let mut throttled = None;
    for _ in 0..=1800 {
        if let Err(refused) = server.call("Encrypt", json!({"KeyId": key, "Plaintext": "YQ=="})).await {
            throttled = Some(refused);
            break;
        }
    }
    let throttled = throttled.expect("1801 requests in one moment are one too many");
    assert_eq!(throttled.exception, "ThrottlingException");
    assert_eq!(throttled.cause, Some("KEY_STORE_REQUEST_RATE_EXCEEDED"));
}
