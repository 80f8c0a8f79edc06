//! How many requests a run has cost, by kind.

use std::fmt;

/// Requests of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requests {
    /// Questions by REST, those that cost nothing included.
    pub reads: u64,
    /// Of these, the ones that found nothing new, which GitHub does not count.
    pub unchanged: u64,
    /// Questions by GraphQL.
    pub queries: u64,
    /// Changes by REST.
    pub writes: u64,
    /// Changes by GraphQL.
    pub mutations: u64,
    /// Of all these, the ones that were sent again after a failure or a limit.
    pub repeated: u64,
}

impl Requests {
    /// All of them.
    pub const fn all(&self) -> u64 {
        self.reads + self.queries + self.writes + self.mutations
    }
}

impl fmt::Display for Requests {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} requests to GitHub: {} reads ({} unchanged), {} queries, {} writes, {} mutations",
            self.all(),
            self.reads,
            self.unchanged,
            self.queries,
            self.writes,
            self.mutations
        )?;
        if self.repeated > 0 {
            write!(formatter, "; {} of them again", self.repeated)?;
        }
        Ok(())
    }
}
