//! A PKI, documents, keys and random numbers for the tests.

pub(crate) mod der;
pub(crate) mod document;
pub(crate) mod pki;
pub(crate) mod recipient;
pub(crate) mod sequence;

/// When the tests take place: 2026-03-01T12:00:00Z, in milliseconds since the Unix epoch.
pub(crate) const NOW_UNIX_MS: i64 = 1_772_366_400_000;
