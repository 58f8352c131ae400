//! Markers of pages.
//!
//! A marker holds the last item given, so the next page goes on after it whatever came or went in between. An authentication code binds it
//! to what was listed: a marker of another listing is none here.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::sealing::{AUTHENTICATION_CODE_LENGTH, RootKey};

/// The markers of one listing.
pub struct PageMarkers<'a> {
    root_key: &'a RootKey,
    parts: Vec<String>,
}

impl<'a> PageMarkers<'a> {
    /// Those of the listing that `parts` tell, always in the same order: operation, account, filters.
    pub fn new<'b>(root_key: &'a RootKey, parts: impl IntoIterator<Item = &'b str>) -> Self {
        let parts = std::iter::once("keystead/page-marker").chain(parts).map(str::to_owned).collect();
        Self { root_key, parts }
    }

    /// The marker after the item `last`.
    pub fn marker(&self, last: &str) -> String {
        STANDARD.encode([&self.code(last), last.as_bytes()].concat())
    }

    /// The item that a marker of this listing holds; `None` for what is no marker of it.
    pub fn open(&self, marker: &str) -> Option<String> {
        let bytes = STANDARD.decode(marker).ok()?;
        let (code, last) = bytes.split_first_chunk::<AUTHENTICATION_CODE_LENGTH>()?;
        let last = std::str::from_utf8(last).ok()?;
        verify_slices_are_equal(code, &self.code(last)).is_ok().then(|| last.to_owned())
    }

    fn code(&self, last: &str) -> [u8; AUTHENTICATION_CODE_LENGTH] {
        let parts: Vec<&str> = self.parts.iter().map(String::as_str).chain([last]).collect();
        self.root_key.authentication_code(&parts)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_belongs_to_its_listing() {
        let root_key = RootKey::new(&[7; 32]).unwrap();
        let listing = PageMarkers::new(&root_key, ["ListKeys", "111122223333", "us-east-1"]);
        let made = listing.marker("last");
        assert_eq!(listing.open(&made).as_deref(), Some("last"));
        let others: [&[&str]; 4] = [
            &["ListAliases", "111122223333", "us-east-1"],
            &["ListKeys", "444455556666", "us-east-1"],
            &["ListKeys", "111122223333", "eu-west-1"],
            &["ListKeys", "111122223333", "us-east-1", "filter"],
        ];
        for other in others {
            assert_eq!(PageMarkers::new(&root_key, other.iter().copied()).open(&made), None, "{other:?}");
        }
        let elsewhere = RootKey::new(&[8; 32]).unwrap();
        assert_eq!(PageMarkers::new(&elsewhere, ["ListKeys", "111122223333", "us-east-1"]).open(&made), None);
    }

    #[test]
    fn a_changed_marker_is_none() {
        let root_key = RootKey::new(&[7; 32]).unwrap();
        let listing = PageMarkers::new(&root_key, ["ListKeys"]);
        let made = STANDARD.decode(listing.marker("last")).unwrap();
        for position in 0..made.len() {
            let mut changed = made.clone();
            changed[position] ^= 1;
            assert_eq!(listing.open(&STANDARD.encode(changed)), None, "byte {position}");
            assert_eq!(listing.open(&STANDARD.encode(&made[..position])), None, "cut at {position}");
        }
        for forged in ["", "x", "AAAA", "/////w==", "TGlzdEtleXMKbGFzdA=="] {
            assert_eq!(listing.open(forged), None, "{forged}");
        }
    }

    #[test]
    fn the_longest_marker_is_within_the_models_bounds() {
        // A tag key of 128 characters of four bytes each is the longest name of a last item; the model allows 1024 characters.
        let root_key = RootKey::new(&[7; 32]).unwrap();
        assert!(PageMarkers::new(&root_key, []).marker(&"😀".repeat(128)).len() <= 1024);
    }
}
