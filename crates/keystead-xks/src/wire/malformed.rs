//! What can be wrong with a response that parsed: KMS treats each as "cannot interpret".

/// A successful response breaks a rule of the specification. Names the member, never its content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MalformedResponse {
    /// A required member is there but empty.
    #[error("`{field}` is empty")]
    Empty {
        /// The member's name.
        field: &'static str,
    },
    /// A member has the wrong number of bytes.
    #[error("`{field}` has {found} bytes, expected {expected}")]
    Length {
        /// The member's name.
        field: &'static str,
        /// The decoded length, in bytes.
        found: usize,
        /// What the specification asks for, in bytes.
        expected: String,
    },
    /// A list or number is outside its range.
    #[error("`{field}` counts {found}, expected {expected}")]
    Count {
        /// The member's name.
        field: &'static str,
        /// The number found.
        found: u64,
        /// What the specification asks for.
        expected: &'static str,
    },
    /// `ciphertextDataIntegrityValue` was asked for and is absent.
    #[error("`ciphertextDataIntegrityValue` was asked for and is missing")]
    IntegrityValueMissing,
    /// `ciphertextDataIntegrityValue` is not the hash of the response's other members.
    #[error("`ciphertextDataIntegrityValue` does not match the response")]
    IntegrityValueMismatch,
}

/// Refuses an empty text.
pub(super) fn not_empty(field: &'static str, text: &str) -> Result<(), MalformedResponse> {
    if text.is_empty() {
        return Err(MalformedResponse::Empty { field });
    }
    Ok(())
}

/// Refuses any length but `expected` bytes.
pub(super) fn exact_length(field: &'static str, found: usize, expected: usize) -> Result<(), MalformedResponse> {
    if found != expected {
        return Err(MalformedResponse::Length { field, found, expected: expected.to_string() });
    }
    Ok(())
}
