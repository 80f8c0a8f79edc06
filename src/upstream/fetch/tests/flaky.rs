//! A server that knows one file and does with it what a script says. It writes its answers byte by byte, so that it can
//! lie in ways that no HTTP library would.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::upstream::fetch::Fetcher;
use crate::upstream::fetch::patience::Times;

/// What was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    pub path: String,
    /// The first byte of `Range: bytes=N-`.
    pub from: Option<u64>,
    pub if_range: Option<String>,
}

/// What is answered. The head is written from `head`, with nothing added.
#[derive(Debug, Clone)]
pub struct Reply {
    pub head: String,
    pub body: Vec<u8>,
    /// Whether the connection stays open afterwards, in silence.
    pub stalls: bool,
    /// After each byte.
    pub pause: Duration,
}

impl Reply {
    /// `STATUS TEXT` and headers, each a line.
    pub fn new(head: &str, body: &[u8]) -> Self {
        let lines: Vec<_> = head.lines().map(str::trim).collect();
        Self {
            head: format!("HTTP/1.1 {}\r\n\r\n", lines.join("\r\n")),
            body: body.to_vec(),
            stalls: false,
            pause: Duration::ZERO,
        }
    }

    /// The whole file, or its rest if that is asked for and `If-Range` does not speak against it.
    pub fn good(file: &File, asked: &Asked) -> Self {
        let size = file.bytes.len();
        let from = asked.from.filter(|_| {
            let condition = asked.if_range.as_ref();
            condition.is_none_or(|condition| file.said.contains(condition.as_str()))
        });
        let Some(from) = from else {
            let head = format!("200 OK\ncontent-length: {size}\n{}", file.said);
            return Self::new(head.trim_end(), &file.bytes);
        };
        let from = usize::try_from(from).unwrap();
        if from >= size {
            let head = format!(
                "416 Range Not Satisfiable\ncontent-range: bytes */{size}\ncontent-length: 0"
            );
            return Self::new(&head, b"");
        }
        let head = format!(
            "206 Partial Content\ncontent-range: bytes {from}-{}/{size}\ncontent-length: {}\n{}",
            size - 1,
            size - from,
            file.said
        );
        Self::new(head.trim_end(), &file.bytes[from..])
    }

    /// As many bytes of the body, then the end of the connection.
    pub fn cut(mut self, after: usize) -> Self {
        self.body.truncate(after);
        self
    }

    pub fn stalled(mut self, after: usize) -> Self {
        self.stalls = true;
        self.cut(after)
    }

    /// Another line in the head in place of the one that begins so.
    pub fn with(mut self, name: &str, line: &str) -> Self {
        let lines = self.head.trim_end().lines().map(str::to_owned);
        let mut lines: Vec<_> = lines.filter(|old| !old.starts_with(name)).collect();
        lines.extend(Some(line.to_owned()).filter(|line| !line.is_empty()));
        self.head = format!("{}\r\n\r\n", lines.join("\r\n"));
        self
    }

    /// The same without a length, in chunks. The last chunk, which ends it, is left out where the body is `cut`.
    pub fn chunked(self, cut: Option<usize>) -> Self {
        let mut body = Vec::new();
        let bytes = &self.body[..cut.unwrap_or(self.body.len()).min(self.body.len())];
        for chunk in bytes.chunks(1000) {
            body.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            body.extend_from_slice(chunk);
            body.extend_from_slice(b"\r\n");
        }
        if cut.is_none() {
            body.extend_from_slice(b"0\r\n\r\n");
        }
        let mut reply = self.with("content-length", "transfer-encoding: chunked");
        reply.body = body;
        reply
    }
}

/// A file and the lines of a head that say which one it is.
#[derive(Debug, Clone)]
pub struct File {
    pub bytes: Vec<u8>,
    pub said: String,
}

impl File {
    /// Bytes that differ at each offset, and a strong tag.
    pub fn new(size: usize) -> Self {
        let bytes = (0..size).map(|at| {
            let word = (at as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            word.to_le_bytes()[7]
        });
        Self {
            bytes: bytes.collect(),
            said: "etag: \"one\"".to_owned(),
        }
    }

    pub fn saying(&self, said: &str) -> Self {
        Self {
            bytes: self.bytes.clone(),
            said: said.to_owned(),
        }
    }
}

type Script = dyn Fn(&Asked, usize) -> Reply + Send + Sync;

/// The server. It ends with the test's runtime.
pub struct Flaky {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Flaky {
    /// A server that answers what the script says to a request, given with how many were before.
    pub async fn start(script: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let script: Arc<Script> = Arc::new(script);
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&log)));
            }
        });
        Self { address, asked }
    }

    /// Answers one reply after the other, then as it should.
    pub async fn of(
        file: &File,
        replies: impl IntoIterator<Item = Box<dyn Fn(&File, &Asked) -> Reply + Send>>,
    ) -> Self {
        let replies = Mutex::new(replies.into_iter().collect::<VecDeque<_>>());
        let file = file.clone();
        Self::start(move |asked, _| match replies.lock().unwrap().pop_front() {
            Some(reply) => reply(&file, asked),
            None => Reply::good(&file, asked),
        })
        .await
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// From which byte each request asked.
    pub fn offsets(&self) -> Vec<u64> {
        self.asked()
            .iter()
            .map(|asked| asked.from.unwrap_or(0))
            .collect()
    }
}

async fn serve(mut stream: TcpStream, script: Arc<Script>, log: Arc<Mutex<Vec<Asked>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else {
            return;
        };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(other, _)| other.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.to_owned())
    };
    let from = header("range").map(|range| {
        let from = range
            .strip_prefix("bytes=")
            .and_then(|range| range.strip_suffix('-'));
        from.unwrap().parse().unwrap()
    });
    let asked = Asked {
        path: head.split(' ').nth(1).unwrap().to_owned(),
        from,
        if_range: header("if-range"),
    };
    let before = {
        let mut log = log.lock().unwrap();
        log.push(asked.clone());
        log.len() - 1
    };
    let reply = script(&asked, before);
    let _ = stream.write_all(reply.head.as_bytes()).await;
    if reply.pause > Duration::ZERO {
        for byte in reply.body {
            if stream.write_u8(byte).await.is_err() {
                return;
            }
            tokio::time::sleep(reply.pause).await;
        }
    } else {
        let _ = stream.write_all(&reply.body).await;
    }
    if reply.stalls {
        // Until the other side goes.
        let _ = stream.read_u8().await;
    }
    let _ = stream.shutdown().await;
}

/// A fetcher to which these servers are `https://0.example`, `https://1.example` and so on, with times that a test can
/// wait for.
pub fn fetcher(servers: &[&Flaky], limit: u64) -> Fetcher {
    with_stall(servers, limit, Duration::from_secs(2))
}

/// The same, which waits as long for the next piece.
pub fn with_stall(servers: &[&Flaky], limit: u64, stall: Duration) -> Fetcher {
    let map = servers.iter().enumerate().map(|(number, server)| {
        let to = format!("http://{}", server.address);
        (format!("https://{number}.example"), to)
    });
    let times = Times {
        image_stall: stall,
        image_window: 2 * stall,
        image_pause: Duration::from_millis(1),
        ..Times::default()
    };
    Fetcher::with_times(&map.collect::<Vec<_>>(), None, limit, times).unwrap()
}
