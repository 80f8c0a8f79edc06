//! What becomes of one request: it is passed on, answered, cut, held, or struck at.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Request, Response};
use futures_util::{StreamExt, TryStreamExt};
use serde_json::Value;

use super::{Blow, Deed, Moment, Seen, Shared, answer};

/// A body that breaks off ends the connection in the middle of the answer.
pub(super) fn broken() -> Response<Body> {
    let cut = futures_util::stream::iter([Err::<Bytes, _>(std::io::Error::other("cut"))]);
    answer(200, Body::from_stream(cut))
}

pub(super) async fn pass(
    State(shared): State<Arc<Shared>>,
    request: Request<Body>,
) -> Response<Body> {
    let (request, body) = with_body(request).await;
    let seen = noted(&shared, &request, body);
    let deed = {
        let mut rules = shared.rules.lock().unwrap();
        rules.iter_mut().find_map(|rule| rule(&seen))
    };
    match deed.unwrap_or(Deed::PassOn) {
        Deed::Answer(answer) => answer,
        Deed::PassOn => done(&shared, &seen, request).await,
        Deed::PassOnAndLose => {
            done(&shared, &seen, request).await;
            answer(500, "lost on the way back")
        }
        Deed::PassOnAndCut => {
            done(&shared, &seen, request).await;
            broken()
        }
        Deed::CutWithin => {
            within(&shared, &seen, request, Box::new(|| {})).await;
            broken()
        }
        Deed::Hold(held) => {
            let request = request.map(|body| held.hold(body));
            let answer = done(&shared, &seen, request).await;
            if held.is_broken() { broken() } else { answer }
        }
        Deed::Strike(Moment::Before, blow) => {
            tokio::task::block_in_place(blow);
            broken()
        }
        Deed::Strike(Moment::Within, blow) => {
            within(&shared, &seen, request, blow).await;
            broken()
        }
        Deed::Strike(Moment::After, blow) => {
            done(&shared, &seen, request).await;
            tokio::task::block_in_place(blow);
            broken()
        }
    }
}

/// Passes a request on, and looks at what came of it.
async fn done(shared: &Shared, seen: &Seen, request: Request<Body>) -> Response<Body> {
    let answer = forward(shared, request).await;
    if !seen.is_write() {
        return answer;
    }
    // The service is done with it only when its answer is complete.
    let (head, body) = answer.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX)
        .await
        .unwrap_or_default();
    look(shared).await;
    Response::from_parts(head, Body::from(body))
}

async fn look(shared: &Shared) {
    let look = shared.look.lock().unwrap().clone();
    if let Some(look) = look {
        look().await;
    }
}

/// Passes half of a body on; then comes the blow, and the service's connection ends.
async fn within(shared: &Shared, seen: &Seen, request: Request<Body>, blow: Blow) {
    let length = seen.headers.get("content-length");
    let length: usize = length.unwrap().to_str().unwrap().parse().unwrap();
    let mut left = length / 2;
    let request = request.map(|body| {
        let half = body.into_data_stream().map(move |piece| {
            let piece = piece.map_err(std::io::Error::other)?;
            if left == 0 {
                return Err(std::io::Error::other("cut"));
            }
            let kept = piece.slice(..piece.len().min(left));
            left -= kept.len();
            Ok(kept)
        });
        // A body that ends too early is one that breaks off.
        let end = futures_util::stream::once(async { Err(std::io::Error::other("cut")) });
        Body::from_stream(half.chain(end))
    });
    forward(shared, request).await;
    tokio::task::block_in_place(blow);
    look(shared).await;
}

/// Reads a body that is JSON, to write it down.
async fn with_body(request: Request<Body>) -> (Request<Body>, Value) {
    let kind = request.headers().get("content-type");
    if !kind.is_some_and(|kind| kind.to_str().is_ok_and(|kind| kind.contains("json"))) {
        return (request, Value::Null);
    }
    let (head, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX)
        .await
        .unwrap_or_default();
    let document = serde_json::from_slice(&bytes).unwrap_or_default();
    (Request::from_parts(head, Body::from(bytes)), document)
}

fn noted(shared: &Shared, request: &Request<Body>, body: Value) -> Seen {
    let (method, path) = (
        request.method().to_string(),
        request.uri().path().to_owned(),
    );
    let line = format!("{method} {path}");
    let token = request.headers().get("x-auth-token");
    let mut calls = shared.seen.lock().unwrap();
    let before = calls.iter().filter(|seen| seen.line == line).count();
    let seen = Seen {
        method,
        path,
        line,
        query: request.uri().query().unwrap_or_default().to_owned(),
        token: token
            .and_then(|token| token.to_str().ok())
            .map(str::to_owned),
        before,
        headers: request.headers().clone(),
        body,
    };
    calls.push(seen.clone());
    seen
}

async fn forward(shared: &Shared, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let route = shared.routes.iter().find_map(|(begin, service)| {
        let rest = parts.uri.path().strip_prefix(begin)?;
        Some((service.clone(), rest))
    });
    let Some((mut url, path)) = route else {
        return answer(404, "no service has this path");
    };
    url.set_path(path);
    url.set_query(parts.uri.query());
    let mut headers = parts.headers;
    if !shared.keeps_host {
        headers.remove("host");
    }
    // An empty stream would be sent as chunks, and Glance's actions take no body.
    let has_body = headers.contains_key("transfer-encoding")
        || headers
            .get("content-length")
            .is_some_and(|length| length != "0");
    let mut forwarded = shared
        .client
        .request(parts.method.clone(), url)
        .headers(headers);
    if has_body {
        forwarded = forwarded.body(reqwest::Body::wrap_stream(body.into_data_stream()));
    }
    match forwarded.send().await {
        Ok(received) => {
            let mut answer = Response::new(Body::empty());
            *answer.status_mut() = received.status();
            for (name, value) in received.headers() {
                if name != "connection" && name != "transfer-encoding" {
                    answer.headers_mut().append(name, value.clone());
                }
            }
            *answer.body_mut() = Body::from_stream(received.bytes_stream().map_ok(Bytes::from));
            answer
        }
        Err(error) => answer(599, error.to_string()),
    }
}
