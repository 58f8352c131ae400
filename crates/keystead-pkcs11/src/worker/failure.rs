//! From what a module answers to what callers are told: one table.

use cryptoki::context::Function;
use cryptoki::error::{Error, RvError};

use crate::HsmError;

/// What a PKCS #11 error is to callers, if nothing is known of its context.
pub(crate) fn failure(error: Error) -> HsmError {
    let Error::Pkcs11(code, _) = &error else {
        return HsmError::Module(error.to_string());
    };
    match code {
        RvError::PinIncorrect => HsmError::PinIncorrect,
        RvError::PinLocked => HsmError::UserLockedOut,
        RvError::UserPinNotInitialized => HsmError::UserNotFound,
        RvError::UserNotLoggedIn => HsmError::NotLoggedIn,
        RvError::UserAlreadyLoggedIn | RvError::UserAnotherAlreadyLoggedIn => HsmError::UserLoggedIn,
        RvError::SessionCount => HsmError::NoSession,
        RvError::KeyHandleInvalid | RvError::ObjectHandleInvalid => HsmError::KeyNotFound,
        _ if is_fatal(&error) => HsmError::Lost(error.to_string()),
        _ => HsmError::Module(error.to_string()),
    }
}

/// Whether the module can be used no longer by this process.
pub(crate) fn is_fatal(error: &Error) -> bool {
    let Error::Pkcs11(code, _) = error else {
        return false;
    };
    matches!(
        code,
        RvError::DeviceRemoved
            | RvError::TokenNotPresent
            | RvError::TokenNotRecognized
            | RvError::CryptokiNotInitialized
            | RvError::SlotIdInvalid
            | RvError::SessionClosed
            | RvError::SessionHandleInvalid
    )
}

/// Whether a handle or a login is not what the worker took it for. kryoptic says `CKR_GENERAL_ERROR` of a key that another process has
/// destroyed, when an operation is to begin with it.
pub(crate) fn is_stale(error: &Error) -> bool {
    matches!(
        error,
        Error::Pkcs11(RvError::KeyHandleInvalid | RvError::ObjectHandleInvalid | RvError::UserNotLoggedIn, _)
            | Error::Pkcs11(RvError::GeneralError, Function::EncryptInit | Function::DecryptInit)
    )
}

/// Whether a decryption that ends so may have been given a wrong ciphertext: `CKR_ENCRYPTED_DATA_INVALID` and its like say so, SoftHSM 2
/// says `CKR_GENERAL_ERROR`, which may as well mean that the token is gone.
pub(crate) fn is_refused_ciphertext(error: &Error) -> bool {
    let Error::Pkcs11(code, _) = error else {
        return false;
    };
    matches!(
        code,
        RvError::EncryptedDataInvalid
            | RvError::EncryptedDataLenRange
            | RvError::DataInvalid
            | RvError::DataLenRange
            | RvError::SignatureInvalid
            | RvError::GeneralError
            | RvError::FunctionFailed
    )
}

/// Whether a login or a change of a PIN was refused for the PIN it was given.
pub(crate) fn is_wrong_pin(error: &Error) -> bool {
    matches!(error, Error::Pkcs11(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLocked, _))
}
