//! Texts and ARNs against patterns.

use crate::arn_pattern::ArnPattern;
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
