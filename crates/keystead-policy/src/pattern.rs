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

    /// Whether it is `*` alone.
    pub(crate) fn is_star(&self) -> bool {
        matches!(self.tokens[..], [Any(_)])
    }

    /// The patterns of the six parts between the first five colons, if there are so many.
    pub(crate) fn parts(self) -> Option<[Self; ARN_PARTS]> {
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
pub(crate) const ARN_PARTS: usize = 6;
