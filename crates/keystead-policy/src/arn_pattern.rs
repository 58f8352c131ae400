//! Patterns for the ARNs in conditions.

use crate::budget::Budget;
use crate::pattern::{ARN_PARTS, Pattern};

/// A pattern for the ARNs in conditions, each of whose parts is looked at by itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum ArnPattern {
    /// `*` alone is every ARN (unverified).
    Every,
    /// Anything else with fewer parts is no ARN.
    NoArn,
    /// One pattern for each part.
    Parts(Box<[Pattern; ARN_PARTS]>),
}

impl ArnPattern {
    pub(crate) fn new(pattern: Pattern) -> Self {
        if pattern.is_star() {
            return Self::Every;
        }
        pattern.parts().map_or(Self::NoArn, |parts| Self::Parts(Box::new(parts)))
    }

    /// Whether `arn` is an ARN that fits.
    pub(crate) fn matches(&self, arn: &str, budget: &Budget) -> bool {
        if arn.matches(':').count() < ARN_PARTS - 1 {
            return false;
        }
        match self {
            Self::Every => true,
            Self::NoArn => false,
            Self::Parts(patterns) => {
                patterns.iter().zip(arn.splitn(ARN_PARTS, ':')).all(|(pattern, part)| pattern.matches(part, budget))
            }
        }
    }
}
