//! A request as handlers see it, and what they answer.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::tokens::Caller;

#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// Path and query as they were sent.
    pub target: String,
    /// Decoded.
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub headers: HeaderMap,
    pub body: Value,
    pub caller: Caller,
}

impl Request {
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// A text of the body; nothing if it is absent or null.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.body[name].as_str()
    }

    pub fn has(&self, name: &str) -> bool {
        self.body.get(name).is_some()
    }

    /// A list of texts in the body; nothing if it is absent.
    pub fn texts(&self, name: &str) -> Option<Vec<String>> {
        let list = self.body.get(name)?.as_array()?;
        let text = |value: &Value| value.as_str().or(value["name"].as_str()).map(str::to_owned);
        Some(list.iter().filter_map(text).collect())
    }
}

/// What is answered. An error is answered, too: handlers return `Result<Answer, Answer>` so that `?` ends them.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Body,
}

#[derive(Debug, Clone)]
pub enum Body {
    None,
    Json(Value),
    /// A list that is answered in pages; the word is the field it lies in, with the count beside it.
    List(Vec<Value>, Option<&'static str>),
    /// The same, where pages are only of one list of an object.
    Bytes(&'static str, Vec<u8>),
}

pub type Answered = Result<Answer, Answer>;

#[expect(clippy::unnecessary_wraps, reason = "it is what a handler ends with")]
impl Answer {
    pub fn new(status: u16, body: Body) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body,
        }
    }

    pub fn ok(body: Value) -> Answered {
        Ok(Self::new(200, Body::Json(body)))
    }

    pub fn created(body: Value) -> Answered {
        Ok(Self::new(201, Body::Json(body)))
    }

    pub fn list(items: Vec<Value>) -> Answered {
        Ok(Self::new(200, Body::List(items, None)))
    }

    pub fn nothing(status: u16) -> Answered {
        Ok(Self::new(status, Body::None))
    }

    pub fn error(status: u16, message: &str) -> Self {
        Self::new(
            status,
            Body::Json(json!({
                "message": message,
                "documentation_url": "https://docs.github.com/rest",
                "status": status.to_string(),
            })),
        )
    }

    pub fn missing() -> Self {
        Self::error(404, "Not Found")
    }

    /// A 422 with the list of what is wrong.
    pub fn invalid(errors: &[Value]) -> Self {
        Self::new(
            422,
            Body::Json(json!({
                "message": "Validation Failed",
                "errors": errors,
                "documentation_url": "https://docs.github.com/rest",
                "status": "422",
            })),
        )
    }

    /// A 422 that says in words what is wrong.
    pub fn refused(resource: &str, message: &str) -> Self {
        Self::invalid(&[json!({"resource": resource, "code": "custom", "message": message})])
    }

    pub fn too_long(resource: &str, field: &str, limit: usize) -> Self {
        let message = format!("{field} is too long (maximum is {limit} characters)");
        Self::invalid(&[
            json!({"resource": resource, "code": "custom", "field": field, "message": message}),
        ])
    }

    pub fn field(resource: &str, field: &str, code: &str) -> Self {
        Self::invalid(&[json!({"resource": resource, "field": field, "code": code})])
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
