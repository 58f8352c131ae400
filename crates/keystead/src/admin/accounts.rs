//! `keystead admin accounts`.

use keystead_core::access::Account;
use keystead_core::audit::iso8601;
use keystead_core::port::{Clock, Store, StoreError, SystemClock, UniqueConstraint};
use keystead_model::arn::AccountId;

use crate::access_key::random_account_id;
use crate::cli::AccountsCommand;
use crate::{Failure, output};

/// Length of an account's name, in characters.
const ACCOUNT_NAME_LENGTH_MAX: usize = 128;

pub(super) async fn run(store: &dyn Store, command: AccountsCommand) -> Result<(), Failure> {
    match command {
        AccountsCommand::Create { name, id } => {
            check_account_name(&name)?;
            let id = id.unwrap_or_else(random_account_id);
            let account = Account::new(id, name, SystemClock.now());
            match store.insert_account(&account).await {
                Err(StoreError::Duplicate(UniqueConstraint::AccountName)) => {
                    return Err(name_taken(store, &account.name).await?);
                }
                Err(StoreError::Duplicate(_)) => return Err(format!("account {id} exists already").into()),
                inserted => inserted?,
            }
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

/// Fails if there is no such account: its lists would only be empty.
pub(super) async fn check_exists(store: &dyn Store, account: AccountId) -> Result<(), Failure> {
    match store.account(&account).await? {
        Some(_) => Ok(()),
        None => Err(no_account(account)),
    }
}

pub(super) fn no_account(account: AccountId) -> Failure {
    format!(
        "account {account} does not exist: `admin accounts list` shows those that do, `admin accounts create` makes one"
    )
    .into()
}

async fn name_taken(store: &dyn Store, name: &str) -> Result<Failure, Failure> {
    let holder = store.accounts().await?.into_iter().find(|account| account.name == name);
    // Accounts are never deleted: whoever has the name is in the list.
    let holder = holder.ok_or_else(|| format!("the name {name} is taken"))?;
    Ok(format!("the name {name} is taken, by account {}", holder.id).into())
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
