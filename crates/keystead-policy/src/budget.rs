//! How much work one decision may take.

use std::cell::Cell;

use crate::context::ConditionKeys;

/// About as many bytes compared, or words of 64 bits computed: some tens of milliseconds. A policy and a request that mean no harm take
/// thousands.
pub(crate) const STEPS_MAX: u64 = 20_000_000;

/// The steps that are left.
pub(crate) struct Budget(Cell<u64>);

impl Default for Budget {
    fn default() -> Self {
        Self::of(STEPS_MAX)
    }
}

impl Budget {
    pub(crate) fn of(steps: u64) -> Self {
        Self(Cell::new(steps))
    }

    /// Takes steps before they are done. `false`: too few are left, and none ever will be.
    pub(crate) fn take(&self, steps: usize) -> bool {
        let left = u64::try_from(steps).ok().and_then(|steps| self.0.get().checked_sub(steps)).unwrap_or(0);
        self.0.set(left);
        left > 0
    }

    /// Whether what was asked for last was more than was left: what has been compared since is not known to be alike or unlike.
    pub(crate) fn is_spent(&self) -> bool {
        self.0.get() == 0
    }

    #[cfg(test)]
    pub(crate) fn left(&self) -> u64 {
        self.0.get()
    }
}

/// What texts are compared with, and how long that may take.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) keys: &'a dyn ConditionKeys,
    pub(crate) budget: &'a Budget,
}
