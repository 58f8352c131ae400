//! What an operation answers, before it is XML.

use std::fmt::{self, Write};

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::parameters::lower_first;

/// How an answer begins.
pub const XML_DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// A value of an answer.
#[derive(Clone, PartialEq, Debug)]
pub enum Node {
    /// A text.
    Text(String),
    /// A text that only the caller may see.
    Secret(SecretText),
    /// A whole number.
    Integer(i64),
    /// A truth value.
    Boolean(bool),
    /// Members.
    Structure(Structure),
    /// In XML each is an `item` in EC2, a `member` elsewhere.
    List(Vec<Node>),
}

/// A text that no record and no log has. Zeroed on drop.
#[derive(Clone, PartialEq)]
pub struct SecretText(Zeroizing<String>);

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText")
    }
}

/// Members in the order in which they are written.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Structure(Vec<(&'static str, Node)>);

impl Structure {
    /// A member.
    pub fn with(mut self, name: &'static str, value: impl Into<Node>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// A member that is left out if there is no value.
    pub fn with_some(self, name: &'static str, value: Option<impl Into<Node>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// A member that is a list.
    pub fn with_list<T: Into<Node>>(self, name: &'static str, items: impl IntoIterator<Item = T>) -> Self {
        self.with(name, Node::List(items.into_iter().map(Into::into).collect()))
    }

    /// Writes the members as XML; each entry of a list as an element of the name `entry`.
    pub fn write_xml(&self, xml: &mut String, entry: &str) {
        for (name, value) in &self.0 {
            value.write_xml(xml, name, entry);
        }
    }

    /// As an audit record shows it.
    pub fn to_json(&self) -> Value {
        let members = self.0.iter().map(|(name, value)| {
            // `return` is `_return` in CloudTrail's records of EC2.
            let name = if *name == "return" { "_return" } else { name };
            (name.to_owned(), value.to_json())
        });
        Value::Object(members.collect::<Map<_, _>>())
    }

    /// As an audit record of IAM or STS shows it: names begin in lower case, and secrets are left out.
    pub fn recorded(&self) -> Value {
        let members = self.0.iter().filter(|(_, value)| !matches!(value, Node::Secret(_)));
        Value::Object(members.map(|(name, value)| (lower_first(name), value.recorded())).collect())
    }
}

impl Node {
    fn write_xml(&self, xml: &mut String, name: &str, entry: &str) {
        match self {
            Self::Text(text) => element(xml, name, text),
            Self::Secret(text) => element(xml, name, &text.0),
            Self::Integer(number) => element(xml, name, &number.to_string()),
            Self::Boolean(value) => element(xml, name, if *value { "true" } else { "false" }),
            Self::Structure(structure) => {
                open(xml, name);
                structure.write_xml(xml, entry);
                close(xml, name);
            }
            Self::List(items) => {
                open(xml, name);
                items.iter().for_each(|item| item.write_xml(xml, entry, entry));
                close(xml, name);
            }
        }
    }

    fn recorded(&self) -> Value {
        match self {
            Self::Structure(structure) => structure.recorded(),
            Self::List(items) => items.iter().map(Self::recorded).collect(),
            Self::Text(_) | Self::Secret(_) | Self::Integer(_) | Self::Boolean(_) => self.to_json(),
        }
    }

    fn to_json(&self) -> Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Secret(_) => Value::Null,
            Self::Integer(number) => (*number).into(),
            Self::Boolean(value) => (*value).into(),
            Self::Structure(structure) => structure.to_json(),
            Self::List(items) => serde_json::json!({ "items": items.iter().map(Self::to_json).collect::<Vec<_>>() }),
        }
    }
}

/// Begins an element.
pub fn open(xml: &mut String, name: &str) {
    xml.push('<');
    xml.push_str(name);
    xml.push('>');
}

/// Ends an element.
pub fn close(xml: &mut String, name: &str) {
    xml.push_str("</");
    xml.push_str(name);
    xml.push('>');
}

/// An element with a text.
pub fn element(xml: &mut String, name: &str, text: &str) {
    open(xml, name);
    for character in text.chars() {
        write_escaped(xml, character);
    }
    close(xml, name);
}

/// A character of a text. What XML 1.0 cannot carry, such as NUL, becomes the replacement character; a carriage return would be read as a
/// line feed.
fn write_escaped(xml: &mut String, character: char) {
    match character {
        '&' => xml.push_str("&amp;"),
        '<' => xml.push_str("&lt;"),
        '>' => xml.push_str("&gt;"),
        '"' => xml.push_str("&quot;"),
        '\r' => {
            // Writing to a String cannot fail.
            let _ = write!(xml, "&#x{:X};", u32::from(character));
        }
        '\t' | '\n' => xml.push(character),
        '\u{0}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => xml.push(char::REPLACEMENT_CHARACTER),
        other => xml.push(other),
    }
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Node {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Zeroizing<String>> for Node {
    fn from(text: Zeroizing<String>) -> Self {
        Self::Secret(SecretText(text))
    }
}

impl From<bool> for Node {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i32> for Node {
    fn from(number: i32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<u32> for Node {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<i64> for Node {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<Structure> for Node {
    fn from(structure: Structure) -> Self {
        Self::Structure(structure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_in_their_order_and_texts_escaped() {
        let group =
            Structure::default().with("groupId", "a < b & \"c\"\0\r").with("isEgress", false).with("fromPort", -1);
        let answer = Structure::default().with_list("groupSet", [group]).with_some("nextToken", None::<&str>);
        let mut xml = String::new();
        answer.write_xml(&mut xml, "member");
        assert_eq!(
            xml,
            "<groupSet><member><groupId>a &lt; b &amp; &quot;c&quot;\u{FFFD}&#xD;</groupId><isEgress>false</isEgress>\
             <fromPort>-1</fromPort></member></groupSet>"
        );
    }

    #[test]
    fn only_the_caller_sees_secrets() {
        let key = Structure::default()
            .with("AccessKeyId", "AKIA")
            .with("SecretAccessKey", Zeroizing::new("s&cret".to_owned()))
            .with_list("Tags", [Structure::default().with("Key", "k")]);
        let answer = Structure::default().with("AccessKey", key);
        let mut xml = String::new();
        answer.write_xml(&mut xml, "member");
        assert!(xml.contains("<SecretAccessKey>s&amp;cret</SecretAccessKey>"), "{xml}");
        let recorded = serde_json::json!({ "accessKey": { "accessKeyId": "AKIA", "tags": [{ "key": "k" }] } });
        assert_eq!(answer.recorded(), recorded);
        assert!(!format!("{answer:?} {}", answer.to_json()).contains("cret\""));
    }
}
