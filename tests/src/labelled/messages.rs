//! Log messages as applications write them: few templates, and in each what differs from one time to the next.

use serde_json::json;

use super::Labelled;
use crate::payload::Numbers;

/// What is written once in a program; each `{…}` is filled anew for each message.
const TEMPLATES: [&str; 59] = [
    "user {number} not found",
    "order {uuid} could not be paid: card declined",
    "order {uuid} could not be paid: bank unreachable",
    "connection to {ip}:{port} refused",
    "connection to {ip}:{port} timed out after {duration}",
    "no route to host {ipv6}",
    "mail to {email} bounced",
    "GET {url} answered {status}",
    "could not open {path}: permission denied",
    "could not open {path}: no such file or directory",
    "could not open {windows_path}",
    "segment {hex} of pointer {pointer} is corrupt",
    "commit {sha1} is not an ancestor of {sha1}",
    "session {token} expired at {iso_date}",
    "certificate expired on {http_date}",
    "job {number} of {number} failed after {float} s",
    "took {duration}, allowed are {duration}",
    "balance is {signed}, expected {signed}",
    "amount {thousands} EUR exceeds the limit",
    "invalid value {quoted} for field name",
    "invalid value {quoted} for field street",
    "key {double_quoted} is missing",
    "unknown column `{word}` in table `{word}`",
    "duplicate entry {quoted} for key PRIMARY",
    "worker[{number}]: exited with code {number}",
    "thread pool-{number}-thread-{number} died",
    "retry {number}/{number} of delivery {ulid}",
    "document {object_id} has no owner",
    "pod web-{pod} was evicted",
    "heap at {percent} %",
    "{bytes} allocated, {bytes} free",
    "cannot parse {iso_date} as a time",
    "backup of {day} is incomplete",
    "backup of {slash_date} is incomplete, again",
    "replica lags {number} transactions behind {host}",
    "host {host} is down",
    "ids ({list}) are locked",
    "trace {trace} has no root",
    "device {mac} left the network",
    "request_id={uuid} status={number} user={number}",
    "at {clock}: lost {number} packets",
    "com.example.Cart@{short_hex} is closed",
    "lock held by pid {number} on {host} since {iso_date}",
    "upload {double_quoted} is {bytes}, more than {bytes}",
    "cannot cast {quoted} to number",
    "version {version} of shop needs version {version} of pay",
    "shard {number}: checksum {short_hex} instead of {short_hex}",
    "unexpected byte {pointer} at offset {number}",
    "latitude {signed_float} is out of range",
    "bucket s3://{word}/{uuid}/{number}.csv is empty",
    "arn:aws:iam::{account}:role/{word} may not read",
    "coupon {coupon} was used already",
    "{number} errors in {number} files",
    "node {uuid_plain} rejoined",
    "tenant t-{number}: quota of {thousands} reached",
    "row {number}, column {number}: bad cell",
    "POST /api/orders/{number}/lines/{number} failed",
    "temperature {signed_float}°C at sensor {short_hex}",
    "epoch {epoch} is in the future",
];

/// `count` messages, of every template about as many.
pub fn messages(count: usize) -> Vec<Labelled> {
    let mut numbers = Numbers::new(0x6d65_7373);
    let message = |at: usize| {
        let template = TEMPLATES[at % TEMPLATES.len()];
        let event = json!({ "platform": "other", "logentry": { "formatted": fill(template, &mut numbers) } });
        Labelled { bug: template.to_owned(), event }
    };
    (0..count).map(message).collect()
}

fn fill(template: &str, numbers: &mut Numbers) -> String {
    let mut text = String::new();
    for part in template.split('{') {
        match part.split_once('}') {
            Some((kind, rest)) => {
                text.push_str(&value(kind, numbers));
                text.push_str(rest);
            }
            None => text.push_str(part),
        }
    }
    text
}

/// Something of a kind, as programs print it.
fn value(kind: &str, n: &mut Numbers) -> String {
    match kind {
        "number" => {
            let digits = n.below(7);
            n.below(10_u64.pow(u32::try_from(digits).unwrap_or(1) + 1)).to_string()
        }
        "status" => (400 + n.below(200)).to_string(),
        "port" => (1024 + n.below(60_000)).to_string(),
        "uuid" => {
            let hex = hex(n, 32);
            [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
        }
        "uuid_plain" | "trace" => hex(n, 32),
        "sha1" => hex(n, 40),
        "hex" => hex(n, 16),
        "short_hex" => hex(n, 8),
        "pointer" => format!("0x{}", hex(n, 2 + n.clone().below(10))),
        "object_id" => hex(n, 24),
        "ip" => format!("{}.{}.{}.{}", n.below(224), n.below(256), n.below(256), n.below(256)),
        "ipv6" => match n.below(3) {
            0 => format!("2001:db8:{:x}::{:x}", n.below(0x10000), n.below(0x10000)),
            1 => format!("fe80::{:x}:{:x}:{:x}", n.below(0x10000), n.below(0x10000), n.below(0x10000)),
            _ => (0..8).map(|_| format!("{:x}", n.below(0x10000))).collect::<Vec<_>>().join(":"),
        },
        "mac" => (0..6).map(|_| hex(n, 2)).collect::<Vec<_>>().join(":"),
        "host" => {
            format!("ip-10-{}-{}-{}.eu-west-1.compute.internal", n.below(256), n.below(256), n.below(256))
        }
        "email" => format!("{}.{}{}@{}.example", word(n), word(n), n.below(100), word(n)),
        "url" => format!(
            "https://{}.example/{}/{}?page={}&q={}",
            word(n),
            word(n),
            n.below(9999),
            n.below(99),
            word(n)
        ),
        "path" => format!("/var/lib/{}/{}-{}.db", word(n), word(n), n.below(1000)),
        "windows_path" => format!("C:\\Users\\{}\\{}{}.txt", word(n), word(n), n.below(1000)),
        "token" => letters(n, 22, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"),
        "ulid" => format!("01{}", letters(n, 24, b"0123456789ABCDEFGHJKMNPQRSTVWXYZ")),
        "coupon" => letters(n, 16, b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"),
        "pod" => {
            format!("{}-{}", letters(n, 10, b"456789bcdf"), letters(n, 5, b"bcdfghjklmnpqrstvwxz2456789"))
        }
        "iso_date" => {
            let zone = ["Z", "+02:00", ".123Z", ".123456+00:00", ""][index(n, 5)];
            format!("{}T{}{zone}", day(n), clock(n))
        }
        "http_date" => {
            let day = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][index(n, 7)];
            let month =
                ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Sep", "Oct", "Nov", "Dec"][index(n, 11)];
            format!("{day}, {:02} {month} {} {} GMT", 1 + n.below(28), 2000 + n.below(40), clock(n))
        }
        "day" => day(n),
        "slash_date" => format!("{:02}/{:02}/{}", 1 + n.below(28), 1 + n.below(12), 2000 + n.below(40)),
        "clock" => clock(n),
        "epoch" => (1_700_000_000 + n.below(100_000_000)).to_string(),
        "duration" => match n.below(4) {
            0 => format!("{}ms", n.below(5000)),
            1 => format!("{}.{}s", n.below(60), n.below(1000)),
            2 => format!("{} µs", n.below(5000)),
            _ => format!("{} seconds", 2 + n.below(60)),
        },
        "float" => format!("{}.{}", n.below(1000), n.below(1000)),
        "percent" => format!("{}.{}", n.below(100), n.below(10)),
        "signed" => format!("{}{}", ["", "-", "+"][index(n, 3)], n.below(100_000)),
        "signed_float" => format!("{}{}.{}", ["", "-"][index(n, 2)], n.below(180), n.below(10_000)),
        "thousands" => format!("{},{:03}.{:02}", 1 + n.below(999), n.below(1000), n.below(100)),
        "bytes" => format!("{}{}", n.below(1024), [" KB", " MiB", "GB", " bytes"][index(n, 4)]),
        "version" => format!("{}.{}.{}", n.below(20), n.below(50), n.below(30)),
        "account" => format!("{:012}", n.below(1_000_000_000_000)),
        "quoted" => format!("'{} {}'", word(n), n.below(1000)),
        "double_quoted" => format!("\"{}-{}.{}\"", word(n), word(n), n.below(10)),
        "word" => word(n),
        "list" => (0..=n.below(12)).map(|_| n.below(10_000).to_string()).collect::<Vec<_>>().join(", "),
        other => unreachable!("a template asks for {other}"),
    }
}

fn index(n: &mut Numbers, below: u64) -> usize {
    usize::try_from(n.below(below)).unwrap_or_default()
}

fn letters(n: &mut Numbers, count: u64, alphabet: &[u8]) -> String {
    (0..count).map(|_| char::from(alphabet[index(n, alphabet.len() as u64)])).collect()
}

fn hex(n: &mut Numbers, count: u64) -> String {
    letters(n, count, b"0123456789abcdef")
}

/// Without the letters of `key` and `password`: what stands behind these is scrubbed before it is grouped.
fn word(n: &mut Numbers) -> String {
    letters(n, 4 + n.clone().below(6), b"abcdefghijlmnopqrstuvxz")
}

fn day(n: &mut Numbers) -> String {
    format!("{}-{:02}-{:02}", 2000 + n.below(40), 1 + n.below(12), 1 + n.below(28))
}

fn clock(n: &mut Numbers) -> String {
    format!("{:02}:{:02}:{:02}", n.below(24), n.below(60), n.below(60))
}
