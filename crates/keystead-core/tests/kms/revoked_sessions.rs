//! Sessions of the root user, which no policy and no deletion ends: the account says from when on they count.

use crate::support::{Installation, Server, account};
use keystead_core::access::{Credential, Principal, SessionContent, SessionPrincipal, is_revoked};
use keystead_core::background::read_change_feed;
use keystead_core::port::{IdentityStore, SessionHolder, SystemEntropy};

/// The session token of a new session of the root user.
fn session(installation: &Installation, server: &Server) -> String {
    let (issued, expires) = (installation.now(), installation.now().plus(std::time::Duration::from_secs(3600)));
    let content = SessionContent::new(account(), SessionPrincipal::Root, issued, expires, &SystemEntropy);
    server.kms.catalog().issue_session(&content).unwrap().session_token.expose().to_owned()
}

/// Whether the server takes requests of this principal.
async fn serves(server: &Server, principal: &Principal) -> bool {
    let policies = server.kms.catalog().principal_policies(principal).await.unwrap();
    !is_revoked(principal, policies.as_deref())
}

async fn serves_session(server: &Server, token: &str) -> bool {
    let credential = server.kms.catalog().session_credential(token).await.unwrap();
    let Credential { principal, .. } = &*credential.unwrap();
    assert!(principal.session.is_some());
    serves(server, principal).await
}

#[tokio::test]
async fn a_root_users_sessions_from_before_a_revocation_are_refused_on_every_server() {
    let installation = Installation::new().await;
    let servers = [installation.serve(), installation.serve()];
    let root = Principal::root(account());
    let mut sequence = None;
    read_change_feed(&servers[1].kms, &mut sequence).await.unwrap();
    let before = session(&installation, &servers[0]);
    for server in &servers {
        assert!(serves_session(server, &before).await);
    }

    installation.advance(1000);
    let (account, now) = (account(), installation.now());
    installation.store.revoke_sessions(SessionHolder::Root(&account), now).await.unwrap();
    assert!(serves_session(&servers[1], &before).await, "what it holds is from before");
    read_change_feed(&servers[1].kms, &mut sequence).await.unwrap();
    servers[0].kms.catalog().forget_identities();
    let after = session(&installation, &servers[0]);
    for server in [&servers[0], &servers[1], &installation.serve()] {
        assert!(!serves_session(server, &before).await);
        assert!(serves_session(server, &after).await);
        assert!(serves(server, &root).await, "a long-term access key is of no session");
    }
}

#[tokio::test]
async fn the_revocation_of_one_account_is_no_other_accounts() {
    let installation = Installation::new().await;
    let server = installation.serve();
    installation.create_other_account().await;
    let session = session(&installation, &server);
    installation.advance(1000);
    let (other, now) = (crate::support::other_account(), installation.now());
    installation.store.revoke_sessions(SessionHolder::Root(&other), now).await.unwrap();
    server.kms.catalog().forget_identities();
    assert!(serves_session(&server, &session).await);
}

#[tokio::test]
async fn an_account_that_is_not_there_has_no_root_user() {
    let installation = Installation::new().await;
    let root = Principal::root(crate::support::other_account());
    assert!(!serves(&installation.serve(), &root).await);
}
