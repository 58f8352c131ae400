//! Pagination: limits and markers.
//!
//! A marker holds the operation and the last item given, so the next page goes on after it whatever came or went in between.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keystead_model::kms::Exception;

use crate::error::KmsError;

/// How many items an operation gives (KMS API Reference, `Limit` of each List operation).
#[derive(Clone, Copy, Debug)]
pub(super) struct PageLimits {
    pub(super) default: u32,
    pub(super) max: u32,
}

pub(super) const LIST_KEYS: PageLimits = PageLimits { default: 100, max: 1000 };
pub(super) const LIST_ALIASES: PageLimits = PageLimits { default: 50, max: 100 };
pub(super) const LIST_RESOURCE_TAGS: PageLimits = PageLimits { default: 50, max: 50 };
/// The default is not documented (unverified).
pub(super) const DESCRIBE_CUSTOM_KEY_STORES: PageLimits = PageLimits { default: 100, max: 1000 };

impl PageLimits {
    /// The number of items asked for. The model allows 1000 everywhere; an operation's own maximum is enforced in the same words.
    pub(super) fn items(self, limit: Option<u32>) -> Result<usize, KmsError> {
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

/// The marker after `last`.
pub(super) fn marker(operation: &str, last: &str) -> String {
    STANDARD.encode(format!("{operation}\n{last}"))
}

/// What a marker of the same operation holds; `InvalidMarkerException` for anything else.
pub(super) fn after(operation: &str, marker: Option<&str>) -> Result<Option<String>, KmsError> {
    let Some(marker) = marker else { return Ok(None) };
    STANDARD
        .decode(marker)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| {
            let (made_by, last) = text.split_once('\n')?;
            (made_by == operation).then(|| Some(last.to_owned()))
        })
        .ok_or_else(invalid_marker)
}

/// The text is unverified.
pub(super) fn invalid_marker() -> KmsError {
    KmsError::new(
        Exception::InvalidMarker,
        "The marker is not valid. Pass the NextMarker of the previous page of the same operation unchanged.",
    )
}

/// Takes one item too many as the sign that there are more: cuts it off and gives the marker.
pub(super) fn cut<T>(items: &mut Vec<T>, limit: usize, operation: &str, name: impl Fn(&T) -> String) -> Option<String> {
    if items.len() <= limit {
        return None;
    }
    items.truncate(limit);
    items.last().map(|last| marker(operation, &name(last)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_belongs_to_its_operation() {
        let made = marker("ListKeys", "last");
        assert_eq!(after("ListKeys", Some(&made)).unwrap().as_deref(), Some("last"));
        assert_eq!(after("ListKeys", None).unwrap(), None);
        for forged in [made.as_str(), "", "x", "AAAA", "/////w=="] {
            assert_eq!(after("ListAliases", Some(forged)).unwrap_err().exception, Exception::InvalidMarker);
        }
    }

    #[test]
    fn limits_are_the_operations_own() {
        assert_eq!(LIST_ALIASES.items(None).unwrap(), 50);
        assert_eq!(LIST_ALIASES.items(Some(100)).unwrap(), 100);
        assert!(LIST_ALIASES.items(Some(101)).unwrap_err().message.unwrap().contains("less than or equal to 100"));
    }

    #[test]
    fn one_item_too_many_makes_a_marker() {
        let mut items = vec![1, 2, 3];
        let next = cut(&mut items, 2, "ListKeys", ToString::to_string);
        assert_eq!((items, next), (vec![1, 2], Some(marker("ListKeys", "2"))));
    }
}
