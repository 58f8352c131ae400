//! `keystead admin users`.

use keystead_core::access::User;
use keystead_core::audit::iso8601;
use keystead_core::port::{Store, StoreError};
use keystead_model::arn::AccountId;

use super::accounts::{check_exists, no_account};
use crate::access_key::{ADMINISTRATOR_ACCESS, new_administrator, new_user};
use crate::cli::UsersCommand;
use crate::{Failure, output};

/// IAM's limit of a user name, in characters.
const USER_NAME_LENGTH_MAX: usize = 64;

pub(super) async fn run(store: &dyn Store, command: UsersCommand) -> Result<(), Failure> {
    match command {
        UsersCommand::Create { of, name, administrator } => create(store, of.account, &name, administrator).await,
        UsersCommand::MakeAdministrator { of, name } => make_administrator(store, of.account, &name).await,
        UsersCommand::List { of } => list(store, of.account).await,
        UsersCommand::Delete { of, name } => delete(store, of.account, &name).await,
    }
}

/// The user of that name, or what to say if there is none.
pub(super) async fn user_named(store: &dyn Store, account: AccountId, name: &str) -> Result<User, Failure> {
    match store.user(&account, name).await? {
        Some(user) => Ok(user),
        None => Err(no_user(store, account, name).await?),
    }
}

/// What to say of a user that is not there; it may be that not even its account is.
pub(super) async fn no_user(store: &dyn Store, account: AccountId, name: &str) -> Result<Failure, Failure> {
    check_exists(store, account).await?;
    Ok(format!("account {account} has no user {name}: `admin users list` shows those that it has").into())
}

async fn create(store: &dyn Store, account: AccountId, name: &str, administrator: bool) -> Result<(), Failure> {
    check_user_name(name)?;
    let new = if administrator { new_administrator } else { new_user };
    // The operator is bound by no quota.
    match store.insert_user(&new(account, name), u64::MAX).await {
        Err(StoreError::NotFound) => return Err(no_account(account)),
        Err(StoreError::Duplicate(_)) => return Err(taken(store, account, name, administrator).await?),
        inserted => inserted?,
    }
    output::line(&format!("arn:aws:iam::{account}:user/{name}"))?;
    Ok(())
}

/// Who has the name: maybe a user whose name differs in the case of its letters.
async fn taken(store: &dyn Store, account: AccountId, name: &str, administrator: bool) -> Result<Failure, Failure> {
    let users = store.users(&account, None, usize::MAX).await?;
    let holder = users.iter().find(|user| user.user_name.eq_ignore_ascii_case(name));
    let holder = holder.map_or(name, |user| &user.user_name);
    let letters = if holder == name { "" } else { " (the case of letters does not count)" };
    let hint = if administrator {
        "\nto make an existing user an administrator again: `admin users make-administrator`"
    } else {
        ""
    };
    Ok(format!("user {holder} exists already{letters}{hint}").into())
}

/// Adds to what the user has, and takes nothing away.
async fn make_administrator(store: &dyn Store, account: AccountId, name: &str) -> Result<(), Failure> {
    let mut user = user_named(store, account, name).await?;
    if !user.policies.managed.insert(ADMINISTRATOR_ACCESS.to_owned()) {
        return Ok(());
    }
    match store.update_user(&user).await {
        Err(StoreError::Conflict) => Err(changed_meanwhile(name)),
        updated => Ok(updated?),
    }
}

async fn list(store: &dyn Store, account: AccountId) -> Result<(), Failure> {
    check_exists(store, account).await?;
    for user in store.users(&account, None, usize::MAX).await? {
        output::line(&format!("{}  {}  {}", user.user_id, iso8601(user.created), user.user_name))?;
    }
    Ok(())
}

async fn delete(store: &dyn Store, account: AccountId, name: &str) -> Result<(), Failure> {
    let user = user_named(store, account, name).await?;
    match store.delete_user(&account, name, user.revision).await {
        Err(StoreError::Referenced) => {
            Err(format!("user {name} has access keys: delete them first (`admin access-keys list`)").into())
        }
        Err(StoreError::NotFound) => Err(no_user(store, account, name).await?),
        Err(StoreError::Conflict) => Err(changed_meanwhile(name)),
        deleted => Ok(deleted?),
    }
}

/// The store's compare-and-set is the lock.
fn changed_meanwhile(name: &str) -> Failure {
    format!("user {name} was changed by somebody else just now: run the command again").into()
}

/// IAM's rule: it becomes part of an ARN.
fn check_user_name(name: &str) -> Result<(), Failure> {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "+=,.@_-".contains(character);
    if (1..=USER_NAME_LENGTH_MAX).contains(&name.len()) && name.chars().all(allowed) {
        return Ok(());
    }
    Err(format!("--name {name:?}: a user name has 1 to {USER_NAME_LENGTH_MAX} of A-Z a-z 0-9 + = , . @ _ -").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_fit_into_an_arn() {
        for (name, good) in [
            ("ada".to_owned(), true),
            ("Ada+L=,.@_-1".to_owned(), true),
            ("a".repeat(64), true),
            ("a".repeat(65), false),
            (String::new(), false),
            ("a b".to_owned(), false),
            ("a/b".to_owned(), false),
            ("ü".to_owned(), false),
        ] {
            assert_eq!(check_user_name(&name).is_ok(), good, "{name:?}");
        }
    }
}
