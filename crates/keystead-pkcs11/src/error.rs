//! Why an HSM did not do it.

use serde::{Deserialize, Serialize};

/// A failure of one HSM, as its worker or the client saw it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, Deserialize)]
pub enum HsmError {
    /// The HSM is lost: its worker does not run, its module cannot be loaded, its token is gone, or is another one than it was.
    /// A side-effect-free call may be made at another HSM.
    #[error("the HSM is lost: {0}")]
    Lost(String),
    /// The worker did not answer within the deadline. Whether the call had an effect is not known.
    #[error("the HSM did not answer in time")]
    TimedOut,
    /// Every session is in use, and none came free in time.
    #[error("every PKCS #11 session of the HSM is in use")]
    NoSession,
    /// Nobody, or somebody else, is logged in; the call needs a login as the user.
    #[error("nobody is logged in to the HSM for this")]
    NotLoggedIn,
    /// Another holder than the caller is logged in as the user.
    #[error("somebody else is logged in to the HSM")]
    UserLoggedIn,
    /// The user's PIN was never set: there is no such user.
    #[error("the HSM has no such user")]
    UserNotFound,
    /// Too many wrong PINs have locked the user.
    #[error("the user is locked")]
    UserLockedOut,
    /// The PIN is wrong.
    #[error("the password is wrong")]
    PinIncorrect,
    /// The token is not initialised, or is when it must not be.
    #[error("the token is in the wrong state: {0}")]
    TokenState(String),
    /// There is no key of that ID.
    #[error("the HSM has no key of that ID")]
    KeyNotFound,
    /// There are several keys of that ID.
    #[error("the HSM has several keys of that ID")]
    KeyAmbiguous,
    /// Ciphertext, tag, IV or additional authenticated data are wrong.
    #[error("the ciphertext does not authenticate")]
    InvalidCiphertext,
    /// The module refused what was asked, or answered nonsense.
    #[error("the PKCS #11 module failed: {0}")]
    Module(String),
}
