//! A file for bytes that are needed in another order than they come in. It has no name, so it is gone when nobody holds
//! it any more, however a run ends; and it never fills the file system that it is on.

mod growth;
mod room;

#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

pub use growth::{Growing, Growth, growth};
use room::Room;

/// How the name of a file begins for the moment in which it has one.
const PREFIX: &str = "reglaze-spool-";

/// After so many bytes the room is looked at again, since others write too.
const BETWEEN: u64 = 64 << 20;

/// Why bytes cannot be spooled. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// No such folder.
    #[error("the folder `{}` for images on their way does not exist or is no folder; create it, or set `spool` to a folder with room", folder.display())]
    NoFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// Nothing may be written there.
    #[error("nothing can be written in the folder `{}` for images on their way; set `spool` to a folder with room", folder.display())]
    NotWritable {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is known before that the bytes do not fit.
    #[error("the folder `{}` for images on their way has {free} bytes free and {needed} are needed, beside {reserve} that stay free; set `spool` to a folder with room", folder.display())]
    NoRoom {
        /// The folder.
        folder: PathBuf,
        /// What is free.
        free: u64,
        /// What was asked for.
        needed: u64,
        /// What stays free for others.
        reserve: u64,
    },
    /// The bytes do not fit after all.
    #[error("the folder `{}` for images on their way is full after {written} bytes of this one; set `spool` to a folder with room", folder.display())]
    Full {
        /// The folder.
        folder: PathBuf,
        /// What was written.
        written: u64,
    },
    /// The disk fails.
    #[error("the folder `{}` for images on their way could not take byte {written} of this one; set `spool` to a folder with room", folder.display())]
    Write {
        /// The folder.
        folder: PathBuf,
        /// What was written.
        written: u64,
        /// Why.
        source: io::Error,
    },
}

/// A file without a name that grows.
#[derive(Debug)]
pub struct Spool {
    file: File,
    folder: PathBuf,
    written: u64,
    /// When `written` is there, the room is looked at.
    next_look: u64,
}

impl Spool {
    /// Begins one in `folder`, for `needed` bytes if it is known how many come. Blocks.
    ///
    /// Fails with [`SpoolError`] if the folder cannot take them.
    pub fn new(folder: &Path, needed: Option<u64>) -> Result<Self, SpoolError> {
        if !folder.is_dir() {
            let folder = folder.to_owned();
            return Err(SpoolError::NoFolder { folder });
        }
        sweep(folder);
        let file = without_name(folder).map_err(|source| SpoolError::NotWritable {
            folder: folder.to_owned(),
            source,
        })?;
        Self::of(file, folder, needed)
    }

    fn of(file: File, folder: &Path, needed: Option<u64>) -> Result<Self, SpoolError> {
        let needed = needed.unwrap_or_default();
        if let Some(room) = Room::on(&file)
            && !room.takes(needed)
        {
            return Err(SpoolError::NoRoom {
                folder: folder.to_owned(),
                free: room.free,
                needed,
                reserve: room.reserve,
            });
        }
        Ok(Self {
            file,
            folder: folder.to_owned(),
            written: 0,
            next_look: BETWEEN,
        })
    }

    /// Appends `bytes`. Blocks. Fails with [`SpoolError`], after which the spool is of no use.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        if self.written >= self.next_look {
            self.next_look = self.written + BETWEEN;
            if Room::on(&self.file).is_some_and(|room| !room.takes(0)) {
                return Err(self.full());
            }
        }
        self.file
            .write_all(bytes)
            .map_err(|source| match source.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                    self.full()
                }
                _ => SpoolError::Write {
                    folder: self.folder.clone(),
                    written: self.written,
                    source,
                },
            })?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// The same file for somebody who reads while it grows. Fails with [`SpoolError`].
    pub fn reader(&self) -> Result<File, SpoolError> {
        self.file.try_clone().map_err(|source| SpoolError::Write {
            folder: self.folder.clone(),
            written: self.written,
            source,
        })
    }

    /// How many bytes it has.
    pub const fn written(&self) -> u64 {
        self.written
    }

    fn full(&self) -> SpoolError {
        SpoolError::Full {
            folder: self.folder.clone(),
            written: self.written,
        }
    }
}

/// A file in `folder` that never has a name, or on file systems without that loses it at once.
fn without_name(folder: &Path) -> io::Result<File> {
    nameless(folder).unwrap_or_else(|| unlinked(folder))
}

/// Nothing if the system or the file system knows no such files.
#[cfg(target_os = "linux")]
fn nameless(folder: &Path) -> Option<io::Result<File>> {
    use rustix::fs::{Mode, OFlags, open};
    use rustix::io::Errno;

    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::EXCL | OFlags::CLOEXEC;
    match open(folder, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => Some(Ok(file.into())),
        // What old kernels and file systems answer. A folder that is not there fails once more and tells it.
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::NOENT | Errno::INVAL) => None,
        Err(error) => Some(Err(error.into())),
    }
}

#[cfg(not(target_os = "linux"))]
fn nameless(_: &Path) -> Option<io::Result<File>> {
    None
}

/// A new file whose name is taken away before anything is in it.
fn unlinked(folder: &Path) -> io::Result<File> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{PREFIX}{}-{number}", std::process::id()));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        let file = match options.open(&path) {
            Ok(file) => file,
            // Another run, whose process has the same number in its container.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
        };
        match fs::remove_file(&path) {
            // Another run has swept it.
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => return Ok(file),
        }
    }
}

/// Removes what runs left that died between the making of a file and the removal of its name: such files are empty. One
/// of a living run may be among them, which loses a name that it is about to remove itself.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let is_ours = entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(PREFIX.as_bytes());
        // Of the name itself, not of what a link points to.
        let is_empty_file = || {
            let metadata = entry.metadata();
            metadata.is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0)
        };
        if is_ours && is_empty_file() {
            // One that cannot be removed takes no room.
            let _ = fs::remove_file(entry.path());
        }
    }
}
