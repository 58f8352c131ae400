//! Clusters of HSMs that were not made here.

use std::path::{Path, PathBuf};

use keystead_cloudhsm::Registration;
use keystead_core::port::HsmClusters;
use keystead_pkcs11::Pin;
use keystead_pkcs11::client::HsmSettings;
use keystead_pkcs11::soft_token::SoftToken;
use serde_json::json;

use crate::support::{CO_PASSWORD, KMSUSER_PASSWORD, OWNER, Rig, Server, ZONES, account, kryoptic, region, secret};

/// A token as its owner has it: made with other means than ours.
async fn foreign_token(rig: &Rig, server: &Server, name: &str) -> (SoftToken, String) {
    let module = kryoptic();
    let folder = rig.folder.path().join("vendor").join(name);
    let token = SoftToken::create(module.kind, &folder).unwrap();
    let settings = HsmSettings {
        hsm_id: format!("vendor-{name}"),
        module: module.module,
        profile: module.profile,
        environment: token.environment.clone(),
        token_label: None,
        token_serial: None,
        token_storage: Some(token.token_storage.clone()),
        state_folder: folder.join("state"),
    };
    let driver = server.workers.hsm(settings.clone());
    driver.status().await.unwrap();
    let serial = driver.initialize_token("vendor", &Pin::new(CO_PASSWORD)).await.unwrap();
    driver.initialize_user_pin(&Pin::new(CO_PASSWORD), &Pin::new(KMSUSER_PASSWORD)).await.unwrap();
    server.workers.remove(&settings.hsm_id).await;
    (token, serial)
}

async fn certificates(server: &Server, folder: &Path) {
    let id = server.create_cluster(json!({})).await;
    server.wait_state(&id, "UNINITIALIZED").await;
    server.create_hsm(&id, ZONES[0]).await;
    std::fs::write(folder.join("cluster.pem"), OWNER.sign(&server.csr(&id).await)).unwrap();
    std::fs::write(folder.join("customerCA.crt"), OWNER.trust_anchor()).unwrap();
}

/// The file, with what `change` changes.
fn description(folder: &Path, subnets: &[String], hsms: &str, change: impl Fn(String) -> String) -> PathBuf {
    let file = folder.join("cluster.toml");
    let text = format!(
        "name = \"vendor cluster\"\nsubnets = {subnets:?}\ncluster_certificate = \"cluster.pem\"\n\
         trust_anchor = \"customerCA.crt\"\nmodule = {:?}\nprofile = \"kryoptic\"\n{hsms}",
        kryoptic().module
    );
    std::fs::write(&file, change(text)).unwrap();
    file
}

fn hsm_entry(zone: &str, token: &SoftToken, serial: &str) -> String {
    format!(
        "\n[[hsm]]\navailability_zone = {zone:?}\ntoken_serial = {serial:?}\nenvironment = {{ KRYOPTIC_CONF = {:?} }}\n",
        token.environment["KRYOPTIC_CONF"]
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_cluster_looks_the_same_and_its_tokens_are_let_alone() {
    let rig = Rig::new(kryoptic());
    let server = rig.start();
    let folder = rig.folder.path();
    certificates(&server, folder).await;
    let subnets = server.subnets().await;
    let tokens = [foreign_token(&rig, &server, "a").await, foreign_token(&rig, &server, "b").await];
    let hsms: String =
        ZONES.iter().zip(&tokens).map(|(zone, (token, serial))| hsm_entry(zone, token, serial)).collect();
    let registration = Registration::load(&description(folder, &subnets, &hsms, |text| text)).unwrap();
    let id = server.cloud_hsm.register(&account(), registration.clone()).await.unwrap();

    let cluster = server.wait_hsms(&id, 2).await;
    assert_eq!(
        (&cluster["State"], &cluster["TagList"]),
        (&json!("ACTIVE"), &json!([{"Key": "Name", "Value": "vendor cluster"}]))
    );
    assert!(cluster["Hsms"][0]["EniIp"].is_string());
    let described = server.cloud_hsm.describe_cluster(&account(), &region(), &id).await.unwrap().unwrap();
    assert_eq!((described.active, described.active_zones()), (true, 2));
    assert_eq!(server.cloud_hsm.network_problem(&described).await.unwrap(), None);

    let users = &server.users;
    assert!(users.list(&id, None).await.unwrap().iter().all(|list| list.users[1].exists));
    let made = users.create(&id, None, "kmsuser", &secret(CO_PASSWORD), &secret(KMSUSER_PASSWORD)).await;
    assert!(made.unwrap_err().to_string().contains("vendor"));
    users.log_in(&id, None, "kmsuser", &secret(KMSUSER_PASSWORD)).await.unwrap();
    let (_, message) = server.refused("CreateHsm", json!({"ClusterId": id, "AvailabilityZone": ZONES[2]})).await;
    assert!(message.contains("registered"), "{message}");

    for hsm in cluster["Hsms"].as_array().unwrap() {
        server.delete_hsm(&id, hsm["HsmId"].as_str().unwrap()).await;
    }
    assert!(server.backups(&id).await.is_empty());
    server.ok("DeleteCluster", json!({"ClusterId": id})).await;
    server.wait_state(&id, "DELETED").await;
    assert!(tokens.iter().all(|(token, _)| token.token_storage.exists()), "a foreign token is never destroyed");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_description() {
    let rig = Rig::new(kryoptic());
    let server = rig.start();
    let folder = rig.folder.path();
    certificates(&server, folder).await;
    std::fs::write(folder.join("stranger.crt"), crate::support::Owner::new().trust_anchor()).unwrap();
    let subnets = server.subnets().await;
    let entry = "\n[[hsm]]\navailability_zone = \"us-east-1a\"\ntoken_label = \"a\"\n";
    let module = format!("{:?}", kryoptic().module);
    // What is replaced, by what, and a word of what is then said.
    let rows = [
        ("subnets", "subnet", "unknown field"),
        ("cluster.pem", "missing.pem", "missing.pem"),
        ("customerCA.crt", "stranger.crt", "not signed with the key of the trust anchor"),
        ("customerCA.crt", "cluster.pem", "not a root"),
        (module.as_str(), "\"/nowhere/module.so\"", "/nowhere/module.so"),
        (module.as_str(), "\"/tmp\"", "not a file"),
        ("\"kryoptic\"", "\"cryptic\"", "cryptic"),
        (subnets[0].as_str(), "subnet-00000000", "subnet-00000000"),
        ("us-east-1a", "us-east-1f", "us-east-1f"),
        (entry, "hsm = []", "at least one"),
        (entry, &entry.repeat(2), "same token"),
        ("name =", "cluster_id = \"cluster-1\"\nname =", "cluster-1"),
    ];
    for (old, new, word) in rows {
        let file = description(folder, &subnets, entry, |text| {
            assert!(text.contains(old), "{old}");
            text.replace(old, new)
        });
        let problem = match Registration::load(&file) {
            Ok(registration) => server.cloud_hsm.register(&account(), registration).await.unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        assert!(problem.contains(word), "{old} -> {new}: {problem:?} lacks {word:?}");
    }
    assert_eq!(server.ok("DescribeClusters", json!({})).await["Clusters"].as_array().unwrap().len(), 1);
    server.stop().await;
}
