//! `Action` and `Resource` elements, and their `Not` forms.

use crate::context::ConditionKeys;
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
    pub(crate) fn means_action(&self, action: &str) -> bool {
        self.items.iter().any(|pattern| pattern.matches(action)) != self.negated
    }
}

impl Listed<Template> {
    /// Whether the list of resources means this one. A resource whose variable has no value means nothing.
    pub(crate) fn means_resource(&self, resource: &str, context: &dyn ConditionKeys) -> bool {
        self.items.iter().any(|template| template.matches(resource, context)) != self.negated
    }
}
