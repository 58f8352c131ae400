//! What users, roles and the like tell policies of their tags.

use std::collections::BTreeMap;

use keystead_policy::ContextValue;

/// The services whose condition keys tell of a resource's tags (Service Authorization Reference, "Condition keys for AWS IAM").
const PREFIXES: &[&str] = &["aws:resourcetag/", "iam:resourcetag/"];

/// The value of the tag that a condition key names, whose ASCII letters are in lower case.
pub fn resource_tag(key: &str, tags: &BTreeMap<String, String>) -> Option<ContextValue> {
    let tag = PREFIXES.iter().find_map(|prefix| key.strip_prefix(prefix))?;
    tags.iter().find(|(name, _)| name.eq_ignore_ascii_case(tag)).map(|(_, value)| value.as_str().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_whatever_the_case_of_their_keys() {
        let tags = BTreeMap::from([("Team".to_owned(), "Blue".to_owned()), ("\u{c9}".to_owned(), "x".to_owned())]);
        for (key, value) in [
            ("aws:resourcetag/team", Some("Blue")),
            ("iam:resourcetag/team", Some("Blue")),
            ("kms:resourcetag/team", None),
            ("aws:resourcetag/other", None),
            ("aws:resourcetag/\u{c9}", Some("x")),
            ("aws:resourcetag/\u{e9}", None),
            ("team", None),
        ] {
            assert_eq!(resource_tag(key, &tags), value.map(ContextValue::from), "{key}");
        }
    }
}
