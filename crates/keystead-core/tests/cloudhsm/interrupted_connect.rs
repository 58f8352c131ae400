//! A connect that is cut at any of its calls: no password is lost, and done again it ends CONNECTED.

use keystead_core::key_store::{ConnectionState, HsmFailure};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::server::{CLUSTER, LEASE, PASSWORD};
use crate::support::simulated_hsms::{Cluster, hsm};
use crate::support::{Cut, CutKind, Installation, Server};

/// More calls than a connect over two HSMs makes.
const CALLS_MAX: usize = 30;

/// An installation before the connect that is to be cut: the key store's first, or one after a rotation that left an HSM behind.
#[derive(Clone, Copy, Debug)]
enum Before {
    New,
    OneHsmBehind,
}

async fn prepare(before: Before) -> (Installation, String) {
    let installation = Installation::with_hsms(3).await;
    let server = installation.serve();
    let id = server.create_key_store().await;
    if let Before::OneHsmBehind = before {
        reachable(&installation, "hsm-1-2", false);
        server.connect(&id).await;
        installation.settled(&id).await;
        server.disconnect(&id).await;
        installation.settled(&id).await;
        reachable(&installation, "hsm-1-2", true);
    }
    server.kill().await;
    (installation, id)
}

fn reachable(installation: &Installation, hsm: &str, reachable: bool) {
    installation.hsms.with_cluster(CLUSTER, |cluster| cluster.hsms.get_mut(hsm).unwrap().reachable = reachable);
}

/// How many calls a connect makes when nothing cuts it.
async fn calls_of_a_connect(before: Before) -> usize {
    let (installation, id) = prepare(before).await;
    installation.hsms.cut(None);
    let server = installation.serve();
    server.connect(&id).await;
    assert_eq!(installation.settled(&id).await, ConnectionState::Connected);
    let calls = installation.hsms.world().calls.len();
    assert!((8..CALLS_MAX).contains(&calls), "{calls}");
    calls
}

/// All HSMs have one password, the only one that KMS knows, and nobody was locked out on the way.
async fn is_sound(installation: &Installation, id: &str, when: &str) {
    is_sound_after(installation, id, when, 2).await;
}

/// The same where HSMs may have heard so many wrong passwords; five in a row lock kmsuser.
async fn is_sound_after(installation: &Installation, id: &str, when: &str, wrong_passwords_max: u32) {
    installation.no_password_is_lost(id, when).await;
    let passwords = installation.hsms.passwords(CLUSTER);
    assert!(passwords.iter().all(|password| password == &passwords[0]), "{when}: {} HSMs", passwords.len());
    let known = installation.passwords(id).await;
    assert_eq!(known.current.expose(), passwords[0], "{when}");
    assert!(known.pending.is_none() && known.behind.is_empty(), "{when}");
    installation.hsms.with_cluster(CLUSTER, |cluster| {
        for hsm in cluster.hsms.values() {
            assert!(hsm.wrong_passwords <= wrong_passwords_max, "{when}: {} wrong passwords", hsm.wrong_passwords);
        }
    });
}

/// Runs every case at the same time, each with an installation of its own.
async fn for_every_call<F>(before: Before, case: fn(Before, usize) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    // The first call is the operation's own, before it has changed anything.
    let calls = calls_of_a_connect(before).await;
    let mut cases = JoinSet::new();
    for call in 2..=calls {
        cases.spawn(case(before, call));
    }
    while let Some(done) = cases.join_next().await {
        done.unwrap();
    }
}

/// Connects with a cut at a call; the server dies there, and another one takes over.
async fn crash_and_resume(before: Before, call: usize, kind: CutKind) {
    let when = format!("{before:?}, {kind:?} at call {call}");
    let (installation, id) = prepare(before).await;
    installation.hsms.cut(Some(Cut { call, kind }));
    let server = installation.serve();
    server.connect(&id).await;
    installation.hsms.hangs().await;
    installation.no_password_is_lost(&id, &when).await;
    server.kill().await;
    installation.hsms.cut(None);
    // A restarted server is logged in nowhere.
    installation.hsms.with_cluster(CLUSTER, |cluster| {
        cluster.hsms.values_mut().for_each(|hsm| hsm.kms_logged_in = false);
    });
    installation.advance(LEASE);
    let _server = installation.serve();
    assert_eq!(installation.settled(&id).await, ConnectionState::Connected, "{when}");
    is_sound(&installation, &id, &when).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_before_any_call() {
    for before in [Before::New, Before::OneHsmBehind] {
        for_every_call(before, |before, call| crash_and_resume(before, call, CutKind::HangBefore)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_after_any_call() {
    for before in [Before::New, Before::OneHsmBehind] {
        for_every_call(before, |before, call| crash_and_resume(before, call, CutKind::HangAfter)).await;
    }
}

/// Two crashes one after the other, with an HSM that is away in between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_after_any_call_and_an_hsm_that_is_away_afterwards() {
    for_every_call(Before::New, |before, call| async move {
        let when = format!("call {call}");
        let (installation, id) = prepare(before).await;
        installation.hsms.cut(Some(Cut { call, kind: CutKind::HangAfter }));
        let server = installation.serve();
        server.connect(&id).await;
        installation.hsms.hangs().await;
        server.kill().await;
        installation.hsms.cut(None);
        reachable(&installation, "hsm-1-0", false);
        installation.advance(LEASE);
        let server = installation.serve();
        assert_eq!(installation.settled(&id).await, ConnectionState::Connected, "{when}");
        installation.no_password_is_lost(&id, &when).await;
        server.disconnect(&id).await;
        installation.settled(&id).await;
        reachable(&installation, "hsm-1-0", true);
        connect_cut_everywhere(&installation, server, &id, &when).await;
    })
    .await;
}

/// Connects, and dies at each call once before it gets further.
async fn connect_cut_everywhere(installation: &Installation, server: Server, id: &str, when: &str) {
    server.connect(id).await;
    server.kill().await;
    installation.advance(LEASE);
    for call in 1..CALLS_MAX {
        installation.hsms.cut(Some(Cut { call, kind: CutKind::HangAfter }));
        let server = installation.serve();
        let ended = tokio::select! {
            () = installation.hsms.hangs() => false,
            _ = installation.settled(id) => true,
        };
        installation.no_password_is_lost(id, when).await;
        if ended {
            break;
        }
        server.kill().await;
        installation.advance(LEASE);
    }
    installation.hsms.cut(None);
    assert_eq!(installation.settled(id).await, ConnectionState::Connected, "{when}");
    installation.no_password_is_lost(id, when).await;
    let passwords = installation.hsms.passwords(CLUSTER);
    assert!(passwords.iter().all(|password| password == &passwords[0]), "{when}");
}

/// Any call fails as if the HSM were lost, with or without having done its work: the connect ends somewhere, and after a repair it
/// succeeds.
async fn fail_and_repair(before: Before, call: usize, kind: CutKind) {
    let when = format!("{before:?}, {kind:?} at call {call}");
    let (installation, id) = prepare(before).await;
    installation.hsms.cut(Some(Cut { call, kind }));
    let server = installation.serve();
    server.connect(&id).await;
    let state = installation.settled(&id).await;
    installation.no_password_is_lost(&id, &when).await;
    installation.hsms.cut(None);
    assert!(matches!(state, ConnectionState::Connected | ConnectionState::Failed(_)), "{when}: {state:?}");
    server.disconnect(&id).await;
    assert_eq!(installation.settled(&id).await, ConnectionState::Disconnected, "{when}");
    server.connect(&id).await;
    assert_eq!(installation.settled(&id).await, ConnectionState::Connected, "{when}");
    is_sound(&installation, &id, &when).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_of_any_call() {
    for before in [Before::New, Before::OneHsmBehind] {
        for_every_call(before, |before, call| async move {
            fail_and_repair(before, call, CutKind::FailBefore(HsmFailure::TimedOut)).await;
            fail_and_repair(before, call, CutKind::FailAfter(HsmFailure::TimedOut)).await;
        })
        .await;
    }
}

/// A worker that stands still for longer than its lease, in any call: another one finishes the job, and the first does no harm afterwards.
async fn two_workers(before: Before, call: usize, kind: CutKind) {
    let when = format!("{before:?}, {kind:?} at call {call}");
    let (installation, id) = prepare(before).await;
    installation.hsms.cut(Some(Cut { call, kind }));
    let mut slow = installation.serve();
    slow.connect(&id).await;
    installation.hsms.hangs().await;
    installation.hsms.world().cut = None;
    slow.take_no_more_jobs();
    installation.advance(LEASE);
    let quick = installation.serve();
    assert_eq!(installation.settled(&id).await, ConnectionState::Connected, "{when}");
    installation.hsms.release();
    slow.finish().await;
    // A key made now shows that KMS is still logged in.
    quick.create_key(&id).await;
    // Each worker tries two passwords at the most.
    is_sound_after(&installation, &id, &when, 4).await;
    assert_eq!(quick.describe(&id).await["ConnectionState"], "CONNECTED", "{when}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_on_one_job() {
    for before in [Before::New, Before::OneHsmBehind] {
        for_every_call(before, |before, call| two_workers(before, call, CutKind::HangAfter)).await;
        for_every_call(before, |before, call| two_workers(before, call, CutKind::HangBefore)).await;
    }
}

/// A worker that stood still until another one had finished its job, and then fails on its own side: KMS stays logged in.
#[tokio::test]
async fn a_failure_of_a_worker_that_was_overtaken() {
    // The connect's first call, and its last one: it describes the cluster. The operation's own call comes before.
    for call in [2, calls_of_a_connect(Before::New).await] {
        let (installation, id) = prepare(Before::New).await;
        installation.hsms.cut(Some(Cut { call, kind: CutKind::HangAndFail(HsmFailure::TimedOut) }));
        let mut slow = installation.serve();
        slow.connect(&id).await;
        installation.hsms.hangs().await;
        installation.hsms.world().cut = None;
        slow.take_no_more_jobs();
        installation.advance(LEASE);
        let quick = installation.serve();
        assert_eq!(installation.settled(&id).await, ConnectionState::Connected);
        installation.hsms.release();
        slow.finish().await;
        installation.hsms.with_cluster(CLUSTER, |cluster| {
            assert!(cluster.hsms.values().all(|hsm| hsm.kms_logged_in), "call {call}: KMS was logged out");
        });
        assert_eq!(quick.describe(&id).await["ConnectionState"], "CONNECTED");
        is_sound(&installation, &id, &format!("call {call}")).await;
    }
}

/// An HSM that is added during a connect has the password of the HSM that it was cloned from: the old one, or the new one.
#[tokio::test]
async fn an_hsm_that_is_added_during_a_connect() {
    // Without the description of the cluster at the end.
    let last_change = calls_of_a_connect(Before::New).await - 1;
    for has_new_password in [false, true] {
        let (installation, id) = prepare(Before::New).await;
        installation.hsms.cut(Some(Cut { call: last_change, kind: CutKind::HangAfter }));
        let server = installation.serve();
        server.connect(&id).await;
        installation.hsms.hangs().await;
        let new = installation.hsms.passwords(CLUSTER)[0].clone();
        let password = if has_new_password { new.as_str() } else { PASSWORD };
        installation.hsms.with_cluster(CLUSTER, |cluster| {
            cluster.hsms.insert("hsm-1-3".to_owned(), hsm(3, password));
        });
        installation.hsms.release();
        assert_eq!(installation.settled(&id).await, ConnectionState::Connected);
        installation.no_password_is_lost(&id, "after the connect").await;
        server.disconnect(&id).await;
        installation.settled(&id).await;
        server.connect(&id).await;
        assert_eq!(installation.settled(&id).await, ConnectionState::Connected);
        is_sound(&installation, &id, "after the next connect").await;
    }
}

/// A disconnect that comes while a connect is in any of its calls wins, and a connect after that succeeds.
async fn overtaken(before: Before, call: usize, kind: CutKind) {
    let when = format!("{before:?}, {kind:?} at call {call}");
    let (installation, id) = prepare(before).await;
    installation.hsms.cut(Some(Cut { call, kind }));
    let server = installation.serve();
    server.connect(&id).await;
    installation.hsms.hangs().await;
    installation.hsms.world().cut = None;
    server.disconnect(&id).await;
    assert_eq!(installation.settled(&id).await, ConnectionState::Disconnected, "{when}");
    installation.hsms.release();
    server.finish().await;
    installation.hsms.with_cluster(CLUSTER, |cluster| {
        assert!(cluster.attached.is_empty(), "{when}: the network is left");
        assert!(!cluster.hsms.values().any(|hsm| hsm.kms_logged_in), "{when}: KMS is logged in");
    });
    let server = installation.serve();
    installation.no_password_is_lost(&id, &when).await;
    server.connect(&id).await;
    assert_eq!(installation.settled(&id).await, ConnectionState::Connected, "{when}");
    is_sound(&installation, &id, &when).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disconnect_overtakes_a_connect() {
    for kind in [CutKind::HangBefore, CutKind::HangAfter] {
        match kind {
            CutKind::HangBefore => {
                for_every_call(Before::New, |before, call| overtaken(before, call, CutKind::HangBefore)).await;
            }
            _ => for_every_call(Before::New, |before, call| overtaken(before, call, CutKind::HangAfter)).await,
        }
    }
}

/// A disconnect that dies at its calls is finished by the next server.
#[tokio::test]
async fn a_crash_in_a_disconnect() {
    for call in 1..=2 {
        for kind in [CutKind::HangBefore, CutKind::HangAfter] {
            let (installation, id) = prepare(Before::New).await;
            let server = installation.serve();
            server.connect(&id).await;
            installation.settled(&id).await;
            installation.hsms.cut(Some(Cut { call, kind }));
            server.disconnect(&id).await;
            installation.hsms.hangs().await;
            server.kill().await;
            installation.hsms.cut(None);
            installation.advance(LEASE);
            let server = installation.serve();
            assert_eq!(installation.settled(&id).await, ConnectionState::Disconnected);
            installation.hsms.with_cluster(CLUSTER, |cluster| {
                assert!(cluster.attached.is_empty() && !cluster.hsms.values().any(|hsm| hsm.kms_logged_in));
            });
            server.connect(&id).await;
            assert_eq!(installation.settled(&id).await, ConnectionState::Connected);
        }
    }
}

/// The owner says what the password is while a rotation is unfinished: both that and the unfinished one are tried.
#[tokio::test]
async fn a_password_set_while_a_rotation_is_unfinished() {
    for owner_changed_it in [false, true] {
        let (installation, id) = prepare(Before::New).await;
        // Every HSM has the pending password when the server dies.
        let calls = calls_of_a_connect(Before::New).await;
        installation.hsms.cut(Some(Cut { call: calls, kind: CutKind::HangAfter }));
        let server = installation.serve();
        server.connect(&id).await;
        installation.hsms.hangs().await;
        server.disconnect(&id).await;
        installation.settled(&id).await;
        if owner_changed_it {
            installation.hsms.with_cluster(CLUSTER, |cluster| {
                cluster.hsms.values_mut().for_each(|hsm| hsm.password = Some("ownersPswd".to_owned()));
            });
        }
        let update = json!({"CustomKeyStoreId": id, "KeyStorePassword": "ownersPswd"});
        server.call("UpdateCustomKeyStore", update).await.unwrap();
        server.connect(&id).await;
        assert_eq!(installation.settled(&id).await, ConnectionState::Connected, "{owner_changed_it}");
        is_sound(&installation, &id, "afterwards").await;
        // The owner's word is tried first.
        let wrong = if owner_changed_it { 0 } else { 1 };
        let tried = |cluster: &mut Cluster| cluster.hsms.values().map(|hsm| hsm.wrong_passwords).max();
        assert_eq!(installation.hsms.with_cluster(CLUSTER, tried), Some(wrong));
    }
}
