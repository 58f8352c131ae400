//! Filters of Describe operations: every field must match, by one of its values.

use keystead_model::cloudhsm::Filters;

use crate::error::CloudHsmError;

/// A field that can be filtered by, and the texts that something has in it.
pub(super) type Field<T> = (&'static str, fn(&T) -> Vec<String>);

/// Refuses fields that there are not.
pub(super) fn check_fields<T>(filters: &Filters, fields: &[Field<T>]) -> Result<(), CloudHsmError> {
    let names = || fields.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    match filters.keys().find(|key| !fields.iter().any(|(name, _)| name == key)) {
        Some(unknown) => {
            Err(CloudHsmError::invalid_request(format!("There is no filter {unknown}. Filter by: {}.", names())))
        }
        None => Ok(()),
    }
}

/// Refuses values that the field can never have.
pub(super) fn check_values<E: std::fmt::Display>(
    field: &str,
    values: &[String],
    known: &[E],
) -> Result<(), CloudHsmError> {
    let texts: Vec<_> = known.iter().map(ToString::to_string).collect();
    match values.iter().find(|value| !texts.contains(value)) {
        Some(unknown) => {
            Err(CloudHsmError::invalid_request(format!("Filter {field}: {unknown} is none of {}.", texts.join(", "))))
        }
        None => Ok(()),
    }
}

/// Whether something passes.
pub(super) fn matches<T>(filters: &Filters, fields: &[Field<T>], item: &T) -> bool {
    filters.iter().all(|(field, wanted)| {
        let texts = fields.iter().find(|(name, _)| name == field).map(|(_, texts)| texts(item)).unwrap_or_default();
        texts.iter().any(|text| wanted.contains(text))
    })
}
