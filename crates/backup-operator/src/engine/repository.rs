//! One repository: snapshots in, out, and looked after.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{self, SyncSender},
    },
    thread,
};

use jiff::{Span, Timestamp, tz::TimeZone};
use rustic_core::{
    BackupOptions, CheckOptions, Credentials, Id, IndexedTree, KeyOptions, LimitOption, LsOptions, Open,
    OpenStatus, PruneOptions, ReadBackend, ReadSubsetOption, RepositoryBackends, RepositoryOptions,
    SnapshotGroupCriterion, SnapshotOptions, WriteBackend,
    repofile::{KeyId, SnapshotFile, SnapshotId},
};

use super::{
    Error, Key, Progress, Rest,
    ahead::Ahead,
    bars::Bars,
    behind::Behind,
    contain::contain,
    error::failure,
    feed::{Feed, Ledger},
    finding::{Finding, Read},
    hold::Hold,
    restore::Reader,
    shape::shape,
    source::Source,
    stamp::sized,
};

/// An open repository. Each operation opens it anew, which costs two requests, so one can be shared.
pub struct Repository {
    backend: Arc<Rest>,
    credentials: Credentials,
}

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
        Self { unused: 5, keep: std::time::Duration::from_hours(23), at_once: false }
    }
}

impl Repository {
    /// Opens a repository that is there.
    pub fn open(backend: &Arc<Rest>, key: &Key) -> Result<Self, Error> {
        Self { backend: backend.clone(), credentials: key.credentials()? }.tried()
    }

    /// Opens one that restic made. Takes 128 MB for the moment.
    pub fn open_with_password(backend: &Arc<Rest>, password: &str) -> Result<Self, Error> {
        Self { backend: backend.clone(), credentials: Credentials::password(password) }.tried()
    }

    /// Makes the repository, with a key file so that the derived password opens it too; opens it if it is there already.
    pub fn init(backend: &Arc<Rest>, key: &Key) -> Result<Self, Error> {
        let made = Self { backend: backend.clone(), credentials: key.credentials()? };
        contain(|| {
            let repository = made.opened_or_made()?;
            // Also when somebody was interrupted here before.
            if repository.list::<KeyId>()?.next().is_none() {
                let keys = KeyOptions::default().username("backup-operator".to_owned()).with_created(true);
                repository.add_key(key.password(), &keys)?;
            }
            Ok(())
        })?;
        Ok(made)
    }

    fn opened_or_made(&self) -> Result<rustic_core::Repository<OpenStatus>, Error> {
        let open = || self.library(self.backend.clone(), Progress::default());
        match open() {
            Err(Error::NoRepository(_)) => {}
            other => return other,
        }
        let none =
            rustic_core::Repository::new(&options(), &RepositoryBackends::new(self.backend.clone(), None))?;
        let made = none.init(&self.credentials, &KeyOptions::default(), &shape()?);
        // Of two who make it at the same time, one is refused and opens what the other made.
        made.or_else(|error| open().map_err(|_| error.into()))
    }

    fn tried(self) -> Result<Self, Error> {
        contain(|| self.library(self.backend.clone(), Progress::default()).map(drop))?;
        Ok(self)
    }

    /// The library's repository over one of our backends.
    fn library(
        &self,
        over: Arc<dyn WriteBackend>,
        progress: Progress,
    ) -> Result<rustic_core::Repository<OpenStatus>, Error> {
        let repository = rustic_core::Repository::new_with_progress(
            &options(),
            &RepositoryBackends::new(over, None),
            Bars(progress),
        )?;
        let name = || format!("{} ({})", self.backend.name(), self.backend.location());
        if repository.config_id()?.is_none() {
            return Err(Error::NoRepository(name()));
        }
        repository.open(&self.credentials).map_err(|error| match failure(&*error) {
            // Whatever is wrong with what was read of the configuration, the key did not open it.
            None => Error::Key(name()),
            Some(_) => error.into(),
        })
    }

    /// All of them, oldest first.
    pub fn snapshots(&self) -> Result<Vec<Snapshot>, Error> {
        contain(|| {
            let repository = self.library(self.backend.clone(), Progress::default())?;
            let mut found: Vec<_> = repository.get_all_snapshots()?.iter().map(Snapshot::of).collect();
            found.sort_by(|a, b| (a.time, &a.id).cmp(&(b.time, &b.id)));
            Ok(found)
        })
    }

    /// Backs up a source. The snapshot comes into being last and only if everything that was asked for is in it.
    pub fn save(&self, source: Source, save: &Save, progress: &Progress) -> Result<Snapshot, Error> {
        let ledger = Ledger::new(progress);
        let (files, bytes) = source.total();
        progress.expect(files, bytes);
        let saved = contain(|| self.save_held(source, save, &ledger));
        // What came first is the reason for what came later.
        if let Err(error) = saved {
            if progress.stopped() {
                return Err(Error::Cancelled);
            }
            if let Some(error) = self.backend.given_up() {
                return Err(error);
            }
            ledger.complaints()?;
            return Err(error);
        }
        saved
    }

    fn save_held(&self, source: Source, save: &Save, ledger: &Arc<Ledger>) -> Result<Snapshot, Error> {
        let hold = Hold::new(Behind::new(Ahead::new(self.backend.clone())));
        let repository = self.library(hold.clone(), ledger.progress.clone())?.to_indexed_ids()?;
        let mut backup = BackupOptions::default().as_path(PathBuf::from("/"));
        backup.parent_opts.group_by = Some(SnapshotGroupCriterion::new());
        backup.parent_opts.force = true;
        let mut parent = None;
        if let (Parent::Snapshot(id), true) = (&save.parent, source.comparable()) {
            parent = Some(snapshot(&repository, id)?);
            backup.parent_opts.force = false;
            backup.parent_opts.parents = vec![id.clone()];
        }
        let mut asked = SnapshotOptions::default().host(save.host.clone());
        if !save.tags.is_empty() {
            asked = asked.add_tags(&save.tags.join(","))?;
        }
        if let Some(time) = save.time {
            asked = asked.time(time.to_zoned(TimeZone::UTC));
        }
        let asked = asked.to_snapshot()?;
        let (to, known) = mpsc::sync_channel(KNOWN_AHEAD);
        thread::scope(|scope| {
            let known = match (&parent, &source) {
                (Some(parent), Source::Bucket(_)) => {
                    let repository = &repository;
                    scope.spawn(move || list_files(repository, parent, &to));
                    Some(known)
                }
                _ => None,
            };
            let stream = if let Source::Stream(stream) = &source { Some(stream.name.clone()) } else { None };
            let feed = Feed::new(source.entries(known, ledger), ledger.clone());
            let snapshot = repository.archive(&backup, &feed, asked, &[PathBuf::new()])?;
            if ledger.progress.stopped() {
                return Err(Error::Cancelled);
            }
            let stored = Snapshot::of(&snapshot);
            ledger.settle(stored.files, stored.bytes)?;
            let snapshot = match stream {
                Some(name) => Snapshot::of(&self.sized(&hold, snapshot, &name, stored.bytes)?),
                None => stored,
            };
            hold.release()?;
            Ok(snapshot)
        })
    }

    /// The snapshot of a stream again, with the stream's size.
    fn sized(
        &self,
        hold: &Arc<Hold>,
        mut snapshot: SnapshotFile,
        name: &Path,
        size: u64,
    ) -> Result<SnapshotFile, Error> {
        let repository = self.library(hold.clone(), Progress::default())?.to_indexed_ids()?;
        snapshot.tree = sized(&repository, &**hold, snapshot.tree, name, size)?;
        hold.discard();
        repository.save_snapshots(vec![snapshot.clone()])?;
        snapshot.id = hold.id().unwrap_or_default().into();
        Ok(snapshot)
    }

    /// Deletes snapshots; their data go with the next prune.
    pub fn forget(&self, ids: &[String]) -> Result<(), Error> {
        let ids = ids.iter().map(|id| parse(id).map(SnapshotId::from)).collect::<Result<Vec<_>, _>>()?;
        contain(|| {
            let repository = self.library(self.backend.clone(), Progress::default())?;
            Ok(repository.delete_snapshots(&ids)?)
        })
    }

    /// Deletes data that no snapshot needs.
    pub fn prune(&self, prune: Prune) -> Result<Pruned, Error> {
        contain(|| {
            let over = Behind::new(Ahead::new(self.backend.clone()));
            let repository = self.library(over, Progress::default())?;
            let mut asked = PruneOptions::default();
            asked.max_unused = LimitOption::Percentage(prune.unused);
            asked.keep_delete = Span::new().seconds(i64::try_from(prune.keep.as_secs()).unwrap_or(i64::MAX));
            asked.instant_delete = prune.at_once;
            let plan = repository.prune_plan(&asked)?;
            let size = plan.stats.size_sum();
            let pruned = Pruned {
                used: size.used,
                unused: size.unused,
                removed: size.remove + size.repackrm + plan.stats.size_unref,
            };
            repository.prune(&asked, plan)?;
            Ok(pruned)
        })
    }

    /// Looks for damage. Findings are a result, not an error; an error is when it could not be looked.
    pub fn check(&self, read: Read, progress: &Progress) -> Result<Vec<Finding>, Error> {
        let mut asked = CheckOptions::default();
        asked.read_data = read != Read::Nothing;
        if let Read::Part { part, of } = read {
            asked.read_data_subset = ReadSubsetOption::IdSubSet((part, of.max(1)));
        }
        let checked = contain(|| {
            let repository = self.library(Ahead::new(self.backend.clone()), progress.clone())?;
            Ok(repository.check(asked)?.0.iter().map(|(level, error)| Finding::of(level, error)).collect())
        });
        // A storage that went away in the middle looks like damage everywhere.
        if let Some(error) = self.backend.given_up() {
            return Err(error);
        }
        match checked {
            // An index or a snapshot that cannot be read ends the check.
            Err(Error::Library(what)) => Ok(vec![Finding { damage: true, pack: None, what }]),
            other => other,
        }
    }

    /// Loads the index: to list and restore.
    pub fn reader(&self) -> Result<Reader, Error> {
        contain(|| {
            let ahead = Ahead::new(self.backend.clone());
            let repository = self.library(ahead.clone(), Progress::default())?.to_indexed()?;
            Ok(Reader::new(repository, ahead, self.backend.clone()))
        })
    }
}

/// Entries of the parent that are known before they are compared with ours.
const KNOWN_AHEAD: usize = 4096;

fn options() -> RepositoryOptions {
    RepositoryOptions::default().no_cache(true)
}

pub(super) fn parse(id: &str) -> Result<Id, Error> {
    id.parse().map_err(|_| {
        Error::NotFound(format!("`{id}` is no id of a snapshot: it needs 64 hexadecimal digits"))
    })
}

/// The snapshot with an id.
pub(super) fn snapshot<S: Open>(
    repository: &rustic_core::Repository<S>,
    id: &str,
) -> Result<SnapshotFile, Error> {
    let found = repository.get_file::<SnapshotFile>(&SnapshotId::from(parse(id)?));
    found.map_err(|error| match failure(&*error) {
        Some(failure) if failure.missing => Error::NotFound(format!("there is no snapshot {id}")),
        _ => error.into(),
    })
}

fn list_files<S: IndexedTree>(
    repository: &rustic_core::Repository<S>,
    snapshot: &SnapshotFile,
    to: &SyncSender<(PathBuf, u64)>,
) {
    let Ok(root) = repository.node_from_path(snapshot.tree, Path::new("")) else { return };
    let Ok(entries) = repository.ls(&root, &LsOptions::default()) else { return };
    // A list that breaks off only means that more is read again.
    for (path, node) in entries.map_while(Result::ok) {
        if node.is_file() && to.send((path, node.meta.size)).is_err() {
            return;
        }
    }
}

impl Snapshot {
    fn of(file: &SnapshotFile) -> Self {
        let summary = file.summary.as_ref();
        let tags = file.tags.to_string();
        Self {
            id: file.id.to_hex().as_str().to_owned(),
            time: file.time.timestamp(),
            host: file.hostname.clone(),
            tags: tags.split(',').filter(|tag| !tag.is_empty()).map(str::to_owned).collect(),
            files: summary.map_or(0, |summary| summary.total_files_processed),
            bytes: summary.map_or(0, |summary| summary.total_bytes_processed),
            added: summary.map_or(0, |summary| summary.data_added_packed),
        }
    }
}
