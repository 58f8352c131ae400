//! Texts and ARNs against patterns.

use crate::arn_pattern::ArnPattern;
use crate::budget::{Budget, STEPS_MAX};
use crate::pattern::Pattern;

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
        assert_eq!(pattern(wild).matches(text, &Budget::default()), expected, "{wild} {text}");
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
        assert_eq!(Pattern::ignoring_case(wild).matches(text, &Budget::default()), expected, "{wild} {text}");
    }
}

/// Every text of so many characters, and of fewer.
fn texts(characters: &[char], length_max: usize) -> Vec<String> {
    let mut texts = vec![String::new()];
    let mut begin = 0;
    for _ in 0..length_max {
        let end = texts.len();
        for index in begin..end {
            texts.extend(characters.iter().map(|character| format!("{}{character}", texts[index])).collect::<Vec<_>>());
        }
        begin = end;
    }
    texts
}

/// Tries every way to share out the text.
fn fits(wild: &[char], text: &[char]) -> bool {
    match (wild, text) {
        ([], _) => text.is_empty(),
        (['*', rest @ ..], _) => (0..=text.len()).any(|taken| fits(rest, &text[taken..])),
        ([first, rest @ ..], [character, others @ ..]) => (*first == '?' || first == character) && fits(rest, others),
        ([_, ..], []) => false,
    }
}

#[test]
fn both_ways_to_match_find_the_same() {
    let characters = |text: &str| text.chars().collect::<Vec<_>>();
    let texts_to_match = texts(&['a', ':', 'é'], 4);
    // What stands before lets the rest begin in one word of places and end in the next.
    for before in ["", &"x".repeat(61)] {
        for wild in texts(&['a', ':', 'é', '*', '?'], 4) {
            let (plain, of_resources) = (pattern(&format!("{before}{wild}")), pattern(&wild).for_resources());
            for text in &texts_to_match {
                let expected = fits(&characters(&wild), &characters(text));
                let long = format!("{before}{text}");
                assert_eq!(plain.matches_at_all_places(&long), expected, "{before}{wild} {text}");
                assert_eq!(plain.matches(&long, &Budget::default()), expected, "{before}{wild} {text}");
                let at_all_places = of_resources.matches_at_all_places(text);
                assert_eq!(of_resources.matches(text, &Budget::default()), at_all_places, "{wild} {text}");
            }
        }
    }
}

#[test]
fn the_work_is_bounded() {
    let text = "a".repeat(16_000);
    // A matcher that tries every way to share the text out would not end with the first of these; one that searches what is between two
    // stars at each place would take 64 million steps with the second.
    for bomb in ["*a".repeat(7_600), format!("*{}", "a?".repeat(4_000)), format!("*{}", "a?".repeat(7_600))]
        .into_iter()
        .chain(["a".repeat(8_000), "?".repeat(15_900), "é".repeat(7_600)].map(|literal| format!("*{literal}")))
    {
        let (budget, bomb) = (Budget::default(), format!("{bomb}b"));
        assert!(!pattern(&bomb).matches(&text, &budget), "no text here has a b");
        assert!(STEPS_MAX - budget.left() < STEPS_MAX / 2, "{} steps are left", budget.left());
    }
    let budget = Budget::default();
    assert!(!pattern(&"?".repeat(16_001)).matches(&text, &budget) && budget.left() == STEPS_MAX, "it is too long");
    // As much work as this is not done at all.
    let (long, budget) = ("a".repeat(1_000_000), Budget::default());
    assert!(!pattern(&format!("*{}b*", "a?".repeat(4_000))).matches(&long, &budget) && budget.is_spent());
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
        assert_eq!(ArnPattern::new(pattern(wild)).matches(arn, &Budget::default()), expected, "{wild}");
    }
    assert!(!ArnPattern::new(pattern("*")).matches("no ARN", &Budget::default()));
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
        assert_eq!(pattern(wild).for_resources().matches(arn, &Budget::default()), expected, "{wild}");
    }
    let long = format!("arn:{}:b", "a".repeat(4000));
    for bomb in [format!("arn:{}c", "*a".repeat(1000)), format!("arn:*:*:{}c", "*a".repeat(1000))] {
        assert!(!pattern(&bomb).for_resources().matches(&long, &Budget::default()), "and the time is bounded");
    }
}
