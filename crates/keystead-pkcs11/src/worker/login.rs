//! Who is logged in, and PINs.

use std::sync::atomic::{AtomicU8, Ordering};

use cryptoki::error::{Error, RvError};
use cryptoki::session::{Session, SessionState, UserType};
use cryptoki::types::AuthPin;

use super::Worker;
use super::failure::is_wrong_pin;
use super::strikes::User;
use super::worker::Changes;
use crate::{HsmError, LoginHolder, Pin, PinFormat};

/// The user of AWS CloudHSM that KMS is.
const USER_NAME: &str = "kmsuser";

/// A login as the user. The module forgets the PIN, the worker must not: whoever logs in a second time has to know it too.
pub(crate) struct Login {
    holder: LoginHolder,
    pin: Pin,
}

/// Who is logged in, for those who do not wait for their turn to change it.
#[derive(Default)]
pub(crate) struct Holder(AtomicU8);

impl Holder {
    pub(crate) fn get(&self) -> Option<LoginHolder> {
        match self.0.load(Ordering::Acquire) {
            1 => Some(LoginHolder::Kms),
            2 => Some(LoginHolder::Auditor),
            _ => None,
        }
    }

    fn set(&self, holder: Option<LoginHolder>) {
        let code = match holder {
            None => 0,
            Some(LoginHolder::Kms) => 1,
            Some(LoginHolder::Auditor) => 2,
        };
        self.0.store(code, Ordering::Release);
    }
}

impl Worker {
    /// Refuses what only KMS does unless KMS is logged in.
    pub(crate) fn need_kms(&self) -> Result<(), HsmError> {
        match self.holder.get() {
            Some(LoginHolder::Kms) => Ok(()),
            Some(LoginHolder::Auditor) | None => Err(HsmError::NotLoggedIn),
        }
    }

    /// Refuses what needs a login unless somebody is logged in.
    pub(crate) fn need_login(&self) -> Result<(), HsmError> {
        self.holder.get().map(drop).ok_or(HsmError::NotLoggedIn)
    }

    pub(crate) fn log_in(&self, user_pin: &Pin, holder: LoginHolder) -> Result<(), HsmError> {
        let mut changes = self.changes();
        match &changes.login {
            Some(login) if login.holder != holder => return Err(HsmError::UserLoggedIn),
            Some(login) => {
                let is_same = is_same(&login.pin, user_pin);
                return count_attempt(&mut changes, User::User, is_same);
            }
            None => {}
        }
        let pin = self.format(user_pin);
        self.attempt(&mut changes, User::User, |session| session.login(UserType::User, Some(&pin)))?;
        changes.login = Some(Login { holder, pin: user_pin.clone() });
        self.holder.set(Some(holder));
        Ok(())
    }

    pub(crate) fn log_out(&self, holder: LoginHolder) -> Result<(), HsmError> {
        let mut changes = self.changes();
        if changes.login.as_ref().is_none_or(|login| login.holder != holder) {
            return Ok(());
        }
        self.forget_login(&mut changes);
        match changes.session()?.logout() {
            Ok(()) | Err(Error::Pkcs11(RvError::UserNotLoggedIn, _)) => Ok(()),
            Err(error) => Err(self.blame(error)),
        }
    }

    pub(crate) fn change_user_pin(&self, holder: LoginHolder, old: &Pin, new: &Pin) -> Result<(), HsmError> {
        let mut changes = self.changes();
        match &changes.login {
            None => return Err(HsmError::NotLoggedIn),
            Some(login) if login.holder != holder => return Err(HsmError::UserLoggedIn),
            Some(_) => {}
        }
        let (old, new_pin) = (self.format(old), self.format(new));
        self.attempt(&mut changes, User::User, |session| session.set_pin(&old, &new_pin))?;
        changes.login = Some(Login { holder, pin: new.clone() });
        Ok(())
    }

    pub(crate) fn check_so_pin(&self, so_pin: &Pin) -> Result<(), HsmError> {
        let mut changes = self.changes();
        self.as_security_officer(&mut changes, so_pin, |_| Ok(()))
    }

    pub(crate) fn change_so_pin(&self, old: &Pin, new: &Pin) -> Result<(), HsmError> {
        let mut changes = self.changes();
        let (old_pin, new_pin) = (auth_pin(old.expose()), auth_pin(new.expose()));
        self.as_security_officer(&mut changes, old, |session| session.set_pin(&old_pin, &new_pin))
    }

    pub(crate) fn initialize_user_pin(&self, so_pin: &Pin, user_pin: &Pin) -> Result<(), HsmError> {
        let mut changes = self.changes();
        let pin = self.format(user_pin);
        self.as_security_officer(&mut changes, so_pin, |session| session.init_pin(&pin))?;
        changes.strikes.set(User::User, 0)
    }

    /// Logs in again where the module has forgotten the login that the worker knows of; whether that was so.
    pub(crate) fn restore_login(&self) -> Result<bool, HsmError> {
        self.restore_login_in(&mut self.changes())
    }

    /// The same for those whose turn it is. Once: if the PIN is refused then, the token is not what it was.
    pub(crate) fn restore_login_in(&self, changes: &mut Changes) -> Result<bool, HsmError> {
        let Some(login) = &changes.login else { return Err(HsmError::NotLoggedIn) };
        let state = changes.session()?.get_session_info().map_err(|error| self.blame(error))?.session_state();
        if matches!(state, SessionState::RwUser | SessionState::RoUser) {
            return Ok(false);
        }
        let pin = self.format(&login.pin);
        self.token()?.handles.forget_all();
        match self.attempt(changes, User::User, |session| session.login(UserType::User, Some(&pin))) {
            Ok(()) => Ok(true),
            Err(HsmError::PinIncorrect | HsmError::UserNotFound) => {
                self.forget_login(changes);
                Err(self.initialized_anew())
            }
            Err(error) => Err(error),
        }
    }

    /// Nobody is logged in any more, as far as the worker knows; handles end with the login.
    pub(crate) fn forget_login(&self, changes: &mut Changes) {
        changes.login = None;
        changes.transport_key = None;
        self.holder.set(None);
        if let Ok(token) = self.token() {
            token.handles.forget_all();
        }
    }

    /// Tries a PIN, unless the user is locked. The strike is counted before, and taken back unless the PIN was wrong.
    pub(crate) fn attempt(
        &self,
        changes: &mut Changes,
        user: User,
        attempt: impl FnOnce(&Session) -> Result<(), Error>,
    ) -> Result<(), HsmError> {
        let strikes = changes.strikes.count(user);
        if changes.strikes.is_locked(user) {
            return Err(HsmError::UserLockedOut);
        }
        changes.session()?;
        changes.strikes.set(user, strikes + 1)?;
        let mut outcome = Ok(());
        let session = changes.session()?;
        self.change(true, || {
            outcome = attempt(session);
            Ok(())
        })?;
        match outcome {
            Ok(()) => changes.strikes.set(user, 0),
            Err(error) if is_wrong_pin(&error) => Err(wrong_pin(error)),
            Err(error) => {
                changes.strikes.set(user, strikes)?;
                Err(self.blame(error))
            }
        }
    }

    /// Does something as the security officer, who is logged out again in any case. Not while the user is logged in: a token knows one at
    /// a time.
    fn as_security_officer(
        &self,
        changes: &mut Changes,
        so_pin: &Pin,
        act: impl FnOnce(&Session) -> Result<(), Error>,
    ) -> Result<(), HsmError> {
        if changes.login.is_some() {
            return Err(HsmError::UserLoggedIn);
        }
        let pin = auth_pin(so_pin.expose());
        self.attempt(changes, User::SecurityOfficer, |session| session.login(UserType::So, Some(&pin)))?;
        let session = changes.session()?;
        self.change(true, || {
            let acted = act(session).map_err(|error| self.blame(error));
            let logged_out = session.logout().map_err(|error| self.blame(error));
            acted.and(logged_out)
        })
    }

    fn format(&self, pin: &Pin) -> AuthPin {
        match self.settings.profile.pin_format {
            PinFormat::Password => auth_pin(pin.expose()),
            // C_Login's format is documented. That C_SetPIN takes the same is unverified.
            PinFormat::UserAndPassword => {
                // As long as it is to be: a text that grows leaves copies behind.
                let mut text = String::with_capacity(USER_NAME.len() + 1 + pin.expose().len());
                text.extend([USER_NAME, ":", pin.expose()]);
                text.into()
            }
        }
    }
}

/// A PIN as cryptoki takes it, which zeroes it on drop.
pub(crate) fn auth_pin(text: &str) -> AuthPin {
    text.to_owned().into()
}

/// A PIN that needs no token to be compared: counted as if the token had done it.
fn count_attempt(changes: &mut Changes, user: User, is_right: bool) -> Result<(), HsmError> {
    if changes.strikes.is_locked(user) {
        return Err(HsmError::UserLockedOut);
    }
    let strikes = if is_right { 0 } else { changes.strikes.count(user) + 1 };
    changes.strikes.set(user, strikes)?;
    if is_right { Ok(()) } else { Err(HsmError::PinIncorrect) }
}

fn wrong_pin(error: Error) -> HsmError {
    match error {
        Error::Pkcs11(RvError::PinLocked, _) => HsmError::UserLockedOut,
        _ => HsmError::PinIncorrect,
    }
}

/// Compares in a time that tells nothing of where they differ.
fn is_same(one: &Pin, other: &Pin) -> bool {
    let (one, other) = (one.expose().as_bytes(), other.expose().as_bytes());
    one.len() == other.len() && one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}
