//! What an operation does when another request changed the same record first: wait a moment, and begin again from reading it.

use std::time::Duration;

use keystead_model::kms::Exception;

use crate::error::KmsError;
use crate::port::Entropy;

/// The longest that an operation goes on trying.
const DEADLINE: Duration = Duration::from_secs(10);
/// The first wait, at most; it doubles with each try.
const FIRST_WAIT_MS: u64 = 2;
/// The longest wait.
const LONGEST_WAIT_MS: u64 = 128;

/// Counts the conflicts of one operation.
pub struct Conflicts<'a> {
    entropy: &'a dyn Entropy,
    waited: Duration,
    wait_ms_max: u64,
}

impl<'a> Conflicts<'a> {
    /// None yet.
    pub fn new(entropy: &'a dyn Entropy) -> Self {
        Self { entropy, waited: Duration::ZERO, wait_ms_max: FIRST_WAIT_MS }
    }

    /// Waits a random time, so that those who met do not meet again; fails once it has taken too long.
    pub async fn wait(&mut self) -> Result<(), KmsError> {
        if self.waited >= DEADLINE {
            return Err(KmsError::new(
                Exception::KmsInternal,
                "Other requests changed the same resource at the same time. Try again.",
            ));
        }
        let mut random = [0; 8];
        self.entropy.fill(&mut random);
        let wait = Duration::from_millis(1 + u64::from_be_bytes(random) % self.wait_ms_max);
        self.wait_ms_max = (self.wait_ms_max * 2).min(LONGEST_WAIT_MS);
        self.waited += wait;
        tokio::time::sleep(wait).await;
        Ok(())
    }
}
