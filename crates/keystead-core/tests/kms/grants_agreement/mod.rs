//! A grant never allows what its terms do not say, and never less: servers and a plainly written oracle agree, in the life of a few keys.
//!
//! `KEYSTEAD_GRANT_CASES` is how many lives there are, `KEYSTEAD_GRANT_SEED` the first of their seeds. A failure prints the seed.

mod life;
mod oracle;
mod random;

use life::Life;

fn number(variable: &str, otherwise: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")),
        Err(_) => otherwise,
    }
}

#[tokio::test]
async fn servers_and_oracle_agree() {
    let (first, cases) = (number("KEYSTEAD_GRANT_SEED", 0), number("KEYSTEAD_GRANT_CASES", 12));
    let (mut allowed, mut refused) = (0, 0);
    for seed in first..first + cases {
        let mut life = Life::begin(seed).await;
        for _ in 0..150 {
            life.step().await;
        }
        allowed += life.allowed;
        refused += life.refused;
    }
    // Neither says much if the other hardly happens.
    let all = allowed + refused;
    assert!(allowed * 10 > all && refused * 10 > all, "{allowed} allowed, {refused} refused");
}
