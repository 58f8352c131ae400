//! Which HSM is asked next: in turn, those first that will most likely answer.

/// What is known of an HSM before it is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    /// It answers, and KMS is logged in.
    Ready,
    /// KMS must log in first.
    NeedsLogin,
    /// The last calls failed.
    FailsLately,
    /// Its worker does not run, or its token is gone.
    NotThere,
}

/// Whether one call has asked an HSM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Turn {
    NotYet,
    Asked,
    /// It was asked, and had lost the login.
    OnceMore,
    AskedAgain,
}

/// The HSMs of a cluster in the order in which one call asks them: each once, and once more if it had lost the login.
pub(crate) struct Rotation {
    start: usize,
    turns: Vec<Turn>,
}

impl Rotation {
    /// Over so many HSMs, beginning at the `start`-th, counted around.
    pub(crate) fn new(members: usize, start: usize) -> Self {
        Self { start: start.checked_rem(members).unwrap_or(0), turns: vec![Turn::NotYet; members] }
    }

    /// The place of the next HSM to ask, given how each stands now; `None` when all that are there were asked.
    ///
    /// Nothing is read of an HSM after one that is ready, so that `standing` may let through one call of many.
    pub(crate) fn next(&mut self, standing: impl Fn(usize) -> Standing) -> Option<usize> {
        let (mut needs_login, mut fails_lately) = (None, None);
        let members = self.turns.len();
        for place in (self.start..self.start + members).map(|place| place % members) {
            if !self.may_be_asked(place) {
                continue;
            }
            match standing(place) {
                Standing::Ready => return Some(self.ask(place)),
                Standing::NeedsLogin => needs_login = needs_login.or(Some(place)),
                Standing::FailsLately => fails_lately = fails_lately.or(Some(place)),
                Standing::NotThere => {}
            }
        }
        needs_login.or(fails_lately).map(|place| self.ask(place))
    }

    /// The HSM at this place had lost the login. Returns whether it may be asked once more.
    pub(crate) fn once_more(&mut self, place: usize) -> bool {
        let may = self.turns[place] == Turn::Asked;
        if may {
            self.turns[place] = Turn::OnceMore;
        }
        may
    }

    /// How many HSMs may still be asked.
    pub(crate) fn left(&self) -> usize {
        (0..self.turns.len()).filter(|place| self.may_be_asked(*place)).count()
    }

    fn may_be_asked(&self, place: usize) -> bool {
        matches!(self.turns[place], Turn::NotYet | Turn::OnceMore)
    }

    fn ask(&mut self, place: usize) -> usize {
        self.turns[place] = if self.turns[place] == Turn::OnceMore { Turn::AskedAgain } else { Turn::Asked };
        place
    }
}

#[cfg(test)]
mod tests {
    use super::Standing::*;
    use super::*;

    fn order(start: usize, standings: &[Standing]) -> Vec<usize> {
        let mut rotation = Rotation::new(standings.len(), start);
        std::iter::from_fn(|| rotation.next(|place| standings[place])).collect()
    }

    #[test]
    fn the_best_are_asked_first_and_each_once() {
        for (start, standings, places) in [
            (0, &[][..], &[][..]),
            (7, &[], &[]),
            (0, &[Ready, Ready, Ready], &[0, 1, 2]),
            (4, &[Ready, Ready, Ready], &[1, 2, 0]),
            (0, &[FailsLately, NeedsLogin, Ready], &[2, 1, 0]),
            (1, &[NeedsLogin, FailsLately, NeedsLogin], &[2, 0, 1]),
            (0, &[NotThere, Ready], &[1]),
            (0, &[NotThere, NotThere], &[]),
        ] {
            assert_eq!(order(start, standings), places, "{start} {standings:?}");
        }
    }

    #[test]
    fn an_hsm_that_had_lost_the_login_is_asked_once_more() {
        let mut rotation = Rotation::new(2, 0);
        assert_eq!(rotation.next(|_| Ready), Some(0));
        assert!(rotation.once_more(0));
        let standings = [NeedsLogin, Ready];
        assert_eq!(rotation.left(), 2);
        assert_eq!(rotation.next(|place| standings[place]), Some(1));
        assert_eq!(rotation.next(|place| standings[place]), Some(0));
        assert!(!rotation.once_more(0));
        assert_eq!(rotation.next(|_| Ready), None);
    }

    #[test]
    fn nothing_is_read_after_one_that_is_ready() {
        let mut rotation = Rotation::new(3, 0);
        let read = std::cell::Cell::new(0);
        let standing = |place| {
            read.set(read.get() + 1);
            if place == 0 { FailsLately } else { Ready }
        };
        assert_eq!(rotation.next(standing), Some(1));
        assert_eq!(read.get(), 2);
    }
}
