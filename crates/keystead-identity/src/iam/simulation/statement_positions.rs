//! Where the statements of a policy document are in its text.

/// A place in a text. Both count from 1, the column in characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Position {
    pub(super) line: u32,
    pub(super) column: u32,
}

/// From the brace that opens a statement to just behind the one that closes it. AWS counts from the token before the opening brace, which is
/// the same in a document on one line (unverified for others).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Span {
    pub(super) start: Position,
    pub(super) end: Position,
}

/// The statements of a document that was read already, in their order.
pub(super) fn statement_spans(document: &str) -> Vec<Span> {
    let mut reader = Reader::default();
    for character in document.chars() {
        reader.read(character);
    }
    reader.spans
}

/// Reads a JSON text that is known to be one, and looks at nothing but what is directly in its `Statement`.
struct Reader {
    at: Position,
    /// How many objects and lists are open.
    depth: usize,
    /// The text of the string that is open.
    string: Option<String>,
    after_backslash: bool,
    /// Whether the next string in the document's own object is the name of an element.
    name_is_next: bool,
    in_statement: bool,
    /// The statement that is open: how deep, and where it began.
    open: Option<(usize, Position)>,
    spans: Vec<Span>,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            at: Position { line: 1, column: 1 },
            depth: 0,
            string: None,
            after_backslash: false,
            name_is_next: false,
            in_statement: false,
            open: None,
            spans: Vec::new(),
        }
    }
}

impl Reader {
    fn read(&mut self, character: char) {
        let here = self.at;
        self.at = match character {
            '\n' => Position { line: here.line + 1, column: 1 },
            _ => Position { line: here.line, column: here.column + 1 },
        };
        if self.string.is_some() {
            self.read_in_string(character);
            return;
        }
        match character {
            '"' => self.string = Some(String::new()),
            '{' | '[' => {
                if character == '{' && self.in_statement && self.open.is_none() {
                    self.open = Some((self.depth, here));
                }
                self.name_is_next = self.depth == 0;
                self.depth += 1;
            }
            '}' | ']' => {
                self.depth = self.depth.saturating_sub(1);
                if let Some((_, start)) = self.open.take_if(|(depth, _)| *depth == self.depth) {
                    self.spans.push(Span { start, end: self.at });
                }
            }
            ',' if self.depth == 1 => {
                self.name_is_next = true;
                self.in_statement = false;
            }
            _ => {}
        }
    }

    fn read_in_string(&mut self, character: char) {
        let Some(string) = &mut self.string else { return };
        if character != '"' || self.after_backslash {
            self.after_backslash = character == '\\' && !self.after_backslash;
            string.push(character);
            return;
        }
        if self.depth == 1 && self.name_is_next {
            self.in_statement = is_statement(string);
            self.name_is_next = false;
        }
        self.string = None;
    }
}

/// Letters may be written as `\u0053`.
fn is_statement(name: &str) -> bool {
    serde_json::from_str::<String>(&format!("\"{name}\"")).is_ok_and(|name| name == "Statement")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(document: &str) -> Vec<[u32; 4]> {
        let spans = statement_spans(document).into_iter();
        spans.map(|Span { start, end }| [start.line, start.column, end.line, end.column]).collect()
    }

    #[test]
    fn on_one_line_as_aws_shows_it() {
        let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;
        assert_eq!(spans(document), [[1, 38, 1, 83]]);
    }

    #[test]
    fn on_many_lines() {
        let document = "{\n  \"Statement\": [\n    {\n      \"Condition\": {\"Bool\": {\"a:b\": \"}\"}}\n    },\n    {\"Sid\": \"\\\"{\"}\n  ]\n}";
        assert_eq!(spans(document), [[3, 5, 5, 6], [6, 5, 6, 19]]);
    }

    #[test]
    fn a_statement_that_is_no_list_and_one_whose_name_is_escaped() {
        assert_eq!(spans(r#"{"Statement":{"a":{}},"Id":{}}"#), [[1, 14, 1, 22]]);
        assert_eq!(spans(r#"{"Id":"Statement","\u0053tatement":[{},{}]}"#), [[1, 37, 1, 39], [1, 40, 1, 42]]);
    }
}
