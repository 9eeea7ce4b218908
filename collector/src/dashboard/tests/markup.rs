//! Reads pages as far as tests must: tags and their attributes, and nothing of what stands between them.

/// A tag with its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    pub name: String,
    pub attributes: Vec<(String, String)>,
}

impl Tag {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// What a stranger's text must not change: the tag and which attributes it has.
    pub fn shape(&self) -> String {
        let names: Vec<&str> = self.attributes.iter().map(|(name, _)| name.as_str()).collect();
        format!("{}[{}]", self.name, names.join(","))
    }
}

/// Every tag of a page, closing ones too, as a browser would find them. Our pages put attributes in double
/// quotes; anything else is taken for an attack.
#[track_caller]
pub fn tags(html: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if rest.starts_with("!doctype html>") {
            continue;
        }
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '/')).expect("the tag ends");
        let name = rest[..end].to_owned();
        assert!(name.trim_start_matches('/').starts_with(|c: char| c.is_ascii_lowercase()), "<{name}");
        rest = &rest[end..];
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix('>') {
                rest = after;
                break;
            }
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).expect("it goes on");
            assert!(end > 0, "no attribute: {:.80}", rest);
            let key = rest[..end].to_owned();
            rest = &rest[end..];
            let value = match rest.strip_prefix("=\"") {
                Some(after) => {
                    let (value, after) = after.split_once('"').expect("the quote ends");
                    rest = after;
                    unescaped(value)
                }
                None => String::new(),
            };
            attributes.push((key, value));
        }
        tags.push(Tag { name, attributes });
    }
    tags
}

/// The text of an attribute as a browser reads it.
fn unescaped(text: &str) -> String {
    text.replace("&#34;", "\"")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&#x27;", "'")
        .replace("&#60;", "<")
        .replace("&lt;", "<")
        .replace("&#62;", ">")
        .replace("&gt;", ">")
        .replace("&#38;", "&")
        .replace("&amp;", "&")
}

#[test]
fn tags_are_found_with_their_attributes() {
    let found = tags("<!doctype html>a<a href=\"/x?a=1&amp;b\" hidden>b</a><br>");
    assert_eq!(found.iter().map(Tag::shape).collect::<Vec<_>>(), ["a[href,hidden]", "/a[]", "br[]"]);
    assert_eq!(found[0].attribute("href"), Some("/x?a=1&b"));
}
