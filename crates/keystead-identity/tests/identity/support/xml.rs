//! A reader of the XML that the query protocol answers with: elements and texts, nothing else.

use serde_json::{Map, Value};

/// The root element's name, and what is in it: a text, members by name, or the entries of a list of `member`s.
pub(crate) fn read_xml(xml: &str) -> (String, Value) {
    let rest = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").expect("no XML declaration");
    let (name, value, rest) = element(rest);
    assert_eq!(rest, "", "something is after the root element");
    (name, value)
}

fn element(xml: &str) -> (String, Value, &str) {
    let (tag, mut rest) = xml.strip_prefix('<').and_then(|rest| rest.split_once('>')).expect("no element");
    let name = tag.split(' ').next().unwrap().to_owned();
    let end = format!("</{name}>");
    let mut children = Vec::new();
    while rest.starts_with('<') && !rest.starts_with(&end) {
        let (name, value, after) = element(rest);
        children.push((name, value));
        rest = after;
    }
    if children.is_empty() {
        let (text, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{name} has no end"));
        return (name, Value::String(unescaped(text)), after);
    }
    let after = rest.strip_prefix(&end).unwrap_or_else(|| panic!("{name} has text beside elements"));
    (name, gathered(children), after)
}

fn gathered(children: Vec<(String, Value)>) -> Value {
    if children.iter().all(|(name, _)| name == "member") {
        return children.into_iter().map(|(_, value)| value).collect();
    }
    let mut members = Map::new();
    for (name, value) in children {
        assert!(members.insert(name.clone(), value).is_none(), "{name} is there twice");
    }
    Value::Object(members)
}

fn unescaped(text: &str) -> String {
    assert!(!text.contains('<'), "{text}");
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#xD;", "\r");
    text.replace("&amp;", "&")
}
