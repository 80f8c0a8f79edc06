//! Images that lie on the machine itself: `file:` URLs, which only a definition may name. No document is read this way,
//! and no redirect or index leads here.

use std::path::PathBuf;

use bytes::BytesMut;
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use futures_util::stream;
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use url::Url;

use super::error::shown;
use super::{Download, FetchError, Fetcher, Probe};

/// How much is read at once.
const PIECE: usize = 256 << 10;

/// A file by its two names.
pub(super) struct Local {
    /// As it is told.
    url: Url,
    /// As it is read.
    real: Url,
}

impl Fetcher {
    /// The file that a URL names, once `--upstream-map` has had its say; nothing if it names none.
    pub(super) fn local(&self, url: &str) -> Option<Local> {
        let url = Url::parse(url).ok().filter(|url| url.scheme() == "file")?;
        let real = self.mapping.real(&url).unwrap_or_else(|| url.clone());
        Some(Local { url, real })
    }

    /// Begins to read an image. Fails with [`FetchError`].
    pub(super) async fn read(&self, local: &Local) -> Result<Download, FetchError> {
        let Local { url, .. } = local;
        let (file, size, _) = opened(local).await?;
        let limit = self.image_size;
        if size > limit {
            return Err(FetchError::TooLarge {
                url: shown(url),
                limit,
            });
        }
        let named = url.clone();
        let pieces = stream::try_unfold((file, named), |(mut file, named)| async move {
            let mut piece = BytesMut::with_capacity(PIECE);
            let read = file.read_buf(&mut piece).await;
            let read = read.map_err(|error| unread(&named, &error))?;
            Ok((read > 0).then(|| (piece.freeze(), (file, named))))
        });
        Ok(Download {
            size: Some(size),
            body: pieces.fuse().boxed(),
        })
    }

    /// Whether an image is there. Fails with [`FetchError`].
    pub(super) async fn seen(&self, local: &Local) -> Result<Probe, FetchError> {
        let (_, size, modified) = opened(local).await?;
        Ok(Probe {
            modified: modified.map(|time| time.to_rfc2822()),
            host: String::new(),
            size: Some(size),
        })
    }
}

/// The file, its size, and when it was written.
async fn opened(local: &Local) -> Result<(File, u64, Option<DateTime<Utc>>), FetchError> {
    let Local { url, real } = local;
    let path: PathBuf = real.to_file_path().map_err(|()| FetchError::NoFile {
        url: shown(url),
        reason: "it names another machine".to_owned(),
        is_gone: false,
    })?;
    let open = async {
        // What is no plain file may never end, or never begin.
        let metadata = tokio::fs::metadata(&path).await?;
        if !metadata.is_file() {
            return Err(std::io::Error::other("it is no plain file"));
        }
        let modified = metadata.modified().ok().map(DateTime::from);
        Ok((File::open(&path).await?, metadata.len(), modified))
    };
    open.await.map_err(|error| unread(url, &error))
}

fn unread(url: &Url, error: &std::io::Error) -> FetchError {
    FetchError::NoFile {
        url: shown(url),
        reason: error.to_string(),
        is_gone: error.kind() == std::io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;

    use super::*;

    fn fetcher(map: &[(&str, &str)], limit: u64) -> Fetcher {
        let map: Vec<_> = map
            .iter()
            .map(|(from, to)| ((*from).to_owned(), (*to).to_owned()))
            .collect();
        Fetcher::new(&map, None, limit).unwrap()
    }

    #[tokio::test]
    async fn a_file_comes_whole_whatever_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image with blanks.qcow2");
        let url = Url::from_file_path(&path).unwrap();
        for size in [0, 1, PIECE, 3 * PIECE + 7] {
            let bytes: Vec<u8> = (0..size)
                .map(|at| u8::try_from(at % 251).unwrap())
                .collect();
            std::fs::write(&path, &bytes).unwrap();
            let download = fetcher(&[], 1 << 30).image(url.as_str()).await.unwrap();
            assert_eq!(download.size, Some(size as u64));
            let pieces: Vec<_> = download.body.try_collect().await.unwrap();
            assert!(pieces.concat() == bytes, "{size}");
        }
    }

    #[tokio::test]
    async fn a_folder_may_be_mounted_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.img"), b"bytes").unwrap();
        let here = Url::from_file_path(folder.path()).unwrap();
        let fetcher = fetcher(&[("file:///srv/images", here.as_str())], 1 << 30);
        let download = fetcher.image("file:///srv/images/a.img").await.unwrap();
        assert_eq!(download.size, Some(5));
        assert!(fetcher.probe("file:///srv/images/a.img").await.is_ok());
        assert!(
            fetcher
                .probe("file:///srv/images/b.img")
                .await
                .unwrap_err()
                .is_gone()
        );
    }

    #[tokio::test]
    async fn what_is_no_image_of_this_machine_is_refused_in_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("large.img"), [0; 100]).unwrap();
        let here = Url::from_file_path(folder.path()).unwrap();
        for (url, word) in [
            (format!("{here}"), "no plain file"),
            (format!("{here}/none.img"), "No such file"),
            (format!("{here}/large.img"), "larger than 99 bytes"),
            ("file://elsewhere/srv/a.img".to_owned(), "another machine"),
            ("file:///dev/zero".to_owned(), "no plain file"),
        ] {
            let error = fetcher(&[], 99).image(&url).await.unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[tokio::test]
    async fn no_upstream_is_read_from_this_machine() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, b"secret").unwrap();
        let url = Url::from_file_path(&path).unwrap();
        assert!(fetcher(&[], 1 << 30).stream(url.as_str()).await.is_err());
        let map = [("https://images.example", url.as_str())];
        assert!(
            fetcher(&map, 1 << 30)
                .image("https://images.example")
                .await
                .is_err()
        );
    }
}
