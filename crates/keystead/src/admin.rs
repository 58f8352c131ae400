//! `keystead admin`: what makes an account usable, and what helps when nobody in it can, straight in the store.
//! A running server sees the changes within a second.

mod accounts;
mod sessions;
mod users;

use std::path::PathBuf;

use keystead_core::access::AccessKeyStatus;
use keystead_core::audit::iso8601;
use keystead_core::key::default_key_policy;
use keystead_core::port::{Store, StoreError};
use keystead_core::sealing::RootKey;

use crate::access_key::new_access_key;
use crate::cli::{AccessKeysCommand, AccountsCommand, AdminCommand, AdminKeysCommand, OfAccount};
use crate::config::Config;
use crate::service::OpenStore;
use crate::{Failure, output};

/// Does one administrative command.
pub(crate) async fn run(config: PathBuf, command: AdminCommand) -> Result<(), Failure> {
    let OpenStore { store, root_key } = open_store(&Config::load(&config)?, &command).await?;
    let done = match command {
        AdminCommand::Accounts { command } => accounts::run(&*store, command).await,
        AdminCommand::Users { command } => users::run(&*store, command).await,
        AdminCommand::AccessKeys { command } => access_keys(&*store, &root_key, command).await,
        AdminCommand::Sessions { command } => sessions::run(&*store, command).await,
        AdminCommand::Keys { command } => keys(&*store, command).await,
    };
    store.close().await;
    done
}

/// The store of the configuration. The first account makes one; whatever else is asked of one that is not there has the wrong folder.
async fn open_store(config: &Config, command: &AdminCommand) -> Result<OpenStore, Failure> {
    if !matches!(command, AdminCommand::Accounts { command: AccountsCommand::Create { .. } }) {
        return OpenStore::open_existing(config).await;
    }
    let is_new = !OpenStore::exists(config);
    let opened = OpenStore::open(config).await?;
    if is_new {
        eprintln!("made a new store in {}", config.data_dir.display());
    }
    Ok(opened)
}

async fn access_keys(store: &dyn Store, root_key: &RootKey, command: AccessKeysCommand) -> Result<(), Failure> {
    match command {
        AccessKeysCommand::Create { of: OfAccount { account }, user, expires_in_seconds } => {
            let user = match user {
                Some(name) => Some(users::user_named(store, account, &name).await?),
                None => None,
            };
            let new = new_access_key(account, user.as_ref(), expires_in_seconds, root_key)?;
            // The operator is bound by no quota.
            store.insert_access_key(&new.access_key, u64::MAX).await.map_err(|error| match error {
                StoreError::NotFound => accounts::no_account(account),
                error => error.into(),
            })?;
            output::line(&format!("export AWS_ACCESS_KEY_ID={}", new.access_key.access_key_id))?;
            output::line(&format!("export AWS_SECRET_ACCESS_KEY={}", *new.secret))?;
        }
        AccessKeysCommand::List { of: OfAccount { account } } => {
            accounts::check_exists(store, account).await?;
            for key in store.access_keys(&account).await? {
                let user = key.user_name.as_deref().unwrap_or("(root user)");
                let status = match key.status {
                    AccessKeyStatus::Active => "Active",
                    AccessKeyStatus::Inactive => "Inactive",
                };
                let expires = key.expires.map_or_else(|| "never".to_owned(), iso8601);
                output::line(&format!("{}  {status}  expires {expires}  {user}", key.access_key_id))?;
            }
        }
        AccessKeysCommand::Activate { id } => set_status(store, &id, AccessKeyStatus::Active).await?,
        AccessKeysCommand::Deactivate { id } => set_status(store, &id, AccessKeyStatus::Inactive).await?,
        AccessKeysCommand::Delete { id } => {
            store.delete_access_key(&id).await.map_err(|error| no_access_key(error, &id))?;
        }
    }
    Ok(())
}

/// The store's compare-and-set is the lock: whoever changes the key at the same time makes this command say so.
async fn keys(store: &dyn Store, command: AdminKeysCommand) -> Result<(), Failure> {
    let AdminKeysCommand::ResetPolicy { key: arn } = command;
    let stored = store.key(arn.region(), &arn.key_id()).await?.filter(|key| key.account == arn.account());
    let mut key = stored.ok_or_else(|| format!("key {arn} does not exist"))?;
    key.policy = default_key_policy(&key.account);
    store.update_key(&key).await.map_err(|error| match error {
        StoreError::Conflict => {
            format!("key {arn} was changed by somebody else just now: run the command again").into()
        }
        error => error.into(),
    })
}

async fn set_status(store: &dyn Store, id: &str, status: AccessKeyStatus) -> Result<(), Failure> {
    store.set_access_key_status(id, status).await.map_err(|error| no_access_key(error, id))
}

fn no_access_key(error: StoreError, id: &str) -> Failure {
    match error {
        StoreError::NotFound => format!("access key {id} does not exist").into(),
        error => error.into(),
    }
}
