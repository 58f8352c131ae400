//! KMS keys: the entity, its states, its material, its grants, and the ciphertexts made under it.

mod alias;
mod backing_key_journal;
mod ciphertext;
mod default_policy;
mod deletion;
mod encryption_context;
mod entity;
mod facts;
mod generation;
mod generation_queue;
mod grant;
mod import_token;
mod imported_material;
mod key_maintenance;
mod last_usage;
mod material;
mod material_id;
mod material_record;
mod private_key_work;
mod rotation;
mod state;
mod state_table;
mod symmetric_material;
mod turns;
mod usage_tracker;
mod wrapping_key_pool;

pub use alias::Alias;
pub use backing_key_journal::sweep_backing_keys;
pub(crate) use backing_key_journal::{discard_backing_key, generate_backing_key};
pub use ciphertext::{Ciphertext, CiphertextBody, CiphertextError, CiphertextHeader, CiphertextKind};
pub use default_policy::default_key_policy;
pub use deletion::delete_due_keys;
pub use encryption_context::{canonical_encryption_context, hsm_aad, inner_aad, outer_aad};
pub use entity::{Key, KeyOrigin, KeyStatus, MultiRegion, Transition, TransitionKind};
pub use facts::KeyFacts;
pub(crate) use generation::{generate_key_pair, generate_material};
pub(crate) use generation_queue::GenerationQueue;
pub use grant::{Grant, GrantConstraints, GrantId, action_of};
pub use import_token::ImportToken;
pub(crate) use imported_material::incorrect_key_material;
pub use imported_material::{
    ImportedMaterial, delete_material, drop_expired_materials, import_material, material_ready_for_rotation,
    settle_waiting_material,
};
pub use key_maintenance::{delete_expired_materials, rotate_due_keys};
pub use last_usage::KeyLastUsage;
pub use material::KeyMaterial;
pub use material_id::MaterialId;
pub use material_record::{Import, KeyMaterialRecord, MaterialState, Rotation};
pub(crate) use private_key_work::PrivateKeyWork;
pub use rotation::{AutomaticRotation, RotationSettings};
pub use state::EffectiveState;
pub(crate) use state_table::not_a_primary_key;
pub use state_table::{
    KEY_STATE_TABLE, KeyRequirement, KeyStateRow, StateRefusal, key_state_row, refuse_in_state, refuse_state,
};
pub use symmetric_material::{MaterialError, NONCE_LENGTH, SymmetricMaterial, TAG_LENGTH};
pub(crate) use usage_tracker::{UsageTracker, store_usages, time_to_store};
pub(crate) use wrapping_key_pool::{REFILL_PAUSE, WrappingKeyPool, refill_wrapping_keys};
