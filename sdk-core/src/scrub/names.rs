//! Names under which secrets go, judged word by word: `sessionKey` is one, `keyboard` and `inside` are not.

use alloc::string::String;
use alloc::vec::Vec;

use error_sentinel_wire::search::find;

/// Words that make a name secret.
const WORDS: [&str; 24] = [
    "auth",
    "authorization",
    "token",
    "tokens",
    "secret",
    "secrets",
    "pwd",
    "pass",
    "key",
    "keys",
    "jwt",
    "bearer",
    "sso",
    "saml",
    "csrf",
    "xsrf",
    "session",
    "sid",
    "identity",
    "otp",
    "cvv",
    "cvc",
    "ssn",
    "iban",
];

/// What makes a name secret wherever it stands in it: names are also written in one word.
const PARTS: [&str; 22] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret",
    "credential",
    "apikey",
    "authkey",
    "authtoken",
    "accesskey",
    "accesstoken",
    "refreshtoken",
    "idtoken",
    "privatekey",
    "secretkey",
    "signingkey",
    "sessionid",
    "sessionkey",
    "sessid",
    "csrftoken",
    "xsrftoken",
    "authorization",
];

/// Words beside which `key`, `token` and `session` mean something harmless: numbers, and keys of tables.
const HARMLESS: [&str; 24] = [
    "count",
    "counts",
    "used",
    "usage",
    "max",
    "min",
    "total",
    "limit",
    "length",
    "size",
    "type",
    "kind",
    "primary",
    "foreign",
    "sort",
    "cache",
    "partition",
    "routing",
    "index",
    "group",
    "code",
    "error",
    "duration",
    "expires",
];

/// Words that stay harmless in that company; the others never are.
const AMBIGUOUS: [&str; 6] = ["token", "tokens", "key", "keys", "session", "identity"];

/// Longest text that is taken for a name.
const LONGEST: usize = 128;

/// Whether what goes under this name is taken out.
pub fn is_secret(name: &str) -> bool {
    if name.is_empty() || name.len() > LONGEST {
        return false;
    }
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    if PARTS.iter().any(|part| find(&plain, part).is_some()) {
        return true;
    }
    let words = words(name);
    let is_harmless = words.iter().any(|word| HARMLESS.contains(&word.as_str()));
    words.iter().any(|word| {
        let word = word.as_str();
        WORDS.contains(&word) && !(is_harmless && AMBIGUOUS.contains(&word))
    })
}

/// Whether this is a secret even in the middle of prose, where `Unexpected token: x` is none.
pub fn is_unmistakable(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let is_clear = |part: &&str| find(&lower, part).is_some();
    ["passw", "passphrase", "pwd", "secret", "jwt", "credential", "authorization"].iter().any(is_clear)
        || name.contains(['_', '-'])
        || lower.ends_with("apikey")
        || lower.len() > 5 && lower.ends_with("token")
}

/// Whether cookies go under this name.
pub fn is_cookie(name: &str) -> bool {
    ["cookie", "cookies", "set-cookie", "set_cookie", "http_cookie"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether a network address of a person goes under this name of a header or variable.
pub fn is_address(name: &str) -> bool {
    let words = words(name);
    let has = |word: &str| words.iter().any(|known| known == word);
    has("forwarded") && !has("proto") && !has("host") && !has("port") && !has("prefix")
        || has("ip")
        || has("remote") && (has("addr") || has("address") || has("user"))
}

/// The words of a name, in lower case: parted by what is no letter or digit, and where a capital begins one.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut was_small = false;
    for c in name.chars() {
        let ends = !c.is_ascii_alphanumeric() || c.is_ascii_uppercase() && was_small;
        if ends && !word.is_empty() {
            words.push(core::mem::take(&mut word));
        }
        if c.is_ascii_alphanumeric() {
            word.push(c.to_ascii_lowercase());
        }
        was_small = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}
