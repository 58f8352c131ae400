//! Why a token is refused, and why a configuration is.

use std::path::PathBuf;

/// Why a token tells nothing. The message is for the caller; none repeats what the token says.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TokenError {
    /// It is no token, or not one of this issuer's (`InvalidIdentityToken`).
    #[error("{0}")]
    Invalid(String),
    /// Its time is over (`ExpiredTokenException`).
    #[error("Token expired: current date/time is after the token's exp.")]
    Expired,
    /// The issuer's keys cannot be had (`IDPCommunicationError`).
    #[error("The keys of the token's issuer could not be read. Try again; the server's log has the cause.")]
    Communication,
    /// The token is the issuer's, and says something that cannot be (`IDPRejectedClaim`).
    #[error("{0}")]
    RejectedClaim(String),
}

impl TokenError {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }

    pub(crate) fn rejected(message: impl Into<String>) -> Self {
        Self::RejectedClaim(message.into())
    }
}

/// Why a configuration of issuers cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Not an issuer.
    #[error(
        "issuer {0:?} must be https:// and a host in lower case, with a port and a path if it has them, and no query or fragment"
    )]
    Issuer(String),
    /// An issuer is there twice.
    #[error("issuer {0} is there twice")]
    Twice(String),
    /// Not an address of keys.
    #[error("jwks_uri {0:?} must be an https:// URI with a host")]
    Uri(String),
    /// The file cannot be read.
    #[error("jwks_file {path} cannot be read: {reason}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A certificate of `ca_file` cannot be used.
    #[error("ca_file: {0}")]
    Certificate(String),
}
