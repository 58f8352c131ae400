//! The command line: the commands, and what several of them take.

mod admin;
mod dev;
mod explain;
mod hsm_users;
mod xks_proxy;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use keystead_model::arn::AccountId;

pub(crate) use admin::{
    AccessKeysCommand, AccountsCommand, AdminCommand, AdminKeysCommand, OfAccount, SessionsCommand, SessionsOf,
    UsersCommand,
};
pub(crate) use dev::DevArguments;
pub(crate) use explain::ExplainArguments;
pub(crate) use hsm_users::{HsmUsersCommand, HsmsOfCluster, OfficerPassword};
pub(crate) use xks_proxy::{CredentialsCommand, KeysCommand, PrefixOfProxy, XksProxyCommand};

/// A key management service that its owner runs: the AWS KMS API over your own key stores.
#[derive(Parser)]
#[command(name = "keystead", version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Start everything on this machine: KMS, an XKS proxy with an external key, a cluster of HSMs, certificates, credentials
    Dev(DevArguments),
    /// Start KMS as configured
    Serve {
        /// The configuration file (TOML)
        #[arg(long, value_name = "FILE", default_value = "keystead.toml")]
        config: PathBuf,
    },
    /// Start an XKS proxy, or manage its external keys and credentials
    #[command(args_conflicts_with_subcommands = true)]
    XksProxy {
        /// The proxy's configuration file (TOML)
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        #[command(subcommand)]
        command: Option<XksProxyCommand>,
    },
    /// Make accounts and their first administrators; help them when nobody else can
    #[command(
        after_help = "The first administrator:\n  keystead admin accounts create --name main\n  keystead admin users create --account ID --name ada \
                      --administrator\n  keystead admin access-keys create --account ID --user ada > ada.env\n\
                      From there on `aws iam` does the rest at the server's endpoint: users, groups, roles, policies.\n\
                      The commands work on the store directly, with the server running or not; it sees the change within a second."
    )]
    Admin {
        /// The configuration file of the server (TOML)
        #[arg(long, value_name = "FILE", global = true, default_value = "keystead.toml", conflicts_with = "data_dir")]
        config: PathBuf,
        /// The data folder of `keystead dev`, instead of the configuration file
        #[arg(long, value_name = "DIR", global = true)]
        data_dir: Option<PathBuf>,
        #[command(subcommand)]
        command: AdminCommand,
    },
    /// Say why somebody may do something, or may not: which statement of which policy, or which grant, decides
    #[command(
        after_help = "For example:\n  keystead explain --principal arn:aws:iam::111122223333:user/uma --action kms:Decrypt --resource KEY-ARN \\\n      \
                      --context kms:EncryptionContext:department=finance\n\
                      Nothing but --context says what the request is like: give aws:SourceIp, aws:SecureTransport, kms:RequestAlias, \
                      kms:EncryptionContext:KEY if policies ask for them. Tags of the principal and of the key, and the key's aliases, \
                      are filled in.\n\
                      Whether a role may be assumed: --action sts:AssumeRole --resource ROLE-ARN.\n\
                      Exit status: 0 if it is allowed, 3 if it is denied, 1 if there is no answer.\n\
                      The server must be running: the command talks to it through DATA/admin.sock, as the same user of this machine."
    )]
    Explain(ExplainArguments),
    /// Manage the users and look at the keys of a cluster's HSMs, as crypto officer or auditor
    #[command(
        after_help = "The server must be running: the command talks to it through DATA/admin.sock, as the same user of this machine.\n\
                      Users are `admin`, the crypto officer, and `kmsuser`, the crypto user of KMS, which owns the keys.\n\
                      Passwords have 7 to 32 letters and digits. They are asked for on the terminal, or read from files; never typed into the \
                      command itself."
    )]
    HsmUsers {
        #[command(subcommand)]
        command: HsmUsersCommand,
    },
    /// Take up clusters of HSMs that were not made with CreateCluster
    Cluster {
        #[command(subcommand)]
        command: ClusterCommand,
    },
    /// Drive one HSM: started by the server, not by people
    #[command(hide = true)]
    HsmWorker {
        /// What the server tells the worker
        #[arg(long, value_name = "FILE")]
        settings: PathBuf,
        /// Where the worker listens
        #[arg(long, value_name = "PATH")]
        socket: PathBuf,
    },
    /// Make the root key under which the store's secrets are sealed
    RootKey {
        #[command(subcommand)]
        command: RootKeyCommand,
    },
}

#[derive(Subcommand)]
pub(crate) enum ClusterCommand {
    /// Register a cluster of HSMs that a file describes, and print its ID; the server must be running
    Register {
        /// The description (TOML)
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
        /// The account that is to own the cluster: 12 digits
        #[arg(long, value_name = "ID", value_parser = parse_account)]
        account: AccountId,
        #[command(flatten)]
        server: RunningServer,
    },
}

#[derive(Subcommand)]
pub(crate) enum RootKeyCommand {
    /// Write 32 random bytes to a new file of mode 0600; never overwrites one
    Create { file: PathBuf },
}

/// The server that is talked to.
#[derive(Args)]
pub(crate) struct RunningServer {
    /// The server's configuration file (TOML)
    #[arg(long, value_name = "FILE", default_value = "keystead.toml", conflicts_with = "data_dir")]
    pub(crate) config: PathBuf,
    /// The server's data folder, such as that of `keystead dev`, instead of its configuration file
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

fn parse_account(text: &str) -> Result<AccountId, String> {
    AccountId::parse(text).ok_or_else(|| "an account ID is 12 digits".to_owned())
}
