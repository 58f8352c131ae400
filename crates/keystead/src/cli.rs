//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use keystead_model::arn::{AccountId, KeyArn, Region};

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

#[derive(Args)]
pub(crate) struct ExplainArguments {
    /// Who asks: the ARN of a user, a role, a role's session or an account's root user
    #[arg(long, value_name = "ARN")]
    pub(crate) principal: String,
    /// What is asked, such as kms:Decrypt
    #[arg(long, value_name = "ACTION")]
    pub(crate) action: String,
    /// On what: the ARN of a key, an alias, a role or something else; * for operations about nothing in particular
    #[arg(long, value_name = "ARN", default_value = "*")]
    pub(crate) resource: String,
    /// A condition key of the request and its value; may be given more than once
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_condition_key)]
    pub(crate) context: Vec<(String, String)>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: RunningServer,
}

#[derive(Args)]
pub(crate) struct DevArguments {
    /// Where everything is kept; made if it does not exist
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: PathBuf,
    /// Where KMS listens; port 0 takes any free port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// The account that owns the sample credentials: 12 digits
    #[arg(long, value_name = "ID", default_value = "111122223333", value_parser = parse_account)]
    pub(crate) account: AccountId,
    /// The home Region
    #[arg(long, value_name = "REGION", default_value = "us-east-1", value_parser = parse_region)]
    pub(crate) region: Region,
    /// Further Regions, separated by commas: multi-Region keys may have replicas there [default: eu-west-1, or us-east-1 beside it]
    #[arg(long, value_name = "REGIONS", value_delimiter = ',', value_parser = parse_region)]
    pub(crate) other_regions: Vec<Region>,
    /// Serve KMS over TLS, with a certificate of the private CA
    #[arg(long)]
    pub(crate) tls: bool,
    /// Do without the sample cluster of HSMs
    #[arg(long)]
    pub(crate) no_hsm: bool,
    /// The least time in CONNECTING and DISCONNECTING, in milliseconds (AWS takes minutes)
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    pub(crate) connection_transition_ms: u64,
    /// How the commands that are printed call the AWS CLI
    #[arg(long, value_name = "COMMAND", default_value = "aws")]
    pub(crate) aws_cli: String,
}

#[derive(Subcommand)]
pub(crate) enum XksProxyCommand {
    /// Manage the external keys; a running proxy follows at once
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Manage the credentials that KMS signs with; a running proxy follows at once
    Credentials {
        #[command(subcommand)]
        command: CredentialsCommand,
    },
}

/// The prefix whose credentials are managed.
#[derive(Args)]
pub(crate) struct PrefixOfProxy {
    /// The path of the [[prefix]], such as /example; may be left out if there is one only
    #[arg(long, value_name = "/PATH")]
    pub(crate) prefix: Option<String>,
    #[command(flatten)]
    pub(crate) file: ProxyConfigFile,
}

#[derive(Subcommand)]
pub(crate) enum CredentialsCommand {
    /// Make a credential and print it as the JSON that KMS takes; the secret is shown this once
    Create {
        #[command(flatten)]
        of: PrefixOfProxy,
    },
    /// List the access key IDs, without secrets
    List {
        #[command(flatten)]
        of: PrefixOfProxy,
    },
    /// Delete a credential: requests that are signed with it are refused from now on
    Delete {
        /// Its access key ID
        id: String,
        #[command(flatten)]
        of: PrefixOfProxy,
    },
}

/// The configuration file of the proxy that is managed.
#[derive(Args)]
pub(crate) struct ProxyConfigFile {
    /// The proxy's configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
}

#[derive(Subcommand)]
pub(crate) enum KeysCommand {
    /// Make an AES-256 external key and print its ID
    Create {
        /// 1 to 128 of A-Z a-z 0-9 . _ - ; random if left out
        id: Option<String>,
        /// What the key may be used for, separated by commas
        #[arg(long, value_name = "USAGES", value_delimiter = ',', default_value = "ENCRYPT,DECRYPT")]
        usage: Vec<String>,
        #[command(flatten)]
        file: ProxyConfigFile,
    },
    /// List the external keys
    List {
        #[command(flatten)]
        file: ProxyConfigFile,
    },
    /// Stop every use of a key, until it is enabled again
    Disable {
        id: String,
        #[command(flatten)]
        file: ProxyConfigFile,
    },
    /// Let a disabled key be used again
    Enable {
        id: String,
        #[command(flatten)]
        file: ProxyConfigFile,
    },
    /// Add a version that encrypts from now on; earlier ones still decrypt
    Rotate {
        id: String,
        #[command(flatten)]
        file: ProxyConfigFile,
    },
    /// Delete a key for good: what was encrypted under it can never be decrypted again
    Delete {
        id: String,
        #[command(flatten)]
        file: ProxyConfigFile,
    },
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

/// The cluster that is acted on.
#[derive(Args)]
pub(crate) struct HsmsOfCluster {
    /// The cluster, as DescribeClusters shows it
    #[arg(long, value_name = "ID")]
    pub(crate) cluster_id: String,
    /// One HSM of it only; all that are active if left out
    #[arg(long, value_name = "ID")]
    pub(crate) hsm_id: Option<String>,
    #[command(flatten)]
    pub(crate) server: RunningServer,
}

/// Where the crypto officer's password comes from.
#[derive(Args)]
pub(crate) struct OfficerPassword {
    /// A file of mode 0600 with the crypto officer's password, `-` for standard input; asked for if left out
    #[arg(long, value_name = "FILE")]
    pub(crate) co_password_file: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum HsmUsersCommand {
    /// List the users of each HSM
    List {
        #[command(flatten)]
        of: HsmsOfCluster,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make the crypto user kmsuser, as crypto officer
    Create {
        /// kmsuser
        #[arg(long, value_name = "NAME")]
        user: String,
        #[command(flatten)]
        of: HsmsOfCluster,
        /// A file of mode 0600 with the user's password, `-` for standard input; asked for if left out
        #[arg(long, value_name = "FILE")]
        new_password_file: Option<PathBuf>,
        #[command(flatten)]
        officer: OfficerPassword,
    },
    /// Change a password: of admin, which activates a new cluster, or, as crypto officer, of kmsuser, which unlocks it
    ChangePassword {
        /// admin or kmsuser
        #[arg(long, value_name = "NAME")]
        user: String,
        #[command(flatten)]
        of: HsmsOfCluster,
        /// For admin: a file of mode 0600 with its password until now (of a new cluster the PreCoPassword that DescribeClusters shows), `-`
        /// for standard input; asked for if left out
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// A file of mode 0600 with the new password, `-` for standard input; asked for if left out
        #[arg(long, value_name = "FILE")]
        new_password_file: Option<PathBuf>,
        #[command(flatten)]
        officer: OfficerPassword,
    },
    /// Delete the crypto user and, for good, every key it owns: the key material of the KMS keys
    Delete {
        /// kmsuser
        #[arg(long, value_name = "NAME")]
        user: String,
        #[command(flatten)]
        of: HsmsOfCluster,
        #[command(flatten)]
        officer: OfficerPassword,
    },
    /// Log in to look at the keys, while the custom key store is disconnected; stays until logout
    Login {
        /// kmsuser
        #[arg(long, value_name = "NAME")]
        user: String,
        #[command(flatten)]
        of: HsmsOfCluster,
        /// A file of mode 0600 with the user's password, `-` for standard input; asked for if left out
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Log out, so that the custom key store can be connected again
    Logout {
        /// kmsuser
        #[arg(long, value_name = "NAME", value_parser = ["kmsuser"])]
        user: String,
        #[command(flatten)]
        of: HsmsOfCluster,
    },
    /// List the keys of each HSM with their labels; needs a login
    Keys {
        #[command(flatten)]
        of: HsmsOfCluster,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete a key for good, such as one whose KMS key is gone; needs a login
    DeleteKey {
        /// The key's ID, as `keys` shows it
        #[arg(value_name = "KEY-ID")]
        key_id: String,
        /// Who owns the key
        #[arg(long, value_name = "NAME", default_value = "kmsuser", value_parser = ["kmsuser"])]
        user: String,
        #[command(flatten)]
        of: HsmsOfCluster,
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
    /// Sessions: temporary credentials of users and roles
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
pub(crate) enum SessionsCommand {
    /// Refuse every session that began before now; new ones can be had
    Revoke {
        #[command(flatten)]
        of: OfAccount,
        #[command(flatten)]
        holder: SessionsOf,
    },
}

/// Whose sessions end: exactly one of the two.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct SessionsOf {
    /// The role whose sessions end
    #[arg(long, value_name = "NAME")]
    pub(crate) role: Option<String>,
    /// The user whose sessions end
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
}

/// The account that is acted on.
#[derive(Args)]
pub(crate) struct OfAccount {
    /// 12 digits; `admin accounts list` shows them
    #[arg(long, value_name = "ID", value_parser = parse_account)]
    pub(crate) account: AccountId,
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

fn parse_condition_key(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, _)| key.contains(':'));
    let (key, value) = pair.ok_or("a condition key and its value look like aws:SourceIp=192.0.2.1")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn parse_account(text: &str) -> Result<AccountId, String> {
    AccountId::parse(text).ok_or_else(|| "an account ID is 12 digits".to_owned())
}

fn parse_key_arn(text: &str) -> Result<KeyArn, String> {
    KeyArn::parse(text)
        .ok_or_else(|| "a key ARN looks like arn:aws:kms:us-east-1:111122223333:key/1234abcd-...".to_owned())
}

fn parse_region(text: &str) -> Result<Region, String> {
    Region::parse(text).ok_or_else(|| "a Region looks like us-east-1".to_owned())
}
