//! A client without opinions: sends what a test says and shows what came back.

use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::forge::Fake;
use crate::forge::fake::TOKEN;

/// Calls below the fake's repository, with a token.
pub struct Api {
    url: String,
    repository: String,
    token: String,
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The body, if the status is this.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// What a refusal says: its message, and those of its errors.
    #[track_caller]
    pub fn refusal(self, status: u16) -> String {
        let body = self.expect(status);
        let mut words = vec![body["message"].as_str().unwrap_or_default()];
        for error in body["errors"].as_array().into_iter().flatten() {
            words.extend(
                ["field", "code", "message"].map(|name| error[name].as_str().unwrap_or_default()),
            );
        }
        words.retain(|word| !word.is_empty());
        words.join(" ")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("text"))
    }
}

impl Api {
    /// With a token that may do everything.
    pub fn of(fake: &Fake) -> Self {
        Self::with_token(fake, TOKEN)
    }

    pub fn with_token(fake: &Fake, token: &str) -> Self {
        Self::at(&fake.url(), &fake.full_name(), token)
    }

    /// At any server.
    pub fn at(url: &str, repository: &str, token: &str) -> Self {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        Self {
            url: url.to_owned(),
            repository: repository.to_owned(),
            token: token.to_owned(),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            client: client.user_agent("reglaze-tests").build().unwrap(),
        }
    }

    /// Sends anything; a path without a slash in front is one of the repository.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Answer, reqwest::Error> {
        let path = match path {
            "" => format!("/repos/{}", self.repository),
            path if path.starts_with("http") || path.starts_with('/') => path.to_owned(),
            path => format!("/repos/{}/{path}", self.repository),
        };
        let url = if path.starts_with("http") {
            path
        } else {
            format!("{}{path}", self.url)
        };
        let mut request = self
            .client
            .request(method.parse().unwrap(), url)
            .header("accept", "application/vnd.github+json");
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        self.runtime.block_on(async {
            let answer = request.send().await?;
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            let text = answer.text().await?;
            let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
            Ok(Answer {
                status,
                headers,
                body,
            })
        })
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None, &[]).unwrap()
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, Some(body), &[]).unwrap()
    }

    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send("PATCH", path, Some(body), &[]).unwrap()
    }

    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, Some(body), &[]).unwrap()
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None, &[]).unwrap()
    }

    pub fn graphql(&self, query: &str, variables: &Value) -> Value {
        self.post("/graphql", &json!({"query": query, "variables": variables}))
            .expect(200)
    }

    /// Opens a pull request of a branch; gives its number.
    pub fn open(&self, branch: &str, title: &str) -> u64 {
        let body = json!({"title": title, "head": branch, "base": "main", "body": "text"});
        self.post("pulls", &body).expect(201)["number"]
            .as_u64()
            .unwrap()
    }
}
