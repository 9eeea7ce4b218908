//! What a secret in a text begins with or stands beside: a quick look before any pattern is tried.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::names;

/// What a secret can be told by; each kind is looked for only where one of its marks stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A block that says what it is.
    Pem = 1,
    /// A token of a known make.
    Made = 2,
    /// What follows the name of a way to sign in.
    Scheme = 4,
    /// A name and a password inside a URL.
    Userinfo = 8,
    /// A line of cookies.
    Cookie = 16,
    /// What stands behind a name.
    Named = 32,
    /// A way to sign in by a name that stands for other things as well: it marks nothing by itself.
    Beside = 64,
}

/// What every secret begins with or has around it, letter case aside.
const MARKS: &[(Kind, &[&str])] = &[
    (Kind::Pem, &["-----BEGIN"]),
    (
        Kind::Made,
        &[
            "eyJ",
            "AKIA",
            "ASIA",
            "AROA",
            "AIDA",
            "ghp_",
            "gho_",
            "ghu_",
            "ghs_",
            "ghr_",
            "github_pat_",
            "glpat-",
            "xox",
            "sk_live",
            "sk_test",
            "rk_live",
            "rk_test",
            "pk_live",
            "pk_test",
            "sk-",
            "AIza",
            "npm_",
            "SG.",
            "pypi-",
            "whsec_",
        ],
    ),
    (Kind::Scheme, &["bearer", "basic ", "token"]),
    (Kind::Userinfo, &["://"]),
    (Kind::Cookie, &["cookie"]),
    (Kind::Named, names::SECRET_PARTS),
    (Kind::Beside, &["digest", "basic"]),
];

/// The kinds that have marks in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marked(u8);

impl Marked {
    const NOTHING: Marked = Marked(0);
    const ALL: Marked = Marked(127);

    /// Whether a mark of this kind stands there.
    pub fn has(self, kind: Kind) -> bool {
        self.0 & kind as u8 != 0
    }

    /// Whether a mark of this kind stands there, and one of another kind too.
    pub fn has_beside_others(self, kind: Kind) -> bool {
        self.has(kind) && self.0 != kind as u8
    }

    /// Looks for all marks in one pass.
    pub fn of(text: &str) -> Marked {
        // A list this short always builds; without it everything is looked for everywhere.
        let Some((matcher, kinds)) = &*MATCHER else { return Marked::ALL };
        // Most texts have none, which is found out sooner than which ones they have.
        if !matcher.is_match(text) {
            return Marked::NOTHING;
        }
        let Ok(found) = matcher.try_find_overlapping_iter(text) else { return Marked::ALL };
        let mut marked = Marked::NOTHING;
        for mark in found {
            marked.0 |= kinds.get(mark.pattern().as_usize()).map_or(Marked::ALL.0, |kind| *kind as u8);
            if marked == Marked::ALL {
                break;
            }
        }
        marked
    }
}

static MATCHER: LazyLock<Option<(AhoCorasick, Vec<Kind>)>> = LazyLock::new(|| {
    let marks = || MARKS.iter().flat_map(|(kind, words)| words.iter().map(|word| (*kind, *word)));
    let matcher = AhoCorasick::builder().ascii_case_insensitive(true).build(marks().map(|(_, word)| word));
    Some((matcher.ok()?, marks().map(|(kind, _)| kind).collect()))
});
