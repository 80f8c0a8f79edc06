//! A service's whole answer, and its own words cut to a length for a message.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A page of 1,000 images with many properties has some MiB.
const LONGEST_BODY: usize = 64 << 20;

/// The longest text of a service that goes into a message, in characters.
const LONGEST_MESSAGE: usize = 300;

/// An answer that was read to its end.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Reads the body to its end; one that breaks off is an error, one that is far too long is cut.
    pub async fn read(mut response: reqwest::Response) -> Result<Self, reqwest::Error> {
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await? {
            body.extend_from_slice(&piece);
            if body.len() > LONGEST_BODY {
                // Cut JSON does not parse, so nobody takes it for the whole.
                body.truncate(LONGEST_BODY);
                break;
            }
        }
        Ok(Self {
            status,
            headers,
            body,
        })
    }

    /// Reads the body as JSON of the type; otherwise says what it is instead.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let kind = self
                .headers
                .get("content-type")
                .and_then(|kind| kind.to_str().ok());
            let place = format!("line {}, column {}", error.line(), error.column());
            match error.classify() {
                serde_json::error::Category::Eof => {
                    format!("{} with JSON that breaks off", self.status)
                }
                serde_json::error::Category::Data => {
                    format!("{} with other JSON ({error})", self.status)
                }
                _ => format!(
                    "{} with `{}` that is no JSON at {place}",
                    self.status,
                    kind.unwrap_or("text")
                ),
            }
        })
    }

    /// Gives what the service says in words: its JSON message, or its HTML without the tags.
    pub fn message(&self) -> String {
        let text = match serde_json::from_slice::<Value>(&self.body) {
            Ok(json) => json_message(&json).unwrap_or_default(),
            Err(_) => {
                String::from_utf8_lossy(&self.body[..self.body.len().min(16 << 10)]).into_owned()
            }
        };
        shortened(&text)
    }

    /// Gives the ID under which the service logged this call.
    pub fn request_id(&self) -> Option<&str> {
        self.headers.get("x-openstack-request-id")?.to_str().ok()
    }

    /// Gives how long the service asks to wait: seconds, or a date.
    pub fn retry_after(&self, now: DateTime<Utc>) -> Option<Duration> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?;
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let date = DateTime::parse_from_rfc2822(text).ok()?;
        Some((date.to_utc() - now).to_std().unwrap_or_default())
    }
}

/// Glance says `{"message": …}`, Keystone `{"error": {"message": …}}`, Nova `{"badRequest": {"message": …}}`.
fn json_message(json: &Value) -> Option<String> {
    let message = |json: &Value| Some(json.get("message")?.as_str()?.to_owned());
    message(json).or_else(|| json.as_object()?.values().find_map(message))
}

/// Takes out tags, control characters and runs of white space, and cuts to a length.
fn shortened(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        plain.push_str(&rest[..start]);
        plain.push(' ');
        rest = without_tag(&rest[start..]);
    }
    plain.push_str(rest);
    let plain = plain
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
        // Backticks quote values in our messages.
        .replace(|c: char| c.is_control() || c == '`', " ");
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    match plain.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}…", &plain[..end]),
        None => plain,
    }
}

/// Gives what follows the tag that `text` begins with; of `head`, `style` and `script` the content goes too.
fn without_tag(text: &str) -> &str {
    let name: String = text[1..]
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    let name = name.to_ascii_lowercase();
    let after = |end: usize| text.get(end + 1..).unwrap_or_default();
    if matches!(name.as_str(), "head" | "style" | "script") {
        let close = format!("</{name}>");
        if let Some(end) = text.to_ascii_lowercase().find(&close) {
            return after(end + close.len() - 1);
        }
    }
    text.find('>').map_or("", after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Answer {
        Answer {
            status: StatusCode::BAD_REQUEST,
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn the_words_of_glance_keystone_and_nova_are_found() {
        let glance = r#"{"message": "No such\n image.<br /><br />\n", "code": "404 Not Found", "title": "Not Found"}"#;
        assert_eq!(answer(glance).message(), "No such image.");
        let keystone =
            r#"{"error": {"code": 401, "message": "Who are you?", "title": "Unauthorized"}}"#;
        assert_eq!(answer(keystone).message(), "Who are you?");
        assert_eq!(
            answer(r#"{"badRequest": {"code": 400, "message": "No."}}"#).message(),
            "No."
        );
        assert_eq!(answer(r#"{"images": []}"#).message(), "");
    }

    #[test]
    fn an_html_page_is_told_without_its_tags_and_head() {
        let page = "<html>\n <head>\n  <title>502</title><style>a{}</style>\n </head>\n <body>\n  <h1>Bad &amp; Gateway</h1>\n  \
                    The server `nginx` said <b>no</b>.<script>alert(1)</script>\n </body>\n</html>";
        assert_eq!(
            answer(page).message(),
            "Bad & Gateway The server nginx said no ."
        );
        assert_eq!(answer("a < b <unfinished").message(), "a");
    }

    #[test]
    fn a_long_message_is_cut_between_characters_and_has_no_line_breaks() {
        let message = answer(&"ä\u{1b}\n::error::".repeat(200)).message();
        assert_eq!(message.chars().count(), 301);
        assert!(message.ends_with('…'));
        assert!(!message.contains(char::is_control));
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now = DateTime::parse_from_rfc3339("2026-11-21T10:00:00Z")
            .unwrap()
            .to_utc();
        let wait = |text: &str| {
            let mut answer = answer("");
            answer.headers.insert(RETRY_AFTER, text.parse().unwrap());
            answer.retry_after(now)
        };
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(
            wait("Sat, 21 Nov 2026 10:00:09 GMT"),
            Some(Duration::from_secs(9))
        );
        assert_eq!(wait("Sat, 21 Nov 2026 09:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("soon"), None);
    }
}
