//! What is known of logins to one HSM, so that no wrong password is tried twice: five wrong ones in a row lock `kmsuser`.

use std::time::Duration;

use keystead_core::key_store::HsmFailure;
use keystead_pkcs11::Pin;
use tokio::time::Instant;

const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// The logins to an HSM since the key store was connected. A state machine without I/O: time comes in as an argument.
pub(crate) struct LoginRecord {
    /// The passwords that the HSM refused; never tried again until the key store is connected anew.
    refused: Vec<Pin>,
    /// After a failure of another kind: what it was, and when to try again.
    setback: Option<LoginSetback>,
    /// The key store is disconnected: nobody logs in any more.
    closed: bool,
}

struct LoginSetback {
    failure: HsmFailure,
    pause: Duration,
    until: Instant,
}

impl LoginSetback {
    /// A wrong password holds up only itself: another one may be tried as soon as there is one.
    fn holds_up(&self, now: Instant) -> bool {
        now < self.until && self.failure != HsmFailure::InvalidCredentials
    }
}

impl LoginRecord {
    /// Nothing was tried yet.
    pub(crate) fn new() -> Self {
        Self { refused: Vec::new(), setback: None, closed: false }
    }

    /// Which of the passwords may be tried now; if none may, what keeps the HSM from being used.
    pub(crate) fn passwords_to_try(&self, passwords: Vec<Pin>, now: Instant) -> Result<Vec<Pin>, HsmFailure> {
        if self.closed {
            return Err(HsmFailure::Unreachable);
        }
        if let Some(setback) = self.setback.as_ref().filter(|setback| setback.holds_up(now)) {
            return Err(setback.failure);
        }
        let untried: Vec<Pin> = passwords.into_iter().filter(|password| !self.has_refused(password)).collect();
        if untried.is_empty() { Err(HsmFailure::InvalidCredentials) } else { Ok(untried) }
    }

    /// Whether a login might succeed now, for all that is known without the passwords.
    pub(crate) fn may_be_tried(&self, now: Instant) -> bool {
        !self.closed && self.setback.as_ref().is_none_or(|setback| now >= setback.until)
    }

    /// The HSM took this password.
    pub(crate) fn accepted(&mut self) {
        self.refused.clear();
        self.setback = None;
    }

    /// The HSM said that this password is wrong.
    pub(crate) fn refused(&mut self, password: Pin) {
        if !self.has_refused(&password) {
            self.refused.push(password);
        }
    }

    /// A login failed, and is not to be tried again for a pause. Returns the failure.
    pub(crate) fn failed(&mut self, failure: HsmFailure, now: Instant) -> HsmFailure {
        let before = self.setback.as_ref().map_or(Duration::ZERO, |setback| setback.pause);
        let pause = (before * 2).clamp(PAUSE_FIRST, PAUSE_MAX);
        self.setback = Some(LoginSetback { failure, pause, until: now + pause });
        failure
    }

    /// No login from now on.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// Whether [`LoginRecord::close`] was called.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    fn has_refused(&self, password: &Pin) -> bool {
        self.refused.iter().any(|refused| refused.expose() == password.expose())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn pins(texts: &[&str]) -> Vec<Pin> {
        texts.iter().map(|text| Pin::new(text)).collect()
    }

    fn to_try(record: &LoginRecord, texts: &[&str], now: Instant) -> Result<Vec<String>, HsmFailure> {
        let passwords = record.passwords_to_try(pins(texts), now)?;
        Ok(passwords.iter().map(|pin| pin.expose().to_owned()).collect())
    }

    #[test]
    fn a_refused_password_is_not_tried_again() {
        let now = Instant::now();
        let mut record = LoginRecord::new();
        record.refused(Pin::new("old"));
        assert_eq!(to_try(&record, &["old", "new"], now).unwrap(), ["new"]);
        record.refused(Pin::new("new"));
        assert_eq!(to_try(&record, &["old", "new"], now), Err(HsmFailure::InvalidCredentials));
        assert_eq!(to_try(&record, &["newest", "new"], now).unwrap(), ["newest"]);
    }

    #[test]
    fn a_new_password_need_not_wait_for_the_pause_of_a_wrong_one() {
        let now = Instant::now();
        let mut record = LoginRecord::new();
        record.refused(Pin::new("old"));
        record.failed(HsmFailure::InvalidCredentials, now);
        assert!(!record.may_be_tried(now));
        assert_eq!(to_try(&record, &["new"], now).unwrap(), ["new"]);
    }

    #[test]
    fn a_password_that_was_refused_may_become_right_by_a_rotation() {
        let now = Instant::now();
        let mut record = LoginRecord::new();
        record.refused(Pin::new("pending"));
        record.accepted();
        assert_eq!(to_try(&record, &["pending"], now).unwrap(), ["pending"]);
    }

    #[test]
    fn other_failures_are_repeated_until_a_growing_pause_is_over() {
        let start = Instant::now();
        let mut record = LoginRecord::new();
        record.failed(HsmFailure::UserLoggedIn, start);
        assert_eq!(to_try(&record, &["a"], start), Err(HsmFailure::UserLoggedIn));
        assert!(!record.may_be_tried(start));
        assert_eq!(to_try(&record, &["a"], start + PAUSE_FIRST).unwrap(), ["a"]);
        (0..20).for_each(|_| {
            record.failed(HsmFailure::UserLoggedIn, start);
        });
        assert!(!record.may_be_tried(start + PAUSE_MAX - Duration::from_millis(1)));
        assert!(record.may_be_tried(start + PAUSE_MAX));
    }

    #[test]
    fn a_closed_one_tries_nothing() {
        let now = Instant::now();
        let mut record = LoginRecord::new();
        record.close();
        assert!(!record.may_be_tried(now));
        assert_eq!(to_try(&record, &["a"], now), Err(HsmFailure::Unreachable));
    }
}
