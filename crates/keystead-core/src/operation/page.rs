//! Pagination: limits and markers.
//!
//! A marker holds the last item given, so the next page goes on after it whatever came or went in between. An authentication code binds it
//! to what was listed: a marker of another operation, account or Region, or of a listing with other filters, is none here.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keystead_model::kms::Exception;

use crate::error::KmsError;
use crate::kms::{Call, Kms};
use crate::sealing::{AUTHENTICATION_CODE_LENGTH, RootKey};

/// How many items an operation gives (KMS API Reference, `Limit` of each List operation).
#[derive(Clone, Copy, Debug)]
pub(super) struct PageLimits {
    pub(super) default: u32,
    pub(super) max: u32,
}

pub(super) const LIST_KEYS: PageLimits = PageLimits { default: 100, max: 1000 };
pub(super) const LIST_ALIASES: PageLimits = PageLimits { default: 50, max: 100 };
pub(super) const LIST_GRANTS: PageLimits = PageLimits { default: 50, max: 100 };
pub(super) const LIST_RETIRABLE_GRANTS: PageLimits = PageLimits { default: 50, max: 100 };
pub(super) const LIST_KEY_POLICIES: PageLimits = PageLimits { default: 100, max: 1000 };
pub(super) const LIST_KEY_ROTATIONS: PageLimits = PageLimits { default: 100, max: 1000 };
pub(super) const LIST_RESOURCE_TAGS: PageLimits = PageLimits { default: 50, max: 50 };
/// The default is not documented (unverified).
pub(super) const DESCRIBE_CUSTOM_KEY_STORES: PageLimits = PageLimits { default: 100, max: 1000 };

impl PageLimits {
    /// The page that the call asks for with its `Limit` and `Marker`. `filters` tell what of the account and Region is listed, always in the
    /// same order.
    ///
    /// Fails with `ValidationException` for too high a limit, and with `InvalidMarkerException` for a marker that no page of the same listing
    /// gave.
    pub(super) fn page<'a>(
        self,
        kms: &'a Kms,
        call: &Call<'_>,
        limit: Option<u32>,
        marker: Option<&str>,
        filters: &[&str],
    ) -> Result<Page<'a>, KmsError> {
        let items = self.items(limit)?;
        let scope = [call.operation.name, call.caller.principal.account.as_str(), call.region().as_str()];
        let listing = Listing::new(kms.catalog.root_key(), scope.iter().chain(filters));
        let after = marker.map(|marker| listing.open(marker).ok_or_else(invalid_marker)).transpose()?;
        Ok(Page { listing, items, after })
    }

    /// The number of items asked for. The model allows 1000 everywhere; an operation's own maximum is enforced in the same words.
    fn items(self, limit: Option<u32>) -> Result<usize, KmsError> {
        let limit = limit.unwrap_or(self.default);
        if limit > self.max {
            return Err(KmsError::validation(format!(
                "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have value less than or equal to {}",
                self.max
            )));
        }
        Ok(limit as usize)
    }
}

/// A page that is asked for.
pub(super) struct Page<'a> {
    listing: Listing<'a>,
    items: usize,
    after: Option<String>,
}

impl Page<'_> {
    /// How many items to look for: one more than the page has room for tells that there is another page.
    pub(super) fn wanted(&self) -> usize {
        self.items + 1
    }

    /// The item that the page begins after, as `parse` reads it; `None` for the first page.
    pub(super) fn after<T>(&self, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, KmsError> {
        self.after.as_deref().map(|after| parse(after).ok_or_else(invalid_marker)).transpose()
    }

    /// Cuts off the one item too many, if it was found, and gives the marker of the next page.
    pub(super) fn cut<T>(&self, items: &mut Vec<T>, name: impl FnOnce(&T) -> String) -> Option<String> {
        if items.len() <= self.items {
            return None;
        }
        items.truncate(self.items);
        items.last().map(|last| self.listing.marker(&name(last)))
    }
}

/// What is listed.
struct Listing<'a> {
    root_key: &'a RootKey,
    parts: Vec<String>,
}

impl<'a> Listing<'a> {
    fn new<'b>(root_key: &'a RootKey, parts: impl Iterator<Item = &'b &'b str>) -> Self {
        Self {
            root_key,
            parts: std::iter::once(&"keystead/page-marker").chain(parts).map(|part| (*part).to_owned()).collect(),
        }
    }

    /// The marker after `last`.
    fn marker(&self, last: &str) -> String {
        STANDARD.encode([&self.code(last), last.as_bytes()].concat())
    }

    /// What a marker of this listing holds.
    fn open(&self, marker: &str) -> Option<String> {
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

/// The text is unverified.
fn invalid_marker() -> KmsError {
    KmsError::new(
        Exception::InvalidMarker,
        "The marker is not valid. Pass the NextMarker of the previous page of the same operation unchanged.",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn page<'a>(root_key: &'a RootKey, parts: &[&str], items: usize) -> Page<'a> {
        Page { listing: Listing::new(root_key, parts.iter()), items, after: None }
    }

    #[test]
    fn a_marker_belongs_to_its_listing() {
        let root_key = RootKey::new(&[7; 32]).unwrap();
        let listing = Listing::new(&root_key, ["ListKeys", "111122223333", "us-east-1"].iter());
        let made = listing.marker("last");
        assert_eq!(listing.open(&made).as_deref(), Some("last"));
        let others: [&[&str]; 4] = [
            &["ListAliases", "111122223333", "us-east-1"],
            &["ListKeys", "444455556666", "us-east-1"],
            &["ListKeys", "111122223333", "eu-west-1"],
            &["ListKeys", "111122223333", "us-east-1", "filter"],
        ];
        for other in others {
            assert_eq!(Listing::new(&root_key, other.iter()).open(&made), None, "{other:?}");
        }
        let elsewhere = RootKey::new(&[8; 32]).unwrap();
        assert_eq!(Listing::new(&elsewhere, ["ListKeys", "111122223333", "us-east-1"].iter()).open(&made), None);
    }

    #[test]
    fn a_changed_marker_is_none() {
        let root_key = RootKey::new(&[7; 32]).unwrap();
        let listing = Listing::new(&root_key, ["ListKeys"].iter());
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
        assert!(Listing::new(&root_key, [].iter()).marker(&"😀".repeat(128)).len() <= 1024);
    }

    #[test]
    fn limits_are_the_operations_own() {
        assert_eq!(LIST_ALIASES.items(None).unwrap(), 50);
        assert_eq!(LIST_ALIASES.items(Some(100)).unwrap(), 100);
        assert!(LIST_ALIASES.items(Some(101)).unwrap_err().message.unwrap().contains("less than or equal to 100"));
    }

    #[test]
    fn one_item_too_many_makes_a_marker() {
        let root_key = RootKey::new(&[7; 32]).unwrap();
        let page = page(&root_key, &["ListKeys"], 2);
        let mut items = vec![1, 2, 3];
        assert_eq!(page.cut(&mut items, ToString::to_string), Some(page.listing.marker("2")));
        assert_eq!(items, [1, 2]);
        assert_eq!(page.cut(&mut items, ToString::to_string), None);
    }
}
