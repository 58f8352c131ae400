//! The condition keys that a simulation is given.

use std::net::IpAddr;

use keystead_policy::{ContextValue, RequestContext};
use keystead_query::Parameters;

use crate::error::IdentityError;

/// A type of values (IAM API Reference, ContextEntry).
struct ContextKeyType {
    name: &'static str,
    list: bool,
    /// Whether a text is a value of the type. One that only its comparison can tell is compared, and fits nothing if it is none.
    is_value: fn(&str) -> bool,
}

const fn row(name: &'static str, list: bool, is_value: fn(&str) -> bool) -> ContextKeyType {
    ContextKeyType { name, list, is_value }
}

const TYPES: &[ContextKeyType] = &[
    row("string", false, is_any),
    row("stringList", true, is_any),
    row("numeric", false, is_number),
    row("numericList", true, is_number),
    row("boolean", false, is_boolean),
    row("booleanList", true, is_boolean),
    row("ip", false, is_ip),
    row("ipList", true, is_ip),
    row("binary", false, is_any),
    row("binaryList", true, is_any),
    row("date", false, is_any),
    row("dateList", true, is_any),
];

/// The shortest and the longest name of a key, in characters.
const NAME_CHARS: std::ops::RangeInclusive<usize> = 5..=256;

/// Takes `ContextEntries`. Fails with `InvalidInput`.
pub(super) fn take_context_entries(parameters: &mut Parameters) -> Result<RequestContext, IdentityError> {
    let mut context = RequestContext::default();
    for mut entry in parameters.member_structures("ContextEntries") {
        let name = entry.required("ContextKeyName")?;
        let kind = entry.required("ContextKeyType")?;
        let values = entry.members("ContextKeyValues");
        entry.finish()?;
        let invalid = |reason: String| IdentityError::invalid_input(format!("Context key {name}: {reason}"));
        if !NAME_CHARS.contains(&name.chars().count()) {
            return Err(invalid("its name must have from 5 to 256 characters.".to_owned()));
        }
        let kind = TYPES.iter().find(|row| row.name == kind).ok_or_else(|| {
            let names: Vec<_> = TYPES.iter().map(|row| row.name).collect();
            invalid(format!("{kind} is no type; the types are {}.", names.join(", ")))
        })?;
        if let Some(value) = values.iter().find(|value| !(kind.is_value)(value)) {
            return Err(invalid(format!("{value} is no value of the type {}.", kind.name)));
        }
        context.set(&name, read(kind, values).map_err(invalid)?);
    }
    Ok(context)
}

fn read(kind: &ContextKeyType, mut values: Vec<String>) -> Result<ContextValue, String> {
    if kind.list {
        return Ok(ContextValue::Multi(values));
    }
    match (values.pop(), values.is_empty()) {
        (Some(value), true) => Ok(ContextValue::Single(value)),
        _ => Err(format!("the type {} has one value.", kind.name)),
    }
}

fn is_any(_: &str) -> bool {
    true
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
}

fn is_boolean(text: &str) -> bool {
    matches!(text, "true" | "false")
}

/// An address, or a network.
fn is_ip(text: &str) -> bool {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    match (address.parse::<IpAddr>(), bits.map(str::parse::<u8>)) {
        (Ok(_), None) => true,
        (Ok(IpAddr::V4(_)), Some(Ok(bits))) => bits <= 32,
        (Ok(IpAddr::V6(_)), Some(Ok(bits))) => bits <= 128,
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn entries(entries: &[(&str, &str, &[&str])]) -> Result<RequestContext, IdentityError> {
        let mut form = String::new();
        for (index, (name, kind, values)) in entries.iter().enumerate() {
            let prefix = format!("ContextEntries.member.{}", index + 1);
            form.push_str(&format!("&{prefix}.ContextKeyName={name}&{prefix}.ContextKeyType={kind}"));
            for (index, value) in values.iter().enumerate() {
                form.push_str(&format!("&{prefix}.ContextKeyValues.member.{}={value}", index + 1));
            }
        }
        take_context_entries(&mut Parameters::parse(form.trim_start_matches('&').as_bytes()).unwrap())
    }

    #[test]
    fn each_type_has_its_values() {
        let context = entries(&[
            ("aws:CurrentTime", "date", &["2026-01-01T00:00:00Z"]),
            ("aws:TagKeys", "stringList", &["a", "b"]),
            ("aws:SourceIp", "ip", &["10.0.0.0/8"]),
            ("kms:Number", "numeric", &["-1.5"]),
        ])
        .unwrap();
        assert_eq!(context.get("aws:tagkeys"), Some(&ContextValue::Multi(vec!["a".into(), "b".into()])));
        assert_eq!(context.get("aws:SourceIp"), Some(&ContextValue::Single("10.0.0.0/8".into())));
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for (name, kind, values) in [
            ("a:b", "string", ["x"].as_slice()),
            ("aws:x", "text", &["x"]),
            ("aws:x", "string", &["x", "y"]),
            ("aws:x", "string", &[]),
            ("aws:x", "numeric", &["NaN"]),
            ("aws:x", "booleanList", &["true", "yes"]),
            ("aws:x", "ip", &["10.0.0.0/33"]),
        ] {
            let error = entries(&[(name, kind, values)]).unwrap_err();
            assert_eq!(error.code, "InvalidInput", "{name} {kind} {values:?}");
        }
    }
}
