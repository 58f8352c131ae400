//! From the failures of single HSMs to the failure of a call.

use keystead_core::key_store::HsmFailure;
use keystead_pkcs11::HsmError;

/// What the failure of one HSM is to the core.
pub(crate) fn failure_of(error: &HsmError) -> HsmFailure {
    match error {
        HsmError::Lost(_) => HsmFailure::Unreachable,
        HsmError::TimedOut => HsmFailure::TimedOut,
        HsmError::NoSession => HsmFailure::NoSession,
        // Only where the login was just made: a worker that forgets it at once makes no sense.
        HsmError::NotLoggedIn => HsmFailure::Malfunction,
        HsmError::UserLoggedIn => HsmFailure::UserLoggedIn,
        HsmError::UserNotFound => HsmFailure::UserNotFound,
        HsmError::UserLockedOut => HsmFailure::UserLockedOut,
        HsmError::PinIncorrect => HsmFailure::InvalidCredentials,
        HsmError::TokenState(_) => HsmFailure::Malfunction,
        HsmError::KeyNotFound => HsmFailure::KeyNotFound,
        HsmError::KeyAmbiguous => HsmFailure::KeyAmbiguous,
        HsmError::InvalidCiphertext => HsmFailure::InvalidCiphertext,
        HsmError::Module(_) => HsmFailure::Malfunction,
    }
}

/// The same during a login, where an HSM that does not answer in time is no more than one that cannot be reached.
pub(crate) fn login_failure_of(error: &HsmError) -> HsmFailure {
    match failure_of(error) {
        HsmFailure::TimedOut | HsmFailure::NoSession => HsmFailure::Unreachable,
        failure => failure,
    }
}

/// What is to be said of a call that several HSMs failed: the last of the weightiest failures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Verdict(HsmFailure);

impl Verdict {
    /// Nobody was asked yet: so far no HSM is there.
    pub(crate) const fn new() -> Self {
        Self(HsmFailure::NoActiveHsm)
    }

    /// One more HSM failed.
    pub(crate) fn add(&mut self, failure: HsmFailure) {
        let weight = Weight::of(failure);
        if weight > Weight::NotThere && weight >= Weight::of(self.0) {
            self.0 = failure;
        }
    }

    /// What to say.
    pub(crate) fn failure(self) -> HsmFailure {
        self.0
    }
}

/// How much a failure tells. A key counts as not found only if every HSM that answered said so.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Weight {
    NotThere,
    Silent,
    WithoutTheKey,
    Answered,
}

impl Weight {
    fn of(failure: HsmFailure) -> Self {
        match failure {
            HsmFailure::ClusterNotFound | HsmFailure::NoActiveHsm | HsmFailure::Unreachable => Self::NotThere,
            HsmFailure::TimedOut => Self::Silent,
            HsmFailure::KeyNotFound => Self::WithoutTheKey,
            HsmFailure::NotEnoughHsms
            | HsmFailure::UserNotFound
            | HsmFailure::UserLoggedIn
            | HsmFailure::UserLockedOut
            | HsmFailure::InvalidCredentials
            | HsmFailure::KeyAmbiguous
            | HsmFailure::KeyMismatch
            | HsmFailure::InvalidCiphertext
            | HsmFailure::NoSession
            | HsmFailure::Malfunction => Self::Answered,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_the_weightiest_failures_is_told() {
        use HsmFailure::*;
        for (failures, verdict) in [
            (&[][..], NoActiveHsm),
            (&[Unreachable, Unreachable], NoActiveHsm),
            (&[Unreachable, TimedOut], TimedOut),
            (&[TimedOut, Unreachable], TimedOut),
            (&[KeyNotFound, Unreachable], KeyNotFound),
            (&[KeyNotFound, TimedOut], KeyNotFound),
            (&[KeyNotFound, KeyNotFound], KeyNotFound),
            (&[KeyNotFound, NoSession], NoSession),
            (&[InvalidCredentials, KeyNotFound], InvalidCredentials),
            (&[KeyAmbiguous, Malfunction], Malfunction),
            (&[NoSession, InvalidCredentials, Unreachable], InvalidCredentials),
        ] {
            let mut told = Verdict::new();
            failures.iter().for_each(|failure| told.add(*failure));
            assert_eq!(told.failure(), verdict, "{failures:?}");
        }
    }

    #[test]
    fn during_a_login_a_silent_hsm_is_unreachable() {
        assert_eq!(login_failure_of(&HsmError::TimedOut), HsmFailure::Unreachable);
        assert_eq!(login_failure_of(&HsmError::PinIncorrect), HsmFailure::InvalidCredentials);
        assert_eq!(failure_of(&HsmError::TimedOut), HsmFailure::TimedOut);
    }
}
