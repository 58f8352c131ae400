//! Texts with `*` (any characters, or none) and `?` (any one character).

use std::fmt;

/// One element of a pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Token {
    /// Exactly this character.
    Literal(char),
    /// `?`
    One,
    /// `*`; several in a row are one.
    Any,
}

/// A pattern, read once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Pattern {
    tokens: Vec<Token>,
    fold_case: bool,
}

impl Pattern {
    /// A pattern for which upper and lower case are the same.
    pub(crate) fn ignoring_case(text: &str) -> Self {
        let mut pattern = Self { tokens: Vec::with_capacity(text.len()), fold_case: true };
        pattern.append_wild(text);
        pattern
    }

    /// An empty pattern, which matches the empty text alone.
    pub(crate) fn empty() -> Self {
        Self { tokens: Vec::new(), fold_case: false }
    }

    /// Appends text in which `*` and `?` stand for others.
    pub(crate) fn append_wild(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '*' if self.tokens.last() == Some(&Token::Any) => {}
                '*' => self.tokens.push(Token::Any),
                '?' => self.tokens.push(Token::One),
                other => self.push_literal(other),
            }
        }
    }

    /// Appends text that stands for itself.
    pub(crate) fn append_literal(&mut self, text: &str) {
        text.chars().for_each(|character| self.push_literal(character));
    }

    fn push_literal(&mut self, character: char) {
        if self.fold_case {
            self.tokens.extend(character.to_lowercase().map(Token::Literal));
        } else {
            self.tokens.push(Token::Literal(character));
        }
    }

    /// Whether the whole of `text` fits.
    ///
    /// Of a text that does not fit only the last `*` is given more, which suffices: so no pattern takes longer than its length times the
    /// text's.
    pub(crate) fn matches(&self, text: &str) -> bool {
        if self.fold_case {
            let folded: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
            return self.matches_characters(&folded);
        }
        let characters: Vec<char> = text.chars().collect();
        self.matches_characters(&characters)
    }

    fn matches_characters(&self, text: &[char]) -> bool {
        let (mut at, mut token) = (0, 0);
        // The last `*`, and where in the text what it stands for ends.
        let mut retry: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.tokens.get(token) {
                Some(Token::Any) => {
                    retry = Some((token, at));
                    token += 1;
                    continue;
                }
                Some(Token::One) => {
                    (at, token) = (at + 1, token + 1);
                    continue;
                }
                Some(Token::Literal(character)) if *character == text[at] => {
                    (at, token) = (at + 1, token + 1);
                    continue;
                }
                Some(Token::Literal(_)) | None => {}
            }
            let Some((star, end)) = retry else { return false };
            retry = Some((star, end + 1));
            (token, at) = (star + 1, end + 1);
        }
        self.tokens[token.min(self.tokens.len())..].iter().all(|rest| *rest == Token::Any)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tokens.iter().try_for_each(|token| match token {
            Token::Literal(character) => write!(f, "{character}"),
            Token::One => f.write_str("?"),
            Token::Any => f.write_str("*"),
        })
    }
}

/// Whether an ARN fits the ARN `pattern`, each of the six parts between the colons by itself: the last part may have colons.
pub(crate) fn arn_matches(pattern: &Pattern, arn: &str) -> bool {
    let pattern_parts = split(&pattern.tokens);
    let parts: Vec<&str> = arn.splitn(ARN_PARTS, ':').collect();
    if pattern_parts.len() != ARN_PARTS || parts.len() != ARN_PARTS {
        // `*` alone is every ARN (unverified); anything else with fewer parts is no ARN.
        return pattern.tokens == [Token::Any] && parts.len() == ARN_PARTS;
    }
    pattern_parts
        .into_iter()
        .zip(parts)
        .all(|(tokens, part)| Pattern { tokens: tokens.to_vec(), fold_case: pattern.fold_case }.matches(part))
}

/// Whether a resource's ARN fits the `pattern`. In the parts before the last a wildcard stays within its part, but for a `*` at the
/// part's end, which may run on past the colon (IAM User Guide, "IAM JSON policy elements: Resource").
pub(crate) fn resource_matches(pattern: &Pattern, arn: &str) -> bool {
    let tokens = pattern.tokens.as_slice();
    let colons = tokens.iter().enumerate().filter(|(_, token)| **token == Token::Literal(':'));
    let last_part = colons.map(|(index, _)| index).nth(ARN_PARTS - 2).unwrap_or(tokens.len());
    let stays = |index: usize| match tokens[index] {
        _ if index > last_part => false,
        Token::Any => !matches!(tokens.get(index + 1), None | Some(Token::Literal(':'))),
        Token::One => true,
        Token::Literal(_) => false,
    };
    if (0..last_part).any(stays) { matches_staying(tokens, stays, arn) } else { pattern.matches(arn) }
}

/// Whether the whole text fits, where the wildcards that `stays` tells of stand for no colons. Takes no longer than the pattern's length
/// times the text's: all ways to share out the text are followed at once.
fn matches_staying(tokens: &[Token], stays: impl Fn(usize) -> bool, text: &str) -> bool {
    // For each number of tokens whether they can be what was read so far.
    let mut reached = vec![false; tokens.len() + 1];
    reached[0] = true;
    skip_stars(tokens, &mut reached);
    for character in text.chars() {
        let mut next = vec![false; tokens.len() + 1];
        for (index, token) in tokens.iter().enumerate().filter(|(index, _)| reached[*index]) {
            let may = !stays(index) || character != ':';
            match token {
                Token::Literal(literal) => next[index + 1] |= *literal == character,
                Token::One => next[index + 1] |= may,
                Token::Any => next[index] |= may,
            }
        }
        skip_stars(tokens, &mut next);
        reached = next;
    }
    reached[tokens.len()]
}

/// A `*` may stand for nothing.
fn skip_stars(tokens: &[Token], reached: &mut [bool]) {
    for (index, token) in tokens.iter().enumerate() {
        if reached[index] && *token == Token::Any {
            reached[index + 1] = true;
        }
    }
}

const ARN_PARTS: usize = 6;

/// At the first five colons.
fn split(tokens: &[Token]) -> Vec<&[Token]> {
    tokens.splitn(ARN_PARTS, |token| *token == Token::Literal(':')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        let mut pattern = Pattern::empty();
        pattern.append_wild(text);
        pattern
    }

    #[test]
    fn wildcards() {
        let table = [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "anything", true),
            ("a*", "a", true),
            ("a*c", "abc", true),
            ("a*c", "abcd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*b*", "abc", true),
            ("*ab", "aab", true),
            ("*aab", "aaab", true),
            ("a**b", "ab", true),
            ("?", "ö", true),
            ("kms:Encrypt", "kms:encrypt", false),
        ];
        for (wild, text, expected) in table {
            assert_eq!(pattern(wild).matches(text), expected, "{wild} {text}");
        }
        assert!(Pattern::ignoring_case("KMS:Encr*").matches("kms:encrypt"));
    }

    #[test]
    fn the_time_is_bounded() {
        // A matcher that tries every way to share the text out would not end.
        assert!(!pattern(&"*a".repeat(1000)).matches(&format!("{}b", "a".repeat(4000))));
    }

    #[test]
    fn arns_are_matched_part_by_part() {
        let arn = "arn:aws:iam::111122223333:role/a:b";
        for (wild, expected) in [
            ("arn:aws:iam::111122223333:role/*", true),
            ("arn:aws:iam::*:role/a*", true),
            ("arn:aws:*", false),
            ("arn:aws:iam:*:111122223333:*", true),
            ("arn:*:iam::111122223333:role/a:b", true),
            ("arn:aws:iam::1111222233*3:user/a", false),
            ("*", true),
        ] {
            assert_eq!(arn_matches(&pattern(wild), arn), expected, "{wild}");
        }
        assert!(!arn_matches(&pattern("*"), "no ARN"));
    }

    #[test]
    fn wildcards_of_resources_stay_in_their_part() {
        let arn = "arn:aws:kms:us-east-1:111122223333:alias/a:b";
        for (wild, expected) in [
            ("arn:aws:kms:us-*-1:111122223333:alias/a:b", true),
            ("arn:aws:kms:us-*-1:*:*:b", true),
            ("arn:aws:kms:*:alias/*", true),
            ("arn:aws:kms:**:alias/*", true),
            ("arn:*", true),
            ("*", true),
            ("arn:aws:kms:*alias/*", false),
            ("arn:aws:kms:us*3:alias/a:b", false),
            ("arn:aws:kms:us-east-?:111122223333:alias/a?b", true),
            ("arn:aws:kms:us-east-1?111122223333:alias/a:b", false),
            ("arn:aws:kms:us-east-1:111122223333:a*b", true),
        ] {
            assert_eq!(resource_matches(&pattern(wild), arn), expected, "{wild}");
        }
        let long = format!("arn:{}:b", "a".repeat(4000));
        assert!(!resource_matches(&pattern(&format!("arn:{}c", "*a".repeat(1000))), &long), "and the time is bounded");
    }
}
