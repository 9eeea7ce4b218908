//! Mending JSON that is nearly right.

use alloc::borrow::Cow;
use alloc::vec::Vec;

/// Mends what real senders get wrong in otherwise good JSON; borrows when nothing was wrong.
///
/// Bare `NaN` and `Infinity` become `null`, escaped lone surrogates and bytes that are not UTF-8 become
/// the replacement character, raw control characters inside texts become spaces, and brackets that are
/// left open after a whole value are closed. Newlines stay out of the result's texts, so a line of an
/// envelope stays a line.
pub fn repair(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut out: Vec<u8> = Vec::new();
    let mut copied = 0;
    let mut at = 0;
    let mut in_text = false;
    let mut open: Vec<u8> = Vec::new();
    let mut replace = |out: &mut Vec<u8>, from: usize, to: usize, with: &[u8]| {
        out.extend_from_slice(&bytes[copied..from]);
        out.extend_from_slice(with);
        copied = to;
    };
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        if byte >= 0x80 {
            let len = utf8_len(rest);
            if len == 0 {
                replace(&mut out, at, at + 1, "\u{fffd}".as_bytes());
            }
            at += len.max(1);
            continue;
        }
        if !in_text {
            let bare =
                [&b"-Infinity"[..], b"Infinity", b"NaN"].into_iter().find(|word| rest.starts_with(word));
            if let Some(word) = bare {
                replace(&mut out, at, at + word.len(), b"null");
                at += word.len();
                continue;
            }
            match byte {
                b'"' => in_text = true,
                b'{' => open.push(b'}'),
                b'[' => open.push(b']'),
                b'}' | b']' => _ = open.pop(),
                _ => {}
            }
            at += 1;
            continue;
        }
        match byte {
            b'"' => {
                in_text = false;
                at += 1;
            }
            b'\\' => match unicode_escape(rest) {
                Some(unit) if (0xd800..0xdc00).contains(&unit) => {
                    let paired = unicode_escape(&bytes[(at + 6).min(bytes.len())..])
                        .is_some_and(|next| (0xdc00..0xe000).contains(&next));
                    if paired {
                        at += 12;
                    } else {
                        replace(&mut out, at, at + 6, b"\\ufffd");
                        at += 6;
                    }
                }
                Some(unit) if (0xdc00..0xe000).contains(&unit) => {
                    replace(&mut out, at, at + 6, b"\\ufffd");
                    at += 6;
                }
                _ => at += 2,
            },
            0..=0x1f => {
                replace(&mut out, at, at + 1, b" ");
                at += 1;
            }
            _ => at += 1,
        }
    }
    let last = bytes.trim_ascii_end().last();
    if !in_text && !open.is_empty() && !matches!(last, Some(b',' | b':' | b'{' | b'[')) {
        open.reverse();
        replace(&mut out, bytes.len(), bytes.len(), &open);
    }
    if copied == 0 {
        return Cow::Borrowed(bytes);
    }
    out.extend_from_slice(&bytes[copied..]);
    Cow::Owned(out)
}

/// The code unit of a `\uXXXX` at the start of `bytes`.
fn unicode_escape(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | (*digit as char).to_digit(16)?))
}

/// Length of the UTF-8 character at the start of `bytes`; 0 when there is none.
fn utf8_len(bytes: &[u8]) -> usize {
    let head = &bytes[..bytes.len().min(4)];
    let valid = match core::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => core::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default(),
    };
    valid.chars().next().map_or(0, char::len_utf8)
}
