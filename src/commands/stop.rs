//! The wish to stop: Ctrl-C, or a runner's SIGTERM. What must not be left half done is finished first.

use tokio::sync::watch;

/// What is said of whatever was not done.
pub const STOPPED: &str = "the run was stopped; run it again to go on";

/// Says whether somebody wants this run to stop.
#[derive(Debug, Clone)]
pub struct Stop {
    wanted: watch::Receiver<bool>,
}

impl Stop {
    /// Listens for signals from now on. The second one ends the process at once.
    pub fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let (tell, wanted) = watch::channel(false);
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::spawn(async move {
            for already in [false, true] {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if already {
                    // 128 + SIGINT, as shells say it.
                    std::process::exit(130);
                }
                tracing::warn!(
                    "stopping: what was begun is finished or taken back; again to stop at once"
                );
                // Nobody listens when the run has ended already.
                let _ = tell.send(true);
            }
        });
        Ok(Self { wanted })
    }

    /// Whether to stop.
    pub fn is_wanted(&self) -> bool {
        *self.wanted.borrow()
    }

    /// Waits until somebody wants to stop.
    pub async fn wanted(&mut self) {
        // The listener lives as long as the process; without it nobody can want anything.
        if self.wanted.wait_for(|wanted| *wanted).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
