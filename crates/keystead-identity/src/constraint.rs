//! What the models of IAM and STS demand of the members of requests, and how AWS words what does not satisfy it.
//!
//! Source: `min`, `max`, `pattern` and `enum` of the shapes in the service models.

use keystead_query::{Parameters, lower_first};

use crate::error::IdentityError;

/// What a text must be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextRule {
    /// The fewest characters.
    pub(crate) min: usize,
    /// The most characters.
    pub(crate) max: usize,
    /// What it must look like, if the model says so.
    pub(crate) pattern: Option<Pattern>,
}

/// What a text must look like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pattern {
    /// As the model has it.
    pub(crate) text: &'static str,
    /// Whether a text that is not too short satisfies it.
    pub(crate) is_satisfied_by: fn(&str) -> bool,
}

/// What a whole number must be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NumberRule {
    /// The least.
    pub(crate) min: i32,
    /// The most.
    pub(crate) max: i32,
}

impl TextRule {
    /// A member that must be there.
    pub(crate) fn required(&self, parameters: &mut Parameters, name: &str) -> Result<String, IdentityError> {
        match self.optional(parameters, name)? {
            Some(value) => Ok(value),
            None => Err(parameters.missing(name).into()),
        }
    }

    /// A member that may be there.
    pub(crate) fn optional(&self, parameters: &mut Parameters, name: &str) -> Result<Option<String>, IdentityError> {
        let value = parameters.take(name);
        if let Some(value) = &value {
            self.check(&member_name(name), value)?;
        }
        Ok(value)
    }

    /// Checks a value. `member` is its name as messages have it: `tags.1.member.key`.
    pub(crate) fn check(&self, member: &str, value: &str) -> Result<(), IdentityError> {
        let characters = value.chars().count();
        if characters < self.min {
            let constraint = format!("Member must have length greater than or equal to {}", self.min);
            return Err(violation(Some(value), member, &constraint));
        }
        if characters > self.max {
            let constraint = format!("Member must have length less than or equal to {}", self.max);
            return Err(violation(Some(value), member, &constraint));
        }
        match self.pattern {
            Some(pattern) if !(pattern.is_satisfied_by)(value) => {
                let constraint = format!("Member must satisfy regular expression pattern: {}", pattern.text);
                Err(violation(Some(value), member, &constraint))
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl NumberRule {
    /// A member that may be there.
    pub(crate) fn optional(&self, parameters: &mut Parameters, name: &str) -> Result<Option<i32>, IdentityError> {
        let Some(number) = parameters.integer(name)? else { return Ok(None) };
        let constraint = if number < self.min {
            format!("Member must have value greater than or equal to {}", self.min)
        } else if number > self.max {
            format!("Member must have value less than or equal to {}", self.max)
        } else {
            return Ok(Some(number));
        };
        Err(violation(Some(&number.to_string()), &member_name(name), &constraint))
    }
}

/// A member that is one of few texts.
pub(crate) fn one_of<T: Copy>(
    parameters: &mut Parameters,
    name: &str,
    values: &[(&str, T)],
) -> Result<Option<T>, IdentityError> {
    let Some(text) = parameters.take(name) else { return Ok(None) };
    match values.iter().find(|(value, _)| *value == text) {
        Some((_, value)) => Ok(Some(*value)),
        None => {
            let all: Vec<&str> = values.iter().map(|(value, _)| *value).collect();
            let constraint = format!("Member must satisfy enum value set: [{}]", all.join(", "));
            Err(violation(Some(&text), &member_name(name), &constraint))
        }
    }
}

/// For a value that does not satisfy a constraint, or one that is missing.
pub(crate) fn violation(value: Option<&str>, member: &str, constraint: &str) -> IdentityError {
    let value = value.map_or_else(|| "null".to_owned(), |value| format!("'{value}'"));
    IdentityError::validation(format!(
        "1 validation error detected: Value {value} at '{member}' failed to satisfy constraint: {constraint}"
    ))
}

/// For a member that is missing. `parameter` is its whole name.
pub(crate) fn missing(parameter: &str) -> IdentityError {
    violation(None, &member_name(parameter), "Member must not be null")
}

/// How messages name a parameter: `tags.1.member.key` is `Tags.member.1.Key`.
pub(crate) fn member_name(parameter: &str) -> String {
    let mut parts: Vec<String> = parameter.split('.').map(lower_first).collect();
    for index in 1..parts.len() {
        if parts[index - 1] == "member" && parts[index].bytes().all(|byte| byte.is_ascii_digit()) {
            parts.swap(index - 1, index);
        }
    }
    parts.join(".")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn members_are_named_as_the_model_has_them() {
        for (parameter, member) in [
            ("UserName", "userName"),
            ("Tags.member.1.Key", "tags.1.member.key"),
            ("TagKeys.member.12", "tagKeys.12.member"),
        ] {
            assert_eq!(member_name(parameter), member);
        }
    }

    #[test]
    fn violations_to_the_letter() {
        let rule = TextRule {
            min: 1,
            max: 3,
            pattern: Some(Pattern { text: "[a]+", is_satisfied_by: |text| text.bytes().all(|byte| byte == b'a') }),
        };
        let constraints = [
            ("", "Member must have length greater than or equal to 1"),
            ("aaaa", "Member must have length less than or equal to 3"),
            ("ab", "Member must satisfy regular expression pattern: [a]+"),
        ];
        for (value, constraint) in constraints {
            let body = format!("UserName={value}");
            let error = rule.required(&mut Parameters::parse(body.as_bytes()).unwrap(), "UserName").unwrap_err();
            let message = format!(
                "1 validation error detected: Value '{value}' at 'userName' failed to satisfy constraint: {constraint}"
            );
            assert_eq!((error.code, error.message), ("ValidationError", message));
        }
        let error = rule.required(&mut Parameters::parse(b"").unwrap(), "UserName").unwrap_err();
        assert!(
            error.message.contains("Value null at 'userName' failed to satisfy constraint: Member must not be null")
        );
        assert_eq!(rule.required(&mut Parameters::parse(b"UserName=aaa").unwrap(), "UserName").unwrap(), "aaa");
    }

    #[test]
    fn numbers_have_bounds() {
        let rule = NumberRule { min: 1, max: 1000 };
        for (value, expected) in [("1", Some(1)), ("1000", Some(1000)), ("0", None), ("1001", None), ("x", None)] {
            let body = format!("MaxItems={value}");
            let read = rule.optional(&mut Parameters::parse(body.as_bytes()).unwrap(), "MaxItems");
            assert_eq!(read.ok().flatten(), expected, "{value}");
        }
    }
}
