//! Every cap on what crosses the network, in one place. All sizes are of decoded bytes.
//!
//! The figures follow what other collectors of this protocol accept, cut to what one small machine can
//! hold; where they differ the comment says why.

/// Most bytes of one event's JSON. The protocol's common figure.
pub const EVENT_BYTES: usize = 1024 * 1024;
/// Most bytes of one envelope, decompressed.
pub const ENVELOPE_BYTES: usize = 20 * 1024 * 1024;
/// Most bytes of one request as sent, compressed or not.
pub const REQUEST_BYTES: usize = 20 * 1024 * 1024;
/// Most bytes of an envelope's or an item's header line.
pub const HEADER_LINE_BYTES: usize = 8 * 1024;
/// Most items in one envelope; the rest is refused.
pub const ENVELOPE_ITEMS: usize = 1000;
/// Most bytes of one client report.
pub const CLIENT_REPORT_BYTES: usize = 4 * 1024;
/// Most bytes of one `POST /log-error` body.
pub const LOG_ERROR_BYTES: usize = EVENT_BYTES;

/// Deepest nesting of JSON kept; what lies deeper becomes `null`, so that the event survives.
pub const JSON_DEPTH: usize = 64;
/// Most keys kept of one JSON object.
pub const OBJECT_KEYS: usize = 4096;

/// Longest message or exception value, in bytes of UTF-8, like all lengths below.
pub const MESSAGE_BYTES: usize = 8192;
/// Longest exception type, function name, file name or module.
pub const NAME_BYTES: usize = 256;
/// Longest culprit, transaction, release and the like.
pub const SHORT_TEXT_BYTES: usize = 200;
/// Longest logger, environment or dist.
pub const LABEL_BYTES: usize = 64;
/// Most tags of one event.
pub const TAGS: usize = 64;
/// Longest tag key.
pub const TAG_KEY_BYTES: usize = 200;
/// Longest tag value.
pub const TAG_VALUE_BYTES: usize = 200;
/// Most exceptions in one chain.
pub const EXCEPTIONS: usize = 50;
/// Most frames of one stack; the middle is cut, since both ends matter.
pub const FRAMES: usize = 250;
/// Most breadcrumbs of one event; the oldest are cut.
pub const BREADCRUMBS: usize = 100;
/// Most parts of a custom fingerprint.
pub const FINGERPRINT_PARTS: usize = 32;
/// Most distinct values of each kind kept by a storm's count.
pub const OCCURRENCE_VALUES: usize = 32;

/// Longest pause that a reply can ask for, in seconds: a wrong server must not silence an SDK for ever.
pub const PAUSE_MAX_S: u64 = 24 * 60 * 60;
/// The pause that a 429 without any header means, in seconds. The protocol's figure.
pub const PAUSE_DEFAULT_S: u64 = 60;

/// What a cut text ends with.
const MARK: &str = "…";

/// Cuts `text` to at most `max` bytes at a character boundary and says so with `…`.
pub fn cut(text: &mut alloc::string::String, max: usize) {
    if text.len() > max {
        text.truncate(cut_at(text, max));
        if max >= MARK.len() {
            text.push_str(MARK);
        }
    }
}

/// Appends at most `max` bytes of `text` to `to`, cut like [`cut`] does it.
pub fn push_cut(to: &mut alloc::string::String, text: &str, max: usize) {
    if text.len() <= max {
        to.push_str(text);
    } else {
        to.push_str(&text[..cut_at(text, max)]);
        if max >= MARK.len() {
            to.push_str(MARK);
        }
    }
}

/// Where to cut, so that the mark fits behind.
fn cut_at(text: &str, max: usize) -> usize {
    let mut end = max.saturating_sub(MARK.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}
