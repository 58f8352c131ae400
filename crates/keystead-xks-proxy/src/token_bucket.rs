//! A request rate per prefix: more than that is answered with ThrottlingException.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Fills at `per_second` tokens a second up to one second's worth; a request takes one.
pub(crate) struct TokenBucket {
    per_second: f64,
    state: Mutex<State>,
}

struct State {
    tokens: f64,
    filled_at: Instant,
}

impl TokenBucket {
    /// A full bucket.
    pub(crate) fn new(per_second: u32, now: Instant) -> Self {
        let per_second = f64::from(per_second);
        Self { per_second, state: Mutex::new(State { tokens: per_second, filled_at: now }) }
    }

    /// Takes one token. False if there is none.
    pub(crate) fn take(&self, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = now.saturating_duration_since(state.filled_at);
        state.tokens = (state.tokens + elapsed.as_secs_f64() * self.per_second).min(self.per_second);
        state.filled_at = state.filled_at.max(now);
        let granted = state.tokens >= 1.0;
        if granted {
            state.tokens -= 1.0;
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_burst_of_one_second_then_the_steady_rate() {
        let start = Instant::now();
        let bucket = TokenBucket::new(2, start);
        let steps = [
            (0, true),
            (0, true),
            (0, false),
            (400, false),
            (500, true),
            (500, false),
            (1000, true),
            (60_000, true),
            (60_000, true),
            (60_000, false),
        ];
        for (at_ms, granted) in steps {
            let now = start + Duration::from_millis(at_ms);
            assert_eq!(bucket.take(now), granted, "{at_ms} ms");
        }
    }
}
