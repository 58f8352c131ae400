//! What `keystead admin` takes.

use clap::{Args, Subcommand};
use keystead_model::arn::{AccountId, KeyArn};

use super::parse_account;

#[derive(Subcommand)]
pub(crate) enum AdminCommand {
    /// Accounts: the owners of keys and key stores
    Accounts {
        #[command(subcommand)]
        command: AccountsCommand,
    },
    /// IAM users of an account
    Users {
        #[command(subcommand)]
        command: UsersCommand,
    },
    /// Access keys that sign requests
    AccessKeys {
        #[command(subcommand)]
        command: AccessKeysCommand,
    },
    /// Sessions: temporary credentials of users, roles and root users
    Sessions {
        #[command(subcommand)]
        command: SessionsCommand,
    },
    /// KMS keys that nobody can manage any more
    Keys {
        #[command(subcommand)]
        command: AdminKeysCommand,
    },
}

#[derive(Subcommand)]
pub(crate) enum AccountsCommand {
    /// Make an account and print its ID
    Create {
        /// A name for people, unique: 1 to 128 printable characters
        #[arg(long)]
        name: String,
        /// 12 digits; random if left out
        #[arg(long, value_parser = parse_account)]
        id: Option<AccountId>,
    },
    /// List the accounts
    List,
}

#[derive(Subcommand)]
pub(crate) enum UsersCommand {
    /// Make a user
    Create {
        #[command(flatten)]
        of: OfAccount,
        /// 1 to 64 of A-Z a-z 0-9 + = , . @ _ -
        #[arg(long)]
        name: String,
        /// Attach the managed policy AdministratorAccess; without it the user may do nothing until it is given policies
        #[arg(long)]
        administrator: bool,
    },
    /// Attach the managed policy AdministratorAccess to a user that exists
    ///
    /// Nothing is taken from the user: policies that deny and its permissions boundary stay.
    MakeAdministrator {
        #[command(flatten)]
        of: OfAccount,
        /// The user
        #[arg(long)]
        name: String,
    },
    /// List an account's users
    List {
        #[command(flatten)]
        of: OfAccount,
    },
    /// Delete a user, with its policies and its memberships of groups; its access keys must be deleted first
    Delete {
        #[command(flatten)]
        of: OfAccount,
        /// The user
        #[arg(long)]
        name: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum AccessKeysCommand {
    /// Make an access key and print it as shell export lines; the secret is shown this once
    ///
    /// The quota of two access keys a user, which CreateAccessKey keeps, does not hold here.
    Create {
        #[command(flatten)]
        of: OfAccount,
        /// The user it signs for; the account's root user if left out
        #[arg(long)]
        user: Option<String>,
        /// Let it stop working after so many seconds, 1 or more
        #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
        expires_in_seconds: Option<u32>,
    },
    /// List an account's access keys, without secrets
    List {
        #[command(flatten)]
        of: OfAccount,
    },
    /// Let an access key sign again
    Activate { id: String },
    /// Stop an access key from signing, until it is activated again
    Deactivate { id: String },
    /// Delete an access key for good
    Delete { id: String },
}

#[derive(Subcommand)]
pub(crate) enum SessionsCommand {
    /// Refuse every session that began before now; new ones can be had
    Revoke {
        #[command(flatten)]
        of: OfAccount,
        #[command(flatten)]
        holder: SessionsOf,
    },
}

/// Whose sessions end: exactly one of the three.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct SessionsOf {
    /// The role whose sessions end
    #[arg(long, value_name = "NAME")]
    pub(crate) role: Option<String>,
    /// The user whose sessions end
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// The sessions of the account's root user end; its access keys go on working
    #[arg(long)]
    pub(crate) root_user: bool,
}

#[derive(Subcommand)]
pub(crate) enum AdminKeysCommand {
    /// Put the default key policy back: the account's root user and its IAM policies decide again
    ResetPolicy {
        /// The key's ARN
        #[arg(value_name = "KEY-ARN", value_parser = parse_key_arn)]
        key: KeyArn,
    },
}

/// The account that is acted on.
#[derive(Args)]
pub(crate) struct OfAccount {
    /// 12 digits; `admin accounts list` shows them
    #[arg(long, value_name = "ID", value_parser = parse_account)]
    pub(crate) account: AccountId,
}

fn parse_key_arn(text: &str) -> Result<KeyArn, String> {
    KeyArn::parse(text)
        .ok_or_else(|| "a key ARN looks like arn:aws:kms:us-east-1:111122223333:key/1234abcd-...".to_owned())
}
