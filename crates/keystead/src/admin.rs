//! `keystead admin`: what makes an account usable, and what helps when nobody in it can, straight in the store. A running server sees the changes within a second.

use std::path::PathBuf;

use keystead_core::access::{AccessKeyStatus, Account, User};
use keystead_core::audit::iso8601;
use keystead_core::key::default_key_policy;
use keystead_core::port::{Clock, SessionHolder, Store, StoreError, SystemClock};
use keystead_core::sealing::RootKey;
use keystead_model::arn::AccountId;

use crate::access_key::{new_access_key, new_administrator, new_user, random_account_id};
use crate::cli::{AccessKeysCommand, AccountsCommand, AdminCommand, AdminKeysCommand, SessionsCommand, UsersCommand};
use crate::config::Config;
use crate::service::OpenStore;
use crate::{Failure, output};

/// Length of an account's name, in characters.
const ACCOUNT_NAME_LENGTH_MAX: usize = 128;
/// IAM's limit of a user name, in characters.
const USER_NAME_LENGTH_MAX: usize = 64;

/// Does one administrative command.
pub(crate) async fn run(config: PathBuf, command: AdminCommand) -> Result<(), Failure> {
    let OpenStore { store, root_key } = OpenStore::open(&Config::load(&config)?).await?;
    let done = match command {
        AdminCommand::Accounts { command } => accounts(&*store, command).await,
        AdminCommand::Users { command } => users(&*store, command).await,
        AdminCommand::AccessKeys { command } => access_keys(&*store, &root_key, command).await,
        AdminCommand::Sessions { command } => sessions(&*store, command).await,
        AdminCommand::Keys { command } => keys(&*store, command).await,
    };
    store.close().await;
    done
}

async fn accounts(store: &dyn Store, command: AccountsCommand) -> Result<(), Failure> {
    match command {
        AccountsCommand::Create { name, id } => {
            check_account_name(&name)?;
            let id = id.unwrap_or_else(random_account_id);
            let account = Account { id, name: name.clone(), created: SystemClock.now() };
            store
                .insert_account(&account)
                .await
                .map_err(|error| taken(error, &format!("account {id} or name {name}")))?;
            output::line(id.as_str())?;
        }
        AccountsCommand::List => {
            for account in store.accounts().await? {
                output::line(&format!("{}  {}  {}", account.id, iso8601(account.created), account.name))?;
            }
        }
    }
    Ok(())
}

async fn users(store: &dyn Store, command: UsersCommand) -> Result<(), Failure> {
    match command {
        UsersCommand::Create { account, name, administrator } => {
            check_user_name(&name)?;
            let new = if administrator { new_administrator } else { new_user };
            // The operator is bound by no quota.
            store.insert_user(&new(account, &name), u64::MAX).await.map_err(|error| match error {
                StoreError::NotFound => no_account(account),
                error => taken(error, &format!("user {name}")),
            })?;
            output::line(&format!("arn:aws:iam::{account}:user/{name}"))?;
        }
        UsersCommand::List { account } => {
            for user in store.users(&account, None, usize::MAX).await? {
                output::line(&format!("{}  {}  {}", user.user_id, iso8601(user.created), user.user_name))?;
            }
        }
        UsersCommand::Delete { account, name } => {
            let user = user_named(store, account, &name).await?;
            store.delete_user(&account, &name, user.revision).await.map_err(|error| -> Failure {
                match error {
                    StoreError::Referenced => {
                        format!("user {name} has access keys: delete them first (`admin access-keys list`)").into()
                    }
                    StoreError::NotFound => no_user(account, &name),
                    error => error.into(),
                }
            })?;
        }
    }
    Ok(())
}

async fn access_keys(store: &dyn Store, root_key: &RootKey, command: AccessKeysCommand) -> Result<(), Failure> {
    match command {
        AccessKeysCommand::Create { account, user, expires_in_seconds } => {
            let user = match user {
                Some(name) => Some(user_named(store, account, &name).await?),
                None => None,
            };
            let new = new_access_key(account, user.as_ref(), expires_in_seconds, root_key)?;
            // The operator is bound by no quota.
            store.insert_access_key(&new.access_key, u64::MAX).await.map_err(|error| match error {
                StoreError::NotFound => no_account(account),
                error => error.into(),
            })?;
            output::line(&format!("export AWS_ACCESS_KEY_ID={}", new.access_key.access_key_id))?;
            output::line(&format!("export AWS_SECRET_ACCESS_KEY={}", *new.secret))?;
        }
        AccessKeysCommand::List { account } => {
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

async fn sessions(store: &dyn Store, command: SessionsCommand) -> Result<(), Failure> {
    let SessionsCommand::Revoke { account, role, user } = command;
    let (holder, kind, name) = match (&role, &user) {
        (Some(role), _) => (SessionHolder::Role(&account, role), "role", role),
        (None, Some(user)) => (SessionHolder::User(&account, user), "user", user),
        (None, None) => return Err("sessions revoke: pass --role NAME or --user NAME".into()),
    };
    store.revoke_sessions(holder, SystemClock.now()).await.map_err(|error| match error {
        StoreError::NotFound => format!("account {account} has no {kind} {name}").into(),
        error => error.into(),
    })
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

async fn user_named(store: &dyn Store, account: AccountId, name: &str) -> Result<User, Failure> {
    store.user(&account, name).await?.ok_or_else(|| no_user(account, name))
}

/// It is shown in lists, one account a line.
fn check_account_name(name: &str) -> Result<(), Failure> {
    // Line and paragraph separators are no control characters of Unicode, and end a line all the same.
    let unprintable = |character: char| character.is_control() || matches!(character, '\u{2028}' | '\u{2029}');
    if (1..=ACCOUNT_NAME_LENGTH_MAX).contains(&name.chars().count())
        && !name.contains(unprintable)
        && !name.trim().is_empty()
    {
        return Ok(());
    }
    Err(format!("--name: an account name has 1 to {ACCOUNT_NAME_LENGTH_MAX} printable characters, on one line").into())
}

/// IAM's rule: it becomes part of an ARN.
fn check_user_name(name: &str) -> Result<(), Failure> {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "+=,.@_-".contains(character);
    if (1..=USER_NAME_LENGTH_MAX).contains(&name.len()) && name.chars().all(allowed) {
        return Ok(());
    }
    Err(format!("--name {name:?}: a user name has 1 to {USER_NAME_LENGTH_MAX} of A-Z a-z 0-9 + = , . @ _ -").into())
}

fn taken(error: StoreError, what: &str) -> Failure {
    match error {
        StoreError::Duplicate(_) => format!("{what} exists already; choose another").into(),
        error => error.into(),
    }
}

fn no_account(account: AccountId) -> Failure {
    format!("account {account} does not exist; make it with `admin accounts create`").into()
}

fn no_user(account: AccountId, name: &str) -> Failure {
    format!("account {account} has no user {name}; make one with `admin users create`").into()
}

fn no_access_key(error: StoreError, id: &str) -> Failure {
    match error {
        StoreError::NotFound => format!("access key {id} does not exist").into(),
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_names_fit_on_a_line() {
        for (name, good) in [
            ("main".to_owned(), true),
            ("Zürich, 2nd floor".to_owned(), true),
            ("ü".repeat(128), true),
            ("ü".repeat(129), false),
            (String::new(), false),
            ("  ".to_owned(), false),
            ("two\nlines".to_owned(), false),
            ("two\u{2028}lines".to_owned(), false),
            ("\u{1b}[31mred".to_owned(), false),
        ] {
            assert_eq!(check_account_name(&name).is_ok(), good, "{name:?}");
        }
    }
}
