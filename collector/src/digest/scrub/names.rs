//! Names under which secrets go.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

/// Parts of names; letter case aside, anywhere in the name.
pub const SECRET_PARTS: &[&str] = &[
    "auth",
    "token",
    "secret",
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "key",
    "jwt",
    "bearer",
    "sso",
    "saml",
    "csrf",
    "xsrf",
    "credential",
    "session",
    "sessid",
    "sid",
    "identity",
    "cvv",
    "cvc2",
    "pincode",
    "ssn",
    "iban",
];

/// Innocent words that hold one of those parts. Taken out of a name before it is judged.
const INNOCENT: &[&str] = &[
    "author_",
    "author-",
    "authored",
    "authors",
    "authorname",
    "authority",
    "keyboard",
    "keyword",
    "keydown",
    "keyup",
    "keypress",
    "keyframe",
    "keyspace",
    "monkey",
    "turkey",
    "hotkey",
    "donkey",
    "hockey",
    "whiskey",
    "keycode",
    "charkey",
    "ctrlkey",
    "altkey",
    "metakey",
    "shiftkey",
    "inside",
    "outside",
    "beside",
    "sideba",
    "side",
    "resid",
    "presid",
    "consid",
    "insid",
    "subsid",
    "acid",
    "tokenizer",
    "tokenize",
    "token_count",
    "max_tokens",
    "tokens_used",
    "session_count",
    "sessions_count",
    "passorder",
    "lessons",
    "lesson",
    "crossorigin",
    "processor",
    "accessor",
    "compressor",
    "assessor",
    "successor",
    "possession",
    "obsession",
    "primary_key",
    "foreign_key",
    "sort_key",
    "partition_key",
    "sortkey",
    "cachekey",
    "cache_key",
    "routing_key",
    "keyerror",
    "error",
    "exception",
    "failure",
    "aside",
    "sidecar",
    "sidekiq",
    "identityhash",
];

static SECRETS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| matcher(SECRET_PARTS));
static INNOCENTS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| matcher(INNOCENT));

/// A matcher of words, letter case aside. A list this short always builds; without it every name counts.
pub fn matcher(words: &[&str]) -> Option<AhoCorasick> {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(aho_corasick::MatchKind::LeftmostLongest)
        .build(words)
        .ok()
}

/// Longest text that is taken for a name.
const LONGEST: usize = 128;

/// Whether a text can be the name of something at all.
pub fn is_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'[' | b']');
    !text.is_empty() && text.len() <= LONGEST && text.bytes().all(is_part)
}

/// Whether anything special goes under this name.
pub fn is_marked(name: &str) -> bool {
    is_secret(name) || is_cookie(name)
}

/// Whether what goes under this name is taken out.
pub fn is_secret(name: &str) -> bool {
    let Some(secrets) = SECRETS.as_ref() else { return true };
    if !secrets.is_match(name) {
        return false;
    }
    if name.eq_ignore_ascii_case("author") {
        return false;
    }
    let Some(innocents) = INNOCENTS.as_ref() else { return true };
    // A mark instead of the word, so that its neighbours do not join to another.
    let mut rest = String::with_capacity(name.len());
    let mut from = 0;
    for found in innocents.find_iter(name) {
        rest.push_str(&name[from..found.start()]);
        rest.push(' ');
        from = found.end();
    }
    rest.push_str(&name[from..]);
    secrets.is_match(&rest)
}

/// Whether what follows this name and a colon in free text is taken out. Anything can stand before a colon there, so
/// a part of a word is not enough: `akey-883.db: no such file` names a file, as `private_key.pem: denied` does.
pub fn is_secret_in_prose(name: &str) -> bool {
    let named = name.rsplit('.').next().unwrap_or(name);
    is_secret(named) && (holds_any(named, CLEAR) || words(named).any(is_secret_word))
}

/// Whether a name means a secret even in the middle of prose, whatever follows it.
pub fn is_unmistakable(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let compound = name.contains(['_', '-']) && name.len() > 6;
    holds_any(&name, CLEAR)
        || compound
        || name.ends_with("apikey")
        || name.ends_with("token") && name.len() > 5
}

/// Parts of names that mean a secret wherever they stand.
const CLEAR: &[&str] = &["passw", "pwd", "secret", "jwt", "credential", "passphrase", "authorization"];

/// Words that are written together though they are two.
const COMPOUNDS: &[&str] = &["oauth", "authentication", "apikey", "accesskey", "privatekey", "authkey"];

/// Parts of at least so many letters mean the same at the beginning and the end of a word: `authtoken`.
const LONG_PART: usize = 5;

fn holds_any(name: &str, parts: &[&str]) -> bool {
    let name = name.to_ascii_lowercase();
    parts.iter().any(|part| name.contains(part))
}

/// The words of `api-key`, `access_token` and `clientSecret`.
fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_ascii_alphanumeric()).flat_map(|run| {
        let bytes = run.as_bytes();
        let is_hump = |at: &usize| bytes[*at].is_ascii_uppercase() && bytes[*at - 1].is_ascii_lowercase();
        let ends = (1..bytes.len()).filter(is_hump).chain([bytes.len()]);
        ends.scan(0, |from, end| run.get(std::mem::replace(from, end)..end)).collect::<Vec<_>>()
    })
}

fn is_secret_word(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    let stem = word.strip_suffix('s').unwrap_or(&word);
    COMPOUNDS.contains(&stem)
        || SECRET_PARTS.iter().any(|part| {
            let is_long = part.len() >= LONG_PART;
            stem == *part || word == *part || is_long && (word.starts_with(part) || word.ends_with(part))
        })
}

/// Whether cookies go under this name.
pub fn is_cookie(name: &str) -> bool {
    const COOKIES: &[&str] = &["cookie", "cookies", "set-cookie", "set_cookie", "http_cookie", "cookie2"];
    COOKIES.iter().any(|cookie| name.eq_ignore_ascii_case(cookie))
}
