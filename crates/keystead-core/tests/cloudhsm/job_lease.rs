//! The lease of a connection job: it is renewed while an HSM keeps the worker waiting, and a worker that has lost it stops waiting.

use std::time::Duration;

use keystead_core::key_store::ConnectionState;
use keystead_core::port::{Clock, JobKind, Store};

use crate::support::server::{CLUSTER, LEASE};
use crate::support::{Cut, CutKind, Installation, Server};

/// A lease that is renewed many times while a test waits. By the clock of the test, which stands still, it does not end by itself.
const SHORT_LEASE: Duration = Duration::from_millis(300);

/// The connect's call that hangs: the change of the first HSM's password, which the HSM has made.
const HANGING_CALL: Cut = Cut { call: 8, kind: CutKind::HangAfter };

/// A server whose only worker waits for an HSM in a connect, and looks for no other job.
async fn connect_that_hangs() -> (Installation, String, Server) {
    let installation = Installation::with_hsms(3).await;
    let mut server = installation.serve_with_lease(SHORT_LEASE);
    let id = server.create_key_store().await;
    installation.hsms.cut(Some(HANGING_CALL));
    server.connect(&id).await;
    installation.hsms.hangs().await;
    assert_eq!(installation.hsms.world().calls.last().unwrap(), "change_password hsm-1-0");
    installation.hsms.world().cut = None;
    server.take_no_more_jobs();
    (installation, id, server)
}

/// Turns the clock forward, by less than the lease, and waits until the lease counts from there.
async fn is_renewed(installation: &Installation) {
    let first_end = installation.clock.now().plus(SHORT_LEASE);
    installation.advance(SHORT_LEASE / 2);
    // The worker may be looking for a job for the last time. Only a renewal asks after that, and one is stored before the next one asks.
    installation.clock.is_asked(3).await;
    let claimed = installation.store.claim_connection_job("another worker", first_end, first_end.plus(LEASE)).await;
    assert!(claimed.unwrap().is_none(), "the lease has ended");
}

#[tokio::test]
async fn another_worker_takes_the_job_of_one_that_waits_for_an_hsm() {
    let (installation, id, slow) = connect_that_hangs().await;
    is_renewed(&installation).await;
    let end = installation.clock.now().plus(SHORT_LEASE);
    let claimed = installation.store.claim_connection_job("another worker", end, end.plus(LEASE)).await.unwrap();
    assert_eq!(claimed.expect("the lease does not end").kind, JobKind::Connect);
    // The HSM never answers.
    slow.finish().await;
    assert_eq!(installation.key_store(&id).await.connection, ConnectionState::Connecting);
    installation.hsms.with_cluster(CLUSTER, |cluster| {
        assert!(cluster.hsms.values().all(|hsm| hsm.kms_logged_in), "the other worker's logins are ended");
        assert_eq!(cluster.attached.len(), 1, "the other worker's network is gone");
    });
    // The lease is the other one's now: it ends, as it was made, and is not given up.
    let before_its_end = end.plus(LEASE / 2);
    let early = installation.store.claim_connection_job("a third worker", before_its_end, before_its_end).await;
    assert!(early.unwrap().is_none());
    installation.advance(SHORT_LEASE + LEASE);
    let server = installation.serve();
    assert_eq!(installation.settled(&id).await, ConnectionState::Connected);
    installation.no_password_is_lost(&id, "after the connect").await;
    // KMS is logged in.
    server.create_key(&id).await;
}

#[tokio::test]
async fn a_disconnect_replaces_the_job_of_a_worker_that_waits_for_an_hsm() {
    let (installation, id, slow) = connect_that_hangs().await;
    is_renewed(&installation).await;
    slow.disconnect(&id).await;
    // The HSM never answers.
    slow.finish().await;
    // The outcome is left to the worker that takes up the disconnect's own job.
    assert_eq!(installation.key_store(&id).await.connection, ConnectionState::Disconnecting);
    installation.hsms.with_cluster(CLUSTER, |cluster| {
        assert!(!cluster.hsms.values().any(|hsm| hsm.kms_logged_in), "KMS is logged in");
        assert!(cluster.attached.is_empty(), "the network is left");
    });
    let _server = installation.serve();
    assert_eq!(installation.settled(&id).await, ConnectionState::Disconnected);
    installation.no_password_is_lost(&id, "after the disconnect").await;
}
