//! The values of a condition, read once, and how a request's value stands to them.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ipnet::IpNet;
use time::OffsetDateTime;
use time::format_description::well_known::Iso8601;

use super::InvalidCondition;
use super::operator::{Comparison, Operator};
use crate::budget::Facts;
use crate::variable::Template;

/// One value of a condition.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum PolicyValue {
    /// Of texts and ARNs.
    Text(Template),
    /// Of numbers.
    Number(f64),
    /// Of dates: nanoseconds since the epoch.
    Instant(i128),
    /// Of `Bool` and `Null`.
    Truth(bool),
    /// Of `BinaryEquals`.
    Bytes(Vec<u8>),
    /// Of `IpAddress`.
    Network(IpNet),
}

impl PolicyValue {
    /// Reads a value for an operator, which is called `name` in the policy.
    pub(crate) fn read(
        operator: &Operator,
        name: &str,
        value: &str,
        variables: bool,
    ) -> Result<Self, InvalidCondition> {
        let wrong = || InvalidCondition::WrongValue { operator: name.to_owned(), value: value.to_owned() };
        let read = match operator.comparison {
            Comparison::Text(comparison) => return Ok(Self::Text(Template::new(value, comparison, variables)?)),
            Comparison::Numeric(_) => number(value).map(Self::Number),
            Comparison::Date(_) => instant(value).map(Self::Instant),
            Comparison::Bool | Comparison::Null => truth(value).map(Self::Truth),
            Comparison::Binary => STANDARD.decode(value).ok().map(Self::Bytes),
            Comparison::IpAddress => network(value).map(Self::Network),
        };
        read.ok_or_else(wrong)
    }

    /// The truth value, if it is one.
    pub(crate) fn is_true(&self) -> Option<bool> {
        match self {
            Self::Truth(truth) => Some(*truth),
            _ => None,
        }
    }

    /// Whether a value of the request fits this one. A value of the request that is not of the operator's kind fits nothing, and nothing
    /// does when the budget is spent.
    pub(crate) fn fits(&self, comparison: Comparison, value: &str, facts: Facts<'_>) -> bool {
        if !facts.budget.take(COMPARISON_STEPS + value.len() / BYTES_PER_STEP) {
            return false;
        }
        match (self, comparison) {
            (Self::Text(text), Comparison::Text(_)) => text.matches(value, facts),
            (Self::Number(limit), Comparison::Numeric(order)) => {
                number(value).and_then(|number| number.partial_cmp(limit)).is_some_and(|ordering| order.is(ordering))
            }
            (Self::Instant(limit), Comparison::Date(order)) => {
                instant(value).is_some_and(|instant| order.is(instant.cmp(limit)))
            }
            (Self::Truth(wanted), Comparison::Bool) => truth(value) == Some(*wanted),
            (Self::Bytes(wanted), Comparison::Binary) => STANDARD.decode(value).is_ok_and(|bytes| bytes == *wanted),
            (Self::Network(network), Comparison::IpAddress) => {
                value.parse::<IpAddr>().is_ok_and(|address| network.contains(&address))
            }
            _ => false,
        }
    }
}

/// What it takes to compare two short values.
const COMPARISON_STEPS: usize = 8;

/// How many bytes of a value are read in about the time of one step.
const BYTES_PER_STEP: usize = 4;

fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    text.parse::<f64>().ok().filter(|number| plain && number.is_finite())
}

/// A date in one of the formats of ISO 8601 that the W3C names, or seconds since the epoch. What a date leaves out is as early as it can
/// be, UTC.
fn instant(text: &str) -> Option<i128> {
    // Four digits are a year, and no second of 1970.
    let year = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(seconds) = number(text).filter(|_| !year) {
        let whole = text.parse::<i64>().map(|seconds| i128::from(seconds) * 1_000_000_000);
        return Some(whole.unwrap_or((seconds * 1e9) as i128));
    }
    let complete = match text.len() {
        4 => format!("{text}-01-01T00:00:00Z"),
        7 => format!("{text}-01T00:00:00Z"),
        _ if text.contains('T') => text.to_owned(),
        _ => format!("{text}T00:00:00Z"),
    };
    OffsetDateTime::parse(&complete, &Iso8601::DEFAULT).ok().map(OffsetDateTime::unix_timestamp_nanos)
}

fn truth(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// A network such as `203.0.113.0/24`, or one address.
fn network(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}
