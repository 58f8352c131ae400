//! Patterns against texts, 64 places of the text at a time: whatever the pattern, each of its bytes takes one pass over these words.

/// Places of a text as bits: before each of its bytes, and behind the last. As a set of bytes: those that are behind these places.
#[derive(Clone)]
struct Places(Vec<u64>);

impl Places {
    fn insert(&mut self, place: usize) {
        self.0[place / 64] |= 1 << (place % 64);
    }

    fn contains(&self, place: usize) -> bool {
        (self.0[place / 64] >> (place % 64)) & 1 == 1
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    fn remove_all(&mut self, others: &Self) {
        self.0.iter_mut().zip(&others.0).for_each(|(word, others)| *word &= !others);
    }

    fn insert_all(&mut self, others: &Self) {
        self.0.iter_mut().zip(&others.0).for_each(|(word, others)| *word |= others);
    }

    /// One byte on, from those that are before one of `bytes`.
    fn step(&mut self, bytes: &Self) {
        let mut carry = 0;
        for (word, bytes) in self.0.iter_mut().zip(&bytes.0) {
            let before = *word & bytes;
            *word = (before << 1) | carry;
            carry = before >> 63;
        }
    }

    /// Adds all that can be reached over `bytes`: the carry of an addition runs on through ones that are in a row.
    fn spread(&mut self, bytes: &Self) {
        let mut carry = false;
        for (word, bytes) in self.0.iter_mut().zip(&bytes.0) {
            let (sum, over) = (*word & bytes).overflowing_add(*bytes);
            let (sum, over_with_carry) = sum.overflowing_add(u64::from(carry));
            carry = over || over_with_carry;
            *word |= sum ^ bytes;
        }
    }
}

/// The places of a text that what was read of a pattern so far can end at.
pub(crate) struct Reached {
    places: Places,
    text_bytes: usize,
    fold_case: bool,
    is_ascii: bool,
    /// Every byte of the text.
    all: Places,
    /// All but colons.
    no_colons: Places,
    /// The bytes of characters behind their first.
    continuing: Places,
    /// Where each byte is, of those that the text has; with `fold_case` that of the lower case.
    occurrences: Vec<Option<Places>>,
}

impl Reached {
    /// The start of a text. With `fold_case` the upper and lower case of ASCII letters are the same.
    pub(crate) fn start_of(text: &str, fold_case: bool) -> Self {
        let none = Places(vec![0; words(text)]);
        let mut reached = Self {
            places: none.clone(),
            text_bytes: text.len(),
            fold_case,
            is_ascii: text.is_ascii(),
            all: none.clone(),
            no_colons: none.clone(),
            continuing: none.clone(),
            occurrences: vec![None; BYTES],
        };
        reached.places.insert(0);
        for (place, byte) in text.bytes().enumerate() {
            reached.all.insert(place);
            if byte != b':' {
                reached.no_colons.insert(place);
            }
            if !text.is_char_boundary(place) {
                reached.continuing.insert(place);
            }
            let index = reached.index_of(byte);
            reached.occurrences[index].get_or_insert_with(|| none.clone()).insert(place);
        }
        reached
    }

    fn index_of(&self, byte: u8) -> usize {
        usize::from(if self.fold_case { byte.to_ascii_lowercase() } else { byte })
    }

    /// Reads a byte of a literal.
    pub(crate) fn byte(&mut self, byte: u8) {
        match &self.occurrences[self.index_of(byte)] {
            Some(bytes) => self.places.step(bytes),
            None => self.places.0.fill(0),
        }
    }

    /// Reads a character, with `colons` any one.
    pub(crate) fn character(&mut self, colons: bool) {
        self.places.step(if colons { &self.all } else { &self.no_colons });
        if self.is_ascii {
            return;
        }
        // To the character's end.
        for _ in 1..CHARACTER_BYTES_MAX {
            let mut on = self.places.clone();
            on.step(&self.continuing);
            self.places.remove_all(&self.continuing);
            self.places.insert_all(&on);
        }
    }

    /// Reads characters as many as there may be, with `colons` any.
    pub(crate) fn characters(&mut self, colons: bool) {
        self.places.spread(if colons { &self.all } else { &self.no_colons });
        self.places.remove_all(&self.continuing);
    }

    /// Whether nothing is reached any more.
    pub(crate) fn is_nothing(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether the text's end is reached.
    pub(crate) fn is_all(&self) -> bool {
        self.places.contains(self.text_bytes)
    }
}

/// How many steps it takes to read so many tokens, and bytes of literals, against a text: each of them passes once over the text's words,
/// which are made in as many passes as there are different bytes, and the text is read.
pub(crate) fn steps(tokens: usize, literal_bytes: usize, text: &str) -> usize {
    let passes = tokens.saturating_add(literal_bytes).saturating_add(BYTES);
    passes.saturating_mul(words(text)).saturating_add(text.len())
}

/// Words that have a bit for each place of a text.
fn words(text: &str) -> usize {
    text.len() / 64 + 1
}

/// How many bytes there are.
const BYTES: usize = 256;

/// Of UTF-8.
const CHARACTER_BYTES_MAX: usize = 4;
