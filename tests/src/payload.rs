//! Errors as applications send them: with stacks, breadcrumbs and tags, of a chosen size.
//!
//! The text is made of words that vary from one variant to the next, so that what compression makes of it on
//! disk is close to what it makes of real errors.

use std::fmt::Write as _;

/// What an event's id is replaced by until it is sent.
const NO_ID: &str = "00000000000000000000000000000000";

const WORDS: [&str; 48] = [
    "order",
    "user",
    "delivery",
    "address",
    "payment",
    "invoice",
    "courier",
    "basket",
    "session",
    "token",
    "request",
    "response",
    "timeout",
    "connection",
    "handler",
    "update",
    "create",
    "delete",
    "fetch",
    "render",
    "queue",
    "worker",
    "cache",
    "store",
    "index",
    "result",
    "option",
    "value",
    "buffer",
    "stream",
    "parse",
    "decode",
    "encode",
    "validate",
    "retry",
    "cancel",
    "commit",
    "rollback",
    "lock",
    "state",
    "route",
    "query",
    "shipment",
    "customer",
    "product",
    "price",
    "currency",
    "stock",
];

/// A small generator of numbers; the same seed gives the same numbers on every machine.
#[derive(Debug, Clone)]
pub struct Numbers(u64);

impl Numbers {
    /// Starts at a seed.
    pub fn new(seed: u64) -> Numbers {
        Numbers(seed)
    }

    /// The next number.
    pub fn next_number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// The next number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next_number() % bound.max(1)
    }

    fn word(&mut self) -> &'static str {
        let index = usize::try_from(self.below(WORDS.len() as u64)).unwrap_or_default();
        WORDS[index]
    }

    fn words(&mut self, count: u64) -> String {
        let words: Vec<_> = (0..count).map(|_| self.word()).collect();
        words.join(" ")
    }
}

fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// The id of the `number`th event of a run; ids of two runs never meet.
pub fn event_id(run: u64, number: u64) -> String {
    let high = mix(run ^ mix(number));
    // The low half alone tells the numbers of a run apart, since `mix` is a bijection.
    let low = mix(number.wrapping_add(run.rotate_left(32)));
    format!("{high:016x}{low:016x}")
}

/// An exception with a stack, as the JSON of one event of about `bytes` bytes, without id.
///
/// `bug` decides type and stack, so that equal bugs are one issue and different ones are not; `variant` varies
/// everything else.
pub fn event_json(bug: u64, variant: u64, bytes: usize) -> String {
    let mut of_bug = Numbers::new(bug.wrapping_mul(7919));
    let mut numbers = Numbers::new(variant.wrapping_mul(104_729) ^ 0x5eed);
    let mut json = format!(
        r#"{{"event_id":"{NO_ID}","platform":"python","level":"error","release":"shop@1.4.{}","environment":"production","server_name":"web-{}","tags":{{"region":"eu-{}","tenant":"t{}"}},"user":{{"id":"{}"}},"exception":{{"values":[{{"type":"{}Error{bug}","value":"{} {}","mechanism":{{"type":"generic","handled":false}},"stacktrace":{{"frames":["#,
        numbers.below(5),
        numbers.below(8),
        numbers.below(3),
        numbers.below(40),
        numbers.below(5000),
        capital(of_bug.word()),
        numbers.words(6),
        numbers.below(100_000),
    );
    // Frames, which make about half of a real event, then breadcrumbs; the rest of the size goes to `extra`.
    let frame_bytes = bytes / 2;
    let mut line = 10;
    loop {
        line += of_bug.below(40) + 1;
        let module = of_bug.word();
        let _ = write!(
            json,
            r#"{{"filename":"app/{module}/{}.py","abs_path":"/srv/shop/app/{module}/{}.py","module":"app.{module}","function":"{}_{}_{bug}","lineno":{line},"in_app":true,"context_line":"    {}({}, {})","pre_context":["    {} = {}.{}()","    if {} is None:"],"post_context":["    return {}",""]}}"#,
            of_bug.word(),
            of_bug.word(),
            of_bug.word(),
            of_bug.word(),
            of_bug.word(),
            of_bug.word(),
            of_bug.word(),
            of_bug.word(),
            of_bug.word(),
            of_bug.word(),
            of_bug.word(),
            of_bug.word(),
        );
        if json.len() + 400 > frame_bytes {
            break;
        }
        json.push(',');
    }
    json.push_str(r#"]}}]},"breadcrumbs":{"values":["#);
    for crumb in 0..100 {
        if crumb > 0 {
            json.push(',');
        }
        let _ = write!(
            json,
            r#"{{"timestamp":{}.{:03},"category":"{}","level":"info","message":"{} {}","data":{{"status_code":{},"duration_ms":{}}}}}"#,
            1_790_000_000 + crumb,
            numbers.below(1000),
            numbers.word(),
            numbers.words(4),
            numbers.below(1_000_000),
            200 + numbers.below(300),
            numbers.below(900),
        );
        if json.len() + 250 > bytes {
            break;
        }
    }
    json.push_str(r#"]},"extra":{"note":""#);
    while json.len() + 12 < bytes {
        let _ = write!(json, "{} {} ", numbers.word(), numbers.below(1_000_000));
    }
    json.push_str("\"}}");
    json
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    format!("{}{rest}", first.to_uppercase())
}

/// One event in its envelope, whose header says nothing.
pub fn envelope(event_json: &str) -> String {
    format!("{{}}\n{{\"type\":\"event\",\"length\":{}}}\n{event_json}\n", event_json.len())
}

/// One event without id in an envelope whose header has room for the id too, which some servers insist on.
pub fn envelope_to_name(event_json: &str) -> String {
    let length = event_json.len();
    format!("{{\"event_id\":\"{NO_ID}\"}}\n{{\"type\":\"event\",\"length\":{length}}}\n{event_json}\n")
}

/// The same error as a body of `/log-error`.
pub fn log_error_json(bug: u64, variant: u64, bytes: usize) -> String {
    let mut of_bug = Numbers::new(bug.wrapping_mul(7919));
    let mut numbers = Numbers::new(variant.wrapping_mul(104_729) ^ 0x5eed);
    let mut json = format!(
        r#"{{"event_id":"{NO_ID}","message":"{} {}","type":"{}Error{bug}","level":"error","app":"shop","release":"1.4.{}","environment":"production","user":{{"id":"{}"}},"tags":{{"region":"eu-{}"}},"stack":"Traceback (most recent call last):\n"#,
        numbers.words(6),
        numbers.below(100_000),
        capital(of_bug.word()),
        numbers.below(5),
        numbers.below(5000),
        numbers.below(3),
    );
    let stack_bytes = bytes / 2;
    let mut line = 10;
    loop {
        line += of_bug.below(40) + 1;
        let _ = write!(
            json,
            r#"  File \"/srv/shop/app/{}/{}.py\", line {line}, in {}_{}_{bug}\n    {}({})\n"#,
            of_bug.word(),
            of_bug.word(),
            of_bug.word(),
            of_bug.word(),
            of_bug.word(),
            of_bug.word(),
        );
        if json.len() + 120 > stack_bytes {
            break;
        }
    }
    json.push_str(r#"","extra":{"note":""#);
    while json.len() + 12 < bytes {
        let _ = write!(json, "{} {} ", numbers.word(), numbers.below(1_000_000));
    }
    json.push_str("\"}}");
    json
}

/// Every place where the id stands in bytes made by this module.
///
/// # Panics
/// When there is none.
pub fn id_offsets(bytes: &[u8]) -> Vec<usize> {
    let windows = bytes.windows(NO_ID.len()).enumerate();
    let found: Vec<_> = windows.filter(|(_, window)| *window == NO_ID.as_bytes()).map(|(at, _)| at).collect();
    assert!(!found.is_empty(), "the bytes hold no event without id");
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn payloads_are_json_of_the_size_asked_for() {
        for bytes in [1500, 12 * 1024, 60 * 1024] {
            for json in [event_json(3, 5, bytes), log_error_json(3, 5, bytes)] {
                let _: serde_json::Value = serde_json::from_str(&json).unwrap();
                let off = json.len().abs_diff(bytes);
                assert!(off < bytes / 5 + 200, "{} instead of {bytes}", json.len());
                assert_eq!(id_offsets(json.as_bytes()).len(), 1);
                assert_eq!(id_offsets(envelope_to_name(&json).as_bytes()).len(), 2);
            }
        }
    }

    #[test]
    fn ids_differ_within_a_run_and_between_runs() {
        let ids: HashSet<_> =
            [1, 2, u64::MAX].into_iter().flat_map(|run| (0..1000).map(move |n| event_id(run, n))).collect();
        assert_eq!(ids.len(), 3000);
    }
}
