//! Requests of the query protocol.

/// The body of a request.
pub(crate) fn form(version: &str, operation: &str, parameters: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("Action", operation).append_pair("Version", version).extend_pairs(parameters);
    form.finish()
}
