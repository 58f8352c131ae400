//! Backups: when they are taken, what can be made from them, and when they go.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::support::{CO_PASSWORD, Rig, Server, ZONES, kryoptic, modules, secret, softhsm2, wait_for};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_from_a_backup_has_certificate_users_and_passwords() {
    for module in modules() {
        let rig = Rig::new(module);
        let server = rig.start();
        let id = server.active_cluster().await;
        let certificate = server.cluster(&id).await["Certificates"]["ClusterCertificate"].clone();
        let hsm = server.cluster(&id).await["Hsms"][0]["HsmId"].as_str().unwrap().to_owned();
        server.delete_hsm(&id, &hsm).await;
        let backup = server.ready_backups(&id).await.remove(0);
        let folder = rig.folder.path().join("hsm-backups").join(&backup);
        assert!(folder.is_dir());

        let restored = server.create_cluster(json!({"SourceBackupId": backup})).await;
        let cluster = server.wait_state(&restored, "ACTIVE").await;
        assert_eq!(cluster["Certificates"]["ClusterCertificate"], certificate);
        assert_eq!((&cluster["SourceBackupId"], &cluster["PreCoPassword"]), (&json!(backup), &json!(null)));
        server.create_hsm(&restored, ZONES[2]).await;
        server.wait_hsms(&restored, 1).await;
        let list = server.users.list(&restored, None).await.unwrap().remove(0);
        assert!(list.users.iter().all(|user| user.exists), "{list:?}");
        let (old, new) = (secret(CO_PASSWORD), secret("another1Password"));
        let changed = server.users.change_password(&restored, None, "admin", &old, &new).await;
        assert_eq!(changed.unwrap()[0].problem, None, "the officer's password is the old one's");

        // The cluster itself goes on from its own backup.
        server.create_hsm(&id, ZONES[1]).await;
        server.wait_hsms(&id, 1).await;
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_goes_seven_days_after_its_deletion() {
    let rig = Rig::new(kryoptic());
    let server = rig.start();
    let id = server.active_cluster().await;
    let hsm = server.cluster(&id).await["Hsms"][0]["HsmId"].as_str().unwrap().to_owned();
    server.delete_hsm(&id, &hsm).await;
    let backup = server.ready_backups(&id).await.remove(0);
    let deleted = server.ok("DeleteBackup", json!({"BackupId": backup})).await;
    assert_eq!(deleted["Backup"]["BackupState"], "PENDING_DELETION");
    server.ok("RestoreBackup", json!({"BackupId": backup})).await;
    rig.clock.forward(DAY * 8);
    assert_eq!(server.ready_backups(&id).await, std::slice::from_ref(&backup), "what was restored stays");
    server.ok("DeleteBackup", json!({"BackupId": backup})).await;
    rig.clock.forward(DAY * 7);
    wait_for("the backup is deleted", || async {
        server.backups(&id).await.iter().all(|backup| backup["BackupState"] == "DELETED").then_some(())
    })
    .await;
    let folder = rig.folder.path().join("hsm-backups").join(&backup);
    wait_for("its copy is gone", || async { (!folder.exists()).then_some(()) }).await;
    let (code, _) = server.refused("RestoreBackup", json!({"BackupId": backup})).await;
    assert_eq!(code, "CloudHsmResourceNotFoundException");
    rig.clock.forward(Duration::from_secs(3601));
    wait_for("it is shown no more", || async { server.backups(&id).await.is_empty().then_some(()) }).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn daily_backups_expire_but_for_the_last_and_the_spared() {
    let rig = Rig::new(kryoptic());
    let server = rig.start();
    let id = server.active_cluster().await;
    let mut taken = Vec::new();
    for _ in 0..3 {
        rig.clock.forward(DAY);
        let count = taken.len() + 1;
        taken = wait_for("another daily backup", || async {
            let ready = server.ready_backups(&id).await;
            (ready.len() == count).then_some(ready)
        })
        .await;
    }
    let oldest = taken.last().unwrap().clone();
    server.ok("ModifyBackupAttributes", json!({"BackupId": oldest, "NeverExpires": true})).await;
    let policy = json!({"Type": "DAYS", "Value": "7"});
    server.ok("ModifyCluster", json!({"ClusterId": id, "BackupRetentionPolicy": policy})).await;
    let hsm = server.cluster(&id).await["Hsms"][0]["HsmId"].as_str().unwrap().to_owned();
    server.delete_hsm(&id, &hsm).await;
    let newest = server.ready_backups(&id).await.remove(0);
    rig.clock.forward(DAY * 30);
    let left = wait_for("the others expire", || async {
        let ready = server.ready_backups(&id).await;
        (ready.len() <= 2).then_some(ready)
    })
    .await;
    assert_eq!(left, [newest, oldest]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hsm_that_is_lost_for_good_can_be_deleted() {
    let rig = Rig::new(kryoptic());
    let server = rig.start();
    let id = server.active_cluster().await;
    server.create_hsm(&id, ZONES[1]).await;
    let cluster = server.wait_hsms(&id, 2).await;
    let lost = cluster["Hsms"][0]["HsmId"].as_str().unwrap().to_owned();
    std::fs::remove_dir_all(rig.folder.path().join("hsm").join(&id).join(&lost).join("token")).unwrap();
    server.delete_hsm(&id, &lost).await;
    assert_eq!(server.ready_backups(&id).await.len(), 1, "no backup could be taken of it");
    server.create_hsm(&id, ZONES[0]).await;
    server.wait_hsms(&id, 2).await;
    server.stop().await;
}

/// A token that was moved away in a life of the server in which no HSM is given up, while it is deleted. Gives its place and where it is.
async fn deleted_while_away(rig: &Rig, server: &Server, id: &str) -> (PathBuf, PathBuf) {
    let hsm = server.cluster(id).await["Hsms"][0]["HsmId"].as_str().unwrap().to_owned();
    let token = rig.folder.path().join("hsm").join(id).join(&hsm).join("token");
    let away = rig.folder.path().join("away");
    std::fs::rename(&token, &away).unwrap();
    server.ok("DeleteHsm", json!({"ClusterId": id, "HsmId": hsm})).await;
    (token, away)
}

/// Waits until the backup that is being taken is tried once more.
async fn another_attempt(rig: &Rig, server: &Server, id: &str) {
    let backup = wait_for("the backup is begun", || async {
        server.backups(id).await.iter().find_map(|backup| Some(backup["BackupId"].as_str()?.to_owned()))
    })
    .await;
    let folder = rig.folder.path().join("hsm-backups").join(backup);
    let made = || async { std::fs::metadata(&folder).and_then(|folder| folder.modified()).ok() };
    let first = wait_for("the first attempt", made).await;
    wait_for("another attempt", || async { made().await.filter(|made| *made != first) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hsm_that_is_away_for_a_while_is_not_deleted_without_a_backup() {
    for module in modules() {
        let rig = Rig::new(module);
        let server = rig.start_with(|settings| settings.degraded_after = DAY);
        let id = server.active_cluster().await;
        let (token, away) = deleted_while_away(&rig, &server, &id).await;
        another_attempt(&rig, &server, &id).await;
        assert_eq!(server.cluster(&id).await["Hsms"][0]["State"], "DELETE_IN_PROGRESS");
        std::fs::rename(&away, &token).unwrap();
        wait_for("the HSM is deleted", || async {
            server.cluster(&id).await["Hsms"].as_array().unwrap().is_empty().then_some(())
        })
        .await;
        assert_eq!(server.ready_backups(&id).await.len(), 1);
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hsm_that_cannot_be_copied_now_is_not_deleted_without_a_backup() {
    let rig = Rig::new(softhsm2());
    let server = rig.start();
    let id = server.active_cluster().await;
    let hsm = server.cluster(&id).await["Hsms"][0]["HsmId"].as_str().unwrap().to_owned();
    let tokens = rig.folder.path().join("hsm").join(&id).join(&hsm).join("token").join("tokens");
    // A copy fails at what leads nowhere, whoever makes it.
    let obstacle = tokens.join("obstacle");
    std::os::unix::fs::symlink("nowhere", &obstacle).unwrap();
    server.ok("DeleteHsm", json!({"ClusterId": id, "HsmId": hsm})).await;
    another_attempt(&rig, &server, &id).await;
    assert!(tokens.is_dir());
    std::fs::remove_file(&obstacle).unwrap();
    wait_for("the HSM is deleted", || async { (!tokens.exists()).then_some(()) }).await;
    assert_eq!(server.ready_backups(&id).await.len(), 1);
    server.stop().await;
}
