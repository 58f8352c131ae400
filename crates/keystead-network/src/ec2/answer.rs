//! What EC2 puts around the members of an answer.

use keystead_query::{Structure, XML_DECLARATION, close, element};

use super::error::Ec2Error;

/// Source: EC2 service model, `xmlNamespace`.
const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15";

/// The answer of an operation that tells nothing but that it is done.
pub(super) fn done() -> Structure {
    Structure::default().with("return", true)
}

/// The response of an operation.
pub(super) fn response_xml(answer: &Structure, operation: &str, request_id: &str) -> String {
    let mut xml = format!("{XML_DECLARATION}<{operation}Response xmlns=\"{NAMESPACE}\">");
    element(&mut xml, "requestId", request_id);
    answer.write_xml(&mut xml, "item");
    close(&mut xml, &format!("{operation}Response"));
    xml
}

/// The response for an error.
pub(super) fn error_xml(error: &Ec2Error, request_id: &str) -> String {
    let mut xml = format!("{XML_DECLARATION}<Response><Errors><Error>");
    element(&mut xml, "Code", error.code);
    element(&mut xml, "Message", &error.message);
    xml.push_str("</Error></Errors>");
    element(&mut xml, "RequestID", request_id);
    xml.push_str("</Response>");
    xml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_to_the_letter() {
        let group = Structure::default().with("groupId", "sg-1").with("isEgress", false).with("fromPort", -1);
        let answer = Structure::default().with_list("groupSet", [group]).with_some("nextToken", None::<&str>);
        assert_eq!(
            response_xml(&answer, "DescribeThings", "id"),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <DescribeThingsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15\"><requestId>id</requestId>\
             <groupSet><item><groupId>sg-1</groupId><isEgress>false</isEgress><fromPort>-1</fromPort></item></groupSet>\
             </DescribeThingsResponse>"
        );
        assert_eq!(
            answer.to_json().to_string(),
            r#"{"groupSet":{"items":[{"fromPort":-1,"groupId":"sg-1","isEgress":false}]}}"#
        );
    }

    #[test]
    fn an_error_to_the_letter() {
        assert_eq!(
            error_xml(&Ec2Error::new("InvalidAction", 400, "a < b & \"c\"\0\r"), "id"),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>InvalidAction</Code>\
             <Message>a &lt; b &amp; &quot;c&quot;\u{FFFD}&#xD;</Message></Error></Errors><RequestID>id</RequestID></Response>"
        );
    }
}
