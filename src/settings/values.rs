//! Values as flags and settings write them.

use std::time::Duration;

use regex::Regex;

use super::file::LimitsEntry;
use super::{Limits, SettingsError};
use crate::domain::shard::Shard;

/// Bounds, with their defaults.
pub fn limits(entry: &LimitsEntry) -> Result<Limits, SettingsError> {
    Ok(Limits {
        deletions: entry.deletions.unwrap_or(0),
        withdrawals: entry.withdrawals.unwrap_or(10),
        members: entry.members.unwrap_or(128),
        image_size: bytes(entry.image_size.as_deref().unwrap_or("64GiB"))?,
    })
}

/// `64GiB`, `512MiB`, or plain bytes.
fn bytes(text: &str) -> Result<u64, SettingsError> {
    let digits = text
        .trim_end_matches(|letter: char| letter.is_ascii_alphabetic())
        .trim();
    let unit = match text.trim_start_matches(|c: char| c.is_ascii_digit()).trim() {
        "" | "B" => Some(1),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        "GiB" => Some(1 << 30),
        "TiB" => Some(1_u64 << 40),
        _ => None,
    };
    digits
        .parse::<u64>()
        .ok()
        .zip(unit)
        .and_then(|(count, unit)| count.checked_mul(unit))
        .ok_or_else(|| SettingsError::Setting {
            setting: "limits.image_size",
            value: text.to_owned(),
            expected: "a size such as `64GiB`",
        })
}

pub fn filter(text: &str) -> Result<Regex, SettingsError> {
    Regex::new(text).map_err(|_| SettingsError::Flag {
        flag: "filter",
        value: text.to_owned(),
        expected: "a regular expression such as `^Ubuntu`",
    })
}

pub fn shard(text: &str) -> Result<Shard, SettingsError> {
    Shard::parse(text).ok_or_else(|| SettingsError::Flag {
        flag: "shard",
        value: text.to_owned(),
        expected: "I/N with I from 1 to N, such as `1/4`",
    })
}

pub fn mapping(text: &str) -> Result<(String, String), SettingsError> {
    let place = |text: &str| {
        url::Url::parse(text)
            .ok()
            .map(|url| (url.scheme() == "file", url.has_host()))
    };
    text.split_once('=')
        .filter(|(from, to)| match (place(from), place(to)) {
            // A folder of images that is mounted elsewhere. Nothing that comes over the network is read from a file.
            (Some((true, _)), Some((is_file, _))) => is_file,
            (Some((false, true)), Some((false, true))) => true,
            _ => false,
        })
        .map(|(from, to)| (from.to_owned(), to.to_owned()))
        .ok_or_else(|| SettingsError::Flag {
            flag: "upstream-map",
            value: text.to_owned(),
            expected: "FROM=TO with two URLs, such as `https://cloud-images.ubuntu.com=http://mirror.internal/ubuntu`, or two of files",
        })
}

/// `90s`, `5m`, `1h`.
pub fn duration(setting: &'static str, text: &str) -> Result<Duration, SettingsError> {
    let unit = match text.trim_start_matches(|c: char| c.is_ascii_digit()) {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3600),
        _ => None,
    };
    text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic())
        .parse::<u64>()
        .ok()
        .zip(unit)
        .and_then(|(count, unit)| count.checked_mul(unit))
        .map(Duration::from_secs)
        .ok_or_else(|| SettingsError::Setting {
            setting,
            value: text.to_owned(),
            expected: "a time such as `5m` or `90s`",
        })
}

/// `14d`.
pub fn days(setting: &'static str, text: &str) -> Result<u64, SettingsError> {
    let days = text.strip_suffix('d').and_then(|days| days.parse().ok());
    days.ok_or_else(|| SettingsError::Setting {
        setting,
        value: text.to_owned(),
        expected: "a number of days such as `3d`",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_binary_units() {
        assert_eq!(bytes("64GiB").unwrap(), 64 << 30);
        assert_eq!(bytes("512").unwrap(), 512);
        assert!(bytes("64GB").is_err());
        assert!(bytes("99999999TiB").is_err());
    }

    #[test]
    fn times_have_a_unit() {
        assert_eq!(duration("test", "5m").unwrap(), Duration::from_mins(5));
        assert_eq!(duration("test", "90s").unwrap(), Duration::from_secs(90));
        for text in ["5", "m", "5 m", "-5m", "5d", ""] {
            assert!(duration("test", text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_mapping_needs_two_urls() {
        assert!(mapping("https://a.example=http://127.0.0.1:1/a.example").is_ok());
        assert!(mapping("a.example=http://127.0.0.1").is_err());
    }
}
