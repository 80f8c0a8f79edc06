//! Conditional requests with answers of an earlier run.

use super::*;

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again_and_its_pages_are_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(|asked, _| {
        let is_first = !asked.target.contains("page=2");
        let etag = if is_first { "\"one\"" } else { "\"two\"" };
        if asked
            .headers
            .get("if-none-match")
            .is_some_and(|seen| seen == etag)
        {
            return answer(304, &[("etag", etag)], "");
        }
        let link = "</repos/acme/catalogue/issues/1/comments?page=2>; rel=\"next\"";
        let body = json!([comment(if is_first { 1 } else { 2 })]).to_string();
        if is_first {
            answer(200, &[("etag", etag), ("link", link)], body)
        } else {
            answer(200, &[("etag", etag)], body)
        }
    })
    .await;
    let mut all = Vec::new();
    for unchanged in [0, 2] {
        let repository = server.repository().await.with_cache(Some(folder.path()));
        all.push(repository.comments(1).await.unwrap());
        assert_eq!(repository.requests().unchanged, unchanged);
    }
    assert_eq!(all[0], all[1]);
    assert_eq!(all[0].len(), 2);

    // Another token may see other things.
    let credentials = Credentials::token("ghp_other", false).unwrap();
    let other = Repository::connect(server.place(), credentials, quick())
        .await
        .unwrap();
    let other = other.with_cache(Some(folder.path()));
    other.comments(1).await.unwrap();
    assert_eq!(other.requests().unchanged, 0);

    // Nothing of a token lies there.
    for file in walk(folder.path()) {
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        assert!(
            !text.contains(TOKEN) && !text.contains("ghp_other"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_broken_cache_costs_requests_only() {
    let folder = tempfile::tempdir().unwrap();
    let text = "text\n";
    let id = crate::domain::forge::blob(text.as_bytes());
    let server = Server::start(move |asked, _| {
        assert!(!asked.headers.contains_key("if-none-match"));
        if asked.target.contains("blobs") {
            return ok(&json!({"content": "dGV4dAo=", "encoding": "base64"}));
        }
        answer(200, &[("etag", "\"1\"")], about().to_string())
    })
    .await;
    for run in 1..=3 {
        let repository = server.repository().await.with_cache(Some(folder.path()));
        repository.about().await.unwrap();
        assert_eq!(
            repository.texts(std::slice::from_ref(&id)).await.unwrap()[&id],
            text
        );
        assert_eq!(server.lines().len(), run * 2);
        for file in walk(folder.path()) {
            std::fs::write(file, "rubbish").unwrap();
        }
    }
    let repository = server.repository().await.with_cache(Some(folder.path()));
    repository.texts(std::slice::from_ref(&id)).await.unwrap();
    let before = server.lines().len();
    repository.texts(std::slice::from_ref(&id)).await.unwrap();
    assert_eq!(server.lines().len(), before, "a content is asked for once");
    let file = folder.path().join("not a folder");
    std::fs::write(&file, "").unwrap();
    let repository = server.repository().await.with_cache(Some(&file));
    repository.about().await.unwrap();
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                walk(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}
