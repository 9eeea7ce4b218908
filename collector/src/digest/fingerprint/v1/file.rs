//! The name of a file without what a build adds to it.

/// The last part of a path or URL.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Base {
    /// Without folders, query and hashes; letter case as it was.
    pub name: String,
    /// Whether a hash was taken out: a bundler made this file.
    pub had_hash: bool,
    /// Whether it is a file of script code; a page's URL is not, and may carry ids.
    pub is_script: bool,
}

/// Takes the base of a path or URL.
pub fn base(path: &str) -> Base {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let file = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let (stem, extension) = file.rsplit_once('.').unwrap_or((file, ""));
    const SCRIPTS: &[&str] = &[
        "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "vue", "svelte", "bundle", "wasm", "jsbundle",
    ];
    let is_script = SCRIPTS.contains(&extension);
    let (stem, had_hash) = if is_script { without_hash(stem) } else { (stem.to_owned(), false) };
    let name = if extension.is_empty() { stem } else { format!("{stem}.{extension}") };
    Base { name, had_hash, is_script }
}

/// `main.8f3a2b1c`, `index-DkXy12_z`, `chunk-QLWIZE3N`, `412.chunk` → the part that stays.
fn without_hash(stem: &str) -> (String, bool) {
    // One bundler's hash may itself hold a dash; it is always the last eight characters.
    const TAIL: usize = 8;
    if let Some(at) = stem.len().checked_sub(TAIL + 1)
        && stem.is_char_boundary(at)
        && let Some(hash) = stem[at..].strip_prefix('-')
        && is_random(hash)
    {
        let head = without_hash(&stem[..at]).0;
        return (head, true);
    }
    let mut had_hash = false;
    let mut kept = String::new();
    for (at, part) in stem.split_inclusive(['.', '-', '_', '~']).enumerate() {
        let word = part.trim_end_matches(['.', '-', '_', '~']);
        let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        if is_hash(word) || is_number && (at > 0 || stem.contains("chunk") || word.len() == stem.len()) {
            had_hash = true;
        } else {
            kept.push_str(part);
        }
    }
    (kept.trim_end_matches(['.', '-', '_', '~']).to_owned(), had_hash)
}

/// A word that nobody writes: six or more hexadecimal digits, or a random mix.
fn is_hash(word: &str) -> bool {
    let has = |test: fn(&u8) -> bool| word.bytes().any(|byte| test(&byte));
    let all = |test: fn(&u8) -> bool| word.bytes().all(|byte| test(&byte));
    let hex = word.len() >= 6 && all(u8::is_ascii_hexdigit) && has(u8::is_ascii_digit);
    hex || word.len() >= 8 && word.is_ascii() && is_random(word)
}

/// Eight or more characters as a hash in base 32 or 64 has them, not as a word has them.
fn is_random(word: &str) -> bool {
    if !word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
        return false;
    }
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let trailing_digits = word.bytes().rev().take_while(u8::is_ascii_digit).count();
    let upper = word.bytes().filter(u8::is_ascii_uppercase).count();
    let lower = word.bytes().filter(u8::is_ascii_lowercase).count();
    let all_capitals = upper > 0 && lower == 0 && upper + digits == word.len();
    let upper_inside = word.bytes().skip(1).filter(u8::is_ascii_uppercase).count();
    // `polyfills2` and `Module12` end in digits; a hash has them anywhere.
    all_capitals || digits > trailing_digits || digits >= 3 || upper_inside >= 2 && lower > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bundlers_add_is_taken_out() {
        for (path, expected) in [
            ("https://a.example/assets/main.8f3a2b1c.js", "main.js"),
            ("https://a.example/assets/index-DkXy12_z.js?v=3", "index.js"),
            ("https://a.example/index-B7-kQx1z.js", "index.js"),
            ("/out/app-QLWIZENA.js", "app.js"),
            ("/out/chunk-3GFJ4K2L.js", "chunk.js"),
            ("static/js/412.5d41402a.chunk.js", "chunk.js"),
            ("vendors~main.0cc175b9c0f1b6a831c3.js", "vendors~main.js"),
            ("webpack:///./src/cart.ts", "cart.ts"),
            ("C:\\app\\src\\Cart.cs", "Cart.cs"),
        ] {
            assert_eq!(base(path).name, expected, "{path}");
        }
    }

    #[test]
    fn names_that_people_write_stay() {
        for name in [
            "video-player.js",
            "AppShell.js",
            "shopping-cart.ts",
            "jquery.min.js",
            "user_profile.js",
            "polyfills2.js",
            "facade.js",
        ] {
            assert_eq!(base(name), Base { name: name.into(), had_hash: false, is_script: true }, "{name}");
        }
        assert!(!base("https://a.example/orders/8213").is_script);
        assert_eq!(base("").name, "");
    }
}
