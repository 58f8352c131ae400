//! One HSM, as the server uses it.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use super::link::Link;
use super::state::State;
use super::supervisor::{Command, MISSED_MAX, Signals};
use super::{HsmSettings, WorkerSettings};
use crate::wire::{Bytes, Question, Request, SecretBytes};
use crate::{Ciphertext, HsmError, KeyId, KeyInfo, LoginHolder, Pin, TokenStatus};

/// Calls at once that need no session of the pool.
const CONTROL_CALLS_MAX: usize = 4;
/// More sessions than any token gives.
const SESSIONS_MAX: u32 = 1024;
/// Calls that take a token long (an RSA key pair, a copy of all objects) have so many times the usual deadline.
const LONG_CALL_FACTOR: u32 = 8;

/// One HSM behind its worker. Calls may be made from many tasks at once; each is answered within the call timeout.
///
/// A call to an HSM whose worker is not there fails at once with [`HsmError::Lost`], except [`Hsm::status`] and [`Hsm::restart`], which
/// wait for the start of a worker.
pub struct Hsm {
    settings: HsmSettings,
    common: Arc<WorkerSettings>,
    commands: mpsc::Sender<Command>,
    signals: Arc<Signals>,
    /// One for each session: more calls than sessions wait here, where waiting costs least.
    sessions: Semaphore,
    control_calls: Semaphore,
}

/// What a call needs of the worker.
#[derive(Clone, Copy)]
enum Kind {
    /// A session of the pool.
    Session,
    /// A session of the pool, for longer.
    LongSession,
    /// No session of the pool.
    Control,
    /// No session of the pool, for longer.
    LongControl,
}

impl Kind {
    fn is_short(self) -> bool {
        matches!(self, Self::Session | Self::Control)
    }
}

/// A call that takes a token long, counted as long as it is under way.
struct LongCall<'a>(&'a AtomicU32);

impl<'a> LongCall<'a> {
    fn new(under_way: &'a AtomicU32) -> Self {
        under_way.fetch_add(1, Ordering::Relaxed);
        Self(under_way)
    }
}

impl Drop for LongCall<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A call whose answer is awaited. Whoever made it may give it up before its deadline, by dropping it; if that comes late, the worker has
/// missed it all the same.
struct Awaited<'a> {
    hsm: &'a Hsm,
    kind: Kind,
    since: Instant,
    is_over: bool,
}

impl<'a> Awaited<'a> {
    fn new(hsm: &'a Hsm, kind: Kind) -> Self {
        Self { hsm, kind, since: Instant::now(), is_over: false }
    }

    /// What became of it is known, and counted by others.
    fn end(mut self) {
        self.is_over = true;
    }
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        if !self.is_over && self.since.elapsed() >= self.hsm.time(self.kind) / 2 {
            self.hsm.count(self.kind, false);
        }
    }
}

impl Hsm {
    pub(super) fn new(
        settings: HsmSettings,
        common: Arc<WorkerSettings>,
        commands: mpsc::Sender<Command>,
        signals: Arc<Signals>,
    ) -> Self {
        let sessions = settings.profile.session_cap.clamp(1, SESSIONS_MAX) as usize;
        Self {
            settings,
            common,
            commands,
            signals,
            sessions: Semaphore::new(sessions),
            control_calls: Semaphore::new(CONTROL_CALLS_MAX),
        }
    }

    pub(super) fn signals(&self) -> &Arc<Signals> {
        &self.signals
    }

    /// Its settings.
    pub fn settings(&self) -> &HsmSettings {
        &self.settings
    }

    /// Whether the worker ran and its token was there when it was last heard of. Asks nobody.
    ///
    /// One that misses deadlines is available until it has missed so many that it is replaced: if callers stayed away earlier, nobody would
    /// ever know that it hangs, nor that it does no longer.
    pub fn is_available(&self) -> bool {
        let answers = |kind| self.missed(kind).load(Ordering::Relaxed) < MISSED_MAX;
        matches!(*self.signals.state.borrow(), State::Up(_)) && answers(Kind::Session) && answers(Kind::Control)
    }

    /// Ends the worker and starts a fresh one, which sees the token as it is now. Whoever was logged in no longer is.
    pub async fn restart(&self) -> Result<(), HsmError> {
        let (sender, restarted) = oneshot::channel();
        let ended = || HsmError::Lost(State::Ended.reason());
        self.commands.send(Command::Restart(sender)).await.map_err(|_| ended())?;
        restarted.await.map_err(|_| ended())??;
        self.status().await.map(drop)
    }

    /// The state of the token.
    pub async fn status(&self) -> Result<TokenStatus, HsmError> {
        self.wait_for_worker().await?;
        self.probe().await
    }

    /// [`Hsm::status`] without waiting for a worker.
    pub(super) async fn probe(&self) -> Result<TokenStatus, HsmError> {
        self.call(Kind::Control, Request::Status).await
    }

    /// `C_InitToken` on a token that is not initialised; `TokenState` if it is. Returns the serial number.
    pub async fn initialize_token(&self, label: &str, so_pin: &Pin) -> Result<String, HsmError> {
        self.call(Kind::LongControl, Request::InitializeToken { label, so_pin: so_pin.clone() }).await
    }

    /// `C_InitToken` on a token that is initialised: every object and the user are destroyed, the SO PIN stays. Returns the serial number,
    /// which may be a new one. `UserLoggedIn` while somebody is logged in as the user.
    pub async fn reinitialize_token(&self, label: &str, so_pin: &Pin) -> Result<String, HsmError> {
        self.call(Kind::LongControl, Request::ReinitializeToken { label, so_pin: so_pin.clone() }).await
    }

    /// Checks the SO PIN by a login of the SO and a logout. `UserLoggedIn` while somebody is logged in as the user.
    pub async fn check_so_pin(&self, so_pin: &Pin) -> Result<(), HsmError> {
        self.call(Kind::Control, Request::CheckSoPin { so_pin: so_pin.clone() }).await
    }

    /// Changes the SO PIN. `UserLoggedIn` while somebody is logged in as the user.
    pub async fn change_so_pin(&self, old: &Pin, new: &Pin) -> Result<(), HsmError> {
        self.call(Kind::Control, Request::ChangeSoPin { old: old.clone(), new: new.clone() }).await
    }

    /// As SO sets the user's PIN (`C_InitPIN`), which makes the user if there is none, and unlocks it. `UserLoggedIn` while somebody is
    /// logged in as the user.
    pub async fn initialize_user_pin(&self, so_pin: &Pin, user_pin: &Pin) -> Result<(), HsmError> {
        let request = Request::InitializeUserPin { so_pin: so_pin.clone(), user_pin: user_pin.clone() };
        self.call(Kind::Control, request).await
    }

    /// Logs in as the user, once. Succeeds where `holder` is logged in already and `user_pin` is the one it logged in with.
    pub async fn log_in(&self, user_pin: &Pin, holder: LoginHolder) -> Result<(), HsmError> {
        self.call(Kind::Control, Request::LogIn { user_pin: user_pin.clone(), holder }).await
    }

    /// Logs `holder` out; no error if it is not logged in.
    pub async fn log_out(&self, holder: LoginHolder) -> Result<(), HsmError> {
        self.call(Kind::Control, Request::LogOut { holder }).await
    }

    /// Changes the user's PIN (`C_SetPIN`) while `holder` is logged in. Sessions and keys stay usable. Durable when it returns.
    pub async fn change_user_pin(&self, holder: LoginHolder, old: &Pin, new: &Pin) -> Result<(), HsmError> {
        self.call(Kind::Control, Request::ChangeUserPin { holder, old: old.clone(), new: new.clone() }).await
    }

    /// All secret keys of the token, the masking key among them. Needs a login.
    pub async fn keys(&self) -> Result<Vec<KeyInfo>, HsmError> {
        self.call(Kind::LongSession, Request::Keys).await
    }

    /// The keys with this ID: none, one, or several. Needs a login.
    pub async fn find_keys(&self, id: &KeyId) -> Result<Vec<KeyInfo>, HsmError> {
        self.call(Kind::Session, Request::FindKeys { id: &id.0 }).await
    }

    /// Generates a 256-bit AES key for AES-GCM with the template of the digest's 3.2; `extractable` only for as long as it takes to copy
    /// it. Durable when it returns. Does not look whether the token has a key with this ID already. KMS must be logged in, as for all that
    /// follows up to [`Hsm::decrypt`] unless it says otherwise.
    pub async fn generate_key(&self, id: &KeyId, label: &str, extractable: bool) -> Result<KeyInfo, HsmError> {
        self.call(Kind::Control, Request::GenerateKey { id: &id.0, label, extractable }).await
    }

    /// Makes a key unextractable for ever.
    pub async fn seal_key(&self, id: &KeyId) -> Result<KeyInfo, HsmError> {
        self.call(Kind::Control, Request::SealKey { id: &id.0 }).await
    }

    /// Destroys every secret key with this ID. Returns how many there were. Needs a login of whomever.
    pub async fn destroy_key(&self, id: &KeyId) -> Result<u32, HsmError> {
        self.call(Kind::Control, Request::DestroyKey { id: &id.0 }).await
    }

    /// The masking key that HSMs of a cluster share, if this HSM has it: AES-256 for wrapping and unwrapping alone, ID `keystead masking
    /// key`. Needs a login of whomever.
    pub async fn masking_key(&self) -> Result<Option<KeyInfo>, HsmError> {
        self.call(Kind::Session, Request::MaskingKey).await
    }

    /// Makes a masking key here; extractable until it is sealed with [`Hsm::seal_key`].
    pub async fn generate_masking_key(&self) -> Result<KeyInfo, HsmError> {
        self.call(Kind::Control, Request::GenerateMaskingKey).await
    }

    /// Makes an RSA key pair to receive a masking key with, and returns the public key (DER, PKCS #1 `RSAPublicKey`). An older one is
    /// replaced. It is gone when the login or the worker ends.
    pub async fn generate_transport_key(&self) -> Result<Vec<u8>, HsmError> {
        self.call(Kind::LongControl, Request::GenerateTransportKey).await.map(|Bytes(bytes)| bytes)
    }

    /// The masking key, wrapped with RSA-OAEP for another HSM's transport key.
    pub async fn wrap_masking_key(&self, transport_public_key: &[u8]) -> Result<Vec<u8>, HsmError> {
        let request = Request::WrapMaskingKey { transport_public_key };
        self.call(Kind::Control, request).await.map(|Bytes(bytes)| bytes)
    }

    /// Takes a masking key that was wrapped for this HSM's transport key, unextractable, and destroys the transport key. `KeyNotFound` if
    /// there is no transport key.
    pub async fn unwrap_masking_key(&self, wrapped: &[u8]) -> Result<KeyInfo, HsmError> {
        self.call(Kind::Control, Request::UnwrapMaskingKey { wrapped }).await
    }

    /// An extractable key, wrapped under the masking key.
    pub async fn wrap_key(&self, id: &KeyId) -> Result<Vec<u8>, HsmError> {
        self.call(Kind::Control, Request::WrapKey { id: &id.0 }).await.map(|Bytes(bytes)| bytes)
    }

    /// Takes a key that was wrapped under the masking key, with the template of the digest's 3.2, unextractable. Durable when it returns.
    pub async fn unwrap_key(&self, wrapped: &[u8], id: &KeyId, label: &str) -> Result<KeyInfo, HsmError> {
        self.call(Kind::Control, Request::UnwrapKey { wrapped, id: &id.0, label }).await
    }

    /// AES-256-GCM, tag of 128 bits, IV as the profile says.
    pub async fn encrypt(&self, id: &KeyId, plaintext: &[u8], aad: &[u8]) -> Result<Ciphertext, HsmError> {
        self.call(Kind::Session, Request::Encrypt { id: &id.0, plaintext, aad }).await
    }

    /// Undoes [`Hsm::encrypt`].
    pub async fn decrypt(
        &self,
        id: &KeyId,
        ciphertext: &Ciphertext,
        aad: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, HsmError> {
        let Ciphertext { iv, ciphertext_and_tag } = ciphertext;
        let request = Request::Decrypt { id: &id.0, iv: *iv, ciphertext_and_tag, aad };
        self.call(Kind::Session, request).await.map(|SecretBytes(bytes)| bytes)
    }

    /// `C_GenerateRandom`, at most 65,536 bytes. Needs no login.
    pub async fn generate_random(&self, length: u32) -> Result<Zeroizing<Vec<u8>>, HsmError> {
        self.call(Kind::Session, Request::GenerateRandom { length }).await.map(|SecretBytes(bytes)| bytes)
    }

    /// Copies the soft token's storage into an empty folder while nothing changes it, durably. `TokenState` for tokens without storage.
    pub async fn back_up_token(&self, folder: &Path) -> Result<(), HsmError> {
        self.call(Kind::LongControl, Request::BackUpToken { folder: folder.as_os_str().as_bytes() }).await
    }

    /// One call, to its answer or its deadline. Whatever is given up closes its connection, so that a late answer goes nowhere.
    async fn call<T: for<'de> Deserialize<'de>>(&self, kind: Kind, request: Request<'_>) -> Result<T, HsmError> {
        let link = self.link()?;
        let deadline = Instant::now() + self.time(kind);
        let _permit = self.permit(kind, deadline).await?;
        let _long_call = self.long_call(kind);
        let left = deadline.saturating_duration_since(Instant::now());
        // The worker must have said that no session came free before nobody listens any more.
        let wait = left * 9 / 10;
        let question = Question { wait_ms: u32::try_from(wait.as_millis()).unwrap_or(u32::MAX), request };
        let exchange = async {
            let mut connection = link.connection().await?;
            connection.exchange(&question).await?;
            io::Result::Ok(connection)
        };
        let awaited = Awaited::new(self, kind);
        let exchanged = timeout_at(deadline, exchange).await;
        awaited.end();
        match exchanged {
            Ok(Ok(mut connection)) => {
                let answer = connection.take_answer();
                link.give_back(connection);
                self.count(kind, !matches!(answer, Err(HsmError::NoSession)));
                answer
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidInput => {
                Err(HsmError::Module(format!("the call cannot be sent: {error}")))
            }
            Ok(Err(error)) => Err(self.lost_on_the_way(&error)),
            Err(_) => {
                self.count(kind, false);
                Err(HsmError::TimedOut)
            }
        }
    }

    fn link(&self) -> Result<Arc<Link>, HsmError> {
        match &*self.signals.state.borrow() {
            State::Up(link) => Ok(link.clone()),
            other => Err(HsmError::Lost(other.reason())),
        }
    }

    fn time(&self, kind: Kind) -> Duration {
        self.common.call_timeout * if kind.is_short() { 1 } else { LONG_CALL_FACTOR }
    }

    async fn permit(&self, kind: Kind, deadline: Instant) -> Result<SemaphorePermit<'_>, HsmError> {
        let permits = match kind {
            Kind::Session | Kind::LongSession => &self.sessions,
            Kind::Control | Kind::LongControl => &self.control_calls,
        };
        if let Ok(permit) = permits.try_acquire() {
            return Ok(permit);
        }
        match timeout_at(deadline, permits.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(HsmError::NoSession),
        }
    }

    fn lost_on_the_way(&self, error: &io::Error) -> HsmError {
        match &*self.signals.state.borrow() {
            State::Up(_) => HsmError::Lost(format!("its worker ended during the call ({error})")),
            other => HsmError::Lost(other.reason()),
        }
    }

    /// Counts deadlines that were missed in a row. That all sessions are in use although the callers' permits say that they are not means
    /// that calls which were given up are still at work.
    fn count(&self, kind: Kind, is_answered: bool) {
        let missed = self.missed(kind);
        if is_answered {
            missed.store(0, Ordering::Relaxed);
        } else if kind.is_short() && self.signals.long_calls.load(Ordering::Relaxed) > 0 {
            // The token may be busy with that one.
        } else if missed.fetch_add(1, Ordering::Relaxed) + 1 >= MISSED_MAX {
            self.signals.hangs.notify_one();
        }
    }

    fn long_call(&self, kind: Kind) -> Option<LongCall<'_>> {
        (!kind.is_short()).then(|| LongCall::new(&self.signals.long_calls))
    }

    fn missed(&self, kind: Kind) -> &AtomicU32 {
        match kind {
            Kind::Session | Kind::LongSession => &self.signals.missed_by_sessions,
            Kind::Control | Kind::LongControl => &self.signals.missed_by_control,
        }
    }

    /// Waits until there is a worker, or the next start has failed.
    async fn wait_for_worker(&self) -> Result<(), HsmError> {
        let mut state = self.signals.state.subscribe();
        let awaited = state.borrow().next_outcome();
        if !matches!(*state.borrow(), State::Up(_)) {
            self.signals.hurry.notify_one();
        }
        let outcome = state.wait_for(|state| match state {
            State::Up(_) | State::Ended => true,
            State::Down { attempt, .. } => *attempt >= awaited,
            State::Starting { .. } => false,
        });
        let deadline = Instant::now() + self.common.start_timeout + self.common.call_timeout;
        match timeout_at(deadline, outcome).await {
            Ok(Ok(state)) => match &*state {
                State::Up(_) => Ok(()),
                other => Err(HsmError::Lost(other.reason())),
            },
            Ok(Err(_)) | Err(_) => Err(HsmError::Lost("its worker was not started in time".into())),
        }
    }
}
