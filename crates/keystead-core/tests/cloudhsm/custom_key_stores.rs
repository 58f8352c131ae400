//! CreateCustomKeyStore, UpdateCustomKeyStore, DescribeCustomKeyStores and DeleteCustomKeyStore for AWS CloudHSM key stores.

use keystead_core::key_store::ConnectionState;
use serde_json::{Value, json};

use crate::support::Installation;
use crate::support::certificates::pem;
use crate::support::server::{CLUSTER, PASSWORD, create_request, create_request_with};
use crate::support::simulated_hsms::{Cluster, cluster, hsm};

const OTHER_CLUSTER: &str = "cluster-otherothero";

/// Adds a cluster that was made from a backup of the first one, or has nothing to do with it.
fn add_cluster(installation: &Installation, id: &str, related: bool) {
    let mut added = cluster("2", 2, PASSWORD);
    if related {
        added.certificate = installation.hsms.with_cluster(CLUSTER, |cluster| cluster.certificate.clone());
    }
    installation.hsms.world().clusters.insert(id.to_owned(), added);
}

#[tokio::test]
async fn a_key_store_is_described_without_its_password() {
    let installation = Installation::with_hsms(2).await;
    let server = installation.serve();
    let id = server.create_key_store().await;
    let described = server.describe(&id).await;
    let creation_date = described["CreationDate"].as_f64().unwrap();
    let expected = json!({
        "CustomKeyStoreId": id, "CustomKeyStoreName": "store", "CloudHsmClusterId": CLUSTER,
        "TrustAnchorCertificate": pem("customer CA"), "ConnectionState": "DISCONNECTED", "CreationDate": creation_date,
        "CustomKeyStoreType": "AWS_CLOUDHSM",
    });
    assert_eq!(described, expected);
    let record = server.record("CreateCustomKeyStore");
    assert_eq!(record["requestParameters"], json!({"customKeyStoreName": "store", "clusterId": CLUSTER}));
    assert_eq!(record["responseElements"], json!({"customKeyStoreId": id}));
    assert!(!server.all_records().contains(PASSWORD));
}

/// Members that are wrong, and the member that the refusal names.
#[tokio::test]
async fn parameters_of_a_new_key_store() {
    let installation = Installation::with_hsms(2).await;
    let server = installation.serve();
    let credential = json!({"AccessKeyId": "ABCDEFGHIJKLMNOPQRST", "RawSecretAccessKey": "x".repeat(43)});
    let table = [
        ("CloudHsmClusterId", Value::Null),
        ("TrustAnchorCertificate", Value::Null),
        ("KeyStorePassword", Value::Null),
        ("KeyStorePassword", json!("sixsix")),
        ("KeyStorePassword", json!("x".repeat(33))),
        ("KeyStorePassword", json!("not-alphanumeric")),
        ("CloudHsmClusterId", json!("cluster-short")),
        ("CloudHsmClusterId", json!("cluster-1a23b4cdef_")),
        ("TrustAnchorCertificate", json!("x".repeat(5001))),
        ("XksProxyConnectivity", json!("PUBLIC_ENDPOINT")),
        ("XksProxyUriEndpoint", json!("https://proxy.example.com")),
        ("XksProxyUriPath", json!("/kms/xks/v1")),
        ("XksProxyVpcEndpointServiceName", json!("com.amazonaws.vpce.us-east-1.vpce-svc-example1")),
        ("XksProxyVpcEndpointServiceOwner", json!("111122223333")),
        ("XksProxyAuthenticationCredential", credential),
    ];
    for (member, value) in table {
        let refused =
            server.call("CreateCustomKeyStore", create_request_with(member, value.clone())).await.unwrap_err();
        assert_eq!(refused.exception, "ValidationException", "{member} {value}");
        let named = refused.message.to_ascii_lowercase().contains(&member.to_ascii_lowercase());
        assert!(named, "{member} {value}: {}", refused.message);
        let secret = value.as_str().filter(|_| member == "KeyStorePassword");
        assert!(!secret.is_some_and(|secret| refused.message.contains(secret)), "{}", refused.message);
    }
    let with_type = create_request_with("CustomKeyStoreType", json!("EXTERNAL_KEY_STORE"));
    let refused = server.call("CreateCustomKeyStore", with_type).await.unwrap_err();
    assert_eq!(refused.exception, "ValidationException");
    let with_type = create_request_with("CustomKeyStoreType", json!("AWS_CLOUDHSM"));
    server.call("CreateCustomKeyStore", with_type).await.unwrap();
}

/// What the cluster must be (CloudHSM key stores digest 1.2).
#[tokio::test]
async fn clusters_of_a_new_key_store() {
    type Trouble = fn(&mut Cluster);
    let table: [(&str, Trouble); 6] = [
        ("CloudHsmClusterNotActiveException", |cluster| cluster.state = "UNINITIALIZED"),
        ("IncorrectTrustAnchorException", |cluster| cluster.anchor = pem("another CA")),
        ("CloudHsmClusterInvalidConfigurationException", |cluster| {
            cluster.hsms.get_mut("hsm-1-1").unwrap().active = false;
        }),
        ("CloudHsmClusterInvalidConfigurationException", |cluster| {
            cluster.hsms.insert("hsm-1-1".to_owned(), hsm(0, PASSWORD));
        }),
        ("CloudHsmClusterInvalidConfigurationException", |cluster| {
            cluster.network_problem = Some("a rule is missing".to_owned());
        }),
        ("CloudHsmClusterInvalidConfigurationException", |cluster| cluster.certificate = "none".to_owned()),
    ];
    for (exception, trouble) in table {
        let installation = Installation::with_hsms(2).await;
        installation.hsms.with_cluster(CLUSTER, trouble);
        let server = installation.serve();
        assert_eq!(server.refused("CreateCustomKeyStore", create_request()).await, exception);
    }
    let installation = Installation::with_hsms(2).await;
    let server = installation.serve();
    let unknown = create_request_with("CloudHsmClusterId", json!(OTHER_CLUSTER));
    assert_eq!(server.refused("CreateCustomKeyStore", unknown).await, "CloudHsmClusterNotFoundException");
    let chain = format!("{}{}", pem("customer CA"), pem("another CA"));
    for anchor in [chain.as_str(), "customer CA", &pem("another CA")] {
        let wrong = create_request_with("TrustAnchorCertificate", json!(anchor));
        assert_eq!(server.refused("CreateCustomKeyStore", wrong).await, "IncorrectTrustAnchorException", "{anchor}");
    }
    let windows = pem("customer CA").replace('\n', "\r\n");
    server.call("CreateCustomKeyStore", create_request_with("TrustAnchorCertificate", json!(windows))).await.unwrap();
}

#[tokio::test]
async fn the_same_key_store_again_is_the_same_while_it_is_disconnected() {
    let installation = Installation::with_hsms(2).await;
    let server = installation.serve();
    let id = server.create_key_store().await;
    assert_eq!(server.create_key_store().await, id);
    let windows = pem("customer CA").replace('\n', "\r\n");
    let same = server.call("CreateCustomKeyStore", create_request_with("TrustAnchorCertificate", json!(windows))).await;
    assert_eq!(same.unwrap()["CustomKeyStoreId"], id);
    let other_password = create_request_with("KeyStorePassword", json!("otherPswd"));
    assert_eq!(server.refused("CreateCustomKeyStore", other_password).await, "CustomKeyStoreNameInUseException");
    let other_name = create_request_with("CustomKeyStoreName", json!("other"));
    assert_eq!(server.refused("CreateCustomKeyStore", other_name.clone()).await, "CloudHsmClusterInUseException");
    add_cluster(&installation, OTHER_CLUSTER, true);
    let mut relative = other_name;
    relative["CloudHsmClusterId"] = json!(OTHER_CLUSTER);
    assert_eq!(server.refused("CreateCustomKeyStore", relative).await, "CloudHsmClusterInUseException");
    server.connect(&id).await;
    installation.settled(&id).await;
    assert_eq!(server.refused("CreateCustomKeyStore", create_request()).await, "CustomKeyStoreNameInUseException");
}

#[tokio::test]
async fn many_of_the_same_at_once_are_one() {
    let installation = Installation::with_hsms(2).await;
    let server = installation.serve();
    let created = tokio::join!(server.create_key_store(), server.create_key_store(), server.create_key_store());
    assert!(created.0 == created.1 && created.1 == created.2, "{created:?}");
}

#[tokio::test]
async fn ten_key_stores_of_both_types() {
    let installation = Installation::with_hsms(2).await;
    let server = installation.serve();
    let external = |number: usize| {
        json!({
            "CustomKeyStoreName": format!("external {number}"), "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
            "XksProxyConnectivity": "PUBLIC_ENDPOINT", "XksProxyUriEndpoint": format!("https://proxy{number}.example.com"),
            "XksProxyUriPath": "/kms/xks/v1",
            "XksProxyAuthenticationCredential":
                {"AccessKeyId": "ABCDEFGHIJKLMNOPQRST", "RawSecretAccessKey": "x".repeat(43)},
        })
    };
    for number in 0..10 {
        server.call("CreateCustomKeyStore", external(number)).await.unwrap();
    }
    assert_eq!(server.refused("CreateCustomKeyStore", create_request()).await, "LimitExceededException");
    let named = create_request_with("CustomKeyStoreName", json!("external 3"));
    assert_eq!(server.refused("CreateCustomKeyStore", named).await, "CustomKeyStoreNameInUseException");
}

/// CloudHSM key stores digest 1.3: property, then CONNECTED, DISCONNECTED, FAILED, CONNECTING, DISCONNECTING.
#[tokio::test]
async fn when_a_property_may_be_changed() {
    let table = [
        ("NewCustomKeyStoreName", json!("new name"), [true, true, false, false, false]),
        ("KeyStorePassword", json!("newPassword"), [false, true, false, false, false]),
        ("CloudHsmClusterId", json!(OTHER_CLUSTER), [false, true, false, false, false]),
    ];
    let states = [
        ConnectionState::Connected,
        ConnectionState::Disconnected,
        ConnectionState::Failed(keystead_model::kms::ConnectionErrorCodeType::InternalError),
        ConnectionState::Connecting,
        ConnectionState::Disconnecting,
    ];
    for (member, value, allowed) in table {
        for (state, allowed) in states.into_iter().zip(allowed) {
            let installation = Installation::with_hsms(2).await;
            add_cluster(&installation, OTHER_CLUSTER, true);
            let server = installation.serve_without_worker();
            let id = server.create_key_store().await;
            let mut key_store = installation.key_store(&id).await;
            key_store.connection = state;
            server.kms.catalog().update_key_store(&key_store).await.unwrap();
            let answer = server.call("UpdateCustomKeyStore", json!({"CustomKeyStoreId": id, member: value})).await;
            match answer {
                Ok(answer) => assert!(allowed && answer == json!({}), "{member} in {state:?}"),
                Err(refused) => {
                    assert_eq!(refused.exception, "CustomKeyStoreInvalidStateException", "{member} in {state:?}");
                    assert!(!allowed && refused.message.contains(member), "{member} in {state:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn what_an_update_refuses() {
    let installation = Installation::with_hsms(2).await;
    add_cluster(&installation, OTHER_CLUSTER, false);
    let server = installation.serve();
    let id = server.create_key_store().await;
    let update = |member: &str, value: Value| {
        let (server, input) = (&server, json!({"CustomKeyStoreId": id, member: value}));
        async move { server.refused("UpdateCustomKeyStore", input).await }
    };
    assert_eq!(update("CloudHsmClusterId", json!("cluster-unknownunkn")).await, "CloudHsmClusterNotFoundException");
    assert_eq!(update("CloudHsmClusterId", json!(OTHER_CLUSTER)).await, "CloudHsmClusterNotRelatedException");
    assert_eq!(update("KeyStorePassword", json!("not-alphanumeric")).await, "ValidationException");
    for (member, value) in [
        ("XksProxyUriPath", json!("/kms/xks/v1")),
        ("XksProxyUriEndpoint", json!("https://proxy.example.com")),
        ("XksProxyUriEndpoint", json!("https://192.0.2.1")),
        ("XksProxyConnectivity", json!("PUBLIC_ENDPOINT")),
        ("XksProxyConnectivity", json!("VPC_ENDPOINT_SERVICE")),
        ("XksProxyVpcEndpointServiceOwner", json!("111122223333")),
    ] {
        assert_eq!(update(member, value).await, "ValidationException", "{member}");
    }
    installation.hsms.world().clusters.remove(OTHER_CLUSTER);
    add_cluster(&installation, OTHER_CLUSTER, true);
    let related = |change: fn(&mut Cluster)| installation.hsms.with_cluster(OTHER_CLUSTER, change);
    related(|cluster| cluster.state = "INITIALIZED");
    assert_eq!(update("CloudHsmClusterId", json!(OTHER_CLUSTER)).await, "CloudHsmClusterNotActiveException");
    related(|cluster| cluster.state = "ACTIVE");
    related(|cluster| cluster.hsms.get_mut("hsm-2-0").unwrap().active = false);
    assert_eq!(update("CloudHsmClusterId", json!(OTHER_CLUSTER)).await, "CloudHsmClusterInvalidConfigurationException");
    // Nothing of all that has changed anything; an update of nothing succeeds.
    assert_eq!(server.describe(&id).await["CloudHsmClusterId"], CLUSTER);
    server.call("UpdateCustomKeyStore", json!({"CustomKeyStoreId": id})).await.unwrap();
    let unknown = json!({"CustomKeyStoreId": "cks-00000000000000000", "NewCustomKeyStoreName": "x"});
    assert_eq!(server.refused("UpdateCustomKeyStore", unknown).await, "CustomKeyStoreNotFoundException");
}

/// Disaster and recovery: the keys move with their key store to a cluster that was restored from a backup.
#[tokio::test]
async fn a_cluster_is_replaced_by_one_from_its_backup() {
    let installation = Installation::with_hsms(2).await;
    let server = installation.serve();
    let id = server.create_key_store().await;
    server.connect(&id).await;
    installation.settled(&id).await;
    let key = server.create_key(&id).await;
    let ciphertext = server.call("Encrypt", json!({"KeyId": key, "Plaintext": "c2VjcmV0"})).await.unwrap();

    add_cluster(&installation, OTHER_CLUSTER, true);
    let lost = installation.hsms.world().clusters.remove(CLUSTER).unwrap();
    let (password, keys) = {
        let hsm = &lost.hsms["hsm-1-0"];
        (hsm.password.clone(), hsm.keys.clone())
    };
    installation.hsms.with_cluster(OTHER_CLUSTER, |cluster| {
        for hsm in cluster.hsms.values_mut() {
            (hsm.password, hsm.keys) = (password.clone(), keys.clone());
        }
    });
    server.disconnect(&id).await;
    assert_eq!(installation.settled(&id).await, ConnectionState::Disconnected);
    let moved = json!({"CustomKeyStoreId": id, "CloudHsmClusterId": OTHER_CLUSTER, "NewCustomKeyStoreName": "moved"});
    server.call("UpdateCustomKeyStore", moved).await.unwrap();
    server.connect(&id).await;
    assert_eq!(installation.settled(&id).await, ConnectionState::Connected);
    let decrypted = server.call("Decrypt", json!({"CiphertextBlob": ciphertext["CiphertextBlob"]})).await.unwrap();
    assert_eq!(decrypted["Plaintext"], "c2VjcmV0");
    let described = server.call("DescribeKey", json!({"KeyId": key})).await.unwrap();
    assert_eq!(described["KeyMetadata"]["CloudHsmClusterId"], OTHER_CLUSTER);
}

#[tokio::test]
async fn a_key_store_is_deleted_when_it_is_disconnected_and_empty() {
    let installation = Installation::with_hsms(2).await;
    let server = installation.serve();
    let id = server.create_key_store().await;
    let input = json!({"CustomKeyStoreId": id});
    server.connect(&id).await;
    installation.settled(&id).await;
    let key = server.create_key(&id).await;
    assert_eq!(server.refused("DeleteCustomKeyStore", input.clone()).await, "CustomKeyStoreInvalidStateException");
    server.disconnect(&id).await;
    installation.settled(&id).await;
    assert_eq!(server.refused("DeleteCustomKeyStore", input.clone()).await, "CustomKeyStoreHasCMKsException");
    server.call("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 7})).await.unwrap();
    assert_eq!(server.refused("DeleteCustomKeyStore", input.clone()).await, "CustomKeyStoreHasCMKsException");
    installation.advance(std::time::Duration::from_secs(8 * 86_400));
    keystead_core::key::delete_due_keys(&server.kms).await.unwrap();
    server.call("DeleteCustomKeyStore", input.clone()).await.unwrap();
    assert_eq!(server.refused("DeleteCustomKeyStore", input).await, "CustomKeyStoreNotFoundException");
    // The cluster is free for another key store, under the password that it has.
    let password = installation.hsms.passwords(CLUSTER)[0].clone();
    let created = server.call("CreateCustomKeyStore", create_request_with("KeyStorePassword", json!(password))).await;
    assert_ne!(created.unwrap()["CustomKeyStoreId"], id);
}
