//! Crypto officer and auditor: digest 5.4 and 2.3.

use keystead_cloudhsm::{HsmOutcome, HsmUserRole, HsmUsersError};
use keystead_pkcs11::client::Hsm;
use keystead_pkcs11::{KeyId, LoginHolder, Pin};
use std::sync::Arc;

use keystead_hsm::HsmDirectory;
use serde_json::json;

use crate::support::{CO_PASSWORD, KMSUSER_PASSWORD, Rig, Server, ZONES, account, kryoptic, modules, region, secret};

fn all_done(outcomes: &[HsmOutcome]) -> bool {
    outcomes.iter().all(|outcome| outcome.problem.is_none())
}

/// The ways to the HSMs, as KMS has them.
async fn drivers(server: &Server, id: &str) -> Vec<Arc<Hsm>> {
    let entry = server.cloud_hsm.cluster(&account(), &region(), id).await.unwrap().unwrap();
    let drivers: Vec<_> = entry.members.into_iter().map(|member| server.workers.hsm(member.settings)).collect();
    for driver in &drivers {
        driver.status().await.unwrap();
    }
    drivers
}

async fn two_hsms(rig: &Rig) -> (Server, String) {
    let server = rig.start();
    let id = server.active_cluster().await;
    server.create_hsm(&id, ZONES[1]).await;
    server.wait_hsms(&id, 2).await;
    (server, id)
}

fn refusal<T: std::fmt::Debug>(result: Result<T, HsmUsersError>) -> String {
    result.unwrap_err().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn before_activation_there_is_a_preco_and_nothing_else_can_be_done() {
    let rig = Rig::new(kryoptic());
    let server = rig.start();
    let id = server.create_cluster(json!({})).await;
    server.wait_state(&id, "UNINITIALIZED").await;
    let (users, co, new) = (&server.users, secret(CO_PASSWORD), secret(KMSUSER_PASSWORD));
    assert!(refusal(users.list(&id, None).await).contains("CreateHsm"));
    server.create_hsm(&id, ZONES[0]).await;
    server.wait_hsms(&id, 1).await;
    assert!(refusal(users.change_password(&id, None, "admin", &co, &new).await).contains("UNINITIALIZED"));
    server.initialize(&id).await;
    let list = users.list(&id, None).await.unwrap().remove(0);
    assert_eq!(list.users[0].role, HsmUserRole::Preco);
    assert!(!list.users[1].exists);
    assert!(refusal(users.create(&id, None, "kmsuser", &co, &new).await).contains("Activate it first"));
    assert!(refusal(users.change_password(&id, None, "admin", &co, &new).await).contains("PreCoPassword"));
    server.activate(&id).await;
    assert_eq!(users.list(&id, None).await.unwrap()[0].users[0].role, HsmUserRole::Co);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_that_are_refused_before_any_hsm_is_asked() {
    let rig = Rig::new(kryoptic());
    let server = rig.start();
    let id = server.active_cluster().await;
    let (users, co, good) = (&server.users, secret(CO_PASSWORD), secret("another1Password"));
    for bad in ["short1", "has-a-hyphen", "has a space", &"a".repeat(33)] {
        assert!(
            refusal(users.change_password(&id, None, "kmsuser", &co, &secret(bad)).await).contains("new password"),
            "{bad}"
        );
        assert!(refusal(users.create(&id, None, "kmsuser", &co, &secret(bad)).await).contains("new password"), "{bad}");
        assert!(
            refusal(users.log_in(&id, None, "kmsuser", &secret(bad)).await).contains("cannot be the user's"),
            "{bad}"
        );
    }
    assert!(refusal(users.create(&id, None, "alice", &co, &good).await).contains("one crypto user"));
    assert!(refusal(users.create(&id, None, "admin", &co, &good).await).contains("neither"));
    assert!(refusal(users.log_in(&id, None, "admin", &co).await).contains("kmsuser"));
    assert!(refusal(users.list("cluster-aaaaaaaaaaa", None).await).contains("cluster-aaaaaaaaaaa"));
    assert!(
        refusal(users.create(&id, Some("hsm-aaaaaaaaaaa"), "kmsuser", &co, &good).await).contains("hsm-aaaaaaaaaaa")
    );
    assert!(refusal(users.delete_key(&id, "xyz", None).await).contains("hexadecimal"));
    assert!(refusal(users.create(&id, None, "kmsuser", &co, &good).await).contains("already"));
    assert_eq!(users.list(&id, None).await.unwrap()[0].users[1].strikes, 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_strikes_lock_and_the_officer_unlocks() {
    for module in modules() {
        let rig = Rig::new(module);
        let (server, id) = two_hsms(&rig).await;
        let users = &server.users;
        for _ in 0..5 {
            assert!(
                refusal(users.log_in(&id, None, "kmsuser", &secret("wrong1Password")).await)
                    .contains("password is wrong")
            );
        }
        assert!(refusal(users.log_in(&id, None, "kmsuser", &secret(KMSUSER_PASSWORD)).await).contains("locked"));
        for list in users.list(&id, None).await.unwrap() {
            assert!(list.users[1].locked && list.users[1].strikes == 5, "{list:?}");
        }
        let (co, new) = (secret(CO_PASSWORD), secret("another1Password"));
        assert!(all_done(&users.change_password(&id, None, "kmsuser", &co, &new).await.unwrap()));
        assert!(all_done(&users.log_in(&id, None, "kmsuser", &new).await.unwrap()));
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_strikes_lock_the_officer_too_and_the_remedy_is_told() {
    let rig = Rig::new(kryoptic());
    let server = rig.start();
    let id = server.active_cluster().await;
    let (co, wrong, new) = (secret(CO_PASSWORD), secret("wrong1Password"), secret("another1Password"));
    for _ in 0..5 {
        let refused = server.users.change_password(&id, None, "kmsuser", &wrong, &new).await;
        assert!(refusal(refused).contains("password is wrong"));
    }
    let told = refusal(server.users.change_password(&id, None, "kmsuser", &co, &new).await);
    assert!(told.contains("locked admin") && told.contains("state/strikes.json"), "{told}");
    let hsm = server.cluster(&id).await["Hsms"][0]["HsmId"].as_str().unwrap().to_owned();
    server.stop().await;
    std::fs::remove_file(rig.folder.path().join("hsm").join(&id).join(hsm).join("state/strikes.json")).unwrap();
    let server = rig.start();
    assert!(all_done(&server.users.change_password(&id, None, "kmsuser", &co, &new).await.unwrap()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_on_one_hsm_alone() {
    let rig = Rig::new(kryoptic());
    let (server, id) = two_hsms(&rig).await;
    let first = server.cluster(&id).await["Hsms"][0]["HsmId"].as_str().unwrap().to_owned();
    let (co, new) = (secret(CO_PASSWORD), secret("another1Password"));
    let changed = server.users.change_password(&id, Some(&first), "kmsuser", &co, &new).await.unwrap();
    assert_eq!(changed, [HsmOutcome { hsm_id: first.clone(), problem: None }]);
    let outcomes = server.users.log_in(&id, None, "kmsuser", &new).await.unwrap();
    let problem = |outcome: &HsmOutcome| outcome.problem.is_some();
    assert!(outcomes.iter().all(|outcome| problem(outcome) == (outcome.hsm_id != first)), "{outcomes:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_kms_is_logged_in_nobody_else_is() {
    let rig = Rig::new(kryoptic());
    let server = rig.start();
    let id = server.active_cluster().await;
    let driver = drivers(&server, &id).await.remove(0);
    driver.log_in(&Pin::new(KMSUSER_PASSWORD), LoginHolder::Kms).await.unwrap();
    let (users, co, good) = (&server.users, secret(CO_PASSWORD), secret("another1Password"));
    let logged_in = "KMS is logged in";
    assert!(refusal(users.log_in(&id, None, "kmsuser", &secret(KMSUSER_PASSWORD)).await).contains(logged_in));
    assert!(refusal(users.change_password(&id, None, "kmsuser", &co, &good).await).contains(logged_in));
    assert!(refusal(users.delete(&id, None, "kmsuser", &co).await).contains(logged_in));
    assert!(refusal(users.delete_key(&id, "00", None).await).contains(logged_in));
    assert!(users.keys(&id, None).await.unwrap()[0].problem.as_ref().unwrap().contains(logged_in));
    assert_eq!(users.list(&id, None).await.unwrap()[0].users[1].logged_in, Some(LoginHolder::Kms));
    users.log_out(&id, None).await.unwrap();
    assert_eq!(driver.status().await.unwrap().login, Some(LoginHolder::Kms), "a logout is the auditor's alone");
    server.stop().await;
}

/// As right after a restart of the HSM, when KMS has yet to log in again.
#[tokio::test(flavor = "multi_thread")]
async fn while_a_key_store_is_connected_nobody_takes_the_place_of_kms() {
    let rig = Rig::new(kryoptic());
    let (server, id) = two_hsms(&rig).await;
    let password = secret(KMSUSER_PASSWORD);
    rig.connected.set(&[&id]);
    let refused = [
        server.users.log_in(&id, None, "kmsuser", &password).await.unwrap_err().to_string(),
        server
            .users
            .change_password(&id, None, "kmsuser", &secret(CO_PASSWORD), &password)
            .await
            .unwrap_err()
            .to_string(),
        server.users.delete(&id, None, "kmsuser", &secret(CO_PASSWORD)).await.unwrap_err().to_string(),
    ];
    for text in refused {
        assert!(text.contains("KMS is logged in as kmsuser"), "{text}");
    }
    rig.connected.set(&[]);
    server.users.log_in(&id, None, "kmsuser", &password).await.unwrap();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_looks_at_keys_and_deletes_orphans() {
    for module in modules() {
        let rig = Rig::new(module);
        let server = rig.start();
        let id = server.active_cluster().await;
        let driver = drivers(&server, &id).await.remove(0);
        driver.log_in(&Pin::new(KMSUSER_PASSWORD), LoginHolder::Kms).await.unwrap();
        let made = driver.generate_key(&KeyId(vec![0xab; 16]), "arn:of:a:key", false).await.unwrap();
        driver.log_out(LoginHolder::Kms).await.unwrap();
        let users = &server.users;
        assert!(users.keys(&id, None).await.unwrap()[0].problem.as_ref().unwrap().contains("Log in first"));
        users.log_in(&id, None, "kmsuser", &secret(KMSUSER_PASSWORD)).await.unwrap();
        let list = users.keys(&id, None).await.unwrap().remove(0);
        let key = list.keys.iter().find(|key| key.label == "arn:of:a:key").unwrap();
        assert_eq!((key.id.as_str(), key.check_value.len()), ("ab".repeat(16).as_str(), 6));
        assert_eq!(key.attributes, made.attributes);
        assert!(all_done(&users.delete_key(&id, &"AB".repeat(16), None).await.unwrap()));
        assert!(refusal(users.delete_key(&id, &"ab".repeat(16), None).await).contains("no key"));
        assert!(users.keys(&id, None).await.unwrap()[0].keys.iter().all(|key| key.label != "arn:of:a:key"));
        assert!(all_done(&users.log_out(&id, None).await.unwrap()));
        assert_eq!(users.list(&id, None).await.unwrap()[0].users[1].logged_in, None);
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_the_user_destroys_the_keys_and_leaves_a_token_that_is_found() {
    for module in modules() {
        let rig = Rig::new(module);
        let server = rig.start();
        let id = server.active_cluster().await;
        let (users, co) = (&server.users, secret(CO_PASSWORD));
        assert!(refusal(users.delete(&id, None, "kmsuser", &secret("wrong1Password")).await).contains("wrong"));
        assert!(all_done(&users.delete(&id, None, "kmsuser", &co).await.unwrap()));
        assert!(!users.list(&id, None).await.unwrap()[0].users[1].exists);
        assert!(refusal(users.delete(&id, None, "kmsuser", &co).await).contains("no user"));
        server.stop().await;
        let server = rig.start();
        let made = server.users.create(&id, None, "kmsuser", &co, &secret(KMSUSER_PASSWORD)).await;
        assert!(all_done(&made.unwrap()), "after a restart the token is found again");
        server.stop().await;
    }
}
