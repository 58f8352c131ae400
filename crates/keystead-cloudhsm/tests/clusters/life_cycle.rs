//! The life of a cluster: digest 5.3.

use keystead_core::port::HsmClusters;
use keystead_hsm::HsmDirectory;
use serde_json::json;

use crate::support::{KMSUSER_PASSWORD, Rig, ZONES, account, kryoptic, modules, region, secret, wait_for};

#[tokio::test(flavor = "multi_thread")]
async fn from_creation_to_deletion_on_each_module() {
    for module in modules() {
        let rig = Rig::new(module);
        let server = rig.start();
        let id = server.create_cluster(json!({})).await;
        let cluster = server.wait_state(&id, "UNINITIALIZED").await;
        assert_eq!(cluster["Certificates"], json!({}), "the first HSM brings the CSR");
        assert!(cluster["SecurityGroup"].as_str().unwrap().starts_with("sg-"));

        let hsm = server.create_hsm(&id, ZONES[0]).await;
        let csr = server.csr(&id).await;
        server.initialize(&id).await;
        let cluster = server.cluster(&id).await;
        assert_eq!(cluster["Certificates"]["ClusterCsr"], json!(null), "{csr}");
        assert!(cluster["Certificates"]["ClusterCertificate"].is_string());
        server.activate(&id).await;
        assert_eq!(server.cluster(&id).await["PreCoPassword"], json!(null));
        assert_eq!(server.interfaces().await, 1);

        let (code, message) = server.refused("DeleteCluster", json!({"ClusterId": id})).await;
        assert_eq!(code, "CloudHsmInvalidRequestException", "{message}");
        server.delete_hsm(&id, &hsm).await;
        assert_eq!(server.interfaces().await, 0);
        assert!(!rig.folder.path().join("hsm").join(&id).join(&hsm).exists(), "the token is destroyed");
        assert_eq!(server.ready_backups(&id).await.len(), 1);

        server.ok("DeleteCluster", json!({"ClusterId": id})).await;
        server.wait_state(&id, "DELETED").await;
        let (code, _) = server.refused("CreateHsm", json!({"ClusterId": id, "AvailabilityZone": ZONES[0]})).await;
        assert_eq!(code, "CloudHsmResourceNotFoundException");
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_hsm_has_the_keys_and_users_of_the_first() {
    for module in modules() {
        let rig = Rig::new(module);
        let server = rig.start();
        let id = server.active_cluster().await;
        server.create_hsm(&id, ZONES[1]).await;
        server.wait_hsms(&id, 2).await;
        for list in server.users.list(&id, None).await.unwrap() {
            assert!(list.problem.is_none() && list.users.iter().all(|user| user.exists), "{list:?}");
        }
        server.users.log_in(&id, None, "kmsuser", &secret(KMSUSER_PASSWORD)).await.unwrap();
        assert_eq!(server.ready_backups(&id).await.len(), 1, "it was made from a backup");
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kms_sees_the_cluster_and_the_directory_its_tokens() {
    let rig = Rig::new(kryoptic());
    let server = rig.start();
    let id = server.create_cluster(json!({})).await;
    server.wait_state(&id, "UNINITIALIZED").await;
    let described = || async { server.cloud_hsm.describe_cluster(&account(), &region(), &id).await.unwrap() };
    assert!(described().await.is_some_and(|cluster| !cluster.active && cluster.hsms.is_empty()));
    server.create_hsm(&id, ZONES[0]).await;
    server.initialize(&id).await;
    server.activate(&id).await;
    let cluster = described().await.unwrap();
    assert!(cluster.active && cluster.cluster_certificate.is_some() && cluster.trust_anchor.is_some());
    assert_eq!((cluster.active_zones(), cluster.state.as_str()), (1, "ACTIVE"));
    assert_eq!(server.cloud_hsm.network_problem(&cluster).await.unwrap(), None);
    let entry = server.cloud_hsm.cluster(&account(), &region(), &id).await;
    let entry = entry.unwrap().unwrap();
    assert_eq!(entry.cluster_certificate, cluster.cluster_certificate);
    assert!(entry.members.len() == 1 && entry.members[0].active && entry.members[0].settings.token_serial.is_some());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hsm_that_is_lost_is_degraded_until_it_is_back() {
    let rig = Rig::new(kryoptic());
    let server = rig.start();
    let id = server.active_cluster().await;
    let hsm = server.cluster(&id).await["Hsms"][0]["HsmId"].as_str().unwrap().to_owned();
    let token = rig.folder.path().join("hsm").join(&id).join(&hsm).join("token");
    let away = rig.folder.path().join("away");
    std::fs::rename(&token, &away).unwrap();
    let in_state = |state: &'static str| {
        let (server, id) = (&server, &id);
        async move {
            wait_for(state, || async { (server.cluster(id).await["Hsms"][0]["State"] == state).then_some(()) }).await;
        }
    };
    in_state("DEGRADED").await;
    let cluster = server.cloud_hsm.describe_cluster(&account(), &region(), &id).await.unwrap().unwrap();
    assert_eq!((cluster.active, cluster.active_zones()), (true, 0));
    std::fs::rename(&away, &token).unwrap();
    in_state("ACTIVE").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hsm_can_be_deleted_and_made_again_before_activation() {
    let rig = Rig::new(kryoptic());
    let server = rig.start();
    let id = server.create_cluster(json!({})).await;
    server.wait_state(&id, "UNINITIALIZED").await;
    let first = server.create_hsm(&id, ZONES[0]).await;
    let csr = server.csr(&id).await;
    let (code, message) = server.refused("CreateHsm", json!({"ClusterId": id, "AvailabilityZone": ZONES[1]})).await;
    let expected = format!("Cluster '{id}' already contains an HSM but has not yet been fully activated");
    assert_eq!((code.as_str(), message), ("CloudHsmInvalidRequestException", expected));
    server.delete_hsm(&id, &first).await;
    assert_eq!(server.cluster(&id).await["Certificates"], json!({}), "the CSR was that HSM's");
    server.create_hsm(&id, ZONES[1]).await;
    assert_ne!(server.csr(&id).await, csr);
    server.initialize(&id).await;
    let second = server.cluster(&id).await["Hsms"][0]["HsmId"].as_str().unwrap().to_owned();
    server.delete_hsm(&id, &second).await;
    server.create_hsm(&id, ZONES[0]).await;
    server.wait_hsms(&id, 1).await;
    server.activate(&id).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_and_certificates_are_in_no_record_and_not_in_clear_in_the_store() {
    let rig = Rig::new(kryoptic());
    let server = rig.start();
    let id = server.create_cluster(json!({})).await;
    server.wait_state(&id, "UNINITIALIZED").await;
    let first = server.cluster(&id).await["PreCoPassword"].as_str().unwrap().to_owned();
    server.create_hsm(&id, ZONES[0]).await;
    server.initialize(&id).await;
    let record = rig.newest_record();
    assert_eq!(record["eventSource"], "cloudhsm.amazonaws.com");
    let records = rig.text_of_records();
    assert!(records.contains("\"eventName\":\"InitializeCluster\"") && records.contains(&id));
    assert!(!records.contains(&first) && !records.contains("BEGIN"), "{records}");
    let stored = server.store.text().await;
    assert!(stored.contains(&id) && !stored.contains(&first) && !stored.contains("PRIVATE KEY"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_data_folder_may_be_moved() {
    for module in modules() {
        let rig = Rig::new(module);
        let server = rig.start();
        let id = server.active_cluster().await;
        server.stop().await;
        let moved = rig.copy();
        drop(rig);
        let server = moved.start();
        server.users.log_in(&id, None, "kmsuser", &secret(KMSUSER_PASSWORD)).await.unwrap();
        server.create_hsm(&id, ZONES[1]).await;
        server.wait_hsms(&id, 2).await;
        server.stop().await;
    }
}
