//! The text of a policy: what is shown of one is the text that its author wrote, but for principals.
//!
//! Source: IAM User Guide, "AWS JSON policy elements: Principal"; AWS re:Post, "Why are there unknown principal formats in my IAM
//! resource-based policies?".

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// What a bare `"*"` becomes.
const EVERYBODY: &str = r#"{"AWS":"*"}"#;

/// The text of a policy document with each `"Principal": "*"` written in full, as GetKeyPolicy shows it; nothing else is touched.
pub fn with_full_principals(policy: &str) -> String {
    let bare = principals(policy).into_iter().filter(|value| is_text(value, "*"));
    replaced(policy, bare.map(|value| (value, EVERYBODY.to_owned())))
}

/// The text of a policy document with the principals that are gone as they are shown: each ARN among the `AWS` principals that is a key of
/// `gone` becomes the unique ID that is its value, so that putting the document again gives nothing to somebody else of the name. Nothing
/// else is touched, and neither is a text that is no policy document.
pub fn with_unique_ids(policy: &str, gone: &BTreeMap<String, String>) -> String {
    let named = principals(policy).into_iter().flat_map(|element| values(element, &["AWS"])).flat_map(one_or_more);
    let found = named.filter_map(|value| Some((value, gone.get(&text(value)?)?)));
    replaced(policy, found.map(|(value, id)| (value, Value::from(id.as_str()).to_string())))
}

/// `text` with other words in these places, which are slices of it, in order.
fn replaced<'a>(text: &'a str, places: impl Iterator<Item = (&'a str, String)>) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut copied = 0;
    for (place, words) in places {
        let start = place.as_ptr().addr() - text.as_ptr().addr();
        whole.push_str(&text[copied..start]);
        whole.push_str(&words);
        copied = start + place.len();
    }
    whole.push_str(&text[copied..]);
    whole
}

/// The principal elements of the statements, as they are written, in order.
fn principals(policy: &str) -> Vec<&str> {
    let statements = values(policy, &["Statement"]).into_iter().flat_map(one_or_more);
    statements.flat_map(|statement| values(statement, &["Principal", "NotPrincipal"])).collect()
}

/// The items of a list, as they are written, or the one value that is no list.
fn one_or_more(value: &str) -> Vec<&str> {
    items(value).unwrap_or_else(|| vec![value])
}

/// A text, as it is meant.
fn text(value: &str) -> Option<String> {
    serde_json::from_str(value).ok()
}

fn is_text(value: &str, meant: &str) -> bool {
    text(value).is_some_and(|text| text == meant)
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

    const ALICE: &str = "arn:aws:iam::111122223333:user/alice";

    fn gone() -> BTreeMap<String, String> {
        let session = "arn:aws:sts::111122223333:assumed-role/clerk/one";
        [(ALICE, "AIDAFIRST"), (session, "AROAFIRST:one")].map(|(arn, id)| (arn.to_owned(), id.to_owned())).into()
    }

    #[test]
    fn who_is_gone_is_shown_by_the_unique_id_wherever_it_is_a_principal() {
        let stored = r#"{ "Statement": [
            {"NotPrincipal" : {"AWS" :[ "111122223333", "arn:aws:iam::111122223333:user\/\u0061lice",
                "arn:aws:iam::111122223333:user/bob","arn:aws:sts::111122223333:assumed-role/clerk/one"]} },
            {"Principal":"*"},
            {"Principal":{"Service":"a.b","AWS":["arn:aws:iam::111122223333:user/alice"]}}] }  "#;
        let shown = r#"{ "Statement": [
            {"NotPrincipal" : {"AWS" :[ "111122223333", "AIDAFIRST",
                "arn:aws:iam::111122223333:user/bob","AROAFIRST:one"]} },
            {"Principal":"*"},
            {"Principal":{"Service":"a.b","AWS":["AIDAFIRST"]}}] }  "#;
        let alone = r#"{"Statement":{"Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"}}}"#;
        let cases = [(stored, shown), (alone, r#"{"Statement":{"Principal":{"AWS":"AIDAFIRST"}}}"#)];
        for (stored, shown) in cases {
            assert_eq!(with_unique_ids(stored, &gone()), shown);
            assert_eq!(with_unique_ids(stored, &BTreeMap::new()), stored);
        }
    }

    /// The same ARN in an Id, a Sid, a resource, a condition, or a principal of another kind is no principal of AWS.
    #[test]
    fn an_arn_elsewhere_stays_as_it_is() {
        let statement = format!(
            r#"{{"Sid":"{ALICE}","Principal":{{"Federated":"{ALICE}"}},"Resource":"{ALICE}",
                "Condition":{{"ArnEquals":{{"aws:PrincipalArn":["{ALICE}"]}}}}}}"#
        );
        let policy = format!(r#"{{"Id":"{ALICE}","Statement":[{statement}],"Principal":{{"AWS":"{ALICE}"}}}}"#);
        for text in [policy.as_str(), ALICE, r#"{"Statement":[{"Principal":{"AWS":[{}, 7, null]}}]}"#, "", "no JSON"] {
            assert_eq!(with_unique_ids(text, &gone()), text);
        }
    }

    /// What is shown cannot be put again.
    #[test]
    fn a_unique_id_is_no_principal_to_give_something_to() {
        use crate::{MalformedPolicy, PolicyDocument, PolicyKind};

        let allow = format!(
            r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":["111122223333","{ALICE}"]}},"Action":"kms:*"}}}}"#
        );
        assert!(PolicyDocument::parse(&allow, PolicyKind::Key).is_ok());
        let shown = with_unique_ids(&allow, &gone());
        assert_eq!(PolicyDocument::parse(&shown, PolicyKind::Key), Err(MalformedPolicy::InvalidPrincipal));
    }
}
