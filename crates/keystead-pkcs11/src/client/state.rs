//! How an HSM's worker is, as its supervisor tells.

use std::sync::Arc;

use super::link::Link;

/// The state of the worker process.
#[derive(Clone)]
pub(super) enum State {
    /// It was started for the `attempt`th time, and has not opened its token yet; `last` tells why the one before is no more.
    Starting { attempt: u64, last: Option<String> },
    /// It answers.
    Up(Arc<Link>),
    /// The `attempt`th start failed, or what it started has ended. Another one follows.
    Down { attempt: u64, reason: String },
    /// It was ended for good.
    Ended,
}

impl State {
    /// Why there is no worker.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Starting { last: None, .. } => "its worker is being started".into(),
            Self::Starting { last: Some(reason), .. } | Self::Down { reason, .. } => reason.clone(),
            Self::Up(_) => "its worker has just been started anew".into(),
            Self::Ended => "it is no longer used".into(),
        }
    }

    /// The attempt whose end tells how the HSM is from now on.
    pub(super) fn next_outcome(&self) -> u64 {
        match self {
            Self::Starting { attempt, .. } => *attempt,
            Self::Down { attempt, .. } => attempt + 1,
            Self::Up(_) | Self::Ended => 0,
        }
    }
}
