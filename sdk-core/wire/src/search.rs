//! Looks for a text in a text.
//!
//! The standard library's search is fast in long texts and several kilobytes large, each of which every visitor of a
//! page would download. What is looked at here is a line or a name.

/// Where `part` begins in `text`; `None` when it does not occur, or is empty.
pub fn find(text: &str, part: &str) -> Option<usize> {
    let part = part.as_bytes();
    if part.is_empty() {
        return None;
    }
    text.as_bytes().windows(part.len()).position(|window| window == part)
}

/// What stands before the first `part` and what behind it.
pub fn split_once<'a>(text: &'a str, part: &str) -> Option<(&'a str, &'a str)> {
    let at = find(text, part)?;
    Some((text.get(..at)?, text.get(at + part.len()..)?))
}

/// What stands before the last `part` and what behind it.
pub fn rsplit_once<'a>(text: &'a str, part: &str) -> Option<(&'a str, &'a str)> {
    if part.is_empty() {
        return None;
    }
    let at = text.as_bytes().windows(part.len()).rposition(|window| window == part.as_bytes())?;
    Some((text.get(..at)?, text.get(at + part.len()..)?))
}

/// The texts between the `separator`s.
pub fn split<'a>(text: &'a str, separator: &'static str) -> Parts<'a> {
    Parts { rest: Some(text), separator }
}

/// See [`split`].
#[derive(Debug, Clone)]
pub struct Parts<'a> {
    rest: Option<&'a str>,
    separator: &'static str,
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest?;
        let (part, rest) = match split_once(rest, self.separator) {
            Some((part, rest)) => (part, Some(rest)),
            None => (rest, None),
        };
        self.rest = rest;
        Some(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_finds_what_the_standard_library_finds(text in "[abü]{0,12}", part in "[abü]{1,3}") {
            prop_assert_eq!(find(&text, &part), text.find(&part));
            prop_assert_eq!(split_once(&text, &part), text.split_once(&part));
            prop_assert_eq!(rsplit_once(&text, &part), text.rsplit_once(&part));
            prop_assert!(split(&text, "a").eq(text.split('a')));
        }
    }

    #[test]
    fn nothing_is_found_nowhere() {
        assert_eq!((find("text", ""), split_once("text", ""), rsplit_once("text", "")), (None, None, None));
    }
}
