//! Texts with `*` (any characters, or none) and `?` (any one character).

use crate::budget::Budget;
use crate::places::{self, Reached};

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
    /// No text with fewer bytes fits.
    bytes_min: usize,
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
                '?' => self.append(One(Reach::Anything)),
                other => self.append_literal(other.encode_utf8(&mut [0; 4])),
            }
        }
    }

    /// Appends text that stands for itself.
    pub(crate) fn append_literal(&mut self, text: &str) {
        match self.tokens.last_mut() {
            _ if text.is_empty() => {}
            Some(Literal(before)) => {
                before.push_str(text);
                self.bytes_min += text.len();
            }
            _ => self.append(Literal(text.to_owned())),
        }
    }

    fn append(&mut self, token: Token) {
        self.bytes_min += match &token {
            Literal(text) => text.len(),
            One(_) => 1,
            Any(_) => 0,
        };
        self.tokens.push(token);
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

    /// Whether the whole of `text` fits; `false` as well if that is more work than `budget` has left.
    ///
    /// Takes a few steps for each byte of pattern and text, and at most one for each byte of the pattern and each 64 bytes of the text.
    pub(crate) fn matches(&self, text: &str, budget: &Budget) -> bool {
        // So what is tried is at most about twice as long as the text, however long the values of variables are.
        if self.bytes_min > text.len() {
            return false;
        }
        let mut steps = 1;
        let quick = if self.many_ways { None } else { self.matches_quickly(text, &mut steps) };
        if quick.is_none() {
            steps += places::steps(self.tokens.len(), self.bytes_min, text);
        }
        budget.take(steps) && quick.unwrap_or_else(|| self.matches_at_all_places(text))
    }

    /// Each `*` is given as little as it can be, and only the last one so far is ever given more. That suffices unless a `*` that stays in
    /// its part comes after one that does not: stars of parts alone cannot reach another part by being given more.
    ///
    /// Counts its steps. `None`: there would be too many, because much of the text is nearly a match.
    fn matches_quickly(&self, text: &str, steps: &mut usize) -> Option<bool> {
        let steps_max = self.tokens.len() + QUICK_STEPS_PER_BYTE * text.len() + QUICK_STEPS;
        let (mut rest, mut index) = (text, 0);
        // The last `*`: how far it goes, what is behind it, and the text that was tried for that.
        let mut retry: Option<(Reach, usize, &str)> = None;
        while *steps < steps_max {
            *steps += 1;
            let after = match self.tokens.get(index) {
                None if rest.is_empty() => return Some(true),
                None => None,
                Some(Any(Reach::Anything)) if index + 1 == self.tokens.len() => return Some(true),
                Some(Any(reach)) => {
                    retry = Some((*reach, index + 1, rest));
                    Some(rest)
                }
                Some(One(reach)) => after_character(rest, *reach),
                Some(Literal(literal)) => {
                    *steps += literal.len() / BYTES_PER_STEP;
                    self.after_literal(rest, literal)
                }
            };
            if let Some(after) = after {
                (rest, index) = (after, index + 1);
                continue;
            }
            let Some((reach, token, tried)) = retry else { return Some(false) };
            let Some(next) = after_character(tried, reach) else { return Some(false) };
            retry = Some((reach, token, next));
            (rest, index) = (next, token);
        }
        None
    }

    /// All ways to share out the text are followed at once.
    pub(crate) fn matches_at_all_places(&self, text: &str) -> bool {
        let mut reached = Reached::start_of(text, self.fold_case);
        for token in &self.tokens {
            match token {
                Literal(literal) => literal.bytes().for_each(|byte| reached.byte(byte)),
                One(reach) => reached.character(*reach == Reach::Anything),
                Any(reach) => reached.characters(*reach == Reach::Anything),
            }
            if reached.is_nothing() {
                return false;
            }
        }
        reached.is_all()
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
                parts.last_mut()?.append(token);
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

/// How often [`Pattern::matches_quickly`] may look at each byte of a text.
const QUICK_STEPS_PER_BYTE: usize = 4;

/// How many steps it has in any case.
const QUICK_STEPS: usize = 64;

/// How many bytes of a literal are compared in about the time of one step.
const BYTES_PER_STEP: usize = 32;

/// The colons of an ARN are between six parts: the last part may have colons.
pub(crate) const ARN_PARTS: usize = 6;
