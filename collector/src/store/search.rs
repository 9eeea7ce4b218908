//! What people type into the search field, as terms. Pure; every backend reads it the same way.

/// One thing that an issue must contain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Text that title, type, value or culprit may contain, colon and all.
    pub text: String,
    /// The same read as `key:value`, where it can be; then a tag may have it instead.
    pub tag: Option<(String, String)>,
}

/// More terms than anybody types; the rest is ignored, since each costs a look at every issue.
const TERMS: usize = 16;

/// Splits a query into terms: words, and what stands in double quotes as one (`app:"Delivery app"`).
pub fn parse_terms(query: &str) -> Vec<Term> {
    let mut terms = Vec::new();
    let (mut text, mut colon, mut quoted) = (String::new(), None, false);
    for character in query.chars().chain([' ']) {
        match character {
            '"' => quoted = !quoted,
            blank if blank.is_whitespace() && !quoted => {
                push(&mut terms, &mut text, &mut colon);
            }
            other => {
                if other == ':' && !quoted && colon.is_none() {
                    colon = Some(text.len());
                }
                text.push(other);
            }
        }
    }
    // A quote that was never closed holds the rest, the blank that ends every query aside.
    if quoted {
        text.pop();
    }
    push(&mut terms, &mut text, &mut colon);
    terms.truncate(TERMS);
    terms
}

fn push(terms: &mut Vec<Term>, text: &mut String, colon: &mut Option<usize>) {
    let text = std::mem::take(text);
    let tag = colon.take().and_then(|at| {
        let (key, value) = (text.get(..at)?, text.get(at + 1..)?);
        (!key.is_empty() && !value.is_empty()).then(|| (key.to_owned(), value.to_owned()))
    });
    if !text.is_empty() {
        terms.push(Term { text, tag });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn word(text: &str) -> Term {
        Term { text: text.into(), tag: None }
    }

    fn tag(key: &str, value: &str) -> Term {
        Term { text: format!("{key}:{value}"), tag: Some((key.into(), value.into())) }
    }

    #[test]
    fn words_are_split_at_blanks() {
        assert_eq!(parse_terms("  timeout   in\tcheckout "), [word("timeout"), word("in"), word("checkout")]);
        assert_eq!(parse_terms("   "), []);
    }

    #[test]
    fn a_colon_makes_a_tag_of_it_as_well() {
        assert_eq!(
            parse_terms("os:Android url:http://a:80/"),
            [tag("os", "Android"), tag("url", "http://a:80/")]
        );
        assert_eq!(parse_terms("TypeError: :x"), [word("TypeError:"), word(":x")]);
    }

    #[test]
    fn quotes_hold_blanks_together() {
        assert_eq!(
            parse_terms(r#"app:"Delivery app" "two words" "a:b""#),
            [tag("app", "Delivery app"), word("two words"), word("a:b")]
        );
        assert_eq!(parse_terms(r#""never closed"#), [word("never closed")]);
    }

    proptest! {
        #[test]
        fn any_query_is_read_without_panic(query in "\\PC{0,60}") {
            for term in parse_terms(&query) {
                prop_assert!(!term.text.is_empty());
            }
        }
    }
}
