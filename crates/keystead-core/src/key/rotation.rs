//! How a key rotates, and what a rotation does to its materials (KMS Developer Guide, "Rotate AWS KMS keys").

use std::time::Duration;

use keystead_model::Timestamp;
use keystead_model::kms::RotationType;

use super::{Key, KeyMaterialRecord, KeyStatus, MaterialId, MaterialState, Rotation};

/// RotateKeyOnDemand is refused from so long before an automatic rotation on (KMS API Reference, ConflictException).
const NO_ROTATION_ON_DEMAND_BEFORE_AUTOMATIC: Duration = Duration::from_secs(20 * 60);

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

impl RotationSettings {
    /// Enables automatic rotation, or changes its period; the first rotation is one period from now.
    ///
    /// If it is enabled with this period already, nothing changes: a tool that asks again and again must not put the rotation off for
    /// ever. Both the new date after a change and this are unverified.
    pub fn enable_automatic(&mut self, period_in_days: u16, now: Timestamp) {
        if self.automatic.is_none_or(|automatic| automatic.period_in_days != period_in_days) {
            self.automatic = Some(AutomaticRotation::beginning(period_in_days, now));
        }
    }

    /// The rotation on demand that was asked for cannot be done, and does not count.
    pub fn give_up_on_demand(&mut self) {
        if self.on_demand_start.take().is_some() {
            self.on_demand_count = self.on_demand_count.saturating_sub(1);
        }
    }

    /// Whether an automatic rotation is to begin so soon, or is so overdue, that none on demand is taken.
    pub fn automatic_is_near(&self, now: Timestamp) -> bool {
        self.automatic.is_some_and(|automatic| automatic.next <= now.plus(NO_ROTATION_ON_DEMAND_BEFORE_AUTOMATIC))
    }
}

/// Automatic rotation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AutomaticRotation {
    /// 90..=2560 days.
    pub period_in_days: u16,
    /// When it happens next.
    pub next: Timestamp,
}

impl AutomaticRotation {
    /// The first rotation comes one period after `now`.
    pub fn beginning(period_in_days: u16, now: Timestamp) -> Self {
        Self { period_in_days, next: now.plus_days(period_in_days.into()) }
    }

    /// After a rotation at `now`: one period after the date that it was scheduled for, however late it was done. If that date has passed
    /// too, one period from now: no rotation is made up for (unverified).
    fn following(self, now: Timestamp) -> Self {
        let next = self.next.plus_days(self.period_in_days.into());
        if next > now { Self { next, ..self } } else { Self::beginning(self.period_in_days, now) }
    }
}

impl Key {
    /// Which rotation is to be done at `now`, if any: one on demand that was asked for at `on_demand_until` or earlier, whatever the
    /// status; or an automatic one whose date has come, while the key is enabled. One that is overdue is done once the key is enabled again.
    pub fn due_rotation(&self, now: Timestamp, on_demand_until: Timestamp) -> Option<RotationType> {
        let on_demand = self.rotation.on_demand_start.is_some_and(|start| start <= on_demand_until);
        let automatic =
            self.status == KeyStatus::Enabled && self.rotation.automatic.is_some_and(|automatic| automatic.next <= now);
        match (on_demand, automatic) {
            (true, _) => Some(RotationType::OnDemand),
            (false, true) => Some(RotationType::Automatic),
            (false, false) => None,
        }
    }

    /// Makes a material that the key has the current one, and keeps the one before for decryption. Returns the ID of the latter; `None` and
    /// no change if the key has no such material, or no current one.
    pub fn make_current(&mut self, id: &MaterialId, rotation: Rotation) -> Option<MaterialId> {
        let previous = self.current_material()?.id;
        let next = self.materials.iter().position(|material| material.id == *id && material.id != previous)?;
        for (position, material) in self.materials.iter_mut().enumerate() {
            if position == next {
                (material.state, material.rotation) = (MaterialState::Current, Some(rotation));
            } else if material.state == MaterialState::Current {
                material.state = MaterialState::NonCurrent;
            }
        }
        self.note_rotation(rotation);
        Some(previous)
    }

    /// The same for a material that the key does not have yet.
    pub fn rotate_to(&mut self, material: KeyMaterialRecord, rotation: Rotation) -> Option<MaterialId> {
        self.current_material()?;
        let id = material.id;
        self.materials.push(material);
        self.make_current(&id, rotation)
    }

    /// An automatic rotation is scheduled one period after the one before; one on demand changes no schedule (KMS API Reference,
    /// RotateKeyOnDemand).
    fn note_rotation(&mut self, rotation: Rotation) {
        match rotation.rotation_type {
            RotationType::OnDemand => self.rotation.on_demand_start = None,
            RotationType::Automatic => {
                self.rotation.automatic = self.rotation.automatic.map(|automatic| automatic.following(rotation.date));
            }
        }
    }
}
