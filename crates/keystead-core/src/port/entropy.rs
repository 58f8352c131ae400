//! Randomness enters the core through [`Entropy`] alone.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

/// Gives random bytes fit for keys.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `buffer` with random bytes. There is no "no entropy" case: an implementation that cannot deliver ends the process,
    /// because going on with predictable keys would be worse.
    fn fill(&self, buffer: &mut [u8]);
}

/// The CTR_DRBG of aws-lc, seeded by the operating system.
#[derive(Clone, Copy, Debug)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        if SystemRandom::new().fill(buffer).is_err() {
            tracing::error!(
                "the random number generator failed; ending the process rather than making predictable keys"
            );
            std::process::abort();
        }
    }
}
