//! Numbers, dates, addresses and bytes, read from texts.

use std::cmp::Ordering;
use std::net::IpAddr;

/// "An integer or decimal value", as JSON has them: a sign, digits before the point, digits after it.
struct Number {
    negative: bool,
    whole: String,
    fraction: String,
}

fn number(text: &str) -> Option<Number> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (digits, tens) = digits.split_once('e').unwrap_or((digits, "0"));
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
        Some(_) => return None,
        None => (digits, ""),
    };
    if !is_digits(whole) || !is_digits(tens) {
        return None;
    }
    // The exponent moves the point to the right.
    let tens: usize = tens.parse().ok()?;
    let fraction = format!("{fraction:0<tens$}");
    let (whole, fraction) = (format!("{whole}{}", &fraction[..tens]), fraction[tens..].to_owned());
    let whole = whole.trim_start_matches('0').to_owned();
    let fraction = fraction.trim_end_matches('0').to_owned();
    let zero = whole.is_empty() && fraction.is_empty();
    Some(Number { negative: negative && !zero, whole, fraction })
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) fn compare_numbers(left: &str, right: &str) -> Option<Ordering> {
    let (left, right) = (number(left)?, number(right)?);
    let size = |number: &Number| (number.whole.len(), number.whole.clone(), number.fraction.clone());
    Some(match (left.negative, right.negative) {
        (false, false) => size(&left).cmp(&size(&right)),
        (true, true) => size(&right).cmp(&size(&left)),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    })
}

pub(super) fn compare_dates(left: &str, right: &str) -> Option<Ordering> {
    Some(nanoseconds(left)?.cmp(&nanoseconds(right)?))
}

/// "One of the W3C implementations of the ISO 8601 date formats or epoch (UNIX) time", as nanoseconds since 1970. Four digits are a year.
fn nanoseconds(text: &str) -> Option<i128> {
    if let Some(seconds) = number(text).filter(|_| !is_digits(text) || text.len() != 4) {
        let nanoseconds = format!("{}{:0<9.9}", seconds.whole, seconds.fraction).parse::<i128>().ok()?;
        return Some(if seconds.negative { -nanoseconds } else { nanoseconds });
    }
    let (date, time) = match text.split_once('T') {
        Some((date, time)) if date.len() == "YYYY-MM-DD".len() => (date, Some(time)),
        Some(_) => return None,
        None => (text, None),
    };
    let seconds = days(date)? * 86_400;
    match time {
        None => Some(seconds * 1_000_000_000),
        Some(time) => Some(seconds * 1_000_000_000 + time_of_day(time)?),
    }
}

/// `YYYY`, `YYYY-MM` or `YYYY-MM-DD` as days since 1970, counted one year and one month at a time.
fn days(date: &str) -> Option<i128> {
    let parts: Vec<_> = date.split('-').collect();
    let year = part(parts[0], 4, 0, 9_999)?;
    let month = parts.get(1).map_or(Some(1), |month| part(month, 2, 1, 12))?;
    let day = parts.get(2).map_or(Some(1), |day| part(day, 2, 1, length(year, month)))?;
    if parts.len() > 3 {
        return None;
    }
    let of_years = |from: i128, to: i128| (from..to).map(|year| if is_leap(year) { 366 } else { 365 }).sum::<i128>();
    let years = of_years(1970, year) - of_years(year, 1970);
    Some(years + (1..month).map(|month| length(year, month)).sum::<i128>() + day - 1)
}

fn is_leap(year: i128) -> bool {
    year % 400 == 0 || year % 4 == 0 && year % 100 != 0
}

fn length(year: i128, month: i128) -> i128 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// `hh:mm`, `hh:mm:ss` or `hh:mm:ss.s` with `Z`, `+hh:mm` or `-hh:mm` after it, as nanoseconds since midnight UTC.
fn time_of_day(text: &str) -> Option<i128> {
    let zone_at = text.find(['Z', '+', '-'])?;
    let (time, zone) = text.split_at(zone_at);
    let (time, fraction) = match time.split_once('.') {
        Some((time, fraction)) if time.len() == "hh:mm:ss".len() => (time, fraction),
        Some(_) => return None,
        None => (time, "0"),
    };
    if !is_digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let nanoseconds: i128 = format!("{fraction:0<9}").parse().ok()?;
    Some((clock(time)? - offset(zone)?) * 1_000_000_000 + nanoseconds)
}

fn clock(time: &str) -> Option<i128> {
    let parts: Vec<_> = time.split(':').collect();
    let seconds = match parts.len() {
        2 => 0,
        3 => part(parts[2], 2, 0, 59)?,
        _ => return None,
    };
    Some(part(parts[0], 2, 0, 23)? * 3_600 + part(parts[1], 2, 0, 59)? * 60 + seconds)
}

fn offset(zone: &str) -> Option<i128> {
    match (zone.split_at(1), zone.len()) {
        (("Z", _), 1) => Some(0),
        (("+", time), 6) => clock(time),
        (("-", time), 6) => clock(time).map(|seconds| -seconds),
        _ => None,
    }
}

fn part(text: &str, digits: usize, least: i128, most: i128) -> Option<i128> {
    let number = if is_digits(text) && text.len() == digits { text.parse().ok()? } else { return None };
    (least..=most).contains(&number).then_some(number)
}

/// Whether an address is in a range in CIDR notation; without a prefix length the range is one address.
pub(super) fn is_in_range(address: &str, range: &str) -> bool {
    let (start, length) = range.split_once('/').unwrap_or((range, ""));
    let (Ok(address), Ok(start)) = (address.parse(), start.parse()) else { return false };
    let (address, start) = match (address, start) {
        (IpAddr::V4(address), IpAddr::V4(start)) => (bits(&address.octets()), bits(&start.octets())),
        (IpAddr::V6(address), IpAddr::V6(start)) => (bits(&address.octets()), bits(&start.octets())),
        _ => return false,
    };
    let length = length.parse().unwrap_or(start.len());
    address[..length] == start[..length]
}

fn bits(bytes: &[u8]) -> Vec<bool> {
    bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect()
}

/// The bytes of a base64 text.
pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if !text.len().is_multiple_of(4) || text.ends_with("===") {
        return None;
    }
    let mut read = Vec::new();
    for character in text.strip_suffix("==").or(text.strip_suffix('=')).unwrap_or(text).chars() {
        let number = ALPHABET.find(character)?;
        read.extend((0..6).rev().map(|bit| number >> bit & 1));
    }
    Some(read.chunks_exact(8).map(|byte| byte.iter().fold(0, |all, bit| all << 1 | *bit as u8)).collect())
}
