//! Two evaluators that share no code say the same of generated documents and requests.
//!
//! `KEYSTEAD_POLICY_CASES` is how many of them, and `KEYSTEAD_POLICY_SEED` with which to begin. A failure prints the seed of its case.

#![allow(clippy::panic)]

mod generator;
mod second_evaluator;
mod smaller;

use keystead_policy::{PrincipalMatch, Verdict};

use generator::Case;
use second_evaluator::Request;

fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} must be a number, and is {text}")),
        Err(_) => default,
    }
}

fn second_verdict(case: &Case) -> Verdict {
    let Case { kind, document, identity, action, resource, context } = case;
    second_evaluator::evaluate(document, *kind, &Request { identity, action, resource, context })
}

fn disagree(case: &Case) -> bool {
    case.parse().is_ok_and(|document| case.evaluate(&document) != second_verdict(case))
}

fn both(case: &Case) -> String {
    let first = case.parse().map(|document| case.evaluate(&document));
    format!("The library: {first:?}\nThe second evaluator: {:?}", second_verdict(case))
}

/// How often each outcome came about.
#[derive(Default, Debug)]
struct Outcomes {
    denied: u64,
    allowed_to: [u64; 4],
    delegated: u64,
    nothing: u64,
}

impl Outcomes {
    fn count(&mut self, verdict: &Verdict) {
        self.denied += u64::from(verdict.deny.is_some());
        self.delegated += u64::from(verdict.delegates);
        self.nothing += u64::from(verdict.deny.is_none() && verdict.allow.is_none());
        if let Some(found) = &verdict.allow {
            let kinds = [PrincipalMatch::Account, PrincipalMatch::Anyone, PrincipalMatch::Role, PrincipalMatch::Itself];
            for (count, _) in self.allowed_to.iter_mut().zip(kinds).filter(|(_, kind)| *kind == found.principal) {
                *count += 1;
            }
        }
    }

    /// Cases that all end alike would show nothing.
    fn assert_varied(&self, cases: u64) {
        let counts = [self.denied, self.delegated, self.nothing].into_iter().chain(self.allowed_to);
        assert!(cases < 1_000 || counts.min() > Some(cases / 200), "too much alike: {self:?}");
    }
}

#[test]
fn the_two_evaluators_agree() {
    let (first, cases) = (number("KEYSTEAD_POLICY_SEED", 0), number("KEYSTEAD_POLICY_CASES", 50_000));
    let mut outcomes = Outcomes::default();
    for seed in first..first + cases {
        let case = Case::of_seed(seed);
        let document = case.parse().unwrap_or_else(|error| panic!("seed {seed}: {error} Yet it is valid.\n{case}"));
        let verdict = case.evaluate(&document);
        if verdict != second_verdict(&case) {
            let smallest = case.clone().smallest(disagree);
            panic!(
                "seed {seed}: the evaluators disagree.\n{case}\n\nThe smallest such case:\n{smallest}\n\n{}",
                both(&smallest)
            );
        }
        outcomes.count(&verdict);
    }
    outcomes.assert_varied(cases);
}
