//! Wall-clock time as it crosses the network: RFC 3339 text or seconds since 1970.

use core::fmt;

use crate::value::Value;

/// Milliseconds since 1970-01-01T00:00:00Z; negative before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixMs(pub i64);

/// The years that RFC 3339 can write: 0000-01-01 to 9999-12-31.
const MIN_MS: i64 = -62_167_219_200_000;
const MAX_MS: i64 = 253_402_300_799_999;

impl UnixMs {
    /// The time `ms` milliseconds later (earlier when negative).
    pub fn plus_ms(self, ms: i64) -> UnixMs {
        UnixMs(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this; negative when it is later.
    pub fn since(self, earlier: UnixMs) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// RFC 3339 in UTC with milliseconds: `2026-11-21T07:00:00.000Z`.
    pub fn digits(self) -> [u8; 24] {
        let ms = self.0.clamp(MIN_MS, MAX_MS);
        // Within the years of RFC 3339 both parts fit, and 32 bits are less code in a browser.
        let (year, month, day) = civil_from_days(ms.div_euclid(86_400_000) as i32);
        let of_day = ms.rem_euclid(86_400_000) as i32;
        let mut text = *b"0000-00-00T00:00:00.000Z";
        for (range, number) in [
            (0..4, year),
            (5..7, month),
            (8..10, day),
            (11..13, of_day / 3_600_000),
            (14..16, of_day / 60_000 % 60),
            (17..19, of_day / 1000 % 60),
            (20..23, of_day % 1000),
        ] {
            let mut rest = number;
            for digit in text[range].iter_mut().rev() {
                *digit = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
        }
        text
    }

    /// Reads RFC 3339 with `T` or a space, any number of fractional digits, any zone or none (then UTC).
    pub fn parse(text: &str) -> Option<UnixMs> {
        let bytes = text.trim().as_bytes();
        let digits = |from: usize, len: usize| -> Option<i64> {
            bytes
                .get(from..from + len)?
                .iter()
                .try_fold(0i64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
        };
        let at = |index: usize| bytes.get(index).copied();
        if at(4) != Some(b'-') || at(7) != Some(b'-') {
            return None;
        }
        let (year, month, day) = (digits(0, 4)?, digits(5, 2)?, digits(8, 2)?);
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let midnight_ms = days_from_civil(year, month, day) * 86_400_000;
        if bytes.len() == 10 {
            return Some(UnixMs(midnight_ms));
        }
        if !matches!(at(10), Some(b'T' | b't' | b' ')) || at(13) != Some(b':') {
            return None;
        }
        let (hour, minute) = (digits(11, 2)?, digits(14, 2)?);
        let (second, mut index) = if at(16) == Some(b':') { (digits(17, 2)?, 19) } else { (0, 16) };
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let mut fraction_ms = 0;
        if matches!(at(index), Some(b'.' | b',')) {
            index += 1;
            let mut scale = 100;
            while let Some(byte) = at(index).filter(u8::is_ascii_digit) {
                fraction_ms += i64::from(byte - b'0') * scale;
                scale /= 10;
                index += 1;
            }
        }
        let offset_minutes = match at(index) {
            None => 0,
            Some(b'Z' | b'z') => 0,
            Some(sign @ (b'+' | b'-')) => {
                let hours = digits(index + 1, 2)?;
                let minutes = digits(index + 4, 2).or_else(|| digits(index + 3, 2)).unwrap_or(0);
                let offset = hours * 60 + minutes;
                if sign == b'+' { offset } else { -offset }
            }
            Some(_) => return None,
        };
        let seconds = hour * 3600 + minute * 60 + second - offset_minutes * 60;
        Some(UnixMs(midnight_ms + seconds * 1000 + fraction_ms))
    }

    /// Reads a time from JSON: RFC 3339 text, or seconds since 1970 as a number or as text.
    pub fn from_value(value: &Value) -> Option<UnixMs> {
        let seconds = match value {
            Value::String(text) => return UnixMs::parse(text).or_else(|| from_seconds(text.trim())),
            Value::Int(number) => *number as f64,
            Value::UInt(number) => *number as f64,
            Value::Float(number) => *number,
            _ => return None,
        };
        let ms = seconds * 1000.0;
        ((MIN_MS as f64)..=(MAX_MS as f64)).contains(&ms).then(|| UnixMs(round(ms)))
    }
}

/// Reads seconds since 1970, with a fraction or an exponent or both, as far as they are a time. To read them as floating
/// point would take tables of 12 KB.
fn from_seconds(text: &str) -> Option<UnixMs> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().ok()?),
        None => (text, 0),
    };
    let (is_negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    // The number in units of ten to the power of `power` seconds. Digits past the eighteenth that counts decide nothing.
    let (mut number, mut power) = (0_i64, i32::from(exponent));
    for (digit, is_fraction) in whole.bytes().map(|b| (b, false)).chain(fraction.bytes().map(|b| (b, true))) {
        if !digit.is_ascii_digit() {
            return None;
        }
        let is_kept = number < 10_i64.pow(17);
        if is_kept {
            number = number * 10 + i64::from(digit - b'0');
        }
        power += i32::from(!is_kept) - i32::from(is_fraction);
    }
    let shift = power + 3;
    let ms = match number {
        0 => 0,
        _ if shift >= 0 => number.checked_mul(10_i64.checked_pow(shift.cast_unsigned())?)?,
        // Rounded, as the last of the digits that are cut off says.
        _ => match 10_i64.checked_pow((-shift - 1).cast_unsigned()) {
            Some(scale) => (number / scale + 5) / 10,
            None => 0,
        },
    };
    let ms = if is_negative { -ms } else { ms };
    (MIN_MS..=MAX_MS).contains(&ms).then_some(UnixMs(ms))
}

/// `f64::round` needs std.
fn round(number: f64) -> i64 {
    if number >= 0.0 { (number + 0.5) as i64 } else { (number - 0.5) as i64 }
}

/// Days since 1970 of a date of the proleptic Gregorian calendar (Howard Hinnant's `days_from_civil`).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i32) -> (i32, i32, i32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    (era * 400 + year_of_era + i32::from(month <= 2), month, day)
}

impl fmt::Display for UnixMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(core::str::from_utf8(&self.digits()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[test]
    fn reads_the_forms_that_sdks_send() {
        let expected = Some(UnixMs(1_700_000_000_123));
        for text in [
            "2023-11-14T22:13:20.123Z",
            "2023-11-14T22:13:20.123456789Z",
            "2023-11-14 22:13:20.123",
            "2023-11-14T23:13:20.123+01:00",
            "2023-11-14T16:43:20.123-0530",
            " 2023-11-14t22:13:20,123z ",
        ] {
            assert_eq!(UnixMs::parse(text), expected, "{text}");
        }
        assert_eq!(UnixMs::from_value(&Value::Float(1_700_000_000.123)), expected);
        for text in [
            "1700000000.123",
            " +1700000000.1230 ",
            "1.700000000123e9",
            "1700000000123E-3",
            "1700000000.12349999",
        ] {
            assert_eq!(UnixMs::from_value(&Value::String(text.into())), expected, "{text}");
        }
        for (text, ms) in
            [("-1.5", -1500), (".0005", 1), ("0.00049", 0), ("7.", 7000), ("0e999", 0), ("1e-999", 0)]
        {
            assert_eq!(UnixMs::from_value(&Value::String(text.into())), Some(UnixMs(ms)), "{text}");
        }
        assert_eq!(UnixMs::parse("2023-11-14"), Some(UnixMs(1_699_920_000_000)));
    }

    #[test]
    fn nonsense_is_no_time() {
        for text in ["", "now", "2023-13-01T00:00:00Z", "2023-11-14T25:00:00Z", "2023-11-14T22:13:20 nope"] {
            assert_eq!(UnixMs::parse(text), None, "{text}");
        }
        assert_eq!(UnixMs::from_value(&Value::Float(1e300)), None);
        assert_eq!(UnixMs::from_value(&Value::Float(f64::NAN)), None);
        for text in [
            "",
            ".",
            "e5",
            "1e",
            "1_000",
            "0x10",
            "inf",
            "NaN",
            "1e300",
            "1e99999",
            "--1",
            "9999999999999999999",
        ] {
            assert_eq!(UnixMs::from_value(&Value::String(text.into())), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn written_times_read_back(ms in MIN_MS..=MAX_MS) {
            prop_assert_eq!(UnixMs::parse(&UnixMs(ms).to_string()), Some(UnixMs(ms)));
        }

        #[test]
        fn seconds_are_read_as_floating_point_would_be(seconds in -6e10..2.5e11, fraction in 0usize..6) {
            let text = alloc::format!("{seconds:.fraction$}");
            let (read, exact) = (UnixMs::from_value(&Value::String(text.clone())), text.parse::<f64>().unwrap() * 1000.0);
            prop_assert!(read.is_some_and(|time| (time.0 as f64 - exact).abs() <= 0.6), "{text}: {read:?}");
        }

        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,40}") {
            let _ = UnixMs::parse(&text);
        }
    }
}
