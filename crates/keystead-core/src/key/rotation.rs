//! How a key rotates (KMS Developer Guide, "Rotate AWS KMS keys").

use keystead_model::Timestamp;

/// The rotation of one key. Of multi-Region keys the primary's counts, and replicas have the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RotationSettings {
    /// Automatic rotation, if it is enabled.
    pub automatic: Option<AutomaticRotation>,
    /// When a rotation on demand that is not done yet was asked for.
    pub on_demand_start: Option<Timestamp>,
    /// Rotations on demand so far; at most [`crate::quota::ON_DEMAND_ROTATIONS_PER_KEY`].
    pub on_demand_count: u32,
}

/// Automatic rotation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AutomaticRotation {
    /// 90..=2560 days.
    pub period_in_days: u16,
    /// When it happens next.
    pub next: Timestamp,
}
