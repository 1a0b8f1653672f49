//! One repository: snapshots in, out, and looked after.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Error, Key, Progress, Rest, source::Source};

/// An open repository.
#[derive(Debug)]
pub struct Repository {}

/// What is known of a snapshot without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// 64 hexadecimal digits.
    pub id: String,
    /// When it was begun, or what [`Save::time`] said.
    pub time: Timestamp,
    /// What [`Save::host`] said.
    pub host: String,
    /// As they were given.
    pub tags: Vec<String>,
    /// Files in it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes that it added to the storage, compressed.
    pub added: u64,
}

/// What a new snapshot is compared with: unchanged files (name, size, time of modification) are not read again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Parent {
    /// Everything is read.
    #[default]
    None,
    /// The snapshot with this id; one that is not there any more is an error.
    Snapshot(String),
}

/// How a snapshot is saved.
#[derive(Clone, Debug, Default)]
pub struct Save {
    /// Without commas.
    pub tags: Vec<String>,
    /// Who it is of, for people and for `restic snapshots`.
    pub host: String,
    /// Ignored for streams and files in memory: those are always read.
    pub parent: Parent,
    /// The instant that it shows; now without.
    pub time: Option<Timestamp>,
}

/// How much a check reads beyond the lists and trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// No data: finds missing and truncated packs, not flipped bits.
    Nothing,
    /// The `part`-th of `of` equal parts: over `of` checks everything.
    Part {
        /// From 0.
        part: u32,
        /// At least 1.
        of: u32,
    },
    /// All data.
    Everything,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Data are lost or damaged; otherwise only space is wasted.
    pub damage: bool,
    /// The pack that is concerned, if it is one.
    pub pack: Option<String>,
    /// In words.
    pub what: String,
}

/// What a prune may do.
#[derive(Clone, Copy, Debug)]
pub struct Prune {
    /// Per cent of the repository that may stay unused.
    pub unused: u64,
    /// How long what is not needed stays before it goes for good: longer than the longest backup, which may just be about to use it.
    pub keep: std::time::Duration,
    /// Deletes at once. Only when nobody else writes.
    pub at_once: bool,
}

/// What a prune did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Bytes in use.
    pub used: u64,
    /// Bytes that were unused before.
    pub unused: u64,
    /// Bytes that went, or are marked to go.
    pub removed: u64,
}

impl Default for Prune {
    fn default() -> Self {
        Self { unused: 5, keep: std::time::Duration::from_secs(23 * 3600), at_once: false }
    }
}

impl Repository {
    /// Opens a repository that is there.
    pub fn open(_backend: &Arc<Rest>, _key: &Key) -> Result<Self, Error> {
        todo!()
    }

    /// Opens one that restic made.
    pub fn open_with_password(_backend: &Arc<Rest>, _password: &str) -> Result<Self, Error> {
        todo!()
    }

    /// Makes the repository, with a key file so that the derived password opens it too; opens it if it is there already.
    pub fn init(_backend: &Arc<Rest>, _key: &Key) -> Result<Self, Error> {
        todo!()
    }

    /// All of them, oldest first.
    pub fn snapshots(&self) -> Result<Vec<Snapshot>, Error> {
        todo!()
    }

    /// Backs up a source. The snapshot comes into being last and only if everything that was asked for is in it.
    pub fn save(&self, _source: Source, _save: &Save, _progress: &Progress) -> Result<Snapshot, Error> {
        todo!()
    }

    /// Deletes snapshots; their data go with the next prune.
    pub fn forget(&self, _ids: &[String]) -> Result<(), Error> {
        todo!()
    }

    /// Deletes data that no snapshot needs.
    pub fn prune(&self, _prune: Prune) -> Result<Pruned, Error> {
        todo!()
    }

    /// Looks for damage. Findings are a result, not an error; an error is when it could not be looked.
    pub fn check(&self, _read: Read, _progress: &Progress) -> Result<Vec<Finding>, Error> {
        todo!()
    }

    /// Loads the index: to list and restore.
    pub fn reader(&self) -> Result<super::restore::Reader, Error> {
        todo!()
    }
}
