//! The unique identifiers that IAM gives to identities, and to access keys.
//!
//! Source: IAM User Guide, "IAM identifiers", "Understanding unique ID prefixes".

use crate::port::Entropy;

/// The alphabet of what follows the prefix.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Characters after the prefix: 80 random bits.
const RANDOM_CHARACTERS: usize = 16;

/// What has a unique identifier.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UniqueIdKind {
    /// An IAM user.
    User,
    /// A group.
    Group,
    /// A role.
    Role,
    /// A managed policy.
    ManagedPolicy,
    /// An access key.
    AccessKey,
}

impl UniqueIdKind {
    /// How all identifiers of this kind begin.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::User => "AIDA",
            Self::Group => "AGPA",
            Self::Role => "AROA",
            Self::ManagedPolicy => "ANPA",
            Self::AccessKey => "AKIA",
        }
    }
}

/// A new identifier: the prefix of its kind and 16 random characters.
pub fn new_unique_id(kind: UniqueIdKind, entropy: &dyn Entropy) -> String {
    let mut random = [0; RANDOM_CHARACTERS];
    entropy.fill(&mut random);
    // The alphabet is a power of two long, so every character is equally likely.
    let characters = random.iter().map(|byte| char::from(BASE32[usize::from(*byte) % BASE32.len()]));
    kind.prefix().chars().chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::SystemEntropy;

    #[test]
    fn identifiers_look_like_iams() {
        for kind in [
            UniqueIdKind::User,
            UniqueIdKind::Group,
            UniqueIdKind::Role,
            UniqueIdKind::ManagedPolicy,
            UniqueIdKind::AccessKey,
        ] {
            let id = new_unique_id(kind, &SystemEntropy);
            assert!(id.starts_with(kind.prefix()) && id.len() == 20, "{id}");
            assert!(id.bytes().all(|byte| BASE32.contains(&byte)), "{id}");
            assert_ne!(id, new_unique_id(kind, &SystemEntropy));
        }
    }
}
