//! Policy variables: `${aws:username}` in resources and in texts of conditions (IAM User Guide, "Policy variables").

use std::borrow::Cow;

use crate::arn_pattern::ArnPattern;
use crate::budget::{Budget, Facts};
use crate::context::{ContextValue, RequestContext};
use crate::pattern::Pattern;

/// A text that may have variables in it, read once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Template {
    parts: Vec<Part>,
    comparison: TextComparison,
    /// What the text is for every request, if there is no variable in it.
    fixed: Option<Resolved>,
}

/// How a text is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TextComparison {
    /// The same text: nothing in it stands for other characters.
    Equal,
    /// The same text, upper or lower case.
    EqualIgnoringCase,
    /// As a pattern.
    Like,
    /// As a pattern of resources' ARNs.
    Resource,
    /// As a pattern of ARNs, part by part.
    Arn,
}

/// A text whose variables have their values.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Resolved {
    Text(String),
    Pattern(Pattern),
    Arn(ArnPattern),
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Part {
    Text(String),
    /// `${*}`, `${?}` and `${$}`: characters that would have a meaning otherwise.
    Literal(char),
    /// `${key}` or `${key, 'default'}`; the key in lower case.
    Variable {
        key: String,
        default: Option<String>,
    },
}

/// What is between `${` and `}` is no variable.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("\"${{{0}}}\" is no policy variable: write ${{key}} or ${{key, 'default'}}")]
pub struct InvalidVariable(String);

impl Template {
    /// Reads a text. Without `variables`, as in documents of version 2008-10-17, `${` has no meaning.
    pub(crate) fn new(text: &str, comparison: TextComparison, variables: bool) -> Result<Self, InvalidVariable> {
        let parts = if variables { parts(text)? } else { vec![Part::Text(text.to_owned())] };
        let mut template = Self { parts, comparison, fixed: None };
        if !template.parts.iter().any(|part| matches!(part, Part::Variable { .. })) {
            template.fixed = template.resolve(Facts { keys: &RequestContext::default(), budget: &Budget::default() });
        }
        Ok(template)
    }

    /// Whether `value` is what the text means for a request. A text with a variable that has no value and no default means nothing.
    pub(crate) fn matches(&self, value: &str, facts: Facts<'_>) -> bool {
        match &self.fixed {
            Some(fixed) => self.compare(fixed, value, facts.budget),
            None => self.resolve(facts).is_some_and(|resolved| self.compare(&resolved, value, facts.budget)),
        }
    }

    fn compare(&self, resolved: &Resolved, value: &str, budget: &Budget) -> bool {
        match resolved {
            Resolved::Text(text) if self.comparison == TextComparison::EqualIgnoringCase => {
                same_in_any_case(text, value)
            }
            Resolved::Text(text) => text == value,
            Resolved::Pattern(pattern) => pattern.matches(value, budget),
            Resolved::Arn(pattern) => pattern.matches(value, budget),
        }
    }

    fn resolve(&self, facts: Facts<'_>) -> Option<Resolved> {
        Some(match self.comparison {
            TextComparison::Equal | TextComparison::EqualIgnoringCase => Resolved::Text(self.text(facts)?),
            TextComparison::Like => Resolved::Pattern(self.pattern(facts)?),
            TextComparison::Resource => Resolved::Pattern(self.pattern(facts)?.for_resources()),
            TextComparison::Arn => Resolved::Arn(ArnPattern::new(self.pattern(facts)?)),
        })
    }

    fn text(&self, facts: Facts<'_>) -> Option<String> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Literal(character) => text.push(*character),
                Part::Variable { key, default } => text.push_str(&value(facts, key, default.as_deref())?),
            }
        }
        Some(text)
    }

    fn pattern(&self, facts: Facts<'_>) -> Option<Pattern> {
        let mut pattern = Pattern::default();
        for part in &self.parts {
            match part {
                Part::Text(text) => pattern.append_wild(text),
                Part::Literal(character) => pattern.append_literal(character.encode_utf8(&mut [0; 4])),
                // A `*` in a value is a star, and stands for nothing else.
                Part::Variable { key, default } => pattern.append_literal(&value(facts, key, default.as_deref())?),
            }
        }
        Some(pattern)
    }
}

fn same_in_any_case(left: &str, right: &str) -> bool {
    if left.is_ascii() && right.is_ascii() {
        left.eq_ignore_ascii_case(right)
    } else {
        left.to_lowercase() == right.to_lowercase()
    }
}

/// What it takes to ask for the value of a variable, besides copying it.
const VALUE_STEPS: usize = 8;

/// Keys with many values cannot be variables. An empty value is none (IAM User Guide, "Policy variables with no value").
fn value<'a>(facts: Facts<'a>, key: &str, default: Option<&'a str>) -> Option<Cow<'a, str>> {
    let value = match facts.keys.value_of(key) {
        Some(Cow::Borrowed(ContextValue::Single(value))) if !value.is_empty() => Cow::Borrowed(value.as_str()),
        Some(Cow::Owned(ContextValue::Single(value))) if !value.is_empty() => Cow::Owned(value),
        Some(_) | None => Cow::Borrowed(default?),
    };
    facts.budget.take(VALUE_STEPS + value.len()).then_some(value)
}

fn parts(text: &str) -> Result<Vec<Part>, InvalidVariable> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((inside, behind)) = after.split_once('}') else { break };
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        parts.push(variable(inside)?);
        rest = behind;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    Ok(parts)
}

fn variable(inside: &str) -> Result<Part, InvalidVariable> {
    let invalid = || InvalidVariable(inside.to_owned());
    let mut characters = inside.chars();
    if let (Some(character @ ('*' | '?' | '$')), None) = (characters.next(), characters.next()) {
        return Ok(Part::Literal(character));
    }
    let (key, default) = match inside.split_once(',') {
        None => (inside, None),
        Some((key, default)) => {
            let default = default.trim().strip_prefix('\'').and_then(|default| default.strip_suffix('\''));
            (key, Some(default.ok_or_else(invalid)?.to_owned()))
        }
    };
    let key = key.trim();
    // Condition keys have a service before the colon. A tag's name may have blanks and most signs.
    let named = key.split_once(':').is_some_and(|(service, name)| !service.is_empty() && !name.is_empty());
    if !named || key.contains(['$', '{', '\'']) {
        return Err(invalid());
    }
    Ok(Part::Variable { key: key.to_ascii_lowercase(), default })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn facts<'a>(keys: &'a RequestContext, budget: &'a Budget) -> Facts<'a> {
        Facts { keys, budget }
    }

    fn context() -> RequestContext {
        let mut context = RequestContext::default();
        context.set("aws:username", "al*ce");
        context.set("aws:PrincipalTag/team", "blue");
        context
    }

    fn matches(template: &str, text: &str) -> bool {
        Template::new(template, TextComparison::Like, true)
            .unwrap()
            .matches(text, facts(&context(), &Budget::default()))
    }

    #[test]
    fn values_stand_for_themselves() {
        assert!(matches("home/${aws:username}/*", "home/al*ce/file"));
        assert!(!matches("home/${aws:username}/*", "home/alice/file"), "a star in a value is a star");
        assert!(matches("${AWS:PrincipalTag/Team}", "blue"));
        assert!(matches("${*}${?}${$}", "*?$"));
        assert!(!matches("${*}", "x"));
    }

    #[test]
    fn what_has_no_value_matches_nothing_unless_there_is_a_default() {
        assert!(!matches("${aws:PrincipalTag/none}", "") && !matches("*${aws:PrincipalTag/none}", "red"));
        assert!(matches("${aws:PrincipalTag/none, 'red'}", "red"));
        assert!(!matches("${aws:username, 'red'}", "red"));
    }

    #[test]
    fn what_is_no_variable_is_refused_or_is_text() {
        for invalid in ["${}", "${username}", "${a:b, c}", "${:x}"] {
            assert!(Template::new(invalid, TextComparison::Like, true).is_err(), "{invalid}");
        }
        assert!(matches("${aws:username", "${aws:username"));
        let old = Template::new("${aws:username}", TextComparison::Like, false).unwrap();
        assert!(old.matches("${aws:username}", facts(&context(), &Budget::default())));
    }
}
