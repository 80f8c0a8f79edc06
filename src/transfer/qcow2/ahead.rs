//! What the disk is made of, in its order, with packed clusters that are unpacked before their turn comes: that is most of
//! the work, and each can be done alone.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use bytes::Bytes;

use super::Qcow2Error;
use super::packed::{Stretch, Unpacker};
use super::source::{Missing, Source};
use super::walk::{Extent, Found, Place, Walk};
use crate::domain::inspect::qcow2::Header;
use crate::transfer::workers::Workers;

/// So many bytes of unpacked clusters wait for their turn, or where clusters are large one for each thread and one more.
const WAITING: usize = 1 << 20;

/// So many extents are looked at before their turn, whatever they are.
const MOST_EXTENTS: usize = 256;

/// Some of the disk.
pub(super) enum Part {
    /// So many zeros.
    Zero(u64),
    /// As it is in the file.
    Plain { offset: u64, size: u64 },
    /// Of a packed cluster.
    Unpacked(Bytes),
}

type Unpacked = Result<Vec<u8>, Qcow2Error>;

/// A cluster that some thread unpacks.
struct Job {
    stretch: Stretch,
    at: u64,
    done: SyncSender<Unpacked>,
}

/// What comes, and for a packed cluster who says what is in it.
struct Next {
    extent: Extent,
    unpacked: Option<Receiver<Unpacked>>,
}

/// The disk in parts.
pub(super) struct Ahead {
    source: Arc<Source>,
    walk: Walk,
    next: VecDeque<Result<Next, Qcow2Error>>,
    /// How many packed clusters are in `next`, and how many may be.
    packed: usize,
    most_packed: usize,
    /// Whether the tables were followed to their end.
    is_walked: bool,
    workers: Workers<Job>,
}

impl Ahead {
    pub fn new(source: Arc<Source>, header: Header) -> Self {
        let file = Arc::clone(&source);
        let workers = Workers::new(move || {
            let (source, mut unpacker) = (Arc::clone(&file), Unpacker::new(&header));
            move |job: Job| {
                let cluster = unpacker.cluster(&source, job.stretch, job.at);
                // Nobody waits for it where reading has ended.
                let _ = job.done.send(cluster);
            }
        });
        let waiting = WAITING >> header.cluster_bits();
        Self {
            source,
            walk: Walk::new(header),
            next: VecDeque::new(),
            packed: 0,
            most_packed: waiting.max(workers.threads() + 1),
            is_walked: false,
            workers,
        }
    }

    /// The next part; nothing at the end. Fails with [`Qcow2Error`].
    pub fn next(&mut self) -> Result<Option<Part>, Qcow2Error> {
        self.look();
        let Some(next) = self.next.pop_front() else {
            return Ok(None);
        };
        let Next { extent, unpacked } = next?;
        let Extent { at, size, place } = extent;
        let part = match (place, unpacked) {
            (Place::Plain { offset }, _) => Part::Plain { offset, size },
            (Place::Packed(_), Some(unpacked)) => {
                self.packed -= 1;
                let mut cluster = unpacked.recv().map_err(|_| Qcow2Error::Thread { at })??;
                // The last one may be longer than the disk.
                cluster.truncate(usize::try_from(size).unwrap_or(usize::MAX));
                Part::Unpacked(cluster.into())
            }
            (Place::Zero | Place::Packed(_), _) => Part::Zero(size),
        };
        Ok(Some(part))
    }

    /// Follows the tables until there is enough to do. Those that have not come are waited for only where nothing else can
    /// be done. What is wrong there is told when its turn comes.
    fn look(&mut self) {
        while !self.is_walked && self.packed < self.most_packed && self.next.len() < MOST_EXTENTS {
            let missing = if self.next.is_empty() {
                Missing::Awaited
            } else {
                Missing::Told
            };
            match self.walk.extent(&self.source, missing) {
                Ok(Found::Extent(extent)) => {
                    let unpacked = self.begin(&extent);
                    self.next.push_back(Ok(Next { extent, unpacked }));
                }
                Ok(Found::Missing) => return,
                Ok(Found::End) => self.is_walked = true,
                Err(error) => {
                    self.next.push_back(Err(error));
                    self.is_walked = true;
                }
            }
        }
    }

    /// Has a packed cluster unpacked.
    fn begin(&mut self, extent: &Extent) -> Option<Receiver<Unpacked>> {
        let Place::Packed(stretch) = extent.place else {
            return None;
        };
        self.packed += 1;
        let (done, unpacked) = sync_channel(1);
        self.workers.give(Job {
            stretch,
            at: extent.at,
            done,
        });
        Some(unpacked)
    }
}
