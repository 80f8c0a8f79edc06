//! Images that lie on the machine itself: `file:` URLs, which only a definition may name. No document is read this way,
//! and no redirect or index leads here.

use std::io::SeekFrom;
use std::path::PathBuf;

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use url::Url;

use super::error::shown;
use super::part::{Begin, Identity, Misfit, Point};
use super::{FetchError, Fetcher, Probe};
use crate::upstream::mapping::Mapping;

/// How much is read at once.
const PIECE: usize = 256 << 10;

/// A file by its two names.
pub(super) struct Local {
    /// As it is told.
    pub url: Url,
    /// As it is read.
    real: Url,
}

/// A file that is being read. It has as many bytes as it had when it was opened, or it is an error.
pub(super) struct Reading {
    file: File,
    url: Url,
    left: u64,
}

impl Local {
    /// The file that a URL names, once `--upstream-map` has had its say; nothing if it names none.
    pub fn of(mapping: &Mapping, url: &str) -> Option<Self> {
        let url = Url::parse(url).ok().filter(|url| url.scheme() == "file")?;
        let real = mapping.real(&url).unwrap_or_else(|| url.clone());
        Some(Self { url, real })
    }

    /// Begins to read it from where the image stands. Fails with [`FetchError`].
    pub async fn open(&self, point: &Point) -> Result<(Reading, Begin), FetchError> {
        let (mut file, size, _) = opened(self).await?;
        if let Some(was) = point.size.filter(|was| *was != size) {
            let misfit = Misfit::Changed {
                was: format!("{was} bytes"),
                is: format!("{size} bytes"),
            };
            return Err(misfit.at(&self.url, point));
        }
        file.seek(SeekFrom::Start(point.received))
            .await
            .map_err(|error| unread(&self.url, &error))?;
        let reading = Reading {
            file,
            url: self.url.clone(),
            left: size.saturating_sub(point.received),
        };
        let begin = Begin {
            skip: 0,
            upto: Some(size),
            size: Some(size),
            identity: Identity::default(),
        };
        Ok((reading, begin))
    }
}

impl Reading {
    /// The next piece. Fails with [`FetchError`], also if the file has become shorter or longer.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, FetchError> {
        let mut piece = BytesMut::with_capacity(PIECE);
        let read = self.file.read_buf(&mut piece).await;
        let read = read.map_err(|error| unread(&self.url, &error))? as u64;
        let left = self.left;
        let now = if read > left {
            "longer"
        } else if read == 0 && left > 0 {
            "shorter"
        } else {
            self.left -= read;
            return Ok((read > 0).then(|| piece.freeze()));
        };
        Err(FetchError::NoFile {
            url: shown(&self.url),
            reason: format!("it became {now} while it was read"),
            is_gone: false,
        })
    }
}

impl Fetcher {
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
    use futures_util::{StreamExt, TryStreamExt};

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
            let download = fetcher(&[], 1 << 30).image(&[url.as_str()]).await.unwrap();
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
        let download = fetcher.image(&["file:///srv/images/a.img"]).await.unwrap();
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
            let error = fetcher(&[], 99)
                .image(&[&url])
                .await
                .unwrap_err()
                .to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[tokio::test]
    async fn a_file_that_grows_or_shrinks_while_it_is_read_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.img");
        let url = Url::from_file_path(&path).unwrap();
        let size = 64 * PIECE as u64;
        for (to, word) in [(size + 1, "longer"), (size - 1, "shorter"), (1, "shorter")] {
            std::fs::write(&path, vec![7; 64 * PIECE]).unwrap();
            let mut download = fetcher(&[], 1 << 30).image(&[url.as_str()]).await.unwrap();
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            file.set_len(to).unwrap();
            let mut received = 0;
            let error = loop {
                match download.body.next().await.unwrap() {
                    Ok(piece) => received += piece.len() as u64,
                    Err(error) => break error.to_string(),
                }
            };
            assert!(
                received <= size && error.contains(word),
                "{received}: {error}"
            );
            assert!(download.body.next().await.is_none());
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
                .image(&["https://images.example"])
                .await
                .is_err()
        );
    }
}
