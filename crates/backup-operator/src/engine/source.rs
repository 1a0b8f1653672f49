//! What can be backed up.

use std::{
    io,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use object_store::{ObjectStore, path::Path as Key};
use tokio::runtime::Handle;

/// A SHA-256.
pub type Digest = [u8; 32];

/// What is to be backed up.
pub enum Source {
    /// One file that is read as it comes, such as a dump; always read in full.
    Stream(Stream),
    /// Small files from memory, by path; always read.
    Memory(Vec<(PathBuf, Vec<u8>)>),
    /// Files under a folder.
    Folder(Folder),
    /// Objects under a prefix of a bucket.
    Bucket(Bucket),
}

/// One file that is read as it comes.
pub struct Stream {
    /// Path in the snapshot.
    pub name: PathBuf,
    /// Its content; short reads are fine.
    pub read: Box<dyn io::Read + Send>,
    /// Called at the end: whether all of it came (a dump's exit status). If not, in words, there is no snapshot.
    pub finish: Box<dyn FnOnce() -> Result<(), String> + Send>,
}

impl Stream {
    /// What a command writes; there is a snapshot only if it exits with 0. What it says on its standard error ends up in the error.
    pub fn of_command(_name: impl Into<PathBuf>, _command: Command) -> io::Result<Self> {
        todo!()
    }
}

/// One of the files that must be in the backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Relative to the folder or prefix, without `..`.
    pub path: PathBuf,
    /// Another size is an error.
    pub size: Option<u64>,
    /// Another content is an error.
    pub sha256: Option<Digest>,
}

/// Files under a folder; symbolic links and folders that are listed are kept as such.
pub struct Folder {
    /// What the paths are relative to.
    pub root: PathBuf,
    /// In the order of their paths (`Path::cmp`), each once; anything else is an error.
    pub files: Box<dyn Iterator<Item = Listed> + Send>,
    /// How many there are and how big they are together, as far as it is known: for the progress.
    pub total: (u64, u64),
    /// Also reads, and verifies, files that the parent has already.
    pub reread: bool,
}

/// Objects under a prefix of a bucket.
pub struct Bucket {
    /// Where they are; see [`crate::gateway::storage`] for how to get one.
    pub store: Arc<dyn ObjectStore>,
    /// What the paths are relative to.
    pub prefix: Key,
    /// As for [`Folder::files`]. Those with a `size` that the parent has are not read again.
    pub files: Box<dyn Iterator<Item = Listed> + Send>,
    /// As for [`Folder::total`].
    pub total: (u64, u64),
    /// As for [`Folder::reread`].
    pub reread: bool,
    /// Objects that are read at the same time.
    pub parallel: usize,
    /// Where `store` runs.
    pub runtime: Handle,
}

/// Everything under a folder that exists now, in order; for folders whose content nothing lists.
pub fn walk(_root: &Path) -> Result<Vec<Listed>, super::Error> {
    todo!()
}

/// What the name of one of Pulp's artifacts says: `artifact/ab/cdef...` has the SHA-256 `abcdef...`.
pub fn artifact(path: &Path) -> Option<Digest> {
    let name = path.file_name()?.to_str()?;
    let folder = path.parent()?.file_name()?.to_str()?;
    let text = format!("{folder}{name}");
    if folder.len() != 2 || text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, at) in digest.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(digest)
}
