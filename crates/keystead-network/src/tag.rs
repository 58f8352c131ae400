//! Tags of resources.
//!
//! Source: EC2 User Guide, "Tag your Amazon EC2 resources", "Tag restrictions".

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::NetworkError;
use crate::quota::Quota;

/// The longest key, in characters.
const KEY_CHARS_MAX: usize = 128;
/// The longest value, in characters.
const VALUE_CHARS_MAX: usize = 256;
/// What begins with it is AWS's.
const RESERVED_PREFIX: &str = "aws:";

/// The tags of one resource: at most 50.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tags(BTreeMap<String, String>);

impl Tags {
    /// Sets a tag, or replaces its value.
    ///
    /// Fails with `InvalidParameterValue`, or with `TagLimitExceeded`.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), NetworkError> {
        check_text("tagKey", key, KEY_CHARS_MAX)?;
        check_text("tagValue", value, VALUE_CHARS_MAX)?;
        if key.is_empty() {
            return Err(NetworkError::invalid_value("tagKey", key, "A tag's key has at least one character."));
        }
        if key.to_ascii_lowercase().starts_with(RESERVED_PREFIX) {
            return Err(NetworkError::invalid_value("tagKey", key, "Tag keys starting with 'aws:' are reserved."));
        }
        if !self.0.contains_key(key) && self.0.len() >= Quota::Tags.max() {
            return Err(NetworkError::QuotaExceeded(Quota::Tags));
        }
        self.0.insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    /// One tag that a resource has.
    pub(crate) fn of_one(key: &str, value: &str) -> Self {
        Self(BTreeMap::from([(key.to_owned(), value.to_owned())]))
    }

    /// Removes a tag; if a value is given, only if it is the tag's. No error where there is none.
    pub fn remove(&mut self, key: &str, value: Option<&str>) {
        if value.is_none_or(|value| self.0.get(key).is_some_and(|current| current == value)) {
            self.0.remove(key);
        }
    }

    /// Removes all tags.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Keys and values, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The value of a tag.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}

/// Refuses texts that are too long or have control characters, which XML cannot carry.
pub(crate) fn check_text(parameter: &str, text: &str, chars_max: usize) -> Result<(), NetworkError> {
    if text.chars().count() > chars_max {
        let shown: String = text.chars().take(32).collect();
        return Err(NetworkError::invalid_value(
            parameter,
            shown,
            format!("It may have at most {chars_max} characters."),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(NetworkError::invalid_value(parameter, text, "It may not have control characters."));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn restrictions() {
        let mut tags = Tags::default();
        for key in ["", "aws:x", "AWS:x", "a\nb", &"k".repeat(129)] {
            assert_eq!(tags.set(key, "v").unwrap_err().code(), "InvalidParameterValue", "{key}");
        }
        assert_eq!(tags.set("k", &"v".repeat(257)).unwrap_err().code(), "InvalidParameterValue");
        tags.set(&"k".repeat(128), &"é".repeat(256)).unwrap();
        for number in 1..50 {
            tags.set(&format!("key {number}"), "").unwrap();
        }
        assert_eq!(tags.set("one more", "").unwrap_err().code(), "TagLimitExceeded");
        tags.set("key 1", "another value").unwrap();
        assert_eq!(tags.get("key 1"), Some("another value"));
    }

    #[test]
    fn a_value_guards_its_removal() {
        let mut tags = Tags::default();
        tags.set("a", "1").unwrap();
        tags.remove("a", Some("2"));
        assert_eq!(tags.get("a"), Some("1"));
        tags.remove("a", Some("1"));
        assert_eq!(tags.get("a"), None);
    }
}
