//! A proxy in front of upstreams that speak real TLS under their own names.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::server::Server;
use super::world::World;
use crate::tls::{Authority, TlsListener};

/// An upstream that speaks TLS under these names, and its authority in `authority.pem`.
pub fn world_with_tls(names: &[&str], images: &str) -> World {
    let authority = Authority::new();
    let acceptor = authority.acceptor(names, false);
    let server = Server::start_on(|listener| TlsListener { listener, acceptor });
    let world = World::before(server, images);
    std::fs::write(world.path("authority.pem"), authority.pem()).unwrap();
    world
}

/// A proxy that connects whoever asks to one server, whatever its name.
pub struct Connector {
    /// Where it listens.
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Connector {
    pub fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let noted = Arc::clone(&noted);
                std::thread::spawn(move || connect(client, server, &noted));
            }
        });
        Self { address, asked }
    }

    /// How a client names it, with the credentials that it wants.
    pub fn url(&self) -> String {
        format!("http://user:secret@{}", self.address)
    }

    /// The hosts that were asked for, each once.
    pub fn asked(&self) -> Vec<String> {
        let mut asked = self.asked.lock().unwrap().clone();
        asked.sort();
        asked.dedup();
        asked
    }
}

fn connect(client: TcpStream, server: SocketAddr, asked: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let target = head
        .strip_prefix("CONNECT ")
        .and_then(|rest| rest.split(' ').next());
    asked
        .lock()
        .unwrap()
        .push(target.unwrap_or(&head).to_owned());
    // `user:secret`
    if !head
        .to_lowercase()
        .contains("proxy-authorization: basic dxnlcjpzzwnyzxq=")
    {
        let _ = (&client).write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
        return;
    }
    let mut upstream = TcpStream::connect(server).unwrap();
    (&client)
        .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        .unwrap();
    let (mut back, mut to_client) = (upstream.try_clone().unwrap(), client);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut back, &mut to_client);
        let _ = to_client.shutdown(std::net::Shutdown::Both);
    });
    let _ = std::io::copy(&mut reader, &mut upstream);
    let _ = upstream.shutdown(std::net::Shutdown::Both);
}
