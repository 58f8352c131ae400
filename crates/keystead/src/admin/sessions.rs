//! `keystead admin sessions`.

use keystead_core::port::{Clock, SessionHolder, Store, StoreError, SystemClock};

use super::{accounts, users};
use crate::Failure;
use crate::cli::{OfAccount, SessionsCommand, SessionsOf};

/// Does one command about sessions.
pub(super) async fn run(store: &dyn Store, command: SessionsCommand) -> Result<(), Failure> {
    let SessionsCommand::Revoke { of: OfAccount { account }, holder: SessionsOf { role, user, root_user } } = command;
    let holder = match (&role, &user) {
        (Some(name), _) => SessionHolder::Role(&account, name),
        (None, Some(name)) => SessionHolder::User(&account, name),
        (None, None) if root_user => SessionHolder::Root(&account),
        (None, None) => return Err("sessions revoke: pass --role NAME, --user NAME or --root-user".into()),
    };
    match store.revoke_sessions(holder, SystemClock.now()).await {
        Err(StoreError::NotFound) => Err(missing(store, holder).await?),
        revoked => Ok(revoked?),
    }
}

/// What is wrong with a holder of sessions that is not there.
async fn missing(store: &dyn Store, holder: SessionHolder<'_>) -> Result<Failure, Failure> {
    match holder {
        SessionHolder::User(account, name) => users::no_user(store, *account, name).await,
        SessionHolder::Role(account, name) => {
            accounts::check_exists(store, *account).await?;
            Ok(format!("account {account} has no role {name}").into())
        }
        SessionHolder::Root(account) => Ok(accounts::no_account(*account)),
    }
}
