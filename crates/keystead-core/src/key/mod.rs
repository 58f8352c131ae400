//! KMS keys: the entity, its states, its material, and the ciphertexts made under it.

mod alias;
mod backing_key_journal;
mod ciphertext;
mod deletion;
mod encryption_context;
mod entity;
mod material;
mod state;

pub use alias::Alias;
pub use backing_key_journal::sweep_backing_keys;
pub(crate) use backing_key_journal::{discard_backing_key, generate_backing_key};
pub use ciphertext::{Ciphertext, CiphertextBody, CiphertextError, CiphertextHeader, CiphertextKind};
pub use deletion::delete_due_keys;
pub use encryption_context::{canonical_encryption_context, hsm_aad, inner_aad, outer_aad};
pub use entity::{Key, KeyMaterialRecord, KeyOrigin, KeyStatus};
pub use material::{KeyMaterial, MaterialError, MaterialId, NONCE_LENGTH, TAG_LENGTH};
pub use state::{EffectiveState, KeyAction, StateRefusal, refuse_in_state};
