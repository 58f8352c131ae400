//! Key material at rest: what is stored of each material that a key has or had.

use keystead_model::Timestamp;
use keystead_model::kms::{ExpirationModelType, ImportState, KeyMaterialState, RotationType};

use super::MaterialId;
use crate::sealing::Sealed;

/// One material of a KMS key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyMaterialRecord {
    /// Names the material in ciphertexts.
    pub id: MaterialId,
    /// Whether it encrypts, only decrypts, or waits.
    pub state: MaterialState,
    /// The material, sealed for [`crate::sealing::SealedRecord::KeyMaterial`]: 32 bytes of a symmetric key, the bytes of an HMAC key, PKCS #8
    /// of a key pair. `None` if its only copy is in HSMs, and for imported material that was deleted or has expired.
    pub sealed: Option<Sealed>,
    /// What was said at its import; `None` for material that was not imported.
    pub import: Option<Import>,
    /// The rotation that made it current; `None` for the first material and for one that waits.
    pub rotation: Option<Rotation>,
}

impl KeyMaterialRecord {
    /// The first material of a key, current at once, which nobody imported.
    pub fn first(id: MaterialId, sealed: Option<Sealed>) -> Self {
        Self { id, state: MaterialState::Current, sealed, import: None, rotation: None }
    }

    /// Whether KMS holds it and it has not expired.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.sealed.is_some() && !self.has_expired(now)
    }

    /// Whether its time is over.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.import.as_ref().and_then(|import| import.valid_to).is_some_and(|valid_to| valid_to <= now)
    }

    /// The value of `ImportState`, for imported material.
    pub fn import_state(&self, now: Timestamp) -> Option<ImportState> {
        self.import.as_ref()?;
        Some(if self.is_usable(now) { ImportState::Imported } else { ImportState::PendingImport })
    }
}

/// What a material is to its key (KMS API Reference, RotationsListEntry, KeyMaterialState).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MaterialState {
    /// It encrypts, and decrypts what it encrypted.
    Current,
    /// It decrypts what it encrypted while it was current.
    NonCurrent,
    /// Imported, and to become current at the next rotation on demand.
    PendingRotation,
    /// Imported into a primary key, and not into each of its replicas yet.
    PendingMultiRegionImportAndRotation,
}

impl MaterialState {
    /// Whether ciphertexts may need it: such material stays with the key until that is deleted.
    pub fn is_permanent(self) -> bool {
        matches!(self, Self::Current | Self::NonCurrent)
    }

    /// The value of `KeyMaterialState`.
    pub fn key_material_state(self) -> KeyMaterialState {
        match self {
            Self::Current => KeyMaterialState::Current,
            Self::NonCurrent => KeyMaterialState::NonCurrent,
            Self::PendingRotation => KeyMaterialState::PendingRotation,
            Self::PendingMultiRegionImportAndRotation => KeyMaterialState::PendingMultiRegionImportAndRotation,
        }
    }
}

/// What was said at an import.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Import {
    /// When it expires; `None` for material that does not.
    pub valid_to: Option<Timestamp>,
    /// 0..=256 characters.
    pub description: Option<String>,
}

impl Import {
    /// The value of `ExpirationModel`.
    pub fn expiration_model(&self) -> ExpirationModelType {
        match self.valid_to {
            Some(_) => ExpirationModelType::KeyMaterialExpires,
            None => ExpirationModelType::KeyMaterialDoesNotExpire,
        }
    }
}

/// A rotation that has happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rotation {
    /// When.
    pub date: Timestamp,
    /// Why.
    pub rotation_type: RotationType,
}
