//! ConnectCustomKeyStore and DisconnectCustomKeyStore: the way to CONNECTED, every ConnectionErrorCode, and the way back.

use keystead_core::key_store::{ConnectionState, HsmFailure};
use keystead_core::port::{AttachNetworkError, HsmBackend, Store, StoreError};
use keystead_model::kms::ConnectionErrorCodeType as Code;
use serde_json::json;

use crate::support::server::{CLUSTER, PASSWORD, create_request};
use crate::support::simulated_hsms::{Cluster, Hsm};
use crate::support::{Cut, CutKind, Installation};

#[tokio::test]
async fn a_connect_gives_kmsuser_a_password_that_only_kms_knows() {
    let installation = Installation::with_hsms(3).await;
    let server = installation.serve();
    let id = server.create_key_store().await;
    assert_eq!(server.describe(&id).await["ConnectionState"], "DISCONNECTED");
    server.connect(&id).await;
    assert_eq!(installation.settled(&id).await, ConnectionState::Connected);

    let first = installation.hsms.passwords(CLUSTER);
    assert!(first.iter().all(|password| password == &first[0] && password != PASSWORD), "one new password");
    assert_eq!(first[0].len(), 32);
    assert!(first[0].bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let known = installation.passwords(&id).await;
    assert_eq!((known.current.expose(), known.pending.is_none(), known.behind.len()), (first[0].as_str(), true, 0));
    let cluster = |read: fn(&Cluster) -> usize| installation.hsms.with_cluster(CLUSTER, |cluster| read(cluster));
    assert_eq!(cluster(|cluster| cluster.attached.len()), 1);
    assert_eq!(cluster(|cluster| cluster.hsms.values().filter(|hsm| hsm.kms_logged_in).count()), 3);

    server.disconnect(&id).await;
    assert_eq!(installation.settled(&id).await, ConnectionState::Disconnected);
    assert_eq!(cluster(|cluster| cluster.attached.len()), 0);
    assert_eq!(cluster(|cluster| cluster.hsms.values().filter(|hsm| hsm.kms_logged_in).count()), 0);
    server.connect(&id).await;
    assert_eq!(installation.settled(&id).await, ConnectionState::Connected);
    assert_ne!(installation.hsms.passwords(CLUSTER)[0], first[0], "each connect rotates");
    assert_eq!(cluster(|cluster| cluster.hsms.values().map(|hsm| hsm.wrong_passwords as usize).sum()), 0);
    assert!(!server.all_records().contains(PASSWORD) && !server.all_records().contains(&first[0]));
}

/// CloudHSM key stores digest, 1.9: what is wrong, and the code it gives.
#[tokio::test]
async fn every_connection_error_code() {
    type Trouble = fn(&mut Cluster);
    fn first(cluster: &mut Cluster) -> &mut Hsm {
        cluster.hsms.get_mut("hsm-1-0").unwrap()
    }
    let table: [(Code, Trouble); 12] = [
        (Code::SubnetNotFound, |cluster| {
            cluster.attach_failure = Some(|| AttachNetworkError::SubnetNotFound("subnet-1".to_owned()));
        }),
        (Code::InsufficientFreeAddressesInSubnet, |cluster| {
            cluster.attach_failure = Some(|| AttachNetworkError::InsufficientFreeAddresses("subnet-1".to_owned()));
        }),
        (Code::InternalError, |cluster| {
            cluster.attach_failure = Some(|| AttachNetworkError::Other("no route".to_owned()));
        }),
        (Code::InternalError, |cluster| {
            cluster.attach_failure = Some(|| AttachNetworkError::Store(StoreError::Engine("full".to_owned())));
        }),
        (Code::NetworkErrors, |cluster| cluster.hsms.values_mut().for_each(|hsm| hsm.reachable = false)),
        (Code::NetworkErrors, |cluster| cluster.hsms.values_mut().for_each(|hsm| hsm.lost_after_open = true)),
        (Code::NetworkErrors, |cluster| cluster.anchor = "another".to_owned()),
        (Code::UserNotFound, |cluster| first(cluster).password = None),
        (Code::UserLoggedIn, |cluster| first(cluster).auditor = true),
        (Code::UserLockedOut, |cluster| first(cluster).strikes = 5),
        (Code::InvalidCredentials, |cluster| first(cluster).password = Some("otherPswd".to_owned())),
        (Code::InsufficientCloudhsmHsms, |cluster| cluster.hsms.values_mut().for_each(|hsm| hsm.active = false)),
    ];
    for (code, trouble) in table {
        let installation = Installation::with_hsms(2).await;
        let server = installation.serve_without_worker();
        let id = server.create_key_store().await;
        server.connect(&id).await;
        installation.hsms.with_cluster(CLUSTER, trouble);
        fails_and_is_disconnected(&installation, &id, code).await;
    }

    let installation = Installation::with_hsms(2).await;
    let server = installation.serve_without_worker();
    let id = server.create_key_store().await;
    installation.hsms.world().clusters.clear();
    server.connect(&id).await;
    fails_and_is_disconnected(&installation, &id, Code::ClusterNotFound).await;
}

/// FAILED with its code, kmsuser logged out; from there only a disconnect leads on, and it works whatever is wrong.
async fn fails_and_is_disconnected(installation: &Installation, id: &str, code: Code) {
    let server = installation.serve();
    assert_eq!(installation.settled(id).await, ConnectionState::Failed(code));
    let described = server.describe(id).await;
    assert_eq!(described["ConnectionState"], "FAILED");
    assert_eq!(described["ConnectionErrorCode"], code.as_str());
    let logged_in = |cluster: &Cluster| cluster.hsms.values().any(|hsm| hsm.kms_logged_in);
    assert!(!installation.hsms.world().clusters.values().any(logged_in), "{code}: kmsuser is still logged in");
    let refused = server.refused("ConnectCustomKeyStore", json!({"CustomKeyStoreId": id})).await;
    assert_eq!(refused, "CustomKeyStoreInvalidStateException");
    server.disconnect(id).await;
    assert_eq!(installation.settled(id).await, ConnectionState::Disconnected, "{code}");
    assert!(installation.hsms.world().clusters.values().all(|cluster| cluster.attached.is_empty()));
    assert!(server.describe(id).await.get("ConnectionErrorCode").is_none());
}

/// A failure of the HSMs ends where the table says, at whatever step it comes, unless it is one HSM's loss.
#[tokio::test]
async fn refusals_of_hsms_have_their_codes_at_each_step() {
    let refusals = [
        HsmFailure::UserNotFound,
        HsmFailure::UserLoggedIn,
        HsmFailure::UserLockedOut,
        HsmFailure::ClusterNotFound,
        HsmFailure::KeyMismatch,
    ];
    // describe, describe (of the operation), attach, open, then log in and change at each of two HSMs.
    for call in [4, 5, 6, 7, 8] {
        for failure in refusals {
            let installation = Installation::with_hsms(2).await;
            let server = installation.serve_without_worker();
            let id = server.create_key_store().await;
            installation.hsms.cut(Some(Cut { call, kind: CutKind::FailBefore(failure) }));
            server.connect(&id).await;
            let _server = installation.serve();
            let expected = ConnectionState::Failed(failure.row().connection_error_code);
            assert_eq!(installation.settled(&id).await, expected, "{failure:?} at call {call}");
            installation.no_password_is_lost(&id, &format!("{failure:?} at call {call}")).await;
        }
    }
}

#[tokio::test]
async fn a_wrong_password_is_tried_once() {
    let installation = Installation::with_hsms(2).await;
    installation.hsms.with_cluster(CLUSTER, |cluster| {
        cluster.hsms.values_mut().for_each(|hsm| hsm.password = Some("otherPswd".to_owned()));
    });
    let server = installation.serve();
    let id = server.create_key_store().await;
    for attempt in 1..=4 {
        server.connect(&id).await;
        assert_eq!(installation.settled(&id).await, ConnectionState::Failed(Code::InvalidCredentials));
        let tried: u32 = installation
            .hsms
            .with_cluster(CLUSTER, |cluster| cluster.hsms.values().map(|hsm| hsm.wrong_passwords).sum());
        assert_eq!(tried, attempt, "one strike for each connect");
        server.disconnect(&id).await;
        installation.settled(&id).await;
    }
    let repair = json!({"CustomKeyStoreId": id, "KeyStorePassword": "otherPswd"});
    server.call("UpdateCustomKeyStore", repair).await.unwrap();
    server.connect(&id).await;
    assert_eq!(installation.settled(&id).await, ConnectionState::Connected);
}

/// An HSM that is down during a connect keeps its password, which KMS remembers until the HSM is back.
#[tokio::test]
async fn an_hsm_that_is_down_is_left_behind_and_caught_up_with() {
    let installation = Installation::with_hsms(3).await;
    let server = installation.serve();
    let id = server.create_key_store().await;
    let reachable = |hsm: &str, reachable: bool| {
        installation.hsms.with_cluster(CLUSTER, |cluster| cluster.hsms.get_mut(hsm).unwrap().reachable = reachable);
    };
    reachable("hsm-1-1", false);
    for _ in 0..3 {
        server.connect(&id).await;
        assert_eq!(installation.settled(&id).await, ConnectionState::Connected);
        installation.no_password_is_lost(&id, "while an HSM is down").await;
        server.disconnect(&id).await;
        installation.settled(&id).await;
    }
    assert_eq!(installation.hsms.passwords(CLUSTER)[1], PASSWORD);
    reachable("hsm-1-1", true);
    server.connect(&id).await;
    assert_eq!(installation.settled(&id).await, ConnectionState::Connected);
    let passwords = installation.hsms.passwords(CLUSTER);
    assert!(passwords.iter().all(|password| password == &passwords[0]));
    assert!(installation.passwords(&id).await.behind.is_empty());
}

#[tokio::test]
async fn a_connected_key_store_stays_connected_over_a_restart() {
    let installation = Installation::with_hsms(2).await;
    let server = installation.serve();
    let id = server.create_key_store().await;
    server.connect(&id).await;
    installation.settled(&id).await;
    let key = server.create_key(&id).await;
    server.kill().await;
    installation.hsms.with_cluster(CLUSTER, |cluster| {
        cluster.hsms.values_mut().for_each(|hsm| hsm.kms_logged_in = false);
    });
    let server = installation.serve();
    assert_eq!(server.describe(&id).await["ConnectionState"], "CONNECTED");
    server.call("Encrypt", json!({"KeyId": key, "Plaintext": "YQ=="})).await.unwrap();
}

#[tokio::test]
async fn what_each_call_does_in_each_state() {
    let installation = Installation::with_hsms(2).await;
    let server = installation.serve_without_worker();
    let id = server.create_key_store().await;
    let input = json!({"CustomKeyStoreId": id});
    assert_eq!(server.refused("DisconnectCustomKeyStore", input.clone()).await, "CustomKeyStoreInvalidStateException");
    server.connect(&id).await;
    assert_eq!(server.describe(&id).await["ConnectionState"], "CONNECTING");
    server.connect(&id).await;
    server.disconnect(&id).await;
    for operation in ["ConnectCustomKeyStore", "DisconnectCustomKeyStore", "DeleteCustomKeyStore"] {
        assert_eq!(
            server.refused(operation, input.clone()).await,
            "CustomKeyStoreInvalidStateException",
            "{operation}"
        );
    }
    let worker = installation.serve();
    installation.settled(&id).await;
    worker.connect(&id).await;
    installation.settled(&id).await;
    let before = installation.hsms.passwords(CLUSTER);
    worker.connect(&id).await;
    assert_eq!(installation.hsms.passwords(CLUSTER), before, "a connect of a connected key store does nothing");
    let record = worker.record("ConnectCustomKeyStore");
    assert_eq!(record["additionalEventData"], json!({"customKeyStoreName": "store", "clusterId": CLUSTER}));
    assert_eq!(record["responseElements"], serde_json::Value::Null);
    assert_eq!(create_request()["CloudHsmClusterId"], CLUSTER);
}

/// Synchronous refusals leave the state as it is (CloudHSM key stores digest 1.4).
#[tokio::test]
async fn what_a_connect_refuses_at_once() {
    type Trouble = fn(&mut Cluster);
    let table: [(&str, Trouble); 3] = [
        ("CloudHsmClusterNotActiveException", |cluster| cluster.state = "INITIALIZED"),
        ("CloudHsmClusterInvalidConfigurationException", |cluster| {
            cluster.hsms.values_mut().for_each(|hsm| hsm.active = false);
        }),
        ("CloudHsmClusterInvalidConfigurationException", |cluster| {
            cluster.network_problem = Some("The security group has no rule for TCP 2223 to 2225.".to_owned());
        }),
    ];
    for (exception, trouble) in table {
        let installation = Installation::with_hsms(2).await;
        let server = installation.serve();
        let id = server.create_key_store().await;
        installation.hsms.with_cluster(CLUSTER, trouble);
        assert_eq!(server.refused("ConnectCustomKeyStore", json!({"CustomKeyStoreId": id})).await, exception);
        assert_eq!(server.describe(&id).await["ConnectionState"], "DISCONNECTED");
    }
    let installation = Installation::with_hsms(2).await;
    let server = installation.serve();
    let id = server.create_key_store().await;
    installation.hsms.with_cluster(CLUSTER, |cluster| cluster.hsms.get_mut("hsm-1-0").unwrap().active = false);
    server.connect(&id).await;
    assert_eq!(installation.settled(&id).await, ConnectionState::Connected, "one HSM is enough to connect");
    // The backend is handed what it needs to log in again.
    let loaded = server.kms.catalog().key_store(&installation.key_store(&id).await.id).await.unwrap().unwrap();
    let keystead_core::catalog::LoadedLink::CloudHsm(link) = &loaded.link else { panic!("no link to HSMs") };
    installation.hsms.generate_random(link, 8).await.unwrap();
    assert!(installation.store.connected_custom_key_stores().await.unwrap().len() == 1);
}
