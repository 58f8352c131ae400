//! The worker's state, and the ways to it.

use std::fs::{self, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use cryptoki::context::Pkcs11;
use cryptoki::error::Error;
use cryptoki::session::Session;

use super::StartFile;
use super::failure::{failure, is_fatal};
use super::login::{Holder, Login};
use super::snapshot::Snapshot;
use super::storage::Storage;
use super::strikes::Strikes;
use super::token::{self, Token, TokenName};
use crate::client::HsmSettings;
use crate::{HsmError, SnapshotHook, TokenStatus};

/// How long a worker waits for one that was killed to be gone.
const PREDECESSOR_WAIT: Duration = Duration::from_secs(3);

/// How long a token that is to be initialised is waited for while calls still use it.
const LAST_USES: Duration = Duration::from_secs(2);

const INITIALIZED_ANEW: &str = "the token was initialised anew behind the worker's back";

/// One HSM.
///
/// What changes the token (logins, PINs, objects) holds `changes`, one at a time. What only uses keys does not.
pub(crate) struct Worker {
    pub(crate) settings: HsmSettings,
    probe_interval: Duration,
    pub(crate) storage: Option<Storage>,
    pub(crate) snapshot: Option<Snapshot>,
    /// `None` only while `C_InitToken` makes it anew, or if it could not be opened again. Who uses it holds it, and not the lock.
    token: RwLock<Option<Arc<Token>>>,
    changes: Mutex<Changes>,
    pub(crate) holder: Holder,
    user_strikes: Arc<AtomicU32>,
    strikes_max: u32,
    is_broken: AtomicBool,
    /// No second process may drive the token.
    _lock: File,
}

/// What only one thread may touch at a time.
pub(crate) struct Changes {
    /// Keeps the login while the pool has no session, and makes the changes. `None` as long as the token is not initialised.
    pub(crate) session: Option<Session>,
    pub(crate) login: Option<Login>,
    pub(crate) strikes: Strikes,
    /// The private half of the transport key, an object of the session.
    pub(crate) transport_key: Option<cryptoki::object::ObjectHandle>,
}

impl Changes {
    /// The session, if the token is initialised.
    pub(crate) fn session(&self) -> Result<&Session, HsmError> {
        self.session.as_ref().ok_or_else(|| HsmError::TokenState("the token is not initialised".into()))
    }
}

impl Worker {
    /// Loads the module and opens the token; mends what a crash has left.
    pub(crate) fn open(start: StartFile) -> Result<Self, HsmError> {
        let settings = start.hsm;
        let lock = lock_state(&settings.state_folder)?;
        let storage = settings.token_storage.as_deref().map(Storage::open).transpose()?;
        let snapshot = snapshot(&settings)?;
        let pkcs11 = token::load(&settings.module)?;
        let token = open_token(&pkcs11, &settings, snapshot.as_ref())?;
        let session = token.serial.is_some().then(|| token.open_session()).transpose()?;
        let strikes = Strikes::open(&settings.state_folder, start.strikes_max)?;
        Ok(Self {
            settings,
            probe_interval: Duration::from_millis(start.probe_interval_ms.max(1)),
            storage,
            snapshot,
            token: RwLock::new(Some(Arc::new(token))),
            holder: Holder::default(),
            user_strikes: strikes.user_count(),
            strikes_max: start.strikes_max,
            changes: Mutex::new(Changes { session, login: None, strikes, transport_key: None }),
            is_broken: AtomicBool::new(false),
            _lock: lock,
        })
    }

    pub(crate) fn probe_interval(&self) -> Duration {
        self.probe_interval
    }

    pub(crate) fn session_cap(&self) -> usize {
        token::session_cap(&self.settings)
    }

    /// Waits for the turn to change the token.
    pub(crate) fn changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether something changes the token at this moment.
    pub(crate) fn is_changing(&self) -> bool {
        matches!(self.changes.try_lock(), Err(TryLockError::WouldBlock))
    }

    /// The token.
    pub(crate) fn token(&self) -> Result<Arc<Token>, HsmError> {
        let token = self.token.read().unwrap_or_else(PoisonError::into_inner).clone();
        token.ok_or_else(|| HsmError::Lost("the token is being initialised".into()))
    }

    /// The token, once nobody else uses it; nobody can until it is set again.
    pub(crate) fn take_token(&self) -> Result<Token, HsmError> {
        let mut token = self.token.write().unwrap_or_else(PoisonError::into_inner).take();
        let deadline = Instant::now() + LAST_USES;
        while let Some(shared) = token {
            match Arc::try_unwrap(shared) {
                Ok(token) => return Ok(token),
                Err(shared) if Instant::now() < deadline => {
                    token = Some(shared);
                    thread::sleep(Duration::from_millis(1));
                }
                Err(shared) => {
                    *self.token.write().unwrap_or_else(PoisonError::into_inner) = Some(shared);
                    return Err(HsmError::NoSession);
                }
            }
        }
        Err(HsmError::Lost("the token was not opened again after its initialisation".into()))
    }

    /// Gives the token to everybody.
    pub(crate) fn set_token(&self, token: Token) {
        *self.token.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(token));
    }

    /// Whether the token is still there, and still the one that was opened.
    pub(crate) fn probe(&self) -> Result<(), HsmError> {
        if self.is_broken.load(Ordering::Relaxed) {
            return Err(HsmError::Lost("its token is not what it was when it was opened".into()));
        }
        self.check_storage()?;
        // While the token is made anew there is nothing to ask.
        let Ok(token) = self.token() else { return Ok(()) };
        let info = token.info()?;
        if self.holder.get().is_some() && !info.user_pin_initialized() {
            return Err(self.initialized_anew());
        }
        Ok(())
    }

    /// [`failure`], after a look whether the token is the reason.
    pub(crate) fn blame(&self, error: Error) -> HsmError {
        if is_fatal(&error) {
            self.is_broken.store(true, Ordering::Relaxed);
        }
        match failure(error) {
            HsmError::Module(text) => self.probe().err().unwrap_or(HsmError::Module(text)),
            other => other,
        }
    }

    /// Makes a change of the token: SoftHSM 2's file is saved before it if it touches a PIN, and everything is on the disk after it,
    /// whether it succeeded or not.
    pub(crate) fn change<T>(
        &self,
        touches_pin: bool,
        change: impl FnOnce() -> Result<T, HsmError>,
    ) -> Result<T, HsmError> {
        self.check_storage()?;
        let snapshot = self.snapshot.as_ref().filter(|_| touches_pin);
        if let Some(snapshot) = snapshot {
            snapshot.take()?;
        }
        let started = SystemTime::now();
        let changed = change();
        let kept = self.keep(started, snapshot);
        if kept.is_err() {
            // What the module did is not on the disk, and the worker does not know what it was.
            self.is_broken.store(true, Ordering::Relaxed);
        }
        kept.and(changed)
    }

    /// Brings a change to the disk.
    fn keep(&self, since: SystemTime, snapshot: Option<&Snapshot>) -> Result<(), HsmError> {
        if let Some(storage) = &self.storage {
            storage.sync_since(since)?;
            storage.check()?;
        }
        snapshot.map_or(Ok(()), Snapshot::discard)
    }

    /// The state of the token. It waits for no change that is on its way.
    pub(crate) fn status(&self) -> Result<TokenStatus, HsmError> {
        self.probe()?;
        let info = self.token()?.info()?;
        let user_strikes = self.user_strikes.load(Ordering::Relaxed);
        Ok(TokenStatus {
            initialized: info.token_initialized(),
            label: info.label().to_owned(),
            serial: info.serial_number().to_owned(),
            user_exists: info.user_pin_initialized(),
            user_locked: info.user_pin_locked() || user_strikes >= self.strikes_max,
            user_strikes,
            login: self.holder.get(),
        })
    }

    /// The failure of a token whose user or keys have vanished without a word; the process ends with the next probe.
    pub(crate) fn initialized_anew(&self) -> HsmError {
        self.is_broken.store(true, Ordering::Relaxed);
        HsmError::Lost(INITIALIZED_ANEW.into())
    }

    /// The process ends with the next probe, and a fresh one sees the token as it is.
    pub(crate) fn end_soon(&self) {
        self.is_broken.store(true, Ordering::Relaxed);
    }

    fn check_storage(&self) -> Result<(), HsmError> {
        self.storage.as_ref().map_or(Ok(()), Storage::check)
    }
}

/// How the settings name the token.
pub(crate) fn token_name(settings: &HsmSettings) -> TokenName<'_> {
    TokenName { serial: settings.token_serial.as_deref(), label: settings.token_label.as_deref() }
}

fn snapshot(settings: &HsmSettings) -> Result<Option<Snapshot>, HsmError> {
    match (settings.profile.snapshot_hook, &settings.token_storage) {
        (SnapshotHook::None, _) => Ok(None),
        (SnapshotHook::SofthsmTokenObject, Some(tokens)) => Ok(Some(Snapshot::new(tokens, &settings.state_folder))),
        (SnapshotHook::SofthsmTokenObject, None) => Err(HsmError::Lost(
            "the profile's snapshot_hook needs token_storage, the folder of SoftHSM 2's tokens".into(),
        )),
    }
}

/// Opens the token; if a crash has left a copy, and the token cannot be opened or is blank, with the copy put back.
fn open_token(pkcs11: &Pkcs11, settings: &HsmSettings, snapshot: Option<&Snapshot>) -> Result<Token, HsmError> {
    let open = || Token::open(pkcs11, &token_name(settings), token::session_cap(settings));
    let Some(snapshot) = snapshot else { return open() };
    snapshot.mend()?;
    let token = match open() {
        Ok(token) if token.serial.is_none() && snapshot.exists()? => {
            token.close()?;
            snapshot.restore()?;
            open()?
        }
        Err(_) if snapshot.exists()? => {
            snapshot.restore()?;
            open()?
        }
        opened => opened?,
    };
    snapshot.discard()?;
    Ok(token)
}

/// Makes the state folder, and takes its lock, which ends with the process.
fn lock_state(folder: &Path) -> Result<File, HsmError> {
    let bad = |why: String| HsmError::Lost(format!("the worker's folder {} cannot be used: {why}", folder.display()));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| bad(error.to_string()))?;
    let lock = File::create(folder.join("lock")).map_err(|error| bad(error.to_string()))?;
    let deadline = Instant::now() + PREDECESSOR_WAIT;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(fs::TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
            Err(error) => return Err(bad(format!("another process drives this HSM ({error})"))),
        }
    }
}
