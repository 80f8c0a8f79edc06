//! What S3 says when it refuses, and what a person can do about it.

use http::StatusCode;

use super::answers::Refusal;
use crate::store::error::StoreError;

/// The longest text of a store that goes into a message, in characters.
const LONGEST: usize = 200;

/// Makes an error of a refusal.
pub fn refusal(doing: &str, status: StatusCode, body: &[u8]) -> StoreError {
    let text = String::from_utf8_lossy(body);
    let Refusal { code, message } = quick_xml::de::from_str(text.trim()).unwrap_or_default();
    let said = match (code.as_str(), message.as_str()) {
        ("", message) => message.to_owned(),
        (code, "") => code.to_owned(),
        (code, message) => format!("{code}: {message}"),
    };
    StoreError::Refused {
        doing: doing.to_owned(),
        status: status.as_u16(),
        remedy: remedy(status, &code),
        said: shortened(&said),
        code,
    }
}

fn remedy(status: StatusCode, code: &str) -> &'static str {
    match (code, status.as_u16()) {
        ("InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "ExpiredToken", _) => {
            "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and `mirror.region` in the settings"
        }
        ("NoSuchBucket", _) => "create the bucket, or check `mirror.to` in the settings",
        ("RequestTimeTooSkewed", _) => "set this machine's clock",
        ("PermanentRedirect" | "AuthorizationHeaderMalformed", _) | (_, 301 | 307) => {
            "the bucket is in another region: check `mirror.region` and `mirror.endpoint` in the settings"
        }
        ("QuotaExceeded" | "InsufficientCapacity", _) | (_, 413 | 507) => {
            "the store is full, or a quota is reached: make room, then run again"
        }
        (_, 401 | 403) => {
            "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and that this key may read and write there"
        }
        _ => "",
    }
}

/// Foreign text without control characters and backticks, cut to a length.
fn shortened(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|letter| {
            if letter.is_control() || letter == '`' {
                ' '
            } else {
                letter
            }
        })
        .collect();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    match plain.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &plain[..end]),
        None => plain.trim_end_matches('.').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_one_sentence_with_the_remedy() {
        let body = b"<?xml version='1.0' encoding='UTF-8'?>\n<Error><Code>SignatureDoesNotMatch</Code><Message>The request \
                     signature `we` calculated\ndoes not match.</Message><StringToSign>secret</StringToSign></Error>";
        let error = refusal("list the objects of `s3://a/`", StatusCode::FORBIDDEN, body);
        insta::assert_snapshot!(error, @"could not list the objects of `s3://a/`: the store answered 403 (`SignatureDoesNotMatch: The request signature we calculated does not match`); check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and `mirror.region` in the settings");
    }

    #[test]
    fn what_is_no_xml_is_told_by_its_status_alone() {
        let error = refusal("write `a`", StatusCode::BAD_GATEWAY, b"<html><h1>nginx");
        insta::assert_snapshot!(error, @"could not write `a`: the store answered 502");
    }
}
