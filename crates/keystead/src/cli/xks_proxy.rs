//! What `keystead xks-proxy` takes to manage its external keys and credentials.

use std::path::PathBuf;

use clap::{Args, Subcommand};

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

/// The prefix whose credentials are managed.
#[derive(Args)]
pub(crate) struct PrefixOfProxy {
    /// The path of the [[prefix]], such as /example; may be left out if there is one only
    #[arg(long, value_name = "/PATH")]
    pub(crate) prefix: Option<String>,
    #[command(flatten)]
    pub(crate) file: ProxyConfigFile,
}

/// The configuration file of the proxy that is managed.
#[derive(Args)]
pub(crate) struct ProxyConfigFile {
    /// The proxy's configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
}
