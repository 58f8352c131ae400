//! Making a token, and saving it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use cryptoki::error::Error;
use cryptoki::slot::Slot;

use super::Worker;
use super::failure::{failure, is_wrong_pin};
use super::login::auth_pin;
use super::strikes::User;
use super::token::{self, Token, TokenName};
use super::worker::Changes;
use crate::{HsmError, Pin};

/// `CK_TOKEN_INFO` has no more room.
const LABEL_BYTES_MAX: usize = 32;

impl Worker {
    pub(crate) fn initialize_token(&self, label: &str, so_pin: &Pin) -> Result<String, HsmError> {
        let mut changes = self.changes();
        self.make_token(&mut changes, label, |token| {
            if token.serial.is_some() {
                return Err(HsmError::TokenState("the token is initialised already".into()));
            }
            let slot = token::blank_slot(&token.pkcs11)?
                .ok_or_else(|| HsmError::TokenState("the module has no blank token".into()))?;
            initialize(token, slot, label, so_pin).map_err(failure)
        })
    }

    pub(crate) fn reinitialize_token(&self, label: &str, so_pin: &Pin) -> Result<String, HsmError> {
        let mut changes = self.changes();
        if changes.login.is_some() {
            return Err(HsmError::UserLoggedIn);
        }
        let strikes = changes.strikes.count(User::SecurityOfficer);
        if changes.strikes.is_locked(User::SecurityOfficer) {
            return Err(HsmError::UserLockedOut);
        }
        changes.strikes.set(User::SecurityOfficer, strikes + 1)?;
        let mut is_pin_wrong = false;
        let made = self.make_token(&mut changes, label, |token| {
            token.need_initialized()?;
            initialize(token, token.slot, label, so_pin).map_err(|error| {
                is_pin_wrong = is_wrong_pin(&error);
                failure(error)
            })
        });
        if !is_pin_wrong {
            changes.strikes.set(User::SecurityOfficer, if made.is_ok() { 0 } else { strikes })?;
        }
        made
    }

    pub(crate) fn back_up_token(&self, folder: &[u8]) -> Result<(), HsmError> {
        // Nothing changes the token for as long as this is held.
        let _changes = self.changes();
        let storage =
            self.storage.as_ref().ok_or_else(|| HsmError::TokenState("the token has no storage to copy".into()))?;
        storage.check()?;
        storage.copy_into(Path::new(OsStr::from_bytes(folder)))
    }

    /// Calls `C_InitToken` by `initialize` with every session closed, then opens the token again, whether that succeeded or not.
    fn make_token(
        &self,
        changes: &mut Changes,
        label: &str,
        initialize: impl FnOnce(&Token) -> Result<(), HsmError>,
    ) -> Result<String, HsmError> {
        if label.len() > LABEL_BYTES_MAX {
            return Err(HsmError::TokenState(format!("a label has at most {LABEL_BYTES_MAX} bytes")));
        }
        self.forget_login(changes);
        let token = self.take_token()?;
        changes.session = None;
        token.sessions.close_idle();
        let serial = token.serial.clone();
        let made = self.change(true, || initialize(&token));
        let name = match (&made, &serial) {
            (Err(_), Some(serial)) => TokenName { serial: Some(serial), label: None },
            (Err(_), None) => super::worker::token_name(&self.settings),
            (Ok(()), _) => TokenName { serial: None, label: Some(label) },
        };
        let serial = self.open_again(changes, token, &name).inspect_err(|_| self.end_soon())?;
        made?;
        changes.strikes.set(User::User, 0)?;
        serial.ok_or_else(|| HsmError::Module("C_InitToken succeeded, and the token is not initialised".into()))
    }
}

impl Worker {
    /// Opens the token anew, and gives it to everybody. Returns its serial number. Without a token there is nothing that this process could
    /// still do.
    fn open_again(
        &self,
        changes: &mut Changes,
        token: Token,
        name: &TokenName<'_>,
    ) -> Result<Option<String>, HsmError> {
        let pkcs11 = token.pkcs11.clone();
        token.close()?;
        let token = Token::open(&pkcs11, name, token::session_cap(&self.settings))?;
        changes.session = token.serial.is_some().then(|| token.open_session()).transpose()?;
        let serial = token.serial.clone();
        self.set_token(token);
        Ok(serial)
    }
}

fn initialize(token: &Token, slot: Slot, label: &str, so_pin: &Pin) -> Result<(), Error> {
    token.pkcs11.init_token(slot, &auth_pin(so_pin.expose()), label)
}
