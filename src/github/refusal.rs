//! What a refusal of GitHub means: its status, and the words in it that are known.

use serde::Deserialize;
use serde_json::Value;

use super::answer::Answer;
use super::call::Call;
use super::error::GithubError;
use crate::domain::forge_limits::Kind;

/// A message of GitHub's is a sentence or two; a proxy's page is not.
const LONGEST_MESSAGE: usize = 300;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Refusal {
    message: Option<String>,
    /// REST has objects or texts here, GraphQL objects.
    errors: Option<Vec<Value>>,
}

/// An error in an answer of GraphQL.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GraphqlError {
    /// Absent for what is wrong with the document itself.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub message: String,
}

/// Sorts a refusal by what can be done about it.
pub(super) fn of(call: &Call, answer: &Answer) -> GithubError {
    let doing = call.doing.clone();
    let message = message(answer);
    let has = |words: &str| message.to_ascii_lowercase().contains(words);
    match answer.status {
        401 => GithubError::Unauthorized { doing, message },
        403 if has("not permitted to create or approve pull requests") => {
            GithubError::NotPermittedToCreatePullRequests { doing }
        }
        // No permission helps there.
        403 if has("archived") => GithubError::Refused {
            doing,
            status: 403,
            message,
        },
        403 => GithubError::Forbidden {
            doing,
            message,
            permission: call.permission,
        },
        status @ (404 | 405 | 410 | 501) if call.is_graphql => GithubError::NoGraphql {
            doing,
            url: call.url.to_string(),
            found: format!("{status}: {message}"),
        },
        404 => GithubError::NotFound {
            doing,
            permission: call.permission,
        },
        422 if has("already exists") => GithubError::Exists { doing, message },
        422 if has("too long") => GithubError::TooLong { doing, message },
        422 if has("fast forward") || has("fast-forward") => GithubError::Moved { doing, message },
        422 if has("reference does not exist") => GithubError::NotFound {
            doing,
            permission: call.permission,
        },
        status @ 500.. if call.kind == Kind::Write && status != 501 => GithubError::Unclear {
            doing,
            host: call.host(),
            reason: format!("it answered {status}"),
        },
        status @ 500.. => GithubError::Failing { doing, status },
        status => GithubError::Refused {
            doing,
            status,
            message,
        },
    }
}

/// Sorts the errors of a GraphQL answer; `errors` has at least one.
pub(super) fn of_graphql(call: &Call, errors: &[GraphqlError]) -> GithubError {
    let doing = call.doing.clone();
    let kind = errors.iter().find_map(|error| error.kind.as_deref());
    let texts: Vec<_> = errors.iter().map(|error| error.message.as_str()).collect();
    let message = cleaned(&texts.join("; "));
    let has = |words: &str| message.to_ascii_lowercase().contains(words);
    match kind {
        _ if has("clean status") || has("branch rules not configured") => {
            GithubError::CleanStatus { doing }
        }
        _ if has("unstable status") => GithubError::UnstableStatus { doing },
        _ if has("auto merge is not allowed") || has("auto-merge is not allowed") => {
            GithubError::AutoMergeNotAllowed { doing }
        }
        Some("NOT_FOUND") => GithubError::NotFound {
            doing,
            permission: call.permission,
        },
        Some("STALE_DATA") => GithubError::Moved { doing, message },
        Some("FORBIDDEN" | "INSUFFICIENT_SCOPES") => GithubError::Forbidden {
            doing,
            message,
            permission: call.permission,
        },
        _ if has("resource not accessible") => GithubError::Forbidden {
            doing,
            message,
            permission: call.permission,
        },
        // What went wrong inside, and how far it came, nobody says.
        Some("INTERNAL" | "SERVICE_UNAVAILABLE") if call.kind == Kind::Write => {
            GithubError::Unclear {
                doing,
                host: call.host(),
                reason: message,
            }
        }
        None if has("something went wrong") && call.kind == Kind::Write => GithubError::Unclear {
            doing,
            host: call.host(),
            reason: message,
        },
        _ => GithubError::Refused {
            doing,
            status: 200,
            message,
        },
    }
}

/// Whether a body says that a limit was reached: REST in words, GraphQL by a type in an answer with status 200.
pub(super) fn says_limit(call: &Call, answer: &Answer) -> bool {
    match answer.status {
        403 | 429 => {
            let message = message(answer).to_ascii_lowercase();
            message.contains("rate limit") || message.contains("abuse detection")
        }
        200 if call.is_graphql => {
            let refusal: Refusal = serde_json::from_slice(&answer.body).unwrap_or_default();
            refusal.errors.iter().flatten().any(|error| {
                let of = |key: &str| error.get(key).and_then(Value::as_str);
                matches!(of("type"), Some("RATE_LIMITED" | "RATE_LIMIT"))
                    || of("message").is_some_and(|text| {
                        text.to_ascii_lowercase().contains("secondary rate limit")
                    })
            })
        }
        _ => false,
    }
}

/// GitHub's words: the message and what stands in `errors`, else the beginning of the body.
fn message(answer: &Answer) -> String {
    let Ok(refusal) = serde_json::from_slice::<Refusal>(&answer.body) else {
        let text = String::from_utf8_lossy(&answer.body);
        return cleaned(&without_tags(&text));
    };
    let details = refusal
        .errors
        .iter()
        .flatten()
        .filter_map(|error| match error {
            Value::String(text) => Some(text.clone()),
            Value::Object(object) => {
                let of = |key: &str| object.get(key).and_then(Value::as_str);
                // `code` is a word such as `already_exists`, with `message` only where it is `custom`.
                of("message").map(str::to_owned).or_else(|| {
                    let words = [of("resource"), of("field"), of("code")];
                    let words: Vec<_> = words.into_iter().flatten().collect();
                    (!words.is_empty()).then(|| words.join(" ").replace('_', " "))
                })
            }
            _ => None,
        });
    let parts: Vec<_> = refusal.message.into_iter().chain(details).collect();
    cleaned(&parts.join(": "))
}

/// Foreign text for a message of ours: one line, no backticks, not long.
pub(super) fn cleaned(text: &str) -> String {
    let plain = text.replace(|c: char| c.is_control() || c == '`', " ");
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    match plain.char_indices().nth(LONGEST_MESSAGE) {
        _ if plain.is_empty() => "nothing".to_owned(),
        Some((end, _)) => format!("{}…", &plain[..end]),
        None => plain,
    }
}

fn without_tags(text: &str) -> String {
    let mut is_inside = false;
    let letters = text.chars().filter_map(|letter| match letter {
        '<' => {
            is_inside = true;
            Some(' ')
        }
        '>' => {
            is_inside = false;
            None
        }
        _ => (!is_inside).then_some(letter),
    });
    letters.collect()
}

/// Takes a refusal as a conflict of a merge or a move: 405 and 409 mean something there.
pub(super) fn of_merge(error: GithubError) -> GithubError {
    match error {
        GithubError::Refused {
            doing,
            status: 405,
            message,
        } => GithubError::NotMergeable { doing, message },
        GithubError::Refused {
            doing,
            status: 409,
            message,
        } => GithubError::Moved { doing, message },
        error => error,
    }
}
