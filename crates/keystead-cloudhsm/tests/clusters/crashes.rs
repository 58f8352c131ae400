//! A server that dies at a write, each one in its turn, and the next one that finishes what it began.

use serde_json::{Value, json};

use crate::support::{CO_PASSWORD, Death, KMSUSER_PASSWORD, Rig, Server, ZONES, kryoptic, modules, secret};

/// Lives through `story` with a death at each write, until a life is long enough; then `check` looks at what became of it. A story is told
/// again from the start in each life, so each part of it asks first whether it is done. Each time it begins on a copy of `beginning`.
async fn at_each_write(
    beginning: &Rig,
    deaths: &[fn(u32) -> Death],
    story: impl AsyncFn(&Server),
    check: impl AsyncFn(&Rig, &Server),
) {
    let mut died = 0;
    for death in deaths {
        for write in 0.. {
            let rig = beginning.copy();
            let server = rig.start_mortal(death(write), |_| {});
            let survived = tokio::select! {
                () = story(&server) => true,
                () = server.store.died() => false,
            };
            server.stop().await;
            let server = rig.start();
            story(&server).await;
            check(&rig, &server).await;
            server.stop().await;
            if survived {
                break;
            }
            died += 1;
        }
    }
    assert!(died >= 10 * deaths.len(), "{died} deaths: the story is too short");
}

/// The one cluster, made if there is none.
async fn the_cluster(server: &Server) -> String {
    let there = server.ok("DescribeClusters", json!({})).await;
    match there["Clusters"].as_array().unwrap().iter().find(|cluster| cluster["State"] != "DELETED") {
        Some(cluster) => cluster["ClusterId"].as_str().unwrap().to_owned(),
        None => server.create_cluster(json!({})).await,
    }
}

async fn activated(server: &Server) -> String {
    let id = the_cluster(server).await;
    let state = |cluster: &Value| cluster["State"].as_str().unwrap().to_owned();
    if state(&server.cluster(&id).await) == "CREATE_IN_PROGRESS" {
        server.wait_state(&id, "UNINITIALIZED").await;
    }
    if server.cluster(&id).await["Hsms"].as_array().unwrap().is_empty() {
        server.create_hsm(&id, ZONES[0]).await;
    }
    let cluster = server.wait_hsms(&id, 1).await;
    if state(&cluster) == "UNINITIALIZED" {
        server.initialize(&id).await;
    }
    if state(&server.cluster(&id).await) == "INITIALIZE_IN_PROGRESS" {
        server.wait_state(&id, "INITIALIZED").await;
    }
    if state(&server.cluster(&id).await) == "INITIALIZED" {
        server.activate(&id).await;
    }
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_way_to_an_active_cluster() {
    let story = async |server: &Server| {
        activated(server).await;
    };
    let check = async |_: &Rig, server: &Server| {
        let id = the_cluster(server).await;
        assert_eq!(server.cluster(&id).await["State"], "ACTIVE");
        assert_eq!(server.interfaces().await, 1, "no interface is left over");
        let created = server.users.create(&id, None, "kmsuser", &secret(CO_PASSWORD), &secret(KMSUSER_PASSWORD)).await;
        assert_eq!(created.unwrap()[0].problem, None, "the officer has the new password");
    };
    at_each_write(&Rig::new(kryoptic()), &[Death::Before, Death::After], story, check).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_hsms_come_and_go_on_each_module() {
    for module in modules() {
        let beginning = Rig::new(module);
        let server = beginning.start();
        server.active_cluster().await;
        server.stop().await;
        // A second HSM comes from a backup, then the first one goes.
        let story = async |server: &Server| {
            let id = the_cluster(server).await;
            if hsm_in(server, &id, ZONES[1]).await.is_none() {
                server.create_hsm(&id, ZONES[1]).await;
            }
            shrunk(server, &id).await;
        };
        let check = async |rig: &Rig, server: &Server| {
            let id = the_cluster(server).await;
            let cluster = server.wait_hsms(&id, 1).await;
            let hsm = cluster["Hsms"][0]["HsmId"].as_str().unwrap().to_owned();
            assert_eq!(cluster["Hsms"][0]["AvailabilityZone"], ZONES[1]);
            assert_eq!(server.interfaces().await, 1, "no interface is left over");
            let left: Vec<_> = std::fs::read_dir(rig.folder.path().join("hsm").join(&id)).unwrap().collect();
            assert_eq!(left.len(), 1, "no token is left over");
            assert!(rig.folder.path().join("hsm").join(&id).join(hsm).is_dir());
            let logged_in = server.users.log_in(&id, None, "kmsuser", &secret(KMSUSER_PASSWORD)).await;
            assert_eq!(logged_in.unwrap()[0].problem, None);
            for backup in server.ready_backups(&id).await {
                assert!(rig.folder.path().join("hsm-backups").join(backup).is_dir());
            }
        };
        at_each_write(&beginning, &[Death::Before, Death::After], story, check).await;
    }
}

async fn hsm_in(server: &Server, id: &str, zone: &str) -> Option<String> {
    let cluster = server.cluster(id).await;
    let found = cluster["Hsms"].as_array().unwrap().iter().find(|hsm| hsm["AvailabilityZone"] == zone).cloned();
    found.map(|hsm| hsm["HsmId"].as_str().unwrap().to_owned())
}

/// The HSM in the first zone goes once the one in the second is there.
async fn shrunk(server: &Server, id: &str) {
    let second = hsm_in(server, id, ZONES[1]).await.unwrap();
    crate::support::wait_for("the second HSM is active", || async {
        let cluster = server.cluster(id).await;
        let hsms = cluster["Hsms"].as_array().unwrap();
        hsms.iter().any(|hsm| hsm["HsmId"] == second.as_str() && hsm["State"] == "ACTIVE").then_some(())
    })
    .await;
    if let Some(first) = hsm_in(server, id, ZONES[0]).await {
        // It may be on its way already, and gone by now.
        server.call("DeleteHsm", json!({"ClusterId": id, "HsmId": first})).await;
    }
    crate::support::wait_for("the first HSM is gone", || async {
        hsm_in(server, id, ZONES[0]).await.is_none().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_being_initialised_again_is_found() {
    for module in modules() {
        let beginning = Rig::new(module);
        let server = beginning.start();
        let id = server.active_cluster().await;
        server.stop().await;
        let (co, password) = (secret(CO_PASSWORD), secret(KMSUSER_PASSWORD));
        for death in [Death::Before(0), Death::After(0), Death::Before(1), Death::After(1)] {
            let rig = beginning.copy();
            let server = rig.start_mortal(death, |_| {});
            tokio::select! {
                deleted = server.users.delete(&id, None, "kmsuser", &co) => panic!("{death:?}: {deleted:?}"),
                () = server.store.died() => {}
            }
            server.stop().await;
            let server = rig.start();
            if server.users.list(&id, None).await.unwrap()[0].users[1].exists {
                server.users.delete(&id, None, "kmsuser", &co).await.unwrap();
            }
            let made = server.users.create(&id, None, "kmsuser", &co, &password).await;
            assert_eq!(made.unwrap()[0].problem, None, "{death:?}");
            server.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_reached_the_hsm_and_not_the_store_still_activates() {
    let rig = Rig::new(kryoptic());
    let server = rig.start();
    let id = server.create_cluster(json!({})).await;
    server.wait_state(&id, "UNINITIALIZED").await;
    server.create_hsm(&id, ZONES[0]).await;
    server.initialize(&id).await;
    let first = server.cluster(&id).await["PreCoPassword"].as_str().unwrap().to_owned();
    server.stop().await;
    // The next write is the one that notes the activation.
    let server = rig.start_mortal(Death::Before(0), |_| {});
    let (old, new) = (secret(&first), secret(CO_PASSWORD));
    tokio::select! {
        changed = server.users.change_password(&id, None, "admin", &old, &new) => panic!("{changed:?}"),
        () = server.store.died() => {}
    }
    server.stop().await;
    let server = rig.start();
    assert_eq!(server.cluster(&id).await["State"], "INITIALIZED");
    server.activate(&id).await;
    server.stop().await;
}
