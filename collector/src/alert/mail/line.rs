//! Makes texts of strangers fit to be shown: no control characters, nothing that turns the reading direction,
//! no length that hides what follows.

/// One line of at most `max` characters; `…` says that more was there.
pub fn line(text: &str, max: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    let mut gap = false;
    for character in text.chars() {
        if character.is_whitespace() || character.is_control() {
            gap = !out.is_empty();
            continue;
        }
        if is_invisible(character) {
            continue;
        }
        if std::mem::take(&mut gap) {
            out.push(' ');
            length += 1;
        }
        if length >= max {
            cut(&mut out, max);
            return out;
        }
        out.push(character);
        length += 1;
    }
    out
}

/// A few lines of at most `max` characters in all.
pub fn lines(text: &str, max_lines: usize, max: usize) -> String {
    let mut out = String::new();
    for (count, part) in text.trim_end().split('\n').enumerate() {
        if count == max_lines || out.chars().count() >= max {
            out.push_str("\n…");
            break;
        }
        if count > 0 {
            out.push('\n');
        }
        // The indentation tells something here.
        let indent = part.chars().take_while(|c| *c == ' ' || *c == '\t').count().min(24);
        out.extend(std::iter::repeat_n(' ', indent));
        let left = max.saturating_sub(out.chars().count());
        out.push_str(&line(part, left));
    }
    out
}

/// What goes into a header beside [`line()`]: text that only looks encoded must not be decoded by readers.
pub fn header(text: &str, max: usize) -> String {
    line(text, max).replace("=?", "= ?").replace("?=", "? =")
}

fn cut(text: &mut String, max: usize) {
    while text.chars().count() >= max.max(1) {
        text.pop();
    }
    text.truncate(text.trim_end().len());
    text.push('…');
}

/// Characters that change how others are read or hide between them.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(line("a\r\nBcc: x@y.z\0\tb", 80), "a Bcc: x@y.z b");
        assert_eq!(line("\u{202e}evil\u{2066}", 80), "evil");
        assert_eq!(line("  x  ", 80), "x");
        assert_eq!(line("abcdef", 4), "abc…");
        assert_eq!(header("=?utf-8?q?hi?=", 80), "= ?utf-8?q?hi? =");
    }

    #[test]
    fn lines_keep_their_indentation_and_are_few() {
        assert_eq!(lines("a\n  b\r\nc\nd", 3, 100), "a\n  b\nc\n…");
    }

    proptest! {
        #[test]
        fn any_text_becomes_one_short_line(text: String, max in 1usize..200) {
            let line = line(&text, max);
            prop_assert!(line.chars().count() <= max);
            prop_assert!(!line.chars().any(char::is_control));
        }

        #[test]
        fn any_text_becomes_few_lines(text: String) {
            let lines = lines(&text, 5, 100);
            prop_assert!(lines.lines().count() <= 6);
            prop_assert!(lines.chars().count() <= 100 + 5 * 26);
        }
    }
}
