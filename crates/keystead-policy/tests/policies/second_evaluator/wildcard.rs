//! Wildcards, tried out one by one.

/// One place of a text in a policy, before it is known where its wildcards may reach.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Symbol {
    Character(char),
    /// `*`
    Star,
    /// `?`
    QuestionMark,
}

/// One place of a pattern.
pub(super) enum Place {
    Character(char),
    /// Any number of characters; of characters that are no colons unless `colons`.
    Many {
        colons: bool,
    },
    /// One character, likewise.
    One {
        colons: bool,
    },
}

/// A text's characters and wildcards.
pub(super) fn symbols(text: &str) -> Vec<Symbol> {
    let symbol = |character| match character {
        '*' => Symbol::Star,
        '?' => Symbol::QuestionMark,
        other => Symbol::Character(other),
    };
    text.chars().map(symbol).collect()
}

/// Wildcards that stand for any characters.
pub(super) fn anywhere(symbols: &[Symbol]) -> Vec<Place> {
    let place = |symbol: &Symbol| match symbol {
        Symbol::Star => Place::Many { colons: true },
        Symbol::QuestionMark => Place::One { colons: true },
        Symbol::Character(character) => Place::Character(*character),
    };
    symbols.iter().map(place).collect()
}

pub(super) fn text_pattern(text: &str) -> Vec<Place> {
    anywhere(&symbols(text))
}

/// "You can use wildcard characters (* and ?) within the individual segments of an ARN (the parts separated by colons) [...] If the *
/// wildcard is the last character of a resource ARN segment, it can expand to match beyond the colon boundaries." The sixth segment is
/// the rest of the ARN.
pub(super) fn resource_pattern(symbols: &[Symbol]) -> Vec<Place> {
    let mut segment = 1;
    let mut pattern = Vec::new();
    for (index, symbol) in symbols.iter().enumerate() {
        let last_of_segment = matches!(symbols.get(index + 1), None | Some(Symbol::Character(':')));
        pattern.push(match symbol {
            Symbol::Star => Place::Many { colons: segment == 6 || last_of_segment },
            Symbol::QuestionMark => Place::One { colons: segment == 6 },
            Symbol::Character(character) => Place::Character(*character),
        });
        if *symbol == Symbol::Character(':') && segment < 6 {
            segment += 1;
        }
    }
    pattern
}

/// Whether the whole text fits the pattern.
pub(super) fn matches(pattern: &[Place], text: &[char]) -> bool {
    let Some((place, rest)) = pattern.split_first() else { return text.is_empty() };
    match place {
        Place::Character(character) => text.first() == Some(character) && matches(rest, &text[1..]),
        Place::One { colons } => text.first().is_some_and(|one| *colons || *one != ':') && matches(rest, &text[1..]),
        Place::Many { colons } => (0..=text.len())
            .take_while(|taken| *colons || !text[..*taken].contains(&':'))
            .any(|taken| matches(rest, &text[taken..])),
    }
}
