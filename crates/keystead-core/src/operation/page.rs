//! Pagination: limits and markers.

use keystead_model::kms::Exception;

use crate::error::KmsError;
use crate::kms::{Call, Kms};
use crate::page_marker::PageMarkers;

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
        let markers = PageMarkers::new(kms.catalog.root_key(), scope.iter().chain(filters).copied());
        let after = marker.map(|marker| markers.open(marker).ok_or_else(invalid_marker)).transpose()?;
        Ok(Page { markers, items, after })
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
    markers: PageMarkers<'a>,
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
        items.last().map(|last| self.markers.marker(&name(last)))
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
    use crate::sealing::RootKey;

    fn page<'a>(root_key: &'a RootKey, parts: &[&'a str], items: usize) -> Page<'a> {
        Page { markers: PageMarkers::new(root_key, parts.iter().copied()), items, after: None }
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
        assert_eq!(page.cut(&mut items, ToString::to_string), Some(page.markers.marker("2")));
        assert_eq!(items, [1, 2]);
        assert_eq!(page.cut(&mut items, ToString::to_string), None);
    }
}
