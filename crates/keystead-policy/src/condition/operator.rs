//! Condition operators, as data.

use crate::variable::TextComparison;

/// How values are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Comparison {
    /// Texts, and ARNs.
    Text(TextComparison),
    /// Numbers.
    Numeric(Order),
    /// Points in time.
    Date(Order),
    /// `true` or `false`.
    Bool,
    /// Base64.
    Binary,
    /// An address in a network.
    IpAddress,
    /// Whether the key is absent.
    Null,
}

/// How the request's value must stand to the policy's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    /// Equal.
    Equal,
    /// Less.
    Less,
    /// Less or equal.
    LessOrEqual,
    /// Greater.
    Greater,
    /// Greater or equal.
    GreaterOrEqual,
}

impl Order {
    /// Whether `ordering`, of the request's value to the policy's, is this one.
    pub(crate) fn is(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// What a condition wants of a key with several values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SetOperator {
    /// Each of the request's values fits; so does none at all.
    ForAllValues,
    /// One of them fits.
    ForAnyValue,
}

/// A condition operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Operator {
    pub(crate) comparison: Comparison,
    /// Of `Not` operators: no value of the policy's may fit.
    pub(crate) negated: bool,
    /// Of `...IfExists`: holds for requests without the key.
    pub(crate) if_exists: bool,
    pub(crate) set: Option<SetOperator>,
}

use Comparison::{Binary, Bool, Date, IpAddress, Null, Numeric, Text};
use Order::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
use TextComparison::{Arn, EqualIgnoringCase, Like};

/// Every operator: name, comparison, whether it is negated.
const OPERATORS: &[(&str, Comparison, bool)] = &[
    ("StringEquals", Text(TextComparison::Equal), false),
    ("StringNotEquals", Text(TextComparison::Equal), true),
    ("StringEqualsIgnoreCase", Text(EqualIgnoringCase), false),
    ("StringNotEqualsIgnoreCase", Text(EqualIgnoringCase), true),
    ("StringLike", Text(Like), false),
    ("StringNotLike", Text(Like), true),
    ("NumericEquals", Numeric(Equal), false),
    ("NumericNotEquals", Numeric(Equal), true),
    ("NumericLessThan", Numeric(Less), false),
    ("NumericLessThanEquals", Numeric(LessOrEqual), false),
    ("NumericGreaterThan", Numeric(Greater), false),
    ("NumericGreaterThanEquals", Numeric(GreaterOrEqual), false),
    ("DateEquals", Date(Equal), false),
    ("DateNotEquals", Date(Equal), true),
    ("DateLessThan", Date(Less), false),
    ("DateLessThanEquals", Date(LessOrEqual), false),
    ("DateGreaterThan", Date(Greater), false),
    ("DateGreaterThanEquals", Date(GreaterOrEqual), false),
    ("Bool", Bool, false),
    ("BinaryEquals", Binary, false),
    ("IpAddress", IpAddress, false),
    ("NotIpAddress", IpAddress, true),
    ("ArnEquals", Text(Arn), false),
    ("ArnLike", Text(Arn), false),
    ("ArnNotEquals", Text(Arn), true),
    ("ArnNotLike", Text(Arn), true),
    ("Null", Null, false),
];

impl Operator {
    /// Reads a name such as `ForAllValues:StringLikeIfExists`. Upper and lower case are the same (unverified).
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (set, name) = match name.split_once(':') {
            None => (None, name),
            Some((set, name)) if set.eq_ignore_ascii_case("ForAllValues") => (Some(SetOperator::ForAllValues), name),
            Some((set, name)) if set.eq_ignore_ascii_case("ForAnyValue") => (Some(SetOperator::ForAnyValue), name),
            Some(_) => return None,
        };
        let (name, if_exists) = without_suffix(name, "IfExists");
        let (_, comparison, negated) = OPERATORS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name))?;
        // Whether a key exists cannot depend on whether it exists, and a key has no values to ask that of.
        let plain = *comparison != Null || (!if_exists && set.is_none());
        plain.then_some(Self { comparison: *comparison, negated: *negated, if_exists, set })
    }
}

fn without_suffix<'a>(name: &'a str, suffix: &str) -> (&'a str, bool) {
    match name.len().checked_sub(suffix.len()).and_then(|at| name.split_at_checked(at)) {
        Some((rest, end)) if end.eq_ignore_ascii_case(suffix) => (rest, true),
        _ => (name, false),
    }
}
