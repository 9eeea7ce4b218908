//! Secrets inside texts: messages, bodies, URLs, query strings, variables printed as text.
//!
//! Most texts hold nothing of interest; one pass of a matcher over all the marks that a secret can have says
//! which patterns are worth trying, mostly none.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::marks::{Kind, Marked};
use super::{FILTERED, names};

#[expect(clippy::expect_used, reason = "the patterns are constants that the tests build")]
fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern is valid")
}

macro_rules! pattern {
    ($name:ident, $pattern:expr) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| constant($pattern));
    };
}

// Marked by themselves, wherever they stand.
pattern!(PEM, r"(?s)-----BEGIN [A-Z0-9 ]{1,40}-----(?:.*?-----END [A-Z0-9 ]{1,40}-----|.*)");
pattern!(
    MADE,
    r"(?x)
    \beyJ[A-Za-z0-9_\-]{6,}\.[A-Za-z0-9_\-]{4,}(?:\.[A-Za-z0-9_\-]*)?
    | \b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\b
    | \bgh[pousr]_[A-Za-z0-9]{20,}
    | \bgithub_pat_[A-Za-z0-9_]{20,}
    | \bglpat-[A-Za-z0-9_\-]{16,}
    | \bxox[abeoprs]-[A-Za-z0-9\-]{10,}
    | \b[srp]k_(?:live|test)_[A-Za-z0-9]{10,}
    | \bsk-[A-Za-z0-9_\-]{20,}
    | \bwhsec_[A-Za-z0-9]{16,}
    | \bAIza[A-Za-z0-9_\-]{35}
    | \bnpm_[A-Za-z0-9]{30,}
    | \bSG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}
    | \bpypi-[A-Za-z0-9_\-]{40,}"
);
pattern!(SCHEME, r"(?i)\b(bearer|basic|token|digest)\s+([A-Za-z0-9._~+/\-]{8,}=*)");
pattern!(USERINFO, r#"([A-Za-z][A-Za-z0-9+.\-]*://)[^/\s@"'<>?#]+@"#);
// Named: `password=x`, `"password": "x"`, `password: "x"`, `--password x`, `<password>x</password>`, a part
// of a form.
pattern!(ASSIGNED, r#"([A-Za-z0-9_.\-\[\]%]{2,100})=([^\s&;,"'<>()\[\]{}\\]+)"#);
pattern!(
    QUOTED,
    r#"(\\?["'])([A-Za-z0-9_.\- ]{2,100})(\\?["']\s*(?::|=>|=)\s*)(\\?"(?:[^"\\]|\\[^"])*\\?"|'[^']*'|[A-Za-z0-9_+/.\-]+)"#
);
// `["password", "x"]`, but not the columns of a query: `t."password", t."name"`.
pattern!(
    LISTED,
    r#"([\[(]\s*\\?["'])([A-Za-z0-9_.\-]{2,100})(\\?["']\s*,\s*)(\\?"(?:[^"\\]|\\[^"])*\\?"|'[^']*')"#
);
pattern!(
    BARE,
    r#"\b([A-Za-z0-9_.\-]{2,100})(\s*(?::|=>|=)\s*)(?<value>"[^"\n]*"|'[^'\n]*'|[^\s,;"'(){}\[\]<>&]+)"#
);
pattern!(OPTION, r#"(--[A-Za-z][A-Za-z0-9\-]{2,60})(\s+|=)("[^"]*"|'[^']*'|[^\s\-][^\s]*)"#);
pattern!(ELEMENT, r"<([A-Za-z][A-Za-z0-9:_.\-]{1,60})(\s[^<>]*)?>([^<>]+)</");
pattern!(FORM_PART, r#"(name="([^"\r\n]+)"[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n)([^\r\n]*)"#);
pattern!(COOKIE_LINE, r"(?i)\b((?:set-)?cookie:\s*)([^\r\n]+)");

/// Takes secrets out of a text.
pub fn scrub(text: &mut String) {
    let marked = Marked::of(text);
    if marked.has(Kind::Pem) {
        replace(text, &PEM, |_| Some(FILTERED.to_owned()));
    }
    if marked.has(Kind::Made) {
        replace(text, &MADE, |_| Some(FILTERED.to_owned()));
    }
    if marked.has(Kind::Scheme) || marked.has_beside_others(Kind::Beside) {
        replace(text, &SCHEME, |found| {
            let is_telling =
                found[2].bytes().any(|byte| byte.is_ascii_digit() || byte == b'=') || found[2].len() >= 20;
            is_telling.then(|| format!("{} {FILTERED}", &found[1]))
        });
    }
    if marked.has(Kind::Userinfo) && text.contains('@') {
        replace(text, &USERINFO, |found| Some(format!("{}{FILTERED}@", &found[1])));
    }
    if marked.has(Kind::Cookie) {
        replace(text, &COOKIE_LINE, |found| Some(format!("{}{FILTERED}", &found[1])));
    }
    if marked.has(Kind::Named) {
        scrub_named(text);
    }
    scrub_cards(text);
}

fn scrub_named(text: &mut String) {
    if text.contains('=') {
        replace(text, &ASSIGNED, |found| {
            is_open(&found[2]).then_some(())?;
            names::is_secret(&decoded(&found[1])).then(|| format!("{}={FILTERED}", &found[1]))
        });
    }
    if text.contains(['"', '\'']) {
        for pattern in [&*QUOTED, &*LISTED] {
            replace(text, pattern, quoted);
        }
    }
    if text.contains([':', '=']) {
        replace(text, &BARE, |found| {
            let (name, value) = (&found[1], &found[3]);
            let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''));
            let inner = value.trim_matches(['"', '\'']);
            let looks_secret = inner.len() >= 8
                && !inner.contains(char::is_whitespace)
                && inner.bytes().any(|byte| byte.is_ascii_digit());
            let is_secret = names::is_secret_in_prose(name)
                && !inner.is_empty()
                && is_open(value)
                && !value.starts_with("//");
            // `Unexpected token: <` and `no such key: x` are prose; `api_key: x` is not.
            let counts = is_secret && (names::is_unmistakable(name) || looks_secret);
            counts.then(|| match quote {
                Some(quote) => format!("{name}{}{quote}{FILTERED}{quote}", &found[2]),
                None => format!("{name}{}{FILTERED}", &found[2]),
            })
        });
    }
    if text.contains("--") {
        replace(text, &OPTION, |found| {
            (names::is_secret(&found[1]) && is_open(&found[3]))
                .then(|| format!("{}{}{FILTERED}", &found[1], &found[2]))
        });
    }
    if text.contains("</") {
        replace(text, &ELEMENT, |found| {
            let attributes = found.get(2).map_or("", |attributes| attributes.as_str());
            (names::is_secret(&found[1]) && is_open(&found[3]))
                .then(|| format!("<{}{attributes}>{FILTERED}</", &found[1]))
        });
    }
    if text.contains("name=\"") {
        replace(text, &FORM_PART, |found| {
            (names::is_secret(&found[2]) && is_open(&found[3])).then(|| format!("{}{FILTERED}", &found[1]))
        });
    }
}

/// A name in quotes and what stands behind it.
fn quoted(found: &Captures<'_>) -> Option<String> {
    let value = &found[4];
    let says_nothing = matches!(value, "null" | "true" | "false" | "None" | "True" | "False" | "\"\"" | "''");
    if found[2].contains(' ') || !names::is_secret(&found[2]) || says_nothing || !is_open(value) {
        return None;
    }
    let quote = ["\\\"", "\"", "'"].into_iter().find(|quote| value.starts_with(quote)).unwrap_or("\"");
    Some(format!("{}{}{}{quote}{FILTERED}{quote}", &found[1], &found[2], &found[3]))
}

/// Whether it was not taken out before.
fn is_open(value: &str) -> bool {
    !value.contains("[Filtered") && !matches!(value, "Bearer" | "bearer" | "Basic" | "basic" | "Filtered")
}

/// Whether what stands behind one name is the next one: `config.yml: password: x`. Short, or a text of nothing but
/// names would be read again from each of them to its end.
fn is_name_itself(value: &str) -> bool {
    value.len() <= LONGEST_NAME && value.ends_with(':')
}

/// Longest name that a pattern finds, and its colon.
const LONGEST_NAME: usize = 101;

/// A name out of a URL: `user%5Bpassword%5D`.
fn decoded(name: &str) -> String {
    name.replace("%5B", "[").replace("%5D", "]").replace("%5b", "[").replace("%5d", "]")
}

/// Replaces the matches for which `with` says what to write.
fn replace(text: &mut String, pattern: &Regex, with: impl Fn(&Captures) -> Option<String>) {
    let mut kept = String::new();
    let (mut from, mut at) = (0, 0);
    while let Some(found) = pattern.captures_at(text, at) {
        let Some(whole) = found.get(0) else { break };
        at = whole.end();
        if let Some(written) = with(&found) {
            kept.push_str(&text[from..whole.start()]);
            kept.push_str(&written);
            from = whole.end();
        } else if let Some(value) = found.name("value").filter(|value| is_name_itself(value.as_str())) {
            at = value.start();
        }
    }
    if from > 0 {
        kept.push_str(&text[from..]);
        *text = kept;
    }
}

const SHORTEST_CARD: usize = 14;
const LONGEST_CARD: usize = 19;

/// Takes out payment cards' numbers: digits, single spaces or dashes between groups of them.
fn scrub_cards(text: &mut String) {
    let bytes = text.as_bytes();
    if bytes.iter().filter(|byte| byte.is_ascii_digit()).count() < SHORTEST_CARD {
        return;
    }
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let run = groups(bytes, at);
        at = run.last().map_or(at + 1, |(_, end)| *end);
        if is_apart(bytes, &run) {
            find_cards(bytes, &run, &mut found);
        }
    }
    for (start, end) in found.into_iter().rev() {
        text.replace_range(start..end, FILTERED);
    }
}

/// Groups of digits from `at` on with one space or dash between two of them.
fn groups(bytes: &[u8], mut at: usize) -> Vec<(usize, usize)> {
    let mut groups = Vec::new();
    loop {
        let start = at;
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        groups.push((start, at));
        let goes_on =
            matches!(bytes.get(at), Some(b' ' | b'-')) && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        if !goes_on {
            return groups;
        }
        at += 1;
    }
}

/// Whether the digits are no part of a word, an id or a decimal fraction.
fn is_apart(bytes: &[u8], run: &[(usize, usize)]) -> bool {
    let (Some((start, _)), Some((_, end))) = (run.first(), run.last()) else { return false };
    let before = start.checked_sub(1).and_then(|before| bytes.get(before));
    let joins = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    !before.is_some_and(|byte| joins(byte) || *byte == b'.') && !bytes.get(*end).is_some_and(joins)
}

/// A card fills whole groups, and other numbers may stand before and after it.
fn find_cards(bytes: &[u8], run: &[(usize, usize)], found: &mut Vec<(usize, usize)>) {
    let mut first = 0;
    while first < run.len() {
        let mut digits: Vec<u8> = Vec::with_capacity(LONGEST_CARD);
        let mut next = first + 1;
        for (at, (start, end)) in run.iter().enumerate().skip(first) {
            if digits.len() + (end - start) > LONGEST_CARD {
                break;
            }
            digits.extend(bytes[*start..*end].iter().map(|byte| byte - b'0'));
            if is_card(&digits) {
                found.push((run[first].0, *end));
                next = at + 1;
                break;
            }
        }
        first = next;
    }
}

/// Whether a whole number is a payment card's.
pub fn is_card_number(number: u64) -> bool {
    const SHORTEST: u64 = 10_u64.pow(SHORTEST_CARD as u32 - 1);
    if number < SHORTEST {
        return false;
    }
    let digits: Vec<u8> = number.to_string().bytes().map(|byte| byte - b'0').collect();
    is_card(&digits)
}

/// The issuers' beginnings with their lengths, and Luhn's check digit: one long number in two hundred passes.
fn is_card(digits: &[u8]) -> bool {
    if !(SHORTEST_CARD..=LONGEST_CARD).contains(&digits.len()) {
        return false;
    }
    let head = digits.iter().take(4).fold(0u32, |sum, digit| sum * 10 + u32::from(*digit));
    let issued = match digits.len() {
        14 => matches!(head, 3000..=3059 | 3600..=3699 | 3800..=3999),
        15 => matches!(head, 3400..=3499 | 3700..=3799),
        16 => {
            matches!(head, 4000..=4999 | 5100..=5599 | 2221..=2720 | 6011 | 6500..=6599 | 6440..=6499 | 3528..=3589 | 6200..=6299 | 5000..=5099 | 5600..=5899)
        }
        19 => matches!(head, 4000..=4999 | 6200..=6299 | 6011 | 6500..=6599),
        _ => false,
    };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match (at % 2, u32::from(*digit) * 2) {
            (0, _) => u32::from(*digit),
            (_, double) if double > 9 => double - 9,
            (_, double) => double,
        })
        .sum();
    issued && sum.is_multiple_of(10)
}
