//! One HSM of a cluster, used for one key store.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keystead_core::key_store::HsmFailure;
use keystead_core::port::HsmLink;
use keystead_model::SecretString;
use keystead_pkcs11::client::Hsm;
use keystead_pkcs11::{HsmError, LoginHolder, Pin, TokenStatus};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::failure::login_failure_of;
use crate::login_record::LoginRecord;
use crate::rotation::Standing;
use crate::setback::Setback;

/// At most so many passwords are tried on an HSM, which locks `kmsuser` at the fifth wrong one.
const PASSWORDS_MAX: usize = 2;

/// An HSM whose state is ACTIVE, and what is known of KMS being logged in to it.
pub(crate) struct Member {
    hsm: Arc<Hsm>,
    availability_zone: String,
    /// Whether it was there, or somebody has waited for its first worker.
    was_awaited: AtomicBool,
    /// What the last call or login found. A worker may have lost the login since; then it says so.
    logged_in: AtomicBool,
    /// Held during a login, so that there is one at a time.
    logins: Mutex<LoginRecord>,
    setback: Setback,
}

impl Member {
    pub(crate) fn new(hsm: Arc<Hsm>, availability_zone: String) -> Arc<Self> {
        Arc::new(Self {
            hsm,
            availability_zone,
            was_awaited: AtomicBool::new(false),
            logged_in: AtomicBool::new(false),
            logins: Mutex::new(LoginRecord::new()),
            setback: Setback::none(),
        })
    }

    pub(crate) fn hsm(&self) -> &Arc<Hsm> {
        &self.hsm
    }

    pub(crate) fn hsm_id(&self) -> &str {
        &self.hsm.settings().hsm_id
    }

    pub(crate) fn availability_zone(&self) -> &str {
        &self.availability_zone
    }

    /// Whether a call should go here, as far as one can tell without asking.
    pub(crate) fn standing(&self, now: Instant) -> Standing {
        if !self.hsm.is_available() {
            Standing::NotThere
        } else if !self.logged_in.load(Ordering::Acquire) {
            Standing::NeedsLogin
        } else if self.setback.admits(now) {
            Standing::Ready
        } else {
            Standing::FailsLately
        }
    }

    /// Whether its worker may be about to start for the first time, as after a start of the server.
    pub(crate) fn may_be_starting(&self) -> bool {
        !self.hsm.is_available() && !self.was_awaited.load(Ordering::Acquire)
    }

    /// Waits for the first worker, once: an HSM that is lost later, or from the beginning, makes nobody wait.
    pub(crate) async fn wait_for_first_start(&self, until: Instant) {
        match timeout_at(until, self.hsm.status()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(hsm_id = self.hsm_id(), error = %error, "the HSM is not there"),
            Err(_) => tracing::warn!(hsm_id = self.hsm_id(), "the HSM's worker did not start in time"),
        }
        self.was_awaited.store(true, Ordering::Release);
    }

    /// Makes a call of the HSM, which is to be answered by then, and learns from the answer.
    pub(crate) async fn call<T, F>(&self, until: Instant, call: impl FnOnce(Arc<Hsm>) -> F) -> Result<T, HsmError>
    where
        F: Future<Output = Result<T, HsmError>>,
    {
        self.ask(|hsm| async move { timeout_at(until, call(hsm)).await.unwrap_or(Err(HsmError::TimedOut)) }).await
    }

    /// The same within the worker's own call timeout.
    pub(crate) async fn ask<T, F>(&self, call: impl FnOnce(Arc<Hsm>) -> F) -> Result<T, HsmError>
    where
        F: Future<Output = Result<T, HsmError>>,
    {
        let answer = call(self.hsm.clone()).await;
        match &answer {
            Ok(_) => self.went_well(),
            Err(error) => self.learn_from(error),
        }
        answer
    }

    fn went_well(&self) {
        if self.setback.recovered() {
            tracing::info!(hsm_id = self.hsm_id(), "the HSM answers again");
        }
    }

    /// The log gets the first failure of a row: all callers together may see thousands of them.
    fn learn_from(&self, error: &HsmError) {
        if matches!(error, HsmError::Lost(_) | HsmError::NotLoggedIn) {
            self.logged_in.store(false, Ordering::Release);
        }
        if self.is_to_blame(error) && self.setback.failed(Instant::now()) {
            tracing::warn!(hsm_id = self.hsm_id(), error = %error, "the HSM fails; its calls go to others where there are any");
        }
    }

    /// Whether a failure is the HSM's and not the call's, so that others had better be asked first.
    fn is_to_blame(&self, error: &HsmError) -> bool {
        match error {
            HsmError::Lost(_)
            | HsmError::TimedOut
            | HsmError::NoSession
            | HsmError::TokenState(_)
            | HsmError::UserNotFound
            | HsmError::UserLockedOut
            | HsmError::UserLoggedIn
            | HsmError::PinIncorrect
            | HsmError::Module(_) => true,
            HsmError::NotLoggedIn | HsmError::KeyNotFound | HsmError::KeyAmbiguous | HsmError::InvalidCiphertext => {
                false
            }
        }
    }

    /// Asks the worker whether KMS is logged in: one that was started anew has lost the login, and says so only when asked.
    pub(crate) async fn look_for_login(&self) {
        if !self.logged_in.load(Ordering::Acquire) || !self.hsm.is_available() {
            return;
        }
        match self.hsm.status().await {
            Ok(status) if status.login == Some(LoginHolder::Kms) => {}
            Ok(_) => self.logged_in.store(false, Ordering::Release),
            Err(error) => self.learn_from(&error),
        }
    }

    /// Logs in if nobody has noticed yet that it has to be done, without making anybody wait.
    pub(crate) fn log_in_in_the_background(self: &Arc<Self>, link: &HsmLink) {
        if self.logged_in.load(Ordering::Acquire) || !self.hsm.is_available() {
            return;
        }
        let due = self.logins.try_lock().is_ok_and(|logins| logins.may_be_tried(Instant::now()));
        if due {
            self.start_login(link);
        }
    }

    /// Logs in, unless that is done, with the passwords that `kmsuser` may have.
    pub(crate) async fn ensure_login(self: &Arc<Self>, link: &HsmLink, until: Instant) -> Result<(), HsmFailure> {
        if self.logged_in.load(Ordering::Acquire) {
            return Ok(());
        }
        match timeout_at(until, self.start_login(link)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(ended)) => {
                tracing::error!(hsm_id = self.hsm_id(), error = %ended, "a login to the HSM ended without an outcome");
                Err(HsmFailure::Malfunction)
            }
            Err(_) => Err(HsmFailure::Unreachable),
        }
    }

    /// In a task of its own: a login whose caller has gone must still be remembered, or its strikes would be counted wrong.
    fn start_login(self: &Arc<Self>, link: &HsmLink) -> JoinHandle<Result<(), HsmFailure>> {
        let member = self.clone();
        let passwords: Vec<Pin> = link.passwords.iter().take(PASSWORDS_MAX).map(pin).collect();
        tokio::spawn(async move { member.log_in_with_one_of(passwords).await })
    }

    async fn log_in_with_one_of(&self, passwords: Vec<Pin>) -> Result<(), HsmFailure> {
        let mut logins = self.logins.lock().await;
        if self.logged_in.load(Ordering::Acquire) {
            return Ok(());
        }
        for password in logins.passwords_to_try(passwords, Instant::now())? {
            match self.try_password(&mut logins, password).await {
                Err(HsmFailure::InvalidCredentials) => {}
                outcome => return outcome,
            }
        }
        Err(logins.failed(HsmFailure::InvalidCredentials, Instant::now()))
    }

    async fn try_password(&self, logins: &mut LoginRecord, password: Pin) -> Result<(), HsmFailure> {
        match self.hsm.log_in(&password, LoginHolder::Kms).await {
            Ok(()) => {
                logins.accepted();
                self.was_awaited.store(true, Ordering::Release);
                self.logged_in.store(true, Ordering::Release);
                tracing::info!(hsm_id = self.hsm_id(), "logged in to the HSM as kmsuser");
                Ok(())
            }
            Err(HsmError::PinIncorrect) => {
                logins.refused(password);
                tracing::warn!(hsm_id = self.hsm_id(), "the HSM refuses the password of kmsuser");
                Err(HsmFailure::InvalidCredentials)
            }
            Err(error) => {
                tracing::warn!(hsm_id = self.hsm_id(), error = %error, "kmsuser cannot be logged in to the HSM");
                Err(logins.failed(login_failure_of(&error), Instant::now()))
            }
        }
    }

    /// Logs in with this password, whatever was tried before.
    pub(crate) async fn log_in(&self, password: &SecretString) -> Result<(), HsmFailure> {
        let mut logins = self.logins.lock().await;
        if logins.is_closed() {
            return Err(HsmFailure::Unreachable);
        }
        self.try_password(&mut logins, pin(password)).await
    }

    /// Changes the password of `kmsuser`, who is logged in.
    pub(crate) async fn change_password(&self, old: &SecretString, new: &SecretString) -> Result<(), HsmFailure> {
        let mut logins = self.logins.lock().await;
        match self.hsm.change_user_pin(LoginHolder::Kms, &pin(old), &pin(new)).await {
            Ok(()) => {
                logins.accepted();
                Ok(())
            }
            Err(error) => {
                self.learn_from(&error);
                tracing::warn!(hsm_id = self.hsm_id(), error = %error, "the password of kmsuser was not changed");
                Err(login_failure_of(&error))
            }
        }
    }

    /// A fresh worker, and what it says of the token. Whoever was logged in no longer is.
    pub(crate) async fn start_afresh(&self) -> Result<TokenStatus, HsmError> {
        let logins = self.logins.lock().await;
        self.logged_in.store(false, Ordering::Release);
        self.hsm.restart().await?;
        let status = self.hsm.status().await;
        drop(logins);
        status
    }

    /// No login from now on; one that is going on is waited for.
    pub(crate) async fn close(&self) {
        self.logins.lock().await.close();
        self.logged_in.store(false, Ordering::Release);
    }

    /// The same, and logs `kmsuser` out. An HSM that cannot be reached keeps nobody logged in.
    pub(crate) async fn log_out(&self) {
        self.close().await;
        if let Err(error) = self.hsm.log_out(LoginHolder::Kms).await {
            tracing::warn!(hsm_id = self.hsm_id(), error = %error, "kmsuser could not be logged out of the HSM");
        }
    }
}

fn pin(password: &SecretString) -> Pin {
    Pin::new(password.expose())
}
