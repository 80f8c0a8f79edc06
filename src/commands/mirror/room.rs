//! Room for parts in memory: a run's images share it, and what bounds the memory of a run is this.
//!
//! Nearly all that a run holds are parts, each from its first byte until the store has it. Beside them are pieces of 256 KiB on their way
//! through digests, some MiB for each image.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many parts are in memory at one time, in all images of a run together.
const PARTS: usize = 2;

/// The room of one run.
#[derive(Debug)]
pub struct Room {
    permits: Arc<Semaphore>,
    /// Memory of parts that the store has. It is used again: given back, an allocator would keep it in pieces for each thread.
    idle: Mutex<Vec<BytesMut>>,
}

/// Room for one part, which somebody fills.
#[derive(Debug)]
pub struct Place {
    /// What is in it.
    pub bytes: BytesMut,
    /// Whoever has it may hold those bytes.
    pub permit: OwnedSemaphorePermit,
}

impl Room {
    /// Room for as many parts as a run may hold.
    pub fn new() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(PARTS)),
            idle: Mutex::default(),
        }
    }

    /// Waits for room for a part of `size` bytes. Whoever has some waits for an upstream or for the store and never for more room, so it
    /// comes; not, if the run has ended.
    pub async fn place(&self, size: usize) -> Option<Place> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
        let idle = self.idle().pop();
        let fits = |bytes: &BytesMut| bytes.capacity() >= size;
        // All of it at once: what grows is copied, and for a moment there twice.
        let bytes = idle
            .filter(fits)
            .unwrap_or_else(|| BytesMut::with_capacity(size));
        Some(Place { bytes, permit })
    }

    /// Takes a part back that the store has.
    pub fn give_back(&self, part: Bytes, permit: OwnedSemaphorePermit) {
        // Whoever has sent it may still hold it for a moment.
        if let Ok(mut bytes) = part.try_into_mut() {
            bytes.clear();
            self.idle().push(bytes);
        }
        drop(permit);
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<BytesMut>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_more_parts_are_held_than_there_is_room_for_and_their_memory_is_used_again() {
        let room = Room::new();
        let mut first = room.place(8).await.unwrap();
        let _second = room.place(8).await.unwrap();
        assert_eq!(room.permits.available_permits(), 0);
        first.bytes.extend_from_slice(b"a part..");
        let memory = first.bytes.as_ptr();
        let part = first.bytes.freeze();
        let sent = part.clone();
        drop(sent);
        room.give_back(part, first.permit);
        let again = room.place(8).await.unwrap();
        assert!(again.bytes.is_empty() && again.bytes.as_ptr() == memory);
        // Too small for another size.
        drop(again);
        assert!(room.place(16).await.unwrap().bytes.capacity() >= 16);
    }
}
