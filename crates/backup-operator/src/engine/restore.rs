//! Gives back what a snapshot holds.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use object_store::{ObjectStore, path::Path as Key};
use tokio::runtime::Handle;

use super::{Error, Progress, source::Digest};

/// Where files go to.
pub enum Target {
    /// Under a folder: with modes, times and symbolic links. A file appears under its name when it is whole.
    Folder(PathBuf),
    /// Under a prefix of a bucket; only files.
    Bucket {
        /// Where.
        store: Arc<dyn ObjectStore>,
        /// Before every path.
        prefix: Key,
        /// Where `store` runs.
        runtime: Handle,
    },
}

/// Which files, and how they are verified.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Only what is under this folder of the snapshot; paths at the target are relative to it. Everything if empty.
    pub under: PathBuf,
    /// The SHA-256 that a file must have by its name; see [`super::source::artifact`].
    pub digest: fn(&Path) -> Option<Digest>,
    /// Files that are there already with the right size are not written again (a restore that goes on after an interruption).
    pub go_on: bool,
    /// Files at the same time.
    pub parallel: usize,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { under: PathBuf::new(), digest: |_| None, go_on: false, parallel: 8 }
    }
}

/// A repository with its index: lists and restores.
#[derive(Debug)]
pub struct Reader {}

/// An entry of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// In the snapshot.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Not a folder, not a link.
    pub file: bool,
}

impl Reader {
    /// Calls with every entry of a snapshot, in order; nothing is kept.
    pub fn list(&self, _snapshot: &str, _each: &mut dyn FnMut(Entry)) -> Result<(), Error> {
        todo!()
    }

    /// Restores files. The first error ends it and names file and pack.
    pub fn restore(&self, _snapshot: &str, _target: &Target, _wanted: &Wanted, _progress: &Progress) -> Result<(), Error> {
        todo!()
    }

    /// Writes one file, such as a dump into `pg_restore`.
    pub fn file(&self, _snapshot: &str, _path: &Path, _into: &mut dyn Write, _progress: &Progress) -> Result<(), Error> {
        todo!()
    }
}
