//! What can be backed up.

use std::{
    collections::VecDeque,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
    sync::Arc,
    thread,
};

use jiff::Timestamp;
use object_store::{ObjectStore, path::Path as Key};
use rustic_core::repofile::{Metadata, NodeType};
use tokio::runtime::Handle;

use super::{
    feed::{Entries, Entry, Ledger},
    prefetch::Known,
    verify::{Expected, Verified},
};

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
    pub fn of_command(name: impl Into<PathBuf>, mut command: Command) -> io::Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let (Some(out), Some(err)) = (out, err) else {
            return Err(io::Error::other("no pipes to the command"));
        };
        let said = thread::Builder::new().name("stderr".to_owned()).spawn(move || last_words(err))?;
        let mut running = Running(child);
        let finish = move || {
            let status = running.0.wait().map_err(|error| format!("{program}: {error}"))?;
            let said = said.join().unwrap_or_default();
            if status.success() { Ok(()) } else { Err(format!("{program} ended with {status}: {said}")) }
        };
        Ok(Self { name: name.into(), read: Box::new(out), finish: Box::new(finish) })
    }
}

/// Nobody reads it any more, so it shall not go on.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The end of what a command says, of which there may be more than is of use.
fn last_words(err: ChildStderr) -> String {
    let mut last: VecDeque<String> = VecDeque::new();
    for line in BufReader::new(err).lines().map_while(Result::ok) {
        if last.len() == 5 {
            last.pop_front();
        }
        last.push_back(line.chars().take(500).collect());
    }
    Vec::from(last).join("; ")
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
pub fn walk(root: &Path) -> Result<Vec<Listed>, super::Error> {
    super::file::walk(root).map_err(|error| {
        let why = error.to_string();
        super::Error::Unread {
            count: 1,
            first: vec![super::Unread { path: root.display().to_string(), why }],
        }
    })
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

impl Source {
    /// Files and bytes, as far as it is known.
    pub(super) fn total(&self) -> (u64, u64) {
        match self {
            Self::Stream(_) => (1, 0),
            Self::Memory(files) => {
                (files.len() as u64, files.iter().map(|(_, content)| content.len() as u64).sum())
            }
            Self::Folder(folder) => folder.total,
            Self::Bucket(bucket) => bucket.total,
        }
    }

    /// Whether unchanged files may be taken from a parent.
    pub(super) fn comparable(&self) -> bool {
        match self {
            Self::Stream(_) | Self::Memory(_) => false,
            Self::Folder(folder) => !folder.reread,
            Self::Bucket(bucket) => !bucket.reread,
        }
    }

    pub(super) fn entries(self, known: Option<Known>, ledger: &Arc<Ledger>) -> Entries {
        match self {
            Self::Stream(stream) => Box::new(std::iter::once(stream.entry(ledger.clone()))),
            Self::Memory(mut files) => {
                files.sort();
                let ledger = ledger.clone();
                Box::new(
                    files.into_iter().map(move |(path, content)| in_memory(path, content, ledger.clone())),
                )
            }
            Self::Folder(folder) => super::file::entries(folder, ledger),
            Self::Bucket(bucket) => super::prefetch::entries(bucket, known, ledger),
        }
    }
}

impl Stream {
    fn entry(self, ledger: Arc<Ledger>) -> Entry {
        let expected = Expected { path: self.name.clone(), announced: 0, size: None, sha256: None };
        let meta = Metadata { mode: Some(0o600), mtime: Some(Timestamp::now()), ..Metadata::default() };
        let open = move || Ok(Box::new(Verified::new(self.read, expected, Some(self.finish), ledger)) as _);
        Entry { path: self.name, kind: NodeType::File, meta, open: Some(Box::new(open)) }
    }
}

fn in_memory(path: PathBuf, content: Vec<u8>, ledger: Arc<Ledger>) -> Entry {
    let size = content.len() as u64;
    let expected = Expected { path: path.clone(), announced: size, size: Some(size), sha256: None };
    // Without a time of their own, equal files make equal trees.
    let meta =
        Metadata { size, mode: Some(0o600), mtime: Some(Timestamp::UNIX_EPOCH), ..Metadata::default() };
    let open = move || Ok(Box::new(Verified::new(io::Cursor::new(content), expected, None, ledger)) as _);
    Entry { path, kind: NodeType::File, meta, open: Some(Box::new(open)) }
}
