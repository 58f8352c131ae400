//! JSON read one level at a time, with each part as it is written: what a document is checked and changed by, where it must otherwise stay as
//! its author wrote it.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Why a text is no object whose members have each a name of their own.
#[derive(Debug)]
pub(super) enum InvalidObject {
    /// It is no JSON, or other JSON.
    NotAnObject(serde_json::Error),
    /// Two members have this name. Readers differ in which one they take, so neither may be.
    NameTwice(String),
}

/// The members of an object: names, and values as they are written.
pub(super) fn members(text: &str) -> Result<Vec<(String, &str)>, InvalidObject> {
    let Members(members) = serde_json::from_str(text).map_err(InvalidObject::NotAnObject)?;
    let mut names = BTreeSet::new();
    match members.iter().find(|(name, _)| !names.insert(name.as_str())) {
        Some((name, _)) => Err(InvalidObject::NameTwice(name.clone())),
        None => Ok(members.into_iter().map(|(name, value)| (name, value.get())).collect()),
    }
}

/// The items of a list, as they are written; `None` for what is no list.
pub(super) fn items(text: &str) -> Option<Vec<&str>> {
    let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    Some(items.into_iter().map(RawValue::get).collect())
}

/// Where `part` begins in the text that it was read from.
pub(super) fn position(text: &str, part: &str) -> usize {
    part.as_ptr().addr() - text.as_ptr().addr()
}

struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn values_are_as_they_are_written() {
        let text = r#" {"a" : [ 1,2 ], "b\u0063":{"x" :"*"} } "#;
        let read = members(text).unwrap();
        assert_eq!(read, [("a".to_owned(), "[ 1,2 ]"), ("bc".to_owned(), r#"{"x" :"*"}"#)]);
        assert_eq!(items(read[0].1).unwrap(), ["1", "2"]);
        let inner = members(read[1].1).unwrap();
        let at = position(text, inner[0].1);
        assert_eq!(&text[at..at + 3], r#""*""#);
    }

    #[test]
    fn each_name_once() {
        assert!(matches!(members(r#"{"a":1,"\u0061":2}"#), Err(InvalidObject::NameTwice(name)) if name == "a"));
        assert!(matches!(members("[]"), Err(InvalidObject::NotAnObject(_))));
        assert!(matches!(members("{} x"), Err(InvalidObject::NotAnObject(_))));
        assert!(items("{}").is_none());
    }
}
