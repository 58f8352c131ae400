//! Texts with `*` (any characters, or none) and `?` (any one character).
//!
//! No pattern takes longer than its length times the text's.

/// How far a wildcard goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reach {
    /// It may stand for anything.
    Anything,
    /// It may stand for anything but colons.
    Part,
}

/// One element of a pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Token {
    /// Exactly these characters.
    Literal(String),
    /// `?`
    One(Reach),
    /// `*`; several in a row are one.
    Any(Reach),
}

use Token::{Any, Literal, One};

/// A pattern, read once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Pattern {
    tokens: Vec<Token>,
    fold_case: bool,
    /// A `*` that stays in its part comes after one that does not: to give more to the last one does not suffice then.
    many_ways: bool,
}

impl Pattern {
    /// A pattern for which the upper and lower case of ASCII letters are the same. No other letters are alike: U+212A, the sign of the
    /// kelvin, is no `k`.
    pub(crate) fn ignoring_case(text: &str) -> Self {
        let mut pattern = Self { fold_case: true, ..Self::default() };
        pattern.append_wild(text);
        pattern
    }

    /// Appends text in which `*` and `?` stand for others.
    pub(crate) fn append_wild(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '*' if matches!(self.tokens.last(), Some(Any(_))) => {}
                '*' => self.tokens.push(Any(Reach::Anything)),
                '?' => self.tokens.push(One(Reach::Anything)),
                other => self.append_literal(other.encode_utf8(&mut [0; 4])),
            }
        }
    }

    /// Appends text that stands for itself.
    pub(crate) fn append_literal(&mut self, text: &str) {
        match self.tokens.last_mut() {
            _ if text.is_empty() => {}
            Some(Literal(before)) => before.push_str(text),
            _ => self.tokens.push(Literal(text.to_owned())),
        }
    }

    /// The pattern for resources' ARNs. In the parts before the last a wildcard stays within its part, but for a `*` at the part's end,
    /// which may run on past the colon (IAM User Guide, "IAM JSON policy elements: Resource").
    pub(crate) fn for_resources(mut self) -> Self {
        let mut colons = 0;
        for index in 0..self.tokens.len() {
            let ends_part = match self.tokens.get(index + 1) {
                None => true,
                Some(Literal(next)) => next.starts_with(':'),
                Some(One(_) | Any(_)) => false,
            };
            match &mut self.tokens[index] {
                Literal(text) => colons += text.matches(':').count(),
                One(_) | Any(_) if colons >= ARN_PARTS - 1 => {}
                Any(reach) if !ends_part => *reach = Reach::Part,
                Any(_) => {}
                One(reach) => *reach = Reach::Part,
            }
        }
        let mut stars = self.tokens.iter().filter(|token| matches!(token, Any(_)));
        self.many_ways =
            !stars.by_ref().skip_while(|token| **token == Any(Reach::Part)).all(|token| *token == Any(Reach::Anything));
        self
    }

    /// Whether the whole of `text` fits.
    pub(crate) fn matches(&self, text: &str) -> bool {
        if self.many_ways { self.matches_in_many_ways(text) } else { self.matches_in_one_way(text) }
    }

    /// Each `*` is given as little as it can be, and only the last one so far is ever given more. That suffices unless a `*` that stays in
    /// its part comes after one that does not: stars of parts alone cannot reach another part by being given more.
    fn matches_in_one_way(&self, text: &str) -> bool {
        let (mut rest, mut index) = (text, 0);
        // The last `*`: how far it goes, what is behind it, and the text that was tried for that.
        let mut retry: Option<(Reach, usize, &str)> = None;
        loop {
            let after = match self.tokens.get(index) {
                None if rest.is_empty() => return true,
                None => None,
                Some(Any(Reach::Anything)) if index + 1 == self.tokens.len() => return true,
                Some(Any(reach)) => {
                    retry = Some((*reach, index + 1, rest));
                    Some(rest)
                }
                Some(One(reach)) => after_character(rest, *reach),
                Some(Literal(literal)) => self.after_literal(rest, literal),
            };
            if let Some(after) = after {
                (rest, index) = (after, index + 1);
                continue;
            }
            let Some((reach, token, tried)) = retry else { return false };
            let Some(next) = after_character(tried, reach) else { return false };
            retry = Some((reach, token, next));
            (rest, index) = (next, token);
        }
    }

    /// All ways to share out the text are followed at once.
    fn matches_in_many_ways(&self, text: &str) -> bool {
        // The places of the text, in bytes, that what was read of the pattern so far can end at.
        let mut reached = vec![false; text.len() + 1];
        let mut next = reached.clone();
        reached[0] = true;
        for token in &self.tokens {
            next.fill(false);
            for (at, rest) in (0..=text.len()).filter_map(|at| Some((at, text.get(at..)?))) {
                // What a `*` has reached it also leaves, one character on.
                let from_here = reached[at] || (matches!(token, Any(_)) && next[at]);
                if !from_here {
                    continue;
                }
                next[at] |= matches!(token, Any(_));
                let after = match token {
                    Literal(literal) => self.after_literal(rest, literal),
                    One(reach) | Any(reach) => after_character(rest, *reach),
                };
                if let Some(after) = after {
                    next[text.len() - after.len()] = true;
                }
            }
            std::mem::swap(&mut reached, &mut next);
        }
        reached[text.len()]
    }

    fn after_literal<'a>(&self, text: &'a str, literal: &str) -> Option<&'a str> {
        if !self.fold_case {
            return text.strip_prefix(literal);
        }
        let (start, rest) = text.split_at_checked(literal.len())?;
        start.eq_ignore_ascii_case(literal).then_some(rest)
    }

    /// The patterns of the six parts between the first five colons, if there are so many.
    fn parts(self) -> Option<[Self; ARN_PARTS]> {
        let mut parts = vec![Self::default()];
        for token in self.tokens {
            let Literal(text) = token else {
                parts.last_mut()?.tokens.push(token);
                continue;
            };
            for (index, piece) in text.splitn(ARN_PARTS + 1 - parts.len(), ':').enumerate() {
                if index > 0 {
                    parts.push(Self::default());
                }
                parts.last_mut()?.append_literal(piece);
            }
        }
        parts.try_into().ok()
    }
}

/// The text behind its first character, if a wildcard that reaches so far may stand for that.
fn after_character(text: &str, reach: Reach) -> Option<&str> {
    let mut characters = text.chars();
    let first = characters.next()?;
    (reach == Reach::Anything || first != ':').then_some(characters.as_str())
}

/// The colons of an ARN are between six parts: the last part may have colons.
const ARN_PARTS: usize = 6;

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
        if matches!(pattern.tokens[..], [Any(_)]) {
            return Self::Every;
        }
        pattern.parts().map_or(Self::NoArn, |parts| Self::Parts(Box::new(parts)))
    }

    /// Whether `arn` is an ARN that fits.
    pub(crate) fn matches(&self, arn: &str) -> bool {
        if arn.matches(':').count() < ARN_PARTS - 1 {
            return false;
        }
        match self {
            Self::Every => true,
            Self::NoArn => false,
            Self::Parts(patterns) => {
                patterns.iter().zip(arn.splitn(ARN_PARTS, ':')).all(|(pattern, part)| pattern.matches(part))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        let mut pattern = Pattern::default();
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
            ("*?", "", false),
            ("*?", "a", true),
            ("?", "ö", true),
            ("*ö", "aöö", true),
            ("kms:Encrypt", "kms:encrypt", false),
        ];
        for (wild, text, expected) in table {
            assert_eq!(pattern(wild).matches(text), expected, "{wild} {text}");
        }
    }

    #[test]
    fn only_ascii_letters_are_alike() {
        let table = [
            ("KMS:Encr*", "kms:encrypt", true),
            ("\u{212a}MS:*", "kms:Encrypt", false),
            ("kms:*", "\u{212a}ms:Encrypt", false),
            ("kms:Ö*", "kms:ö", false),
            ("kms:Ö*", "KMS:Ö", true),
            // The text ends within what would be the literal's last character.
            ("kms:aé", "kms:aé", true),
            ("kms:aa", "kms:é", false),
        ];
        for (wild, text, expected) in table {
            assert_eq!(Pattern::ignoring_case(wild).matches(text), expected, "{wild} {text}");
        }
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
            ("arn:aws:iam::111122223333:role/a?b", true),
            ("*", true),
            ("", false),
        ] {
            assert_eq!(ArnPattern::new(pattern(wild)).matches(arn), expected, "{wild}");
        }
        assert!(!ArnPattern::new(pattern("*")).matches("no ARN"));
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
            ("arn:*:us-*-1:1*3:alias/*", true),
            ("arn:*:u*t-?:1*:*", true),
            ("arn:*:s*s:*", false),
            ("arn:*:k*:*s:*", false),
            ("a*n:a*s:k*s:u*-*-1:1*2*3:a*:*b", true),
            ("a*n:a*s:k*s:u*-*1*:*b", true),
            ("a*n:a*s:k*s:u*-*1*b", false),
        ] {
            assert_eq!(pattern(wild).for_resources().matches(arn), expected, "{wild}");
        }
        let long = format!("arn:{}:b", "a".repeat(4000));
        for bomb in [format!("arn:{}c", "*a".repeat(1000)), format!("arn:*:*:{}c", "*a".repeat(1000))] {
            assert!(!pattern(&bomb).for_resources().matches(&long), "and the time is bounded");
        }
    }
}
