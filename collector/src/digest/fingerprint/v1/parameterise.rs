//! Takes out of a message what differs from one time to the next: ids, numbers, dates, names in quotes.
//!
//! One alternation, tried from left to right, in time linear in the text. A match that turns out to be no
//! such thing is passed over whole, so that no text makes it start again and again.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Lines and bytes of a message that count.
const LINES: usize = 2;
const BYTES: usize = 1024;

/// Name of the group and its pattern, the first that matches at a place wins.
const PATTERNS: &[(&str, &str)] = &[
    ("email", r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+"),
    ("url", r#"\b[A-Za-z][A-Za-z0-9+.\-]{1,20}://[^\s"'<>)\]}]+"#),
    ("uuid", r"\b[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\b"),
    ("arn", r"\barn:[\w\-]+(?::[\w\-]*){3}:[^\s,;)\]}]+"),
    ("mac", r"\b[0-9A-Fa-f]{2}(?:[:\-][0-9A-Fa-f]{2}){5}\b"),
    (
        "date",
        r"\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s?Z|\s?[+\-]\d{2}:?\d{2})?)?\b|\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\s)?(?:\d{1,2}\s)?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\s\d{1,4}(?:,?\s\d{4})?(?:,?\s\d{1,2}:\d{2}(?::\d{2})?)?(?:\s(?:GMT|UTC|Z|[+\-]\d{4}))*\b|\b\d{1,4}/\d{1,2}/\d{1,4}\b|\b\d{1,2}\.\d{1,2}\.\d{4}\b|\b\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?\b",
    ),
    (
        "ip",
        r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b|(?:[0-9A-Fa-f]{1,4}:){3,7}:?[0-9A-Fa-f]{1,4}\b|\b[0-9A-Fa-f]{1,4}::(?:[0-9A-Fa-f]{1,4}:?)+\b",
    ),
    ("path", r"(?:\b[A-Za-z]:)?(?:[/\\][\w.\-@+~$%]+){2,}[/\\]?"),
    ("hex", r"\b0[xX][0-9A-Fa-f]+\b|\b[0-9A-Fa-f]{7,}\b"),
    ("id", r"\b[A-Za-z0-9_\-]{16,}\b"),
    ("size", r"[+\-]?\b\d+(?:[.,]\d+)?\s?(?:[KMGTPkmgtp]i?B|B|[Bb]ytes?)\b"),
    ("duration", r"[+\-]?\b\d+(?:\.\d+)?\s?(?:ns|us|µs|ms|s|secs?|seconds?|mins?|minutes?|h|hours?|days?)\b"),
    ("quoted", r#""[^"\n]{0,200}"|'[^'\n]{0,200}'|`[^`\n]{0,200}`"#),
    ("number", NUMBER_PATTERN),
];

const NUMBER_PATTERN: &str = r"[+\-]?\b\d+(?:[.,]\d+)*(?:[eE][+\-]?\d+)?\b|_\d+\b|\d{3,}";
static NUMBER: LazyLock<Regex> = LazyLock::new(|| constant(NUMBER_PATTERN));

static VARYING: LazyLock<Regex> = LazyLock::new(|| {
    let groups: Vec<String> =
        PATTERNS.iter().map(|(name, pattern)| format!("(?P<{name}>{pattern})")).collect();
    constant(&groups.join("|"))
});

#[expect(clippy::expect_used, reason = "the pattern is a constant that the tests build")]
fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern is valid")
}

/// The message with `<kind>` for everything that varies; its first two lines at most.
pub fn parameterise(text: &str) -> String {
    let head = head(text);
    let mut kept = String::with_capacity(head.len());
    let mut from = 0;
    while let Some(found) = VARYING.captures_at(&head, from) {
        let Some((name, whole)) = which(&found) else { break };
        kept.push_str(&head[from..whole.start()]);
        let before = head[..whole.start()].chars().next_back();
        let after = head[whole.end()..].chars().next();
        // A long number is a number, whatever base it could also be read in.
        let is_decimal = name == "hex" && whole.as_str().bytes().all(|byte| byte.is_ascii_digit());
        let decimal = NUMBER
            .find_at(&head, whole.start())
            .filter(|number| is_decimal && number.start() == whole.start());
        let (name, whole) = decimal.map_or((name, whole), |number| ("number", number));
        let varies = varies(name, whole.as_str(), &head[..whole.start()], before, after);
        if varies {
            let joint = whole.as_str().chars().next().filter(|first| is_joint(*first, before));
            kept.extend(joint);
            push_placeholder(&mut kept, if name == "hex" { hex_name(whole.as_str()) } else { name });
            from = whole.end();
        } else if name == "quoted" {
            // An apostrophe: what stands behind it may still vary.
            kept.push_str(&head[whole.start()..whole.start() + 1]);
            from = whole.start() + 1;
        } else if name == "id" {
            push_words(&mut kept, whole.as_str());
            from = whole.end();
        } else {
            kept.push_str(whole.as_str());
            from = whole.end();
        }
        if whole.is_empty() {
            break;
        }
    }
    kept.push_str(&head[from..]);
    kept
}

/// Whether what looks like a sign only joins a number to the word before it: `pool-3`, `order_3`.
fn is_joint(first: char, before: Option<char>) -> bool {
    let after_word = before.is_some_and(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-'));
    first == '_' || first == '-' && after_word
}

/// Many a hexadecimal number has decimal digits only, and is the same kind of thing.
fn hex_name(found: &str) -> &'static str {
    if found.starts_with("0x") || found.starts_with("0X") { "hex" } else { "number" }
}

/// Adds `<name>`, unless it goes on a list of them: how long a list is varies too.
fn push_placeholder(kept: &mut String, name: &str) {
    let placeholder = format!("<{name}>");
    let goes_on =
        [", ", ","].into_iter().find_map(|comma| kept.strip_suffix(comma)?.strip_suffix(&placeholder));
    match goes_on.map(str::len) {
        Some(before) => kept.truncate(before + placeholder.len()),
        None => kept.push_str(&placeholder),
    }
}

/// Adds words and numbers that dashes join: `ip-10-0-0-7`, `pool-1-thread-12`.
fn push_words(kept: &mut String, joined: &str) {
    for part in joined.split_inclusive(['-', '_']) {
        let word = part.trim_end_matches(['-', '_']);
        if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()) {
            kept.push_str("<number>");
            kept.push_str(&part[word.len()..]);
        } else {
            kept.push_str(part);
        }
    }
}

/// The first lines that say something, spaces squeezed.
fn head(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()).take(LINES) {
        let mut end = line.len().min(BYTES);
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        lines.push(line[..end].split_whitespace().collect::<Vec<_>>().join(" "));
    }
    lines.join(" ")
}

fn which<'a>(found: &Captures<'a>) -> Option<(&'static str, regex::Match<'a>)> {
    PATTERNS.iter().find_map(|(name, _)| Some((*name, found.name(name)?)))
}

/// What the pattern cannot say, for want of looking around.
fn varies(name: &str, found: &str, text_before: &str, before: Option<char>, after: Option<char>) -> bool {
    let is_word =
        |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    let digits = found.bytes().filter(u8::is_ascii_digit).count();
    match name {
        // No word but names of plants is written by these eight letters alone.
        "hex" => found.starts_with("0x") || found.starts_with("0X") || digits > 0 || found.len() >= 8,
        "id" => is_random(found),
        // `and/or/else` is no path, nor is `</div></p>`.
        "path" => !is_word(before) && !matches!(before, Some('<' | '.' | ':')),
        "ip" => !is_word(before) && before != Some(':') && digits > 0,
        // Names of properties in quotes are what tells two errors of one script apart.
        "quoted" => {
            let names = ["(reading ", "(setting ", "property ", "properties ", "attribute ", "(evaluating "];
            !is_word(before) && !is_word(after) && !names.iter().any(|head| text_before.ends_with(head))
        }
        _ => true,
    }
}

/// Whether a long word is nothing that anyone would write: digits amid its letters, or letters that nobody could
/// speak.
fn is_random(word: &str) -> bool {
    const LONG: usize = 20;
    // Consonants in a row.
    const UNSPEAKABLE: usize = 7;
    let bytes = word.as_bytes();
    let any = |test: fn(&u8) -> bool| bytes.iter().any(test);
    let is_mixed = |part: &str| {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        digits > 0 && digits < part.len()
    };
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    if !word.split(['-', '_']).any(is_mixed) && digits > 0 {
        return false;
    }
    let is_amid = bytes.windows(2).any(|pair| pair[0].is_ascii_digit() && pair[1].is_ascii_alphabetic());
    let (upper, lower) = (any(u8::is_ascii_uppercase), any(u8::is_ascii_lowercase));
    let is_one_word = !word.contains(['-', '_']);
    if digits >= 3 {
        return true;
    }
    if !is_one_word || !upper {
        return false;
    }
    let is_long = bytes.len() >= LONG;
    match lower {
        true => is_long && (is_amid || mute_syllables(bytes) >= 2),
        false => is_amid || bytes.split(is_vowel).any(|run| run.len() >= UNSPEAKABLE),
    }
}

/// Parts of a word in mixed case, each from a capital to the next, that have small letters but no vowel.
fn mute_syllables(word: &[u8]) -> usize {
    let mut mute = 0;
    let (mut has_small, mut has_vowel) = (false, false);
    for letter in word.iter().chain(b"A") {
        if !letter.is_ascii_lowercase() {
            mute += usize::from(has_small && !has_vowel);
            (has_small, has_vowel) = (false, false);
        }
        has_small |= letter.is_ascii_lowercase();
        has_vowel |= is_vowel(letter);
    }
    mute
}

fn is_vowel(letter: &u8) -> bool {
    b"aeiouyAEIOUY".contains(letter)
}

/// [`parameterise`] for a message from minified code, where the names of local variables change with every
/// build: `e.items is undefined` and `t.items is undefined` are one.
pub fn without_locals(text: &str) -> String {
    const LONGEST_LOCAL: usize = 3;
    let text = parameterise(text);
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(start) = rest.find(|letter: char| letter.is_alphabetic() || matches!(letter, '_' | '$')) {
        let end = rest[start..]
            .find(|letter: char| !letter.is_alphanumeric() && !matches!(letter, '_' | '$'))
            .map_or(rest.len(), |length| start + length);
        let (word, after) = (&rest[start..end], &rest[end..]);
        let before = if start > 0 { rest[..start].chars().next_back() } else { kept.chars().next_back() };
        let is_member = matches!(before, Some('.' | '<')) || after.starts_with('>');
        let used = ["is ", "is not", "are "].iter().any(|verb| after.trim_start().starts_with(verb))
            || after.starts_with(['.', '(', '['])
            || matches!(before, Some('\'' | '"' | '`')) && !kept_name(&kept, &rest[..start]);
        kept.push_str(&rest[..start]);
        if word.len() <= LONGEST_LOCAL && used && !is_member {
            kept.push_str("<local>");
        } else {
            kept.push_str(word);
        }
        rest = after;
    }
    kept.push_str(rest);
    kept
}

/// Whether what is quoted next is the name of a property, which no minifier changes.
fn kept_name(kept: &str, gap: &str) -> bool {
    let quote = gap.chars().next_back().map_or(0, char::len_utf8);
    let text = format!("{kept}{}", &gap[..gap.len() - quote]);
    ["(reading ", "(setting ", "property ", "properties ", "attribute "]
        .iter()
        .any(|head| text.ends_with(head))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_varies_is_taken_out_and_the_rest_stays() {
        for (text, expected) in [
            ("user 42 not found", "user <number> not found"),
            ("user 'bob' not found", "user <quoted> not found"),
            ("can't open \"a b.txt\", isn't there", "can't open <quoted>, isn't there"),
            ("order 6f1ed002-ab5b-4f3a-8e0c-1d2b3c4d5e6f failed", "order <uuid> failed"),
            ("mail to bob@example.com bounced", "mail to <email> bounced"),
            ("GET https://a.example/x?y=1 failed", "GET <url> failed"),
            ("connect 10.0.0.7:5432 refused", "connect <ip> refused"),
            ("connect fe80::1ff:fe23:4567:890a refused", "connect <ip> refused"),
            ("Fee::add() failed", "Fee::add() failed"),
            ("at 2026-11-21T07:00:00.123Z", "at <date>"),
            ("on Sat, 21 Nov 2026 07:00:00 GMT", "on <date>"),
            ("took 12.5ms", "took <duration>"),
            ("pointer 0xdeadBEEF", "pointer <hex>"),
            ("commit 5d41402abc4b2a76b9719d911017c592", "commit <number>"),
            ("sensors acfdfebe and 12345678 and 1a2b3c4d", "sensors <number> and <number> and <number>"),
            ("ids (1, 22, 333) and (4) are locked", "ids (<number>) and (<number>) are locked"),
            ("6GB of 12 KB, 7.5 MiB and 3 bytes free", "<size> of <size> and <size> free"),
            ("device 20:26:11:fb:1e:07 left", "device <mac> left"),
            ("host ip-10-0-0-7.eu is down", "host ip-<number>-<number>-<number>-<number>.eu is down"),
            ("ip-10-120-130-140 is down", "ip-<number>-<number>-<number>-<number> is down"),
            (
                "pool-1-thread-2, pool-11-thread-222",
                "pool-<number>-thread-<number>, pool-<number>-thread-<number>",
            ),
            ("lock_7 is -3, was 5-7", "lock_<number> is <number>, was <number>-<number>"),
            ("arn:aws:iam::12345:role/shop may not", "<arn> may not"),
            ("coupon KBENRN0CSYMNRE4M was used", "coupon <id> was used"),
            ("session REgxjjY5mJrwblMYKdAFnn, HjLNZTEgRjxwXBooAFbO", "session <id>"),
            (
                "ERR_HTTP2_STREAM_CANCEL in XMLHttpRequestUpload",
                "ERR_HTTP2_STREAM_CANCEL in XMLHttpRequestUpload",
            ),
            ("coupon AGQSRRTCGPHKHBNX, INTERNALSERVERERROR", "coupon <id>, INTERNALSERVERERROR"),
            ("getUserByIdOrByNameOrFail failed", "getUserByIdOrByNameOrFail failed"),
            ("open /var/lib/app/7.db: denied", "open <path>: denied"),
            ("open C:\\Users\\bob\\x.txt", "open <path>"),
            ("read and/or write", "read and/or write"),
            ("session aXk29dLq8PzR7tYw1 gone", "session <id> gone"),
            ("1,234.50 EUR missing", "<number> EUR missing"),
            ("order_12345 gone", "order_<number> gone"),
            (
                "Cannot read properties of undefined (reading 'total')",
                "Cannot read properties of undefined (reading 'total')",
            ),
            ("deadbee", "deadbee"),
            ("first\n\n second \nthird", "first second"),
            ("", ""),
        ] {
            assert_eq!(parameterise(text), expected, "{text}");
        }
    }

    #[test]
    fn renamed_locals_do_not_tell_two_messages_apart() {
        for (one, other) in [
            ("e.items is undefined", "t.items is undefined"),
            (
                "undefined is not an object (evaluating 'e.items.map')",
                "undefined is not an object (evaluating 'Xn.items.map')",
            ),
            (
                "can't access property \"items\", e is undefined",
                "can't access property \"items\", $t is undefined",
            ),
            ("n is not a function", "Ue is not a function"),
            ("e(...).then is not a function", "t(...).then is not a function"),
        ] {
            assert_eq!(without_locals(one), without_locals(other));
        }
        assert_ne!(without_locals("e.items is undefined"), without_locals("e.total is undefined"));
        assert_ne!(without_locals("x (reading 'id')"), without_locals("x (reading 'to')"));
    }

    #[test]
    fn a_long_text_of_near_misses_costs_linear_time() {
        for unit in ["a/b", "'x", "1:", "a@", "fe:", "-a", "\"'`"] {
            let text = unit.repeat(8192 / unit.len());
            assert!(parameterise(&text).len() <= 16 * 1024);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic_and_no_number_is_left(text in "\\PC{0,80}") {
            let plain = parameterise(&text);
            let run = plain.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
            prop_assert!(run < 3, "{}", plain);
            let _ = without_locals(&text);
        }

        #[test]
        fn numbers_do_not_tell_two_messages_apart(a in any::<u32>(), b in any::<u32>()) {
            let text = |n| parameterise(&format!("order {n} not found"));
            prop_assert_eq!(text(a), text(b));
        }
    }
}
