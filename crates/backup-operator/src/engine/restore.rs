//! Gives back what a snapshot holds.

use std::{
    io::Write,
    path::{Component, Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, SyncSender},
    },
    thread,
};

use object_store::{ObjectStore, path::Path as Key};
use rustic_core::{IndexedFullStatus, LsOptions, RusticError, repofile::Node};
use tokio::runtime::Handle;

use super::{
    Error, Progress, Rest,
    ahead::{Ahead, Window},
    contain::contain,
    error::{failure, one_line},
    repository::snapshot,
    source::Digest,
    span::{Span, read, spans},
    target::Writer,
};

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
pub struct Reader {
    repository: rustic_core::Repository<IndexedFullStatus>,
    ahead: Arc<Ahead>,
    backend: Arc<Rest>,
}

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

/// A file that is to be restored.
pub(super) struct Job {
    /// In the snapshot.
    pub path: PathBuf,
    /// At the target.
    pub to: PathBuf,
    pub node: Node,
    pub spans: Vec<Span>,
    pub size: u64,
}

/// Files whose content is read at once.
struct Unit {
    span: Option<Span>,
    jobs: Vec<Job>,
}

impl Reader {
    pub(super) fn new(
        repository: rustic_core::Repository<IndexedFullStatus>,
        ahead: Arc<Ahead>,
        backend: Arc<Rest>,
    ) -> Self {
        Self { repository, ahead, backend }
    }

    /// Calls with every entry of a snapshot, in order; nothing is kept.
    pub fn list(&self, id: &str, each: &mut (dyn FnMut(Entry) + Send)) -> Result<(), Error> {
        contain(|| {
            self.entries(id, Path::new(""), |path, node| {
                let size = if node.is_file() { self.spans(&path, &node)?.1 } else { 0 };
                each(Entry { path, size, file: node.is_file() });
                Ok(())
            })
        })
    }

    /// Restores files. The first error ends it and names file and pack.
    pub fn restore(
        &self,
        id: &str,
        target: &Target,
        wanted: &Wanted,
        progress: &Progress,
    ) -> Result<(), Error> {
        let restored = contain(|| self.restore_all(id, target, wanted, progress));
        match self.backend.given_up() {
            Some(error) if restored.is_err() => Err(error),
            _ => restored,
        }
    }

    fn restore_all(
        &self,
        id: &str,
        target: &Target,
        wanted: &Wanted,
        progress: &Progress,
    ) -> Result<(), Error> {
        let snapshot = snapshot(&self.repository, id)?;
        if let (Some(summary), true) = (&snapshot.summary, wanted.under.as_os_str().is_empty()) {
            progress.expect(summary.total_files_processed, summary.total_bytes_processed);
        }
        let writer = Writer::new(target, wanted, progress)?;
        let first: Mutex<Option<Error>> = Mutex::default();
        let failed = || lock(&first).is_some();
        let (to, units) = mpsc::sync_channel::<Unit>(wanted.parallel.max(1));
        let units = Mutex::new(units);
        thread::scope(|scope| {
            for _ in 0..wanted.parallel.max(1) {
                scope.spawn(|| {
                    loop {
                        let unit = lock(&units).recv();
                        let Ok(unit) = unit else { return };
                        // After an error only the channel is emptied, so that the list comes to its end.
                        if failed() {
                            continue;
                        }
                        let done = contain(|| self.unit(&writer, &unit, progress));
                        if let Err(error) = done {
                            lock(&first).get_or_insert(error);
                        }
                    }
                });
            }
            let mut batch = Vec::new();
            let listed = self.entries(id, &wanted.under, |path, node| {
                if failed() {
                    return Err(Error::Cancelled);
                }
                let to_path = path.strip_prefix(&wanted.under).unwrap_or(&path).to_owned();
                if !node.is_file() {
                    return writer.other(&to_path, &node);
                }
                let (spans, size) = self.spans(&path, &node)?;
                batch.push(Job { path, to: to_path, node, spans, size });
                if batch.len() >= BATCH {
                    send(&to, std::mem::take(&mut batch));
                }
                Ok(())
            });
            send(&to, batch);
            drop(to);
            listed
        })
        .or_else(|error| if failed() { Ok(()) } else { Err(error) })?;
        match first.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => writer.finish(),
        }
    }

    fn unit(&self, writer: &Writer, unit: &Unit, progress: &Progress) -> Result<(), Error> {
        let _window = match (&unit.span, unit.jobs.first()) {
            (Some(span), Some(job)) => self.window(&job.path, span)?,
            _ => None,
        };
        for job in &unit.jobs {
            if progress.stopped() {
                return Err(Error::Cancelled);
            }
            writer.file(job, &mut |into| self.content(&job.path, &job.spans, into, progress))?;
            progress.file();
        }
        Ok(())
    }

    /// Writes one file, such as a dump into `pg_restore`.
    pub fn file(
        &self,
        id: &str,
        path: &Path,
        into: &mut (dyn Write + Send),
        progress: &Progress,
    ) -> Result<(), Error> {
        let written = contain(|| {
            let snapshot = snapshot(&self.repository, id)?;
            let missing = || Error::NotFound(format!("snapshot {id} has no file {}", path.display()));
            let node =
                self.repository.node_from_path(snapshot.tree, path).map_err(|error| {
                    match failure(&*error) {
                        Some(_) => error.into(),
                        None => missing(),
                    }
                })?;
            if !node.is_file() {
                return Err(missing());
            }
            let (spans, size) = self.spans(path, &node)?;
            progress.expect(1, size);
            self.pipelined(path, &spans, into, progress)?;
            progress.file();
            Ok(())
        });
        match self.backend.given_up() {
            Some(error) if written.is_err() => Err(error),
            _ => written,
        }
    }

    /// Fetches some runs before they are needed.
    fn pipelined(
        &self,
        path: &Path,
        spans: &[Span],
        into: &mut dyn Write,
        progress: &Progress,
    ) -> Result<(), Error> {
        let (to, windows) = mpsc::sync_channel(RUNS_AHEAD);
        thread::scope(|scope| {
            scope.spawn(move || {
                for span in spans {
                    if to.send(self.window(path, span)).is_err() {
                        return;
                    }
                }
            });
            for span in spans {
                let window =
                    windows.recv().map_err(|_| Error::Library("the reader ended early".to_owned()))??;
                self.content(path, std::slice::from_ref(span), into, progress)?;
                drop(window);
            }
            into.flush().map_err(|error| Error::Target(format!("{}: {error}", path.display())))
        })
    }

    fn content(
        &self,
        path: &Path,
        spans: &[Span],
        into: &mut dyn Write,
        progress: &Progress,
    ) -> Result<(), Error> {
        for span in spans {
            let _window = self.window(path, span)?;
            for blob in &span.blobs {
                if progress.stopped() {
                    return Err(Error::Cancelled);
                }
                let bytes = read(&self.repository, blob).map_err(|error| damaged(path, span, &error))?;
                into.write_all(&bytes)
                    .map_err(|error| Error::Target(format!("{}: {error}", path.display())))?;
                progress.add(bytes.len() as u64);
            }
        }
        Ok(())
    }

    fn window(&self, path: &Path, span: &Span) -> Result<Option<Window>, Error> {
        self.ahead.window(span.pack, span.offset, span.length).map_err(|error| damaged(path, span, &error))
    }

    fn spans(&self, path: &Path, node: &Node) -> Result<(Vec<Span>, u64), Error> {
        spans(&self.repository, node).map_err(|why| Error::Damaged {
            file: path.display().to_string(),
            pack: None,
            why,
        })
    }

    fn entries(
        &self,
        id: &str,
        under: &Path,
        mut each: impl FnMut(PathBuf, Node) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let snapshot = snapshot(&self.repository, id)?;
        let root =
            self.repository.node_from_path(snapshot.tree, under).map_err(|error| match failure(&*error) {
                Some(_) => error.into(),
                None => Error::NotFound(format!("snapshot {id} has no folder {}", under.display())),
            })?;
        for entry in self.repository.ls(&root, &LsOptions::default())? {
            let (path, node) = entry?;
            // Nothing that somebody put into a repository leads outside of the target.
            if !path.components().all(|part| matches!(part, Component::Normal(_))) {
                let why = "its path leads out of the snapshot".to_owned();
                return Err(Error::Damaged { file: path.display().to_string(), pack: None, why });
            }
            each(under.join(path), node)?;
        }
        Ok(())
    }
}

/// Files that are put into the order in which they lie in the packs: bounds the memory.
const BATCH: usize = 1024;
/// Runs of a file that are fetched before they are needed.
const RUNS_AHEAD: usize = 3;

fn send(to: &SyncSender<Unit>, mut batch: Vec<Job>) {
    batch.sort_by_key(|job| job.spans.first().map(|span| (span.pack, span.offset)));
    let mut units: Vec<Unit> = Vec::new();
    for job in batch {
        if let ([next], Some(Unit { span: Some(span), jobs })) = (job.spans.as_slice(), units.last_mut())
            && span.reaches(&next.pack, next.offset, next.end())
        {
            span.length = next.end() - span.offset;
            jobs.push(job);
            continue;
        }
        let span = if let [only] = job.spans.as_slice() {
            Some(Span { blobs: Vec::new(), ..only.clone() })
        } else {
            None
        };
        units.push(Unit { span, jobs: vec![job] });
    }
    for unit in units {
        // The workers go on to the end, also after an error.
        let _ = to.send(unit);
    }
}

fn damaged(path: &Path, span: &Span, error: &RusticError) -> Error {
    let pack = span.pack.to_hex().as_str().to_owned();
    let why = match failure(error) {
        Some(failure) => failure.text.clone(),
        None => format!("pack {pack} is damaged: {}", one_line(error)),
    };
    Error::Damaged { file: path.display().to_string(), pack: Some(pack), why }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
