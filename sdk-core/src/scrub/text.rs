//! Secrets inside of a text, found in one pass.

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use error_sentinel_wire::search::{find, split};

use super::{FILTERED, card, names};

/// Longest value that is taken for a secret's where nothing closes it.
const LONGEST_BARE: usize = 1024;

/// Beginnings of tokens that big services give out, with the fewest bytes of a whole one.
const TOKENS: [(&str, usize); 20] = [
    ("AKIA", 20),
    ("ASIA", 20),
    ("AIza", 35),
    ("ghp_", 30),
    ("gho_", 30),
    ("ghu_", 30),
    ("ghs_", 30),
    ("ghr_", 30),
    ("github_pat_", 30),
    ("glpat-", 20),
    ("xoxa-", 15),
    ("xoxb-", 15),
    ("xoxp-", 15),
    ("xoxs-", 15),
    ("sk_live_", 20),
    ("sk_test_", 20),
    ("rk_live_", 20),
    ("sk-ant-", 20),
    ("npm_", 30),
    ("SG.", 40),
];

/// Takes secrets out of a text.
pub fn scrub(text: &mut String) {
    let found = Scan { bytes: text.as_bytes(), at: 0, found: Vec::new() }.run(text);
    if found.is_empty() {
        return;
    }
    let mut kept = String::with_capacity(text.len());
    let mut from = 0;
    for range in found {
        kept.push_str(text.get(from..range.start).unwrap_or_default());
        kept.push_str(FILTERED);
        from = range.end;
    }
    kept.push_str(text.get(from..).unwrap_or_default());
    *text = kept;
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    found: Vec<Range<usize>>,
}

/// What words, names and tokens are made of.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'%' | b'[' | b']')
}

/// What ends a value that stands in no quotes.
fn ends_bare(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b',' | b';' | b'&' | b')' | b'}' | b'"' | b'\'' | b'<')
}

impl<'a> Scan<'a> {
    fn run(mut self, text: &'a str) -> Vec<Range<usize>> {
        while let Some(&byte) = self.bytes.get(self.at) {
            if byte.is_ascii_alphanumeric() {
                self.word(text);
            } else if byte == b':' && self.rest().starts_with(b"://") {
                self.user_info();
            } else if byte == b'-' && self.rest().starts_with(b"-----BEGIN ") {
                self.private_key(text);
            } else {
                self.at += 1;
            }
        }
        self.found
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Where what `holds` ends, from `from` on.
    fn end_of(&self, from: usize, holds: impl Fn(u8) -> bool) -> usize {
        let rest = self.bytes.get(from..).unwrap_or_default();
        from + rest.iter().position(|byte| !holds(*byte)).unwrap_or(rest.len())
    }

    fn take_out(&mut self, range: Range<usize>) {
        self.at = range.end;
        if !range.is_empty() {
            self.found.push(range);
        }
    }

    fn word(&mut self, text: &'a str) {
        let start = self.at;
        let is_alone = start
            .checked_sub(1)
            .and_then(|at| self.bytes.get(at))
            .is_none_or(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'.'));
        if let Some(end) = card::end_of_card(self.bytes, start).filter(|_| is_alone) {
            return self.take_out(start..end);
        }
        let end = self.end_of(start, is_word);
        let word = text.get(start..end).unwrap_or_default();
        if is_token(word) {
            return self.take_out(start..end);
        }
        if let Some(range) = self.credentials(text, word, end).or_else(|| self.named(text, word, start, end))
        {
            return self.take_out(range);
        }
        self.at = end.max(start + 1);
    }

    /// `Bearer x`, `Basic x`.
    fn credentials(&self, text: &str, word: &str, end: usize) -> Option<Range<usize>> {
        if !["bearer", "basic", "digest"].iter().any(|scheme| word.eq_ignore_ascii_case(scheme)) {
            return None;
        }
        let start = self.end_of(end, |byte| byte == b' ');
        let stop = self.end_of(start, |byte| !ends_bare(byte));
        let value = text.get(start..stop)?;
        (start > end && looks_secret(value) && find(value, "[Filtered").is_none()).then_some(start..stop)
    }

    /// A secret's name and its value: `name=value`, `"name": "value"`, `name: value`, `--name value`.
    fn named(&self, text: &str, word: &str, start: usize, end: usize) -> Option<Range<usize>> {
        let is_cookie = names::is_cookie(word);
        if !is_cookie && !names::is_secret(word) {
            return None;
        }
        let is_quote = |byte: u8| matches!(byte, b'"' | b'\'' | b'\\');
        let after = self.end_of(end, is_quote);
        let is_quoted = after > end;
        let mut at = self.end_of(after, |byte| byte == b' ');
        let separator = self.bytes.get(at).copied()?;
        let is_option = self.bytes.get(..start)?.ends_with(b"--") && at > after;
        match separator {
            b'=' | b':' => at = self.end_of(at + 1, |byte| matches!(byte, b' ' | b'>' | b'=')),
            _ if is_option => {}
            _ => return None,
        }
        if is_cookie {
            return Some(at..self.end_of(at, |byte| !matches!(byte, b'\n' | b'\r' | b'"')));
        }
        let value = self.value(at);
        let held = text.get(value.clone())?;
        if held.is_empty()
            || find(held, "[Filtered").is_some()
            || matches!(held, "null" | "true" | "false" | "None")
        {
            return None;
        }
        let is_prose = separator == b':' && !is_quoted;
        let is_secret = !is_prose || names::is_unmistakable(word) || looks_secret(held);
        (is_secret && !held.starts_with("//")).then_some(value)
    }

    /// The value that begins at `at`, without its quotes.
    fn value(&self, at: usize) -> Range<usize> {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let opening = match rest {
            [b'\\', quote @ (b'"' | b'\''), ..] => Some((2, *quote)),
            [quote @ (b'"' | b'\''), ..] => Some((1, *quote)),
            _ => None,
        };
        if let Some((length, quote)) = opening {
            let start = at + length;
            return start..self.end_of_quoted(start, quote, length == 2);
        }
        let end = self.end_of_bare(at);
        let scheme = self.bytes.get(at..end).unwrap_or_default();
        if [&b"Bearer"[..], b"Basic", b"Digest", b"Token"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known))
        {
            // The value is what stands behind.
            let start = self.end_of(end, |byte| byte == b' ');
            return start..self.end_of_bare(start);
        }
        at..end
    }

    fn end_of_bare(&self, at: usize) -> usize {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let ends = |(place, byte): (usize, &u8)| {
            let is_within_character = byte & 0xc0 == 0x80;
            ends_bare(*byte) || place >= LONGEST_BARE && !is_within_character
        };
        at + rest.iter().enumerate().position(ends).unwrap_or(rest.len())
    }

    /// Where a quoted value ends, at its closing quote or with the text. Of JSON inside of JSON the quotes themselves
    /// are escaped.
    fn end_of_quoted(&self, start: usize, quote: u8, is_inner_json: bool) -> usize {
        let mut at = start;
        while let Some(&byte) = self.bytes.get(at) {
            match byte {
                b'\\' if is_inner_json && self.bytes.get(at + 1) == Some(&quote) => return at,
                b'\\' => at += 2,
                byte if byte == quote => return at,
                _ => at += 1,
            }
        }
        self.bytes.len()
    }

    /// The password of `https://user:password@host`; all before the `@` when there is no user's name.
    fn user_info(&mut self) {
        let start = self.at + 3;
        let end =
            self.end_of(start, |byte| !matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'') && byte > b' ');
        let authority = self.bytes.get(start..end).unwrap_or_default();
        let Some(at) = authority.iter().rposition(|byte| *byte == b'@') else {
            self.at = start;
            return;
        };
        let colon = authority.iter().take(at).position(|byte| *byte == b':');
        self.take_out(start + colon.map_or(0, |colon| colon + 1)..start + at);
        self.at = start + at;
    }

    fn private_key(&mut self, text: &str) {
        let rest = text.get(self.at..).unwrap_or_default();
        let label = rest.get(11..).and_then(|label| split(label, "-----").next()).unwrap_or_default();
        if label.len() < 64 && label.ends_with("PRIVATE KEY") {
            const END: &str = "-----END ";
            let end = find(rest, END).map(|end| end + END.len() + label.len() + 5).unwrap_or(rest.len());
            self.take_out(self.at..(self.at + end).min(text.len()));
        } else {
            self.at += 11;
        }
    }
}

/// Whether a value looks like a secret rather than like prose.
fn looks_secret(value: &str) -> bool {
    value.len() >= 8 && value.bytes().any(|byte| byte.is_ascii_digit() || matches!(byte, b'=' | b'+'))
}

/// Whether a word is a token by its looks.
fn is_token(word: &str) -> bool {
    let word = word.trim_end_matches([']', '.']);
    is_jwt(word) || TOKENS.iter().any(|(start, length)| word.len() >= *length && word.starts_with(start))
}

/// Three parts of base64, of which the first is an object of JSON.
fn is_jwt(word: &str) -> bool {
    let mut parts = split(word, ".");
    let [Some(header), Some(claims), Some(_), None] = [(); 4].map(|()| parts.next()) else { return false };
    header.starts_with("eyJ") && header.len() > 10 && claims.len() > 4
}
