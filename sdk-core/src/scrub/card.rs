//! Payment cards' numbers among other numbers.

use alloc::vec::Vec;
use core::ops::RangeInclusive;

const SHORTEST: usize = 14;
const LONGEST: usize = 19;

/// Lengths of numbers with the first four digits that issuers give them.
const ISSUED: [(usize, RangeInclusive<u32>); 15] = [
    (14, 3000..=3059),
    (14, 3600..=3699),
    (14, 3800..=3999),
    (15, 3400..=3499),
    (15, 3700..=3799),
    (16, 2221..=2720),
    (16, 3528..=3589),
    (16, 4000..=5999),
    (16, 6011..=6011),
    (16, 6200..=6299),
    (16, 6440..=6599),
    (19, 4000..=4999),
    (19, 6011..=6011),
    (19, 6200..=6299),
    (19, 6440..=6599),
];

/// The number's end, when one begins at `start`: digits, with single spaces or dashes between groups of them.
pub fn end_of_card(bytes: &[u8], start: usize) -> Option<usize> {
    let mut digits = Vec::with_capacity(LONGEST);
    let mut at = start;
    let mut end = None;
    loop {
        match bytes.get(at) {
            Some(byte) if byte.is_ascii_digit() => digits.push(byte - b'0'),
            Some(b' ' | b'-') if bytes.get(at + 1).is_some_and(u8::is_ascii_digit) => {}
            _ => break,
        }
        if digits.len() > LONGEST {
            break;
        }
        at += 1;
        // A number fills whole groups, and is no part of a word, an id or a fraction.
        let is_apart = bytes.get(at).is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
        if is_apart && is_card(&digits) {
            end = Some(at);
        }
    }
    end
}

/// Whether a whole number is a payment card's.
pub fn is_card_number(mut number: u64) -> bool {
    let mut digits = Vec::with_capacity(20);
    while number > 0 {
        digits.push((number % 10) as u8);
        number /= 10;
    }
    digits.reverse();
    is_card(&digits)
}

/// The issuers' first digits and lengths, and Luhn's check digit, which one number in ten passes by chance.
fn is_card(digits: &[u8]) -> bool {
    if !(SHORTEST..=LONGEST).contains(&digits.len()) {
        return false;
    }
    let head = digits.iter().take(4).fold(0u32, |sum, digit| sum * 10 + u32::from(*digit));
    let is_issued = ISSUED.iter().any(|(length, heads)| digits.len() == *length && heads.contains(&head));
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| if at % 2 == 1 { doubled(u32::from(*digit)) } else { u32::from(*digit) })
        .sum();
    is_issued && sum.is_multiple_of(10)
}
