//! Tags of users, roles and policies.
//!
//! Source: IAM User Guide, "Tags for AWS Identity and Access Management resources": the case of a tag key's letters does not matter, its
//! values' does; the shapes `tagKeyType` and `tagValueType` of the service model.

mod at_creation;

use std::collections::{BTreeMap, BTreeSet};

use keystead_policy::RequestContext;
use keystead_query::{Parameters, Structure};

use crate::constraint::{self, Pattern, TextRule};
use crate::error::IdentityError;

/// How many tags something may have, and a request.
const TAGS_MAX: usize = 50;

const KEY: TextRule = TextRule {
    min: 1,
    max: 128,
    pattern: Some(Pattern { text: r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+", is_satisfied_by: is_tag_text }),
};
const VALUE: TextRule = TextRule {
    min: 0,
    max: 256,
    pattern: Some(Pattern { text: r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", is_satisfied_by: is_tag_text }),
};

/// Tags that a request has: keys and values. Something new gets them from [`Call::authorize_new`](super::call::Call::authorize_new) alone.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Tags(BTreeMap<String, String>);

/// The keys of tags that are to go.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct TagKeys(BTreeSet<String>);

impl Tags {
    /// Takes `Tags`. Fails with `InvalidInput` if a key is there twice, or is one of AWS's own.
    pub(crate) fn take(parameters: &mut Parameters) -> Result<Self, IdentityError> {
        let mut tags = BTreeMap::new();
        let mut folded = BTreeSet::new();
        let listed = parameters.member_structures("Tags");
        check_count(listed.len())?;
        for (index, mut tag) in listed.into_iter().enumerate() {
            let (key, value) = (tag.required("Key")?, tag.required("Value")?);
            tag.finish()?;
            KEY.check(&format!("tags.{}.member.key", index + 1), &key)?;
            VALUE.check(&format!("tags.{}.member.value", index + 1), &value)?;
            check_key(&key)?;
            if !folded.insert(key.to_ascii_lowercase()) {
                return Err(IdentityError::invalid_input(
                    "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
                ));
            }
            tags.insert(key, value);
        }
        Ok(Self(tags))
    }

    /// Takes `Tags`, of which there must be some.
    pub(crate) fn required(parameters: &mut Parameters) -> Result<Self, IdentityError> {
        let tags = Self::take(parameters)?;
        if tags.0.is_empty() { Err(constraint::missing("Tags")) } else { Ok(tags) }
    }

    /// Tells policies of them.
    pub(crate) fn tell(&self, context: &mut RequestContext) {
        for (key, value) in &self.0 {
            context.set(&format!("aws:RequestTag/{key}"), value.as_str());
        }
        if !self.0.is_empty() {
            context.set("aws:TagKeys", self.0.keys().cloned().collect::<Vec<_>>());
        }
    }

    /// Adds them; a tag whose key is there already, in whatever case, is replaced. Fails with `LimitExceeded`.
    pub(crate) fn add_to(&self, tags: &mut BTreeMap<String, String>) -> Result<(), IdentityError> {
        tags.retain(|key, _| !self.0.keys().any(|added| is_same_key(added, key)));
        tags.extend(self.0.clone());
        check_count(tags.len())
    }
}

impl TagKeys {
    /// Takes `TagKeys`, which must be there.
    pub(crate) fn required(parameters: &mut Parameters) -> Result<Self, IdentityError> {
        let keys = parameters.members("TagKeys");
        if keys.is_empty() {
            return Err(constraint::missing("TagKeys"));
        }
        check_count(keys.len())?;
        for (index, key) in keys.iter().enumerate() {
            KEY.check(&format!("tagKeys.{}.member", index + 1), key)?;
            check_key(key)?;
        }
        Ok(Self(keys.into_iter().collect()))
    }

    /// Tells policies of them.
    pub(crate) fn tell(&self, context: &mut RequestContext) {
        context.set("aws:TagKeys", self.0.iter().cloned().collect::<Vec<_>>());
    }

    /// Removes the tags with these keys, in whatever case. Keys that are not there are no error.
    pub(crate) fn remove_from(&self, tags: &mut BTreeMap<String, String>) {
        tags.retain(|key, _| !self.0.iter().any(|removed| is_same_key(removed, key)));
    }
}

/// Tags as answers list them.
pub(crate) fn listed(tags: &BTreeMap<String, String>) -> Vec<Structure> {
    tags.iter().map(|(key, value)| one_listed(key, value)).collect()
}

/// The same as a member of what has them; left out if there are none.
pub(crate) fn with_tags(shown: Structure, tags: &BTreeMap<String, String>) -> Structure {
    if tags.is_empty() { shown } else { shown.with_list("Tags", listed(tags)) }
}

/// One tag as answers have it.
pub(crate) fn one_listed(key: &str, value: &str) -> Structure {
    Structure::default().with("Key", key).with("Value", value)
}

/// Whether two keys are of one tag: the case of ASCII letters does not matter, as it does not to policies.
fn is_same_key(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn check_key(key: &str) -> Result<(), IdentityError> {
    match key.as_bytes().first_chunk::<4>() {
        Some(prefix) if prefix.eq_ignore_ascii_case(b"aws:") => {
            Err(IdentityError::invalid_input("Tag keys that begin with aws: are reserved for system use."))
        }
        _ => Ok(()),
    }
}

fn check_count(count: usize) -> Result<(), IdentityError> {
    if count <= TAGS_MAX {
        return Ok(());
    }
    Err(IdentityError::limit_exceeded(format!("The number of tags has reached the maximum limit of {TAGS_MAX}.")))
}

/// Letters, numbers, separators and a few signs.
fn is_tag_text(text: &str) -> bool {
    text.chars().all(|character| {
        character.is_alphanumeric()
            || "_.:/=+-@".contains(character)
            || (character.is_whitespace() && !character.is_control())
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn tags(body: &str) -> Result<Tags, IdentityError> {
        Tags::take(&mut Parameters::parse(body.as_bytes()).unwrap())
    }

    #[test]
    fn keys_are_the_same_in_whatever_case() {
        let error = tags("Tags.member.1.Key=Team&Tags.member.1.Value=a&Tags.member.2.Key=team&Tags.member.2.Value=b");
        assert_eq!(error.unwrap_err().code, "InvalidInput");
        let mut stored = BTreeMap::from([("TEAM".to_owned(), "a".to_owned()), ("Cost".to_owned(), "1".to_owned())]);
        tags("Tags.member.1.Key=team&Tags.member.1.Value=b").unwrap().add_to(&mut stored).unwrap();
        assert_eq!(stored, BTreeMap::from([("team".to_owned(), "b".to_owned()), ("Cost".to_owned(), "1".to_owned())]));
        let mut parameters = Parameters::parse(b"TagKeys.member.1=Team&TagKeys.member.2=none").unwrap();
        TagKeys::required(&mut parameters).unwrap().remove_from(&mut stored);
        assert_eq!(stored.keys().collect::<Vec<_>>(), ["Cost"]);
        let accented = "Tags.member.1.Key=%C3%A9&Tags.member.1.Value=&Tags.member.2.Key=%C3%89&Tags.member.2.Value=";
        assert_eq!(tags(accented).unwrap().0.len(), 2);
    }

    #[test]
    fn what_cannot_be_a_tag() {
        let long_key = format!("Tags.member.1.Key={}&Tags.member.1.Value=", "k".repeat(129));
        let long_value = format!("Tags.member.1.Key=k&Tags.member.1.Value={}", "v".repeat(257));
        for (body, code) in [
            ("Tags.member.1.Key=k", "ValidationError"),
            ("Tags.member.1.Value=v", "ValidationError"),
            ("Tags.member.1.Key=&Tags.member.1.Value=v", "ValidationError"),
            ("Tags.member.1.Key=k*&Tags.member.1.Value=v", "ValidationError"),
            ("Tags.member.1.Key=k&Tags.member.1.Value=v&Tags.member.1.Colour=v", "ValidationError"),
            ("Tags.member.1.Key=AWS:k&Tags.member.1.Value=v", "InvalidInput"),
            (&long_key, "ValidationError"),
            (&long_value, "ValidationError"),
        ] {
            assert_eq!(tags(body).unwrap_err().code, code, "{body}");
        }
        let many: Vec<_> = (1..=51).map(|n| format!("Tags.member.{n}.Key=k{n}&Tags.member.{n}.Value=")).collect();
        assert_eq!(tags(&many.join("&")).unwrap_err().code, "LimitExceeded");
        assert!(tags(&many[..50].join("&")).unwrap().add_to(&mut BTreeMap::from([("k".into(), "".into())])).is_err());
        assert_eq!(tags("Tags=").unwrap(), Tags::default());
        assert!(tags("Tags.member.1.Key=%C3%A9+_.:/=%2B-@&Tags.member.1.Value=").is_ok());
    }
}
