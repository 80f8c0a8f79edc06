//! A stateful GitHub over a real bare git repository: one repository, its forks, and whoever works on it.
//!
//! The fake listens on loopback in a thread of its own; tests use the handle from ordinary code. It answers as GitHub does
//! where a client may stumble; what GitHub's text for an error is, is known of some only.

pub mod apps;
mod artifacts;
mod comments;
mod compare;
pub mod faults;
mod gitdata;
pub mod graphql;
mod issue_shapes;
mod issues;
mod labels;
pub mod log;
mod merging;
mod pages;
mod people;
mod pull_shapes;
pub mod pulls;
mod refs;
mod repository;
pub mod request;
mod routes;
mod server;
mod shapes;
pub mod tokens;
mod views;
pub mod world;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use faults::{Fault, When};
use log::Entry;
pub use people::Person;
use request::{Answered, Request};
use server::{Shared, lock};
use tokens::Token;
pub use views::{Comment, Issue, Pull};
use world::{Event, Settings, World};

/// The token that every fake knows: an app's that may do everything.
pub const TOKEN: &str = "ghs_a-token-of-the-fake";

/// A running fake; it ends when it is dropped.
pub struct Fake {
    shared: Arc<Shared>,
    address: String,
    /// Ends the servers; the handle of whoever does something meanwhile does not.
    end: Option<oneshot::Sender<()>>,
}

impl Fake {
    /// With the repository `acme/images`, whose branch `main` has one commit with a README.
    pub fn start() -> Self {
        Self::with_repository("acme/images")
    }

    pub fn with_repository(full_name: &str) -> Self {
        Self::listen(full_name, 0)
    }

    /// On this port; 0 takes a free one.
    pub fn listen(full_name: &str, port: u16) -> Self {
        let world = World::new(full_name);
        let owner = world.owner.clone();
        let shared = Arc::new(Shared {
            world: Mutex::new(world),
            control: OnceLock::new(),
            log: Mutex::default(),
            faults: Mutex::default(),
            meanwhile: Mutex::default(),
        });
        let (end, ended) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let served = shared.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async {
                let api = TcpListener::bind(("127.0.0.1", port))
                    .await
                    .expect("a free port");
                let storage = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                let address = |listener: &TcpListener| {
                    format!("http://{}", listener.local_addr().expect("an address"))
                };
                tell.send((address(&api), address(&storage)))
                    .expect("somebody waits");
                tokio::select! {
                    () = server::serve(api, storage, served) => {}
                    _ = ended => {}
                }
            });
            runtime.shutdown_background();
        });
        let (address, storage) = told.recv().expect("the servers listen");
        let fake = Self {
            shared,
            address,
            end: Some(end),
        };
        {
            let mut world = fake.world();
            world.url.clone_from(&fake.address);
            world.storage = storage;
            world.tokens.push(Token::installation(TOKEN, "reglaze"));
        }
        fake.person(&owner)
            .commit("main", &[("README.md", "# images\n")], "Begin");
        fake
    }

    /// A handle on servers that run already.
    fn of(shared: Arc<Shared>) -> Self {
        let address = lock(&shared.world).url.clone();
        Self {
            shared,
            address,
            end: None,
        }
    }

    /// All that it knows, for what has no method of its own. Do not keep it: the servers wait meanwhile.
    pub fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.shared.world)
    }

    /// Answers requests below `/_fake` by this.
    pub fn set_control(&self, control: impl Fn(&Request) -> Answered + Send + Sync + 'static) {
        assert!(
            self.shared.control.set(Box::new(control)).is_ok(),
            "it is steered already"
        );
    }

    /// `GITHUB_API_URL`
    pub fn url(&self) -> String {
        self.address.clone()
    }

    /// `GITHUB_GRAPHQL_URL`
    pub fn graphql_url(&self) -> String {
        format!("{}/graphql", self.address)
    }

    /// Where its answers say that it is, if there is something in between.
    pub fn set_public_url(&self, url: &str) {
        url.trim_end_matches('/').clone_into(&mut self.world().url);
    }

    /// `owner/name`
    pub fn full_name(&self) -> String {
        self.world().full_name()
    }

    /// Changes what the owner has chosen.
    pub fn settings(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.world().settings);
    }

    /// Makes a token known, in place of one with the same text.
    pub fn token(&self, token: Token) {
        let mut world = self.world();
        world.tokens.retain(|known| known.secret != token.secret);
        world.tokens.push(token);
    }

    /// Installs an app.
    pub fn app(&self, app: apps::App) {
        self.world().apps.push(app);
    }

    /// Acts as a person, who becomes a collaborator.
    pub fn person(&self, login: &str) -> Person<'_> {
        self.world().people.insert(login.to_owned());
        Person::new(self, login)
    }

    /// Something goes wrong from now on.
    pub fn fault(&self, when: When, fault: Fault) {
        lock(&self.shared.faults).add(when, fault);
    }

    /// Somebody does something right before a request is looked at: between two calls of the bot.
    pub fn meanwhile(&self, when: When, deed: impl Fn(&Fake) + Send + Sync + 'static) {
        lock(&self.shared.meanwhile).add(when, Arc::new(deed));
    }

    /// Nothing goes wrong any more.
    pub fn heal(&self) {
        lock(&self.shared.faults).clear();
    }

    /// Every request so far.
    pub fn log(&self) -> Vec<Entry> {
        lock(&self.shared.log).clone()
    }

    pub fn clear_log(&self) {
        lock(&self.shared.log).clear();
    }

    /// The requests so far that could change something, as lines.
    pub fn writes(&self) -> Vec<String> {
        self.log()
            .iter()
            .filter(|entry| entry.is_write())
            .map(Entry::line)
            .collect()
    }

    pub fn events(&self) -> Vec<Event> {
        self.world().events.clone()
    }

    /// What was wrong with GraphQL requests, and with what was sent to the storage.
    pub fn violations(&self) -> Vec<String> {
        self.world().violations.clone()
    }

    pub fn assert_no_violations(&self) {
        let violations = self.violations();
        assert!(violations.is_empty(), "{}", violations.join("\n"));
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        // What a test does not look at must not pass unseen; a test that expects some takes them away.
        if self.end.is_some() && !std::thread::panicking() {
            self.assert_no_violations();
        }
    }
}
