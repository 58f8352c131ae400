//! What `keystead hsm-users` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::RunningServer;

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
