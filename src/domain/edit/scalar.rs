//! How one value is written: in the quotes found beside it, and never so that it reads as something else.

/// How a scalar is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quote {
    Plain,
    Single,
    Double,
    /// A block scalar (`>-`, `|-`), whose header stands with the key.
    Block,
}

/// Where a scalar stands, as far as it limits what may be plain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Block,
    /// Between brackets, where `,` and brackets end a plain scalar.
    Flow,
}

/// Whether `value` without quotes is the same string to every YAML reader, those of YAML 1.1 included.
pub(super) fn plain_is_safe(value: &str, place: Place) -> bool {
    is_plain_syntax(value, place) && !is_word(value) && !is_number(value) && !is_timestamp(value)
}

/// Writes `value` in `quote`, or in `otherwise` where plain text would not read as this string.
///
/// A date may stay plain where its neighbours are: openstack-image-manager's files have
/// `build_date: 2026-07-25`, and both readers take it as that text.
pub(super) fn write(value: &str, quote: Quote, otherwise: Quote, place: Place) -> String {
    let plain = plain_is_safe(value, place) || (is_date(value) && quote == Quote::Plain);
    let quote = match quote {
        Quote::Plain if !plain => otherwise,
        Quote::Single if !is_printable(value) => Quote::Double,
        quote => quote,
    };
    match quote {
        Quote::Block => value.to_owned(),
        Quote::Plain if plain => value.to_owned(),
        Quote::Single if is_printable(value) => format!("'{}'", value.replace('\'', "''")),
        Quote::Plain | Quote::Single | Quote::Double => double_quoted(value),
    }
}

/// Whether `value` fits on one line as it is.
pub(super) fn is_printable(value: &str) -> bool {
    value.chars().all(|letter| {
        !letter.is_control() && !matches!(letter, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
    })
}

fn double_quoted(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for letter in value.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            letter if is_printable(letter.encode_utf8(&mut [0; 4])) => out.push(letter),
            letter => out.extend(format!("\\U{:08x}", u32::from(letter)).chars()),
        }
    }
    out.push('"');
    out
}

fn is_plain_syntax(value: &str, place: Place) -> bool {
    let starts_well = value.starts_with(|first: char| {
        first.is_ascii_alphanumeric() || matches!(first, '/' | '.' | '_' | '+')
    });
    let letters_allowed = value.chars().all(|letter| {
        letter.is_ascii_alphanumeric()
            || " ._-+/:~%=?&@$;!()#".contains(letter)
            || (place == Place::Block && letter == ',')
    });
    starts_well
        && letters_allowed
        && !value.contains(": ")
        && !value.contains(" #")
        && !value.ends_with([':', ' '])
}

/// Words that are null, truth values or operators in YAML 1.1 or 1.2.
fn is_word(value: &str) -> bool {
    let words = [
        "null",
        "true",
        "false",
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "nan",
        "inf",
        "infinity",
        ".nan",
        ".inf",
        "+.inf",
        "+inf",
        "+infinity",
    ];
    words.contains(&value.to_ascii_lowercase().as_str())
}

/// Integers and floats of YAML 1.1 and 1.2: `007`, `1_000`, `0x1f`, `0o17`, `1.10`, `1e3`, `12:30:45`.
fn is_number(value: &str) -> bool {
    let digits = value.trim_start_matches('+').to_ascii_lowercase();
    if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return false;
    }
    for prefix in ["0x", "0o", "0b"] {
        if let Some(rest) = digits.strip_prefix(prefix) {
            return rest
                .chars()
                .all(|letter| letter.is_ascii_hexdigit() || letter == '_');
        }
    }
    let is_digits = |text: &str| {
        text.chars()
            .all(|letter| letter.is_ascii_digit() || letter == '_')
    };
    if digits.contains(':') {
        return digits
            .chars()
            .all(|letter| letter.is_ascii_digit() || "_:.".contains(letter));
    }
    let (mantissa, exponent) = digits.split_once('e').unwrap_or((&digits, ""));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    is_digits(whole) && is_digits(fraction) && is_digits(exponent.trim_start_matches(['+', '-']))
}

fn is_date(value: &str) -> bool {
    let shape: Vec<&str> = value.split('-').collect();
    let is_part = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    matches!(shape[..], [year, month, day] if is_part(year, 4) && is_part(month, 2) && is_part(day, 2))
}

/// Dates and times as YAML 1.1 has them: `2026-07-25`, `2026-7-5T10:00:00Z`.
fn is_timestamp(value: &str) -> bool {
    let mut parts = value.splitn(3, '-');
    let (Some(year), Some(month), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let day = rest.split(['T', 't', ' ']).next().unwrap_or_default();
    year.len() == 4
        && is_digits(year)
        && month.len() <= 2
        && is_digits(month)
        && day.len() <= 2
        && is_digits(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_as_something_else_is_not_plain() {
        for value in [
            "20260725",
            "1.10",
            "12.10",
            "1e3",
            "1E5",
            "0x1f",
            "0o17",
            "0b11",
            "1_000",
            "12:30:45",
            "2026-07-25",
            "2026-7-5",
            "2026-07-25T10:00:00Z",
            "yes",
            "No",
            "on",
            "null",
            "~",
            "",
            ".5",
            ".inf",
            "+1",
            "-1",
            "1.",
            "a: b",
            "a #b",
            "- a",
            "*a",
            "&a",
            "!a",
            "a:",
            " a",
            "a ",
            "0123456789012345678901234567890123456789",
            "1234567890123456789E01234567890123456789",
        ] {
            assert!(!plain_is_safe(value, Place::Block), "{value}");
        }
    }

    #[test]
    fn what_can_only_be_text_may_be_plain() {
        for value in [
            "4593.2.0",
            "20260124-2367",
            "1.2.3-rc1",
            "https://a.example/b?c=d#e",
            "sha256:00ff",
            "D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81",
            "2026-07-25-1",
            "v1",
            "13.1-RELEASE",
            "noble",
        ] {
            assert!(plain_is_safe(value, Place::Block), "{value}");
        }
        assert!(plain_is_safe("https://a.example/b,c", Place::Block));
        assert!(!plain_is_safe("https://a.example/b,c", Place::Flow));
    }

    #[test]
    fn quotes_of_either_kind_are_escaped() {
        let quoted = |value, quote| write(value, quote, Quote::Single, Place::Block);
        assert_eq!(quoted("it's", Quote::Single), "'it''s'");
        assert_eq!(quoted(r#"a"b\c"#, Quote::Double), r#""a\"b\\c""#);
        assert_eq!(quoted("a\nb", Quote::Single), r#""a\U0000000ab""#);
        assert_eq!(quoted("1.10", Quote::Plain), "'1.10'");
        assert_eq!(quoted("2026-07-25", Quote::Plain), "2026-07-25");
    }
}
