//! What the query protocol puts around the members of an answer.

use keystead_query::{Structure, XML_DECLARATION, close, element, open};

use crate::error::IdentityError;

/// The response of an operation; one that tells nothing has no result.
pub(crate) fn response_xml(result: Option<&Structure>, operation: &str, namespace: &str, request_id: &str) -> String {
    let mut xml = format!("{XML_DECLARATION}<{operation}Response xmlns=\"{namespace}\">");
    if let Some(result) = result {
        let name = format!("{operation}Result");
        open(&mut xml, &name);
        result.write_xml(&mut xml, "member");
        close(&mut xml, &name);
    }
    open(&mut xml, "ResponseMetadata");
    element(&mut xml, "RequestId", request_id);
    close(&mut xml, "ResponseMetadata");
    close(&mut xml, &format!("{operation}Response"));
    xml
}

/// The response for an error.
pub(crate) fn error_xml(error: &IdentityError, namespace: &str, request_id: &str) -> String {
    let mut xml = format!("{XML_DECLARATION}<ErrorResponse xmlns=\"{namespace}\"><Error>");
    element(&mut xml, "Type", if error.is_senders() { "Sender" } else { "Receiver" });
    element(&mut xml, "Code", error.code);
    element(&mut xml, "Message", &error.message);
    xml.push_str("</Error>");
    element(&mut xml, "RequestId", request_id);
    xml.push_str("</ErrorResponse>");
    xml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_to_the_letter() {
        let result = Structure::default().with_list("Users", [Structure::default().with("UserName", "a&b")]);
        assert_eq!(
            response_xml(Some(&result), "ListUsers", "https://iam.amazonaws.com/doc/2010-05-08/", "id"),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <ListUsersResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ListUsersResult><Users><member>\
             <UserName>a&amp;b</UserName></member></Users></ListUsersResult>\
             <ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></ListUsersResponse>"
        );
        assert_eq!(
            error_xml(&IdentityError::no_such_entity("gone"), "n", "id"),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ErrorResponse xmlns=\"n\"><Error><Type>Sender</Type>\
             <Code>NoSuchEntity</Code><Message>gone</Message></Error><RequestId>id</RequestId></ErrorResponse>"
        );
    }
}
