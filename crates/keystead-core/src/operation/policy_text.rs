//! The text of a policy: what is shown of one is the text that its author wrote.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// What a bare `"*"` becomes.
const EVERYBODY: &str = r#"{"AWS":"*"}"#;

/// The text of a policy document with each `"Principal": "*"` written in full, as GetKeyPolicy shows it; nothing else is touched.
pub(super) fn with_full_principals(policy: &str) -> String {
    let mut full = String::with_capacity(policy.len());
    let mut copied = 0;
    for place in bare_wildcards(policy) {
        full.push_str(&policy[copied..place.start]);
        full.push_str(EVERYBODY);
        copied = place.end;
    }
    full.push_str(&policy[copied..]);
    full
}

/// Where in the text the principal of a statement is a bare `"*"`, in order.
fn bare_wildcards(policy: &str) -> Vec<Range<usize>> {
    let statements = values(policy, &["Statement"]).into_iter().flat_map(|value| items(value).unwrap_or(vec![value]));
    let principals = statements.flat_map(|statement| values(statement, &["Principal", "NotPrincipal"]));
    let bare = principals.filter(|value| serde_json::from_str::<String>(value).is_ok_and(|text| text == "*"));
    bare.map(|value| {
        let start = value.as_ptr().addr() - policy.as_ptr().addr();
        start..start + value.len()
    })
    .collect()
}

/// The values of the members of these names, as they are written.
fn values<'a>(object: &'a str, names: &[&str]) -> Vec<&'a str> {
    let Ok(Members(members)) = serde_json::from_str(object) else { return Vec::new() };
    members.into_iter().filter(|(name, _)| names.contains(&name.as_str())).map(|(_, value)| value.get()).collect()
}

/// The items of a list, as they are written; `None` for what is no list.
fn items(list: &str) -> Option<Vec<&str>> {
    let items: Vec<&RawValue> = serde_json::from_str(list).ok()?;
    Some(items.into_iter().map(RawValue::get).collect())
}

/// The members of an object, with values as they are written.
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
mod tests {
    use super::*;

    #[test]
    fn a_bare_wildcard_is_written_in_full_and_nothing_else_is_touched() {
        let cases = [
            (
                "{ \"Statement\": [ {\"Effect\":\"Allow\", \"Principal\" : \"*\" ,\n\"Action\":\"*\"},{\"NotPrincipal\":\"\\u002a\"} ] }",
                "{ \"Statement\": [ {\"Effect\":\"Allow\", \"Principal\" : {\"AWS\":\"*\"} ,\n\"Action\":\"*\"},{\"NotPrincipal\":{\"AWS\":\"*\"}} ] }",
            ),
            (
                r#"{"Statement":{"Sid":"\u00fc","Principal":"*"},"Id":"*"}"#,
                r#"{"Statement":{"Sid":"\u00fc","Principal":{"AWS":"*"}},"Id":"*"}"#,
            ),
        ];
        for (given, full) in cases {
            assert_eq!(with_full_principals(given), full);
            assert_eq!(with_full_principals(full), full);
        }
    }

    #[test]
    fn what_has_none_stays_as_it_is() {
        for text in [r#"{"Statement":[{"Principal":{"AWS":"*"}}]}"#, r#"{"Principal":"*"}"#, r#"["*"]"#, "", "no JSON"]
        {
            assert_eq!(with_full_principals(text), text);
        }
    }
}
