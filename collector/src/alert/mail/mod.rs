//! What a mail says.
//!
//! [`issue`] tells of one issue, [`digest`] of many, [`message`] puts either into a form that mail servers
//! take. All of it is written by strangers: every text goes through [`mod@line`] before it is shown, the HTML part
//! escapes the rest, and no header but ours can come of it.

pub mod digest;
pub mod frames;
pub mod issue;
pub mod line;
pub mod message;

/// A mail without its headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// One line.
    pub subject: String,
    /// The text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
}

/// A name and its value, as the mail lists them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub name: &'static str,
    /// Cleaned.
    pub value: String,
}

/// A number as people read it: `1,234,567`.
pub fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time as people read it, to the minute, in UTC.
pub fn time(at: error_sentinel_wire::UnixMs) -> String {
    let text = at.to_string().replace('T', " ");
    format!("{} UTC", text.get(..16).unwrap_or(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_for_people() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(number),
            ["0", "999", "1,000", "1,234,567"].map(str::to_owned)
        );
        assert_eq!(time(error_sentinel_wire::UnixMs(1_700_000_000_123)), "2023-11-14 22:13 UTC");
    }
}

#[cfg(test)]
mod hostile;
