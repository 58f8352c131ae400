//! Loading a module, and finding the token in it.

use std::path::Path;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::session::Session;
use cryptoki::slot::{Slot, TokenInfo};

use super::failure::failure;
use super::handles::Handles;
use super::session_pool::SessionPool;
use crate::HsmError;
use crate::client::HsmSettings;

/// More sessions than any profile needs; the documented bound of AWS CloudHSM.
const SESSIONS_MAX: usize = 1024;

/// The token of this worker, in the module as it was initialised last.
pub(crate) struct Token {
    pub(crate) pkcs11: Pkcs11,
    pub(crate) slot: Slot,
    /// `None` if it is not initialised: then there is nothing to open a session with.
    pub(crate) serial: Option<String>,
    pub(crate) sessions: SessionPool,
    pub(crate) handles: Handles,
}

/// By what a token is known. A slot's number is no name: SoftHSM 2 changes it.
pub(crate) struct TokenName<'a> {
    pub(crate) serial: Option<&'a str>,
    pub(crate) label: Option<&'a str>,
}

/// Loads the module, a shared library.
pub(crate) fn load(module: &Path) -> Result<Pkcs11, HsmError> {
    Pkcs11::new(module)
        .map_err(|error| HsmError::Lost(format!("the PKCS #11 module {} cannot be loaded: {error}", module.display())))
}

/// The bound on sessions of a profile.
pub(crate) fn session_cap(settings: &HsmSettings) -> usize {
    usize::try_from(settings.profile.session_cap).unwrap_or(SESSIONS_MAX).clamp(1, SESSIONS_MAX)
}

impl Token {
    /// Initialises the module, which sees tokens as they are now, and finds the token.
    pub(crate) fn open(pkcs11: &Pkcs11, name: &TokenName<'_>, session_cap: usize) -> Result<Self, HsmError> {
        pkcs11
            .initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
            .map_err(|error| HsmError::Lost(format!("the PKCS #11 module does not start: {error}")))?;
        let found = find(pkcs11, name);
        if found.is_err() {
            // The next attempt begins anew; if this fails the process ends, or the module says so then.
            let _ = pkcs11.clone().finalize();
        }
        let (slot, info) = found?;
        Ok(Self {
            pkcs11: pkcs11.clone(),
            slot,
            serial: info.token_initialized().then(|| info.serial_number().to_owned()),
            sessions: SessionPool::new(pkcs11.clone(), slot, session_cap),
            handles: Handles::default(),
        })
    }

    /// Closes every session and ends the module, so that it can be opened again.
    pub(crate) fn close(self) -> Result<(), HsmError> {
        let Self { pkcs11, sessions, .. } = self;
        drop(sessions);
        pkcs11.finalize().map_err(failure)
    }

    /// `C_GetTokenInfo`, and whether the token is still the one that was opened.
    pub(crate) fn info(&self) -> Result<TokenInfo, HsmError> {
        let info = self
            .pkcs11
            .get_token_info(self.slot)
            .map_err(|error| HsmError::Lost(format!("the token is gone: {error}")))?;
        let serial = info.token_initialized().then(|| info.serial_number());
        if serial != self.serial.as_deref() {
            return Err(HsmError::Lost("the token is another one than it was".into()));
        }
        Ok(info)
    }

    /// A session outside the pool.
    pub(crate) fn open_session(&self) -> Result<Session, HsmError> {
        self.pkcs11.open_rw_session(self.slot).map_err(failure)
    }

    /// Refuses what needs an initialised token.
    pub(crate) fn need_initialized(&self) -> Result<(), HsmError> {
        match self.serial {
            Some(_) => Ok(()),
            None => Err(HsmError::TokenState("the token is not initialised".into())),
        }
    }
}

fn find(pkcs11: &Pkcs11, name: &TokenName<'_>) -> Result<(Slot, TokenInfo), HsmError> {
    let (initialized, blank) = slots(pkcs11)?;
    match name {
        TokenName { serial: Some(serial), .. } => find_serial(initialized, serial),
        TokenName { label: Some(label), .. } => initialized
            .into_iter()
            .find(|(_, info)| info.label() == *label)
            .or_else(|| blank.into_iter().next())
            .ok_or_else(|| HsmError::Lost(format!("the module has no token with the label {label:?}"))),
        TokenName { .. } if initialized.len() > 1 => {
            Err(HsmError::Lost("the module has several tokens: say which one by token_serial or token_label".into()))
        }
        TokenName { .. } => {
            initialized.into_iter().chain(blank).next().ok_or_else(|| HsmError::Lost("the module has no token".into()))
        }
    }
}

fn find_serial(initialized: Vec<(Slot, TokenInfo)>, serial: &str) -> Result<(Slot, TokenInfo), HsmError> {
    let others: Vec<_> = initialized.iter().map(|(_, info)| info.serial_number().to_owned()).collect();
    initialized.into_iter().find(|(_, info)| info.serial_number() == serial).ok_or_else(|| {
        HsmError::Lost(match others.is_empty() {
            true => format!("the module has no token with the serial number {serial}; it has none at all"),
            false => format!(
                "the token is another one: its serial number should be {serial}, and there is {}",
                others.join(", ")
            ),
        })
    })
}

type Slots = Vec<(Slot, TokenInfo)>;

/// The slots with an initialised token, and those with a blank one. The list is asked for anew each time: a stale one would make
/// `C_InitToken` wipe a token of SoftHSM 2 instead of making one.
fn slots(pkcs11: &Pkcs11) -> Result<(Slots, Slots), HsmError> {
    let mut all = Vec::new();
    for slot in pkcs11.get_slots_with_token().map_err(lost)? {
        all.push((slot, pkcs11.get_token_info(slot).map_err(lost)?));
    }
    Ok(all.into_iter().partition(|(_, info)| info.token_initialized()))
}

fn lost(error: cryptoki::error::Error) -> HsmError {
    HsmError::Lost(format!("the module's slots cannot be read: {error}"))
}

/// A slot whose token is blank.
pub(crate) fn blank_slot(pkcs11: &Pkcs11) -> Result<Option<Slot>, HsmError> {
    Ok(slots(pkcs11)?.1.first().map(|(slot, _)| *slot))
}
