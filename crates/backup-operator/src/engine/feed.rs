//! Hands a source to the library, and keeps the books that the library does not keep.

use std::{
    io::Read,
    path::{Component, Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use rustic_core::{
    ErrorKind, ReadSource, ReadSourceEntry, ReadSourceOpen, RusticError, RusticResult,
    repofile::{Metadata, Node, NodeType},
};

use super::{Error, Progress, Unread};

/// Of the files that could not be read, this many are named.
const NAMED: usize = 100;

pub type Content = Box<dyn Read + Send>;
type Opener = Box<dyn FnOnce() -> Result<Content, String> + Send>;
pub type Entries = Box<dyn Iterator<Item = Entry> + Send>;

/// Something to put into a snapshot.
pub struct Entry {
    pub path: PathBuf,
    pub kind: NodeType,
    pub meta: Metadata,
    /// Files only; called only for those that are not taken from the parent.
    pub open: Option<Opener>,
}

/// What was asked and what came of it.
#[derive(Default)]
pub struct Ledger {
    files: AtomicU64,
    /// Signed: the size that was announced is corrected by what was read.
    bytes: AtomicI64,
    unread: Mutex<(u64, Vec<Unread>)>,
    pub progress: Progress,
}

impl Ledger {
    pub fn new(progress: &Progress) -> Arc<Self> {
        Arc::new(Self { progress: progress.clone(), ..Self::default() })
    }

    pub fn unread(&self, path: &Path, why: impl Into<String>) {
        let mut unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        unread.0 += 1;
        if unread.1.len() < NAMED {
            unread.1.push(Unread { path: path.display().to_string(), why: why.into() });
        }
    }

    /// A file of which `announced` was expected has `read` bytes.
    pub fn read(&self, announced: u64, read: u64) {
        self.bytes.fetch_add(read.cast_signed() - announced.cast_signed(), Ordering::Relaxed);
    }

    /// Whether a snapshot with that many files and bytes is what was asked.
    pub fn settle(&self, stored_files: u64, stored_bytes: u64) -> Result<(), Error> {
        self.complaints()?;
        let asked_files = self.files.load(Ordering::Relaxed);
        let asked_bytes = u64::try_from(self.bytes.load(Ordering::Relaxed)).unwrap_or_default();
        if (asked_files, asked_bytes) == (stored_files, stored_bytes) {
            return Ok(());
        }
        Err(Error::Mismatch { asked_files, asked_bytes, stored_files, stored_bytes })
    }

    /// What could not be read so far, as an error.
    pub fn complaints(&self) -> Result<(), Error> {
        let unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        if unread.0 == 0 { Ok(()) } else { Err(Error::Unread { count: unread.0, first: unread.1.clone() }) }
    }
}

/// The library's view of a source.
pub struct Feed {
    entries: Mutex<Option<Entries>>,
    ledger: Arc<Ledger>,
}

impl Feed {
    pub fn new(entries: Entries, ledger: Arc<Ledger>) -> Self {
        Self { entries: Mutex::new(Some(entries)), ledger }
    }
}

impl ReadSource for Feed {
    type Open = Opening;
    type Iter = Box<dyn Iterator<Item = RusticResult<ReadSourceEntry<Opening>>> + Send>;

    fn size(&self) -> RusticResult<Option<u64>> {
        Ok(None)
    }

    fn entries(&self) -> Self::Iter {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ledger = self.ledger.clone();
        let mut last: Option<PathBuf> = None;
        Box::new(entries.into_iter().flatten().filter_map(move |entry| {
            if let Err(why) = acceptable(&entry.path, last.as_deref()) {
                ledger.unread(&entry.path, why);
                return None;
            }
            last = Some(entry.path.clone());
            if !matches!(entry.kind, NodeType::Dir) {
                ledger.files.fetch_add(1, Ordering::Relaxed);
                ledger.bytes.fetch_add(entry.meta.size.cast_signed(), Ordering::Relaxed);
                ledger.progress.file();
            }
            let name = entry.path.file_name()?.to_owned();
            let opening =
                entry.open.map(|open| Opening { path: entry.path.clone(), open, ledger: ledger.clone() });
            Some(Ok(ReadSourceEntry {
                node: Node::new_node(&name, entry.kind, entry.meta),
                path: entry.path,
                open: opening,
            }))
        }))
    }
}

/// The library writes a folder when its last entry has come; one that comes again would be there twice.
fn acceptable(path: &Path, last: Option<&Path>) -> Result<(), &'static str> {
    if path.as_os_str().is_empty() || !path.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err("is not a relative path without `..`");
    }
    match last {
        Some(last) if path == last => Err("is listed twice"),
        Some(last) if path < last => Err("is listed out of order; sort the list by path"),
        _ => Ok(()),
    }
}

/// A file that the library decided to read.
pub struct Opening {
    path: PathBuf,
    open: Opener,
    ledger: Arc<Ledger>,
}

impl ReadSourceOpen for Opening {
    type Reader = Content;

    fn open(self) -> RusticResult<Content> {
        (self.open)().map_err(|why| {
            self.ledger.unread(&self.path, why);
            RusticError::new(ErrorKind::InputOutput, "could not be opened")
        })
    }
}
