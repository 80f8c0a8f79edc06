//! Programs of others that listen on a port which they have to be told.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};
use std::time::{Duration, Instant, UNIX_EPOCH};

/// A guard against hanging: none of them takes a tenth of it.
const HANGING: Duration = Duration::from_mins(5);

/// Below these the kernel gives no port to whoever asks for any, as all tests and all clients do.
const FIRST_OF_ANY: u16 = 32_768;

/// How many ports below those are tried.
const CHOICE: u16 = 8000;

/// A running program; it ends when it is dropped.
pub struct Program {
    process: Child,
    port: u16,
    command: Box<dyn Fn(u16) -> Command + Send + Sync>,
}

impl Program {
    /// Begins; `command` gets a port.
    pub fn start(command: impl Fn(u16) -> Command + Send + Sync + 'static) -> Self {
        let port = free_port();
        Self {
            process: command(port)
                .spawn()
                .expect("the program that `tests/github/up` installed"),
            port,
            command: Box::new(command),
        }
    }

    /// Waits until it listens, and gives its port: another one where somebody else was faster.
    pub fn listening(&mut self) -> u16 {
        let (begun, mut ended) = (Instant::now(), 0);
        loop {
            if let Some(status) = self.process.try_wait().expect("a process of ours") {
                ended += 1;
                assert!(
                    ended < 5,
                    "it ended with {status} at each port, at last at {}",
                    self.port
                );
                self.port = free_port();
                self.process = (self.command)(self.port).spawn().expect("the same program");
            }
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return self.port;
            }
            assert!(
                begun.elapsed() < HANGING,
                "nothing listens at port {}",
                self.port
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Gives a port at which nobody listens, and which only those can take who want just this one.
pub fn free_port() -> u16 {
    let now = UNIX_EPOCH
        .elapsed()
        .expect("a clock after 1970")
        .subsec_nanos();
    let begin = now ^ std::process::id().rotate_left(16);
    let ports = (0..CHOICE).map(|step| {
        let distance = (begin % u32::from(CHOICE) + u32::from(step)) % u32::from(CHOICE);
        FIRST_OF_ANY - 1 - u16::try_from(distance).expect("less than there are ports")
    });
    let mut free = ports.filter(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok());
    free.next().expect("a free port")
}
