//! Simplestreams: an index names the file of products, a product has versions, a version has items.
//!
//! The format: <https://git.launchpad.net/simplestreams/tree/doc/README>.

use serde_json::Value;

use super::{Ask, Document, Find, IndexError, Kind, Step};
use crate::domain::source::Engine;

pub(super) fn step(ask: &Ask) -> Result<Step, IndexError> {
    let Engine::Simplestreams {
        mirror,
        content_id,
        product,
        item,
        key,
        path,
    } = &ask.index.engine
    else {
        return Ok(Step::Need(Vec::new()));
    };
    let mirror = ask.fill(mirror)?;
    let is_signed = ask.index.is_clearsigned();
    let index_url = if is_signed {
        format!("{mirror}streams/v1/index.sjson")
    } else {
        format!("{mirror}streams/v1/index.json")
    };
    let index = match ask.document(&index_url, Kind::Json) {
        Ok(document) => document,
        Err(need) => return Ok(need),
    };
    let feed_path = feed_path(index, &ask.fill(content_id)?)?;
    // A signed index names signed feeds; where it does not, they are there under this name.
    let feed_url = match feed_path.strip_suffix(".json") {
        Some(stem) if is_signed => format!("{mirror}{stem}.sjson"),
        _ => format!("{mirror}{feed_path}"),
    };
    let feed = match ask.document(&feed_url, Kind::Json) {
        Ok(document) => document,
        Err(need) => return Ok(need),
    };
    let product = ask.fill(product)?;
    let versions = versions(feed, &product)?;
    let pattern = ask.pattern(key)?;
    let finds = versions.keys().filter_map(|version| {
        Some(Find::new(&pattern, version, ask.variables)?.with("key", version))
    });
    let newest = ask.newest(finds).ok_or_else(|| IndexError::Absent {
        url: feed.url.clone(),
        found: format!("{} versions of `{product}`", versions.len()),
        expected: format!("one whose name matches `{pattern}`"),
    })?;
    let version_key = newest.variables.get("key").cloned().unwrap_or_default();
    let item = ask.fill(item)?;
    let entry = &versions[&version_key]["items"][&item];
    let item_path = entry["path"].as_str().ok_or_else(|| IndexError::Absent {
        url: feed.url.clone(),
        found: format!("version `{version_key}` of `{product}` without the path of `{item}`"),
        expected: "it, as every complete build has it".to_owned(),
    })?;
    let mut newest = newest.with("mirror", &mirror).with("path", item_path);
    for name in ["sha256", "sha512", "size"] {
        let value = match &entry[name] {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        newest = newest.with(name, &value);
    }
    if let Some(path) = path {
        let pattern = ask.pattern_with(path, &newest.variables)?;
        if !newest.add(&pattern, item_path) {
            return Err(IndexError::Absent {
                url: feed.url.clone(),
                found: format!("the path `{item_path}`"),
                expected: format!("one that matches `{pattern}`"),
            });
        }
    }
    ask.found(&feed.url, &newest)
}

/// Where the products are, relative to the mirror.
fn feed_path<'a>(index: &'a Document, content_id: &str) -> Result<&'a str, IndexError> {
    let entries = index.json()?["index"]
        .as_object()
        .ok_or_else(|| not_of_format(index, "no object `index`"))?;
    entries
        .get(content_id)
        .and_then(|entry| entry["path"].as_str())
        .ok_or_else(|| IndexError::Absent {
            url: index.url.clone(),
            found: format!("{} feeds", entries.len()),
            expected: format!("`{content_id}` with its path among them"),
        })
}

fn versions<'a>(
    feed: &'a Document,
    product: &str,
) -> Result<&'a serde_json::Map<String, Value>, IndexError> {
    let products = feed.json()?["products"]
        .as_object()
        .ok_or_else(|| not_of_format(feed, "no object `products`"))?;
    let product_entry = products.get(product).ok_or_else(|| IndexError::Absent {
        url: feed.url.clone(),
        found: format!("{} products", products.len()),
        expected: format!("`{product}` among them"),
    })?;
    product_entry["versions"]
        .as_object()
        .ok_or_else(|| not_of_format(feed, "a product without `versions`"))
}

fn not_of_format(document: &Document, what: &str) -> IndexError {
    IndexError::Malformed {
        url: document.url.clone(),
        expected: "a simplestreams index",
        reason: format!("it has {what}"),
    }
}
