//! The sizes that the specification names, in decoded bytes unless the name says otherwise.

/// A proxy must accept at least this much plaintext, and as much ciphertext.
pub const PLAINTEXT_SUPPORTED_BYTES: usize = 4300;
/// A proxy must accept at least this much additional authenticated data.
pub const AAD_SUPPORTED_BYTES: usize = 8192;
/// The most additional authenticated data whose length fits the two bytes in front of it in the GCM AAD.
pub const AAD_ENCODABLE_BYTES: usize = u16::MAX as usize;
/// KMS refuses a longer `ciphertextMetadata`.
pub const CIPHERTEXT_METADATA_MAX_BYTES: usize = 20;
/// The lengths of `initializationVector` that KMS takes.
pub const INITIALIZATION_VECTOR_BYTES: [usize; 2] = [12, 16];
/// The only length of `authenticationTag`.
pub const AUTHENTICATION_TAG_BYTES: usize = 16;
/// The length of `ciphertextDataIntegrityValue` (SHA-256).
pub const INTEGRITY_VALUE_BYTES: usize = 32;
/// The longest `errorMessage`, in characters ("less than 512").
pub const ERROR_MESSAGE_MAX_CHARS: usize = 511;
/// The longest external key id, in characters.
pub const EXTERNAL_KEY_ID_MAX_CHARS: usize = 128;
/// The most values in `keyUsage`.
pub const KEY_USAGE_MAX_VALUES: usize = 10;
/// The most entries in `ekmFleetDetails`; the fewest is one.
pub const EKM_FLEET_MAX_INSTANCES: usize = 10;
/// The longest URI, scheme and host included, in characters.
pub const URI_MAX_CHARS: usize = 256;
