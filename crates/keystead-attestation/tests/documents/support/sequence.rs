//! Random numbers that are the same in every run.

/// xorshift64, so that a failing round can be repeated.
pub(crate) struct Sequence(pub(crate) u64);

impl Sequence {
    pub(crate) fn next(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        bytes.iter_mut().for_each(|byte| *byte = self.next(256) as u8);
    }

    /// `bytes` with one to four changes: a byte set, a bit turned, a run cut out, a run repeated, or the end cut off.
    pub(crate) fn mutated(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut mutated = bytes.to_vec();
        for _ in 0..=self.next(4) {
            if mutated.is_empty() {
                return mutated;
            }
            let at = self.next(mutated.len());
            let run = (at + 1 + self.next(8)).min(mutated.len());
            match self.next(5) {
                0 => mutated[at] = self.next(256) as u8,
                1 => mutated[at] ^= 1 << self.next(8),
                2 => drop(mutated.drain(at..run)),
                3 => {
                    let repeated = mutated[at..run].to_vec();
                    mutated.splice(at..at, repeated);
                }
                _ => mutated.truncate(at),
            }
        }
        mutated
    }
}
