//! Identifiers: of events, traces, projects and their keys.

use core::fmt;

/// An identifier that did not have its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidId;

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected 32 hexadecimal digits, with or without dashes")
    }
}

impl core::error::Error for InvalidId {}

/// Reads exactly 32 hexadecimal digits; dashes are allowed only at the places where a UUID has them.
fn parse_hex128(text: &str) -> Result<u128, InvalidId> {
    let bytes = text.as_bytes();
    let dashed = match bytes.len() {
        32 => false,
        36 => true,
        _ => return Err(InvalidId),
    };
    let mut value = 0u128;
    for (at, byte) in bytes.iter().enumerate() {
        if dashed && matches!(at, 8 | 13 | 18 | 23) {
            if *byte != b'-' {
                return Err(InvalidId);
            }
            continue;
        }
        let digit = (*byte as char).to_digit(16).ok_or(InvalidId)?;
        value = (value << 4) | u128::from(digit);
    }
    Ok(value)
}

fn hex_digits(number: u128) -> [u8; 32] {
    let mut digits = [0; 32];
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        let value = (rest & 15) as u8;
        *digit = if value < 10 { b'0' + value } else { b'a' - 10 + value };
        rest >>= 4;
    }
    digits
}

macro_rules! hex128 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u128);

        impl $name {
            /// Reads 32 hexadecimal digits, or the dashed form of 36 characters.
            ///
            /// # Errors
            /// [`InvalidId`] for anything else.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                parse_hex128(text).map(Self)
            }

            /// Its 32 hexadecimal digits.
            pub fn digits(self) -> [u8; 32] {
                hex_digits(self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(core::str::from_utf8(&self.digits()).unwrap_or_default())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:032x})", stringify!($name), self.0)
            }
        }

        impl core::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }
    };
}

hex128!(
    /// Names one event for ever; made by the SDK, and what makes a retry harmless.
    EventId
);
hex128!(
    /// A W3C trace id: the same in every service that one request touched.
    TraceId
);
hex128!(
    /// The public half of a project's key: 32 hexadecimal digits, because some SDKs accept nothing else.
    PublicKey
);

impl EventId {
    /// Makes a random (version 4) id from 16 random bytes.
    pub fn from_random(bytes: [u8; 16]) -> EventId {
        let mut bytes = bytes;
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        EventId(u128::from_be_bytes(bytes))
    }
}

/// Names a project; decimal on the wire, because the browser SDKs of others accept nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectId(pub u32);

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core::str::FromStr for ProjectId {
    type Err = core::num::ParseIntError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(ProjectId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn plain_and_dashed_forms_name_the_same_event() {
        let plain = EventId::parse("fc6d8c0c43fc4630ad850ee518f1b9d0");
        assert_eq!(plain, EventId::parse("FC6D8C0C-43FC-4630-AD85-0EE518F1B9D0"));
        assert_eq!(plain.unwrap().to_string(), "fc6d8c0c43fc4630ad850ee518f1b9d0");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "fc6d",
            "zc6d8c0c43fc4630ad850ee518f1b9d0",
            "fc6d8c0c-43fc4630-ad85-0ee518f1b9d0-",
            "../../../../etc/passwd0000000000",
            "+c6d8c0c43fc4630ad850ee518f1b9d0",
        ] {
            assert_eq!(EventId::parse(text), Err(InvalidId), "{text}");
        }
    }
}
