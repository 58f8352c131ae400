//! Filters of Describe operations.
//!
//! Source: EC2 API Reference, `Filter`: the values of a filter are joined with OR, filters with AND; `*` stands for any characters, `?` for
//! one, and a backslash before them for themselves.

use keystead_query::Parameters;

use super::error::Ec2Error;
use crate::error::NetworkError;
use crate::tag::Tags;

/// How many values all filters of a request may have (EC2 API Reference, Filter).
const VALUES_MAX: usize = 200;
/// What the filters for tags begin with; the key follows.
const TAG_PREFIX: &str = "tag:";
const TAG_KEY: &str = "tag-key";

/// What filters ask of a record.
pub(super) trait Filtered {
    /// The filters that the operation documents, so far as records here have what they ask for.
    const FILTERS: &'static [&'static str];
    /// The filters that the operation documents, and that no record here can match.
    const FILTERS_OF_NOTHING: &'static [&'static str];
    /// Whether the operation documents `tag-key`.
    const TAG_KEY_FILTER: bool = true;

    /// The values of the record that one of [`Filtered::FILTERS`] is compared with: it matches if one does.
    fn filter_values(&self, filter: &str) -> Vec<String>;
    /// Its tags, if it can have any.
    fn tags(&self) -> Option<&Tags>;
}

/// One filter.
#[derive(Clone, Debug)]
struct Filter {
    name: String,
    patterns: Vec<String>,
}

/// The filters of a request.
#[derive(Clone, Debug)]
pub(super) struct Filters(Vec<Filter>);

impl Filters {
    /// Takes them from a request.
    ///
    /// Fails with `InvalidParameterValue` for one that the operation does not have.
    pub(super) fn take<T: Filtered>(parameters: &mut Parameters) -> Result<Self, Ec2Error> {
        let mut filters = Vec::new();
        for mut structure in parameters.structures("Filter") {
            let name = structure.required("Name")?;
            let patterns = structure.list("Value");
            structure.finish()?;
            if !is_known::<T>(&name) {
                return Err(NetworkError::InvalidFilter(name).into());
            }
            filters.push(Filter { name, patterns });
        }
        let count: usize = filters.iter().map(|filter| filter.patterns.len()).sum();
        if count > VALUES_MAX {
            let reason = format!("The filters of a request may have at most {VALUES_MAX} values.");
            return Err(NetworkError::invalid_value("filter", count.to_string(), reason).into());
        }
        Ok(Self(filters))
    }

    /// Adds one: the record must have one of these values, to the letter.
    pub(super) fn require(&mut self, name: &str, values: &[String]) {
        if !values.is_empty() {
            let patterns = values.iter().map(|value| literal(value)).collect();
            self.0.push(Filter { name: name.to_owned(), patterns });
        }
    }

    /// Whether a record passes all of them.
    pub(super) fn accept<T: Filtered>(&self, record: &T) -> bool {
        self.0.iter().all(|filter| {
            values_of(record, &filter.name)
                .iter()
                .any(|value| filter.patterns.iter().any(|pattern| matches(pattern, value)))
        })
    }
}

fn is_known<T: Filtered>(name: &str) -> bool {
    T::FILTERS.contains(&name)
        || T::FILTERS_OF_NOTHING.contains(&name)
        || name.starts_with(TAG_PREFIX)
        || (T::TAG_KEY_FILTER && name == TAG_KEY)
}

fn values_of<T: Filtered>(record: &T, name: &str) -> Vec<String> {
    if let Some(key) = name.strip_prefix(TAG_PREFIX) {
        return record.tags().and_then(|tags| tags.get(key)).map(str::to_owned).into_iter().collect();
    }
    if name == TAG_KEY && T::TAG_KEY_FILTER {
        return record.tags().into_iter().flat_map(Tags::iter).map(|(key, _)| key.to_owned()).collect();
    }
    if T::FILTERS.contains(&name) { record.filter_values(name) } else { Vec::new() }
}

/// The pattern that matches a text alone.
fn literal(text: &str) -> String {
    text.chars().flat_map(|c| matches!(c, '*' | '?' | '\\').then_some('\\').into_iter().chain([c])).collect()
}

/// A part of a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Any,
    One,
    Literal(char),
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut characters = pattern.chars();
    let mut tokens = Vec::new();
    while let Some(character) = characters.next() {
        tokens.push(match character {
            '*' => Token::Any,
            '?' => Token::One,
            '\\' => Token::Literal(characters.next().unwrap_or('\\')),
            other => Token::Literal(other),
        });
    }
    tokens
}

/// Whether a pattern matches the whole of a text. Takes at most as many steps as the product of their lengths: only the last `*` is ever
/// tried again.
fn matches(pattern: &str, text: &str) -> bool {
    let (tokens, text) = (tokens(pattern), text.chars().collect::<Vec<_>>());
    let (mut token, mut position) = (0, 0);
    let mut last_any: Option<(usize, usize)> = None;
    while position < text.len() {
        match tokens.get(token) {
            Some(Token::Any) => {
                last_any = Some((token, position));
                token += 1;
            }
            Some(Token::One) => (token, position) = (token + 1, position + 1),
            Some(Token::Literal(c)) if *c == text[position] => (token, position) = (token + 1, position + 1),
            Some(Token::Literal(_)) | None => {
                let Some((any, taken)) = last_any else { return false };
                last_any = Some((any, taken + 1));
                (token, position) = (any + 1, taken + 1);
            }
        }
    }
    tokens[token..].iter().all(|token| *token == Token::Any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("abc", "abc", true),
            ("abc", "ABC", false),
            ("abc", "abcd", false),
            ("a*", "a", true),
            ("*managed ENI*", "KMS managed ENI for cluster x", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b", "xaxbxb", true),
            ("*a*b", "xaxbxc", false),
            ("", "", true),
            ("*", "", true),
            ("?", "", false),
            (r"a\*", "a*", true),
            (r"a\*", "ab", false),
            (r"a\", r"a\", true),
            ("é?", "éß", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
        assert!(matches(&literal(r"*?\x"), r"*?\x"));
        assert!(!matches(&literal("*"), "x"));
    }

    #[test]
    fn a_spiteful_pattern_ends_soon() {
        assert!(!matches(&"*a".repeat(5_000), &"a".repeat(4_999)));
    }
}
