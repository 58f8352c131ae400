//! The parameters of a request: a form whose names have dots and numbers, such as `Filter.1.Value.2`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The longest body, in bytes, and so the most that an audit record takes of it: a policy in a form is up to three times as long as itself. AWS
/// documents no limit (unverified).
const BODY_BYTES_MAX: usize = 256 * 1024;
/// The deepest name: `IpPermissions.1.Groups.1.GroupId` has five.
const DEPTH_MAX: usize = 6;

/// Why parameters cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ParameterError {
    /// The body is too long.
    #[error("The request has {bytes} bytes; it may have at most {bytes_max}.")]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        bytes_max: usize,
    },
    /// A parameter is there twice.
    #[error("The parameter {0} is there twice.")]
    Twice(String),
    /// A parameter that nobody knows.
    #[error("The parameter {0} is not recognized, or is not served here. Leave it out.")]
    Unknown(String),
    /// A parameter that must be there is not.
    #[error("The request must contain the parameter {0}")]
    Missing(String),
    /// A value that cannot be.
    #[error("Value ({value}) for parameter {parameter} is invalid. {reason}")]
    Invalid {
        /// The parameter, by its whole name.
        parameter: String,
        /// Its value.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Parameters that an operation has not taken yet. What is left at the end is not known, and refused.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// The name of the structure that these are of, with a dot at the end; empty for the request itself.
    path: String,
    values: BTreeMap<String, String>,
}

impl Parameters {
    /// Reads a form.
    pub fn parse(body: &[u8]) -> Result<Self, ParameterError> {
        Self::parse_within(body, BODY_BYTES_MAX)
    }

    /// Reads a form of at most so many bytes.
    pub fn parse_within(body: &[u8], bytes_max: usize) -> Result<Self, ParameterError> {
        if body.len() > bytes_max {
            return Err(ParameterError::TooLong { bytes: body.len(), bytes_max });
        }
        let mut values = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(body) {
            if name.split('.').count() > DEPTH_MAX {
                return Err(ParameterError::Unknown(name.to_string()));
            }
            if values.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(ParameterError::Twice(name.to_string()));
            }
        }
        Ok(Self { path: String::new(), values })
    }

    /// All as an audit record shows them: nested, first letters in lower case; lists of EC2 by their numbers, those of IAM and STS as lists.
    /// `null` if there are none.
    pub fn recorded(&self) -> Value {
        let values = self.values.iter().filter(|(name, _)| !matches!(name.as_str(), "Action" | "Version"));
        let mut tree = Map::new();
        for (name, value) in values {
            insert(&mut tree, name, value);
        }
        if tree.is_empty() { Value::Null } else { with_lists(Value::Object(tree)) }
    }

    /// A parameter.
    pub fn take(&mut self, name: &str) -> Option<String> {
        self.values.remove(name)
    }

    /// A parameter that must be there.
    pub fn required(&mut self, name: &str) -> Result<String, ParameterError> {
        self.take(name).ok_or_else(|| self.missing(name))
    }

    /// For a parameter that must be there.
    pub fn missing(&self, name: &str) -> ParameterError {
        ParameterError::Missing(format!("{}{name}", self.path))
    }

    /// `true` or `false`; `false` if it is not there.
    pub fn boolean(&mut self, name: &str) -> Result<bool, ParameterError> {
        match self.take(name) {
            None => Ok(false),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(text) => Err(self.invalid(name, text, "It is true or false.")),
        }
    }

    /// A whole number.
    pub fn integer(&mut self, name: &str) -> Result<Option<i32>, ParameterError> {
        let Some(text) = self.take(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| self.invalid(name, text, "It is a whole number."))
    }

    /// A parameter of which only one value is served.
    pub fn only(&mut self, name: &str, served: &str) -> Result<(), ParameterError> {
        match self.take(name) {
            Some(text) if text != served => Err(self.invalid(name, text, &format!("Only {served} is served here."))),
            _ => Ok(()),
        }
    }

    /// For a value that cannot be.
    pub fn invalid(&self, name: &str, value: String, reason: &str) -> ParameterError {
        let parameter = if self.path.is_empty() { lower_first(name) } else { format!("{}{name}", self.path) };
        ParameterError::Invalid { parameter, value, reason: reason.to_owned() }
    }

    /// A list of texts, `Name.1`, `Name.2`, in the order of the numbers.
    pub fn list(&mut self, name: &str) -> Vec<String> {
        self.numbers(name).into_iter().filter_map(|number| self.values.remove(&format!("{name}.{number}"))).collect()
    }

    /// A list of texts as IAM and STS name it: `Name.member.1`. SDKs write an empty list as `Name=`.
    pub fn members(&mut self, name: &str) -> Vec<String> {
        self.drop_empty_list(name);
        self.list(&format!("{name}.member"))
    }

    /// A list of structures as IAM and STS name it: `Name.member.1.Member`.
    pub fn member_structures(&mut self, name: &str) -> Vec<Parameters> {
        self.drop_empty_list(name);
        self.structures(&format!("{name}.member"))
    }

    fn drop_empty_list(&mut self, name: &str) {
        if self.values.get(name).is_some_and(String::is_empty) {
            self.values.remove(name);
        }
    }

    /// A list of texts that must have at least one.
    pub fn required_list(&mut self, name: &str) -> Result<Vec<String>, ParameterError> {
        let list = self.list(name);
        if list.is_empty() { Err(self.missing(name)) } else { Ok(list) }
    }

    /// A list of structures, `Name.1.Member`, in the order of the numbers.
    pub fn structures(&mut self, name: &str) -> Vec<Parameters> {
        self.numbers(name).into_iter().map(|number| self.structure(&format!("{name}.{number}."))).collect()
    }

    /// The members of one structure: they stand together, because names are sorted.
    fn structure(&mut self, prefix: &str) -> Parameters {
        let members = self.values.range(prefix.to_owned()..).map(|(name, _)| name);
        let members: Vec<String> = members.take_while(|name| name.starts_with(prefix)).cloned().collect();
        let mut values = BTreeMap::new();
        for name in members {
            let (Some(member), Some(value)) = (name.strip_prefix(prefix), self.values.remove(&name)) else { continue };
            values.insert(member.to_owned(), value);
        }
        Parameters { path: format!("{}{prefix}", self.path), values }
    }

    /// The numbers after `Name.`, each as it is written, in order, and each once.
    fn numbers(&self, name: &str) -> Vec<String> {
        let mut numbers: Vec<(u32, &str)> = self
            .values
            .keys()
            .filter_map(|key| key.strip_prefix(name)?.strip_prefix('.'))
            .map(|rest| rest.split('.').next().unwrap_or_default())
            .filter_map(|number| Some((number.parse().ok()?, number)))
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().map(|(_, text)| text.to_owned()).collect()
    }

    /// Refuses what no one took.
    pub fn finish(self) -> Result<(), ParameterError> {
        match self.values.keys().next() {
            Some(name) => Err(ParameterError::Unknown(format!("{}{name}", self.path))),
            None => Ok(()),
        }
    }
}

/// Puts a value where its name says. A name that is both a value and a structure keeps what came first.
fn insert(tree: &mut Map<String, Value>, name: &str, value: &str) {
    let Some((first, rest)) = name.split_once('.') else {
        tree.entry(lower_first(name)).or_insert_with(|| value.into());
        return;
    };
    let key = if first.parse::<u32>().is_ok() { first.to_owned() } else { lower_first(first) };
    let child = tree.entry(key).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(child) = child {
        insert(child, rest, value);
    }
}

/// The same where `member` with its numbers is a list.
fn with_lists(value: Value) -> Value {
    let Value::Object(members) = value else { return value };
    let mut members: Map<String, Value> = members.into_iter().map(|(name, value)| (name, with_lists(value))).collect();
    let is_list = |entries: &Map<String, Value>| entries.keys().all(|number| number.parse::<u32>().is_ok());
    match members.remove("member") {
        Some(Value::Object(entries)) if members.is_empty() && is_list(&entries) => {
            let mut entries: Vec<(u32, Value)> =
                entries.into_iter().filter_map(|(number, value)| Some((number.parse().ok()?, value))).collect();
            entries.sort_by_key(|(number, _)| *number);
            entries.into_iter().map(|(_, value)| value).collect()
        }
        Some(other) => {
            members.insert("member".to_owned(), other);
            Value::Object(members)
        }
        None => Value::Object(members),
    }
}

/// A name as records and messages have it: its first letter in lower case.
pub fn lower_first(name: &str) -> String {
    let mut characters = name.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_in_the_order_of_their_numbers() {
        let mut parameters = Parameters::parse(b"SubnetId.10=c&SubnetId.2=b&SubnetId.1=a").unwrap();
        assert_eq!(parameters.list("SubnetId"), ["a", "b", "c"]);
        parameters.finish().unwrap();
    }

    #[test]
    fn structures_have_lists_of_their_own() {
        let mut parameters =
            Parameters::parse(b"Filter.2.Name=y&Filter.1.Name=x&Filter.1.Value.1=1&Filter.1.Value.2=2").unwrap();
        let mut filters = parameters.structures("Filter");
        assert_eq!(filters[0].take("Name").unwrap(), "x");
        assert_eq!(filters[0].list("Value"), ["1", "2"]);
        assert_eq!(filters[1].take("Name").unwrap(), "y");
        parameters.finish().unwrap();
    }

    #[test]
    fn lists_of_members_may_be_empty() {
        let mut parameters =
            Parameters::parse(b"Tags.member.1.Key=k&TagKeys.member.2=b&TagKeys.member.1=a&PolicyArns=").unwrap();
        assert_eq!(parameters.member_structures("Tags")[0].take("Key").unwrap(), "k");
        assert_eq!(parameters.members("TagKeys"), ["a", "b"]);
        assert!(parameters.members("PolicyArns").is_empty() && parameters.members("Others").is_empty());
        parameters.finish().unwrap();
    }

    #[test]
    fn what_is_left_is_refused_by_its_whole_name() {
        let mut parameters = Parameters::parse(b"Filter.1.Name=x&Filter.1.Colour=red").unwrap();
        let mut filter = parameters.structures("Filter").remove(0);
        filter.take("Name");
        let error = filter.finish().unwrap_err();
        assert_eq!(error, ParameterError::Unknown("Filter.1.Colour".to_owned()));
    }

    #[test]
    fn bodies_that_no_operation_can_have() {
        let deep = format!("{}=1", ["a"; 7].join("."));
        let long = "a".repeat(BODY_BYTES_MAX + 1);
        for (body, error) in [
            ("A=1&A=2", ParameterError::Twice("A".to_owned())),
            (&deep, ParameterError::Unknown(deep.trim_end_matches("=1").to_owned())),
            (&long, ParameterError::TooLong { bytes: long.len(), bytes_max: BODY_BYTES_MAX }),
        ] {
            assert_eq!(Parameters::parse(body.as_bytes()).unwrap_err(), error);
        }
    }

    #[test]
    fn an_audit_record_shows_lists_of_members_as_lists() {
        let body = b"Tags.member.10.Key=c&Tags.member.2.Key=b&Tags.member.2.Value=v&Keys.member.1=k&Odd.member.x=1&Odder.member=1";
        let recorded = Parameters::parse(body).unwrap().recorded();
        assert_eq!(recorded["tags"], serde_json::json!([{ "key": "b", "value": "v" }, { "key": "c" }]));
        assert_eq!(recorded["keys"], serde_json::json!(["k"]));
        assert_eq!(recorded["odd"], serde_json::json!({ "member": { "x": "1" } }));
        assert_eq!(recorded["odder"], serde_json::json!({ "member": "1" }));
    }

    #[test]
    fn an_audit_record_shows_them_nested() {
        let parameters =
            Parameters::parse(b"Action=X&Version=1&VpcId=v&Tag.1.Name=n&Tag.1.Value.1=a&Odd=value&Odd.1=x&.=&")
                .unwrap();
        let recorded = parameters.recorded();
        assert_eq!(recorded["vpcId"], "v");
        assert_eq!(recorded["tag"]["1"], serde_json::json!({ "name": "n", "value": { "1": "a" } }));
        assert_eq!(recorded["odd"], "value");
        assert!(recorded.get("action").is_none() && recorded.get("version").is_none());
        assert_eq!(Parameters::parse(b"Action=X").unwrap().recorded(), Value::Null);
    }
}
