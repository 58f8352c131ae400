//! `Action` and `Resource` elements, and their `Not` forms.

use crate::budget::{Budget, Facts};
use crate::pattern::Pattern;
use crate::variable::Template;

/// A list that means what is in it, or what is not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Listed<T> {
    pub(crate) items: Vec<T>,
    pub(crate) negated: bool,
}

impl Listed<Pattern> {
    /// Whether the list of actions means this one, whatever the case of its letters.
    pub(crate) fn means_action(&self, action: &str, budget: &Budget) -> bool {
        self.items.iter().any(|pattern| pattern.matches(action, budget)) != self.negated
    }
}

impl Listed<Template> {
    /// Whether the list of resources means this one. A resource whose variable has no value means nothing.
    pub(crate) fn means_resource(&self, resource: &str, facts: Facts<'_>) -> bool {
        self.items.iter().any(|template| template.matches(resource, facts)) != self.negated
    }
}
