//! Operations of IAM that are not served although what they are about is, and what to do instead.

/// Names and reasons.
const NOT_SERVED: &[(&str, &str)] = &[
    ("UpdateUser", "Users keep their name and path here. Create another user, and delete this one."),
    ("UpdateGroup", "Groups keep their name and path here. Create another group, and delete this one."),
];

/// Why an operation is not served, if there is more to say than that.
pub(super) fn reason(operation: &str) -> Option<&'static str> {
    NOT_SERVED.iter().find(|(name, _)| *name == operation).map(|(_, reason)| *reason)
}
