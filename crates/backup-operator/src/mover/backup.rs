//! Copies one instance: waits for the cut with open transactions, then writes dumps, content and state into the repository.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use reconcile::BackupContent;
use tokio::{runtime::Handle, time::interval};

use super::{
    Error, blocking,
    bucket::Bucket,
    connection::Connection,
    database::Database,
    export::Exporter,
    mounted, repository,
    spec::{BUCKETS, CONFIG_MAPS, DATABASES, Outcome, SECRETS, Spec},
};
use crate::{
    crd::{Cut, Stored},
    cut::wire::{Order, Report},
    engine::{
        Parent, Progress, Repository, Save, Snapshot,
        source::{self, Folder, Listed, Source, Stream},
    },
};

/// How often it says how far it is.
const TELL: Duration = Duration::from_secs(2);
/// Objects of a bucket that are fetched at the same time: their way is longer than a disk's.
const PARALLEL: usize = 16;

/// Copies the instance.
pub async fn run(spec: Spec, set: &str) -> Result<Outcome, Error> {
    let mut databases = Vec::new();
    for name in &spec.databases {
        let database = Database::mounted(name, &PathBuf::from(DATABASES).join(name))?;
        databases.push(Exporter::open(database).await?);
    }
    let waiting = || Report::Hello { cut: None, exported: None };
    let mut connection = Connection::open(&spec, &waiting()).await?;
    let (mut start, mut exported) = (None, None);
    let cut = loop {
        match connection.order().await {
            Some(Order::Start { key, objects }) => start = Some((key, objects)),
            Some(Order::Export { cut }) => {
                for database in &mut databases {
                    database.export().await?;
                }
                exported = Some(cut.clone());
                let _ = connection.say(&Report::Exported { cut }).await;
            }
            Some(Order::Look { cut }) => {
                let mut still = exported.as_ref() == Some(&cut);
                for database in &mut databases {
                    still = still && database.still().await?;
                }
                let _ = connection.say(&Report::Looked { cut, still }).await;
            }
            Some(Order::Copy { cut }) if exported.as_ref() == Some(&cut.id) || databases.is_empty() => {
                break cut;
            }
            Some(Order::Copy { .. }) => {
                return Err(Error::other("told to copy a cut that was not exported here"));
            }
            None => {
                // The snapshots are kept: the operator before may have told others to copy what belongs to them.
                let hello = Report::Hello { cut: None, exported: exported.clone() };
                connection = Connection::open(&spec, &hello).await?;
            }
        }
    };
    let (key, objects) = start.ok_or_else(|| Error::other("told to copy without a key"))?;
    tracing::info!(cut = cut.id, at = %cut.at.0, tries = cut.tries, "copying");
    let progress = Progress::default();
    let copying = copy(spec.clone(), set.to_owned(), key, objects, databases, cut.clone(), progress.clone());
    tokio::select! {
        stored = copying => stored.map(|stored| Outcome::Copied { cut: cut.clone(), stored }),
        error = told(&spec, connection, cut.clone(), progress) => Err(error),
    }
}

/// Says how far it is, for as long as it is polled; the connection is opened again when it is lost.
async fn told(spec: &Spec, mut connection: Connection, cut: Cut, progress: Progress) -> Error {
    let mut tick = interval(TELL);
    loop {
        tick.tick().await;
        let report = Report::Progress {
            bytes: progress.bytes(),
            total: progress.bytes_total(),
            files: progress.files(),
        };
        if connection.say(&report).await.is_err() {
            let hello = Report::Hello { cut: Some(cut.clone()), exported: None };
            match Connection::open(spec, &hello).await {
                Ok(again) => connection = again,
                Err(error) => return error,
            }
        }
    }
}

async fn copy(
    spec: Spec,
    set: String,
    key: String,
    objects: Vec<(String, String)>,
    mut databases: Vec<Exporter>,
    cut: Cut,
    progress: Progress,
) -> Result<Vec<Stored>, Error> {
    let opening = (spec.clone(), key);
    let repository = blocking(move || repository(&opening.0, &opening.1, true).map_err(Error::from))
        .await
        .map(std::sync::Arc::new)?;
    let save = |what: &str| Save {
        tags: vec![
            format!("set={set}"),
            format!("kind={}", spec.instance.kind),
            format!("name={}", spec.instance.name),
            format!("what={what}"),
        ],
        host: spec.instance.namespace.clone(),
        parent: Parent::None,
        time: Some(cut.at.0),
    };
    let mut stored = Vec::new();
    for database in &databases {
        let what = format!("database/{}", database.database.name);
        let mut dump = database.database.program("pg_dump");
        dump.args(["--format=custom", "--compress=0", "--no-password"])
            .arg(format!("--snapshot={}", database.snapshot()))
            .stdin(Stdio::null());
        let name = format!("{}.dump", database.database.name);
        let stream = Stream::of_command(name, dump)
            .map_err(|error| database.database.error(format!("cannot run pg_dump: {error}")))?;
        stored.push(one(&repository, Source::Stream(stream), save(&what), &what, &progress).await?);
    }
    let mut contents = Vec::new();
    for content in &spec.content {
        let bucket = Bucket::mounted(content, Path::new(BUCKETS))?;
        contents.push((content.clone(), listed(content, bucket.as_ref(), &mut databases).await?, bucket));
    }
    // Nothing needs the instant any more: the servers may tidy up behind it.
    drop(databases);
    for (content, files, bucket) in contents {
        let what = format!("content/{}", content.name);
        let mut save = save(&what);
        save.parent = parent(&repository, &save.tags).await?;
        let total = files
            .iter()
            .fold((0, 0), |(count, bytes), file| (count + 1, bytes + file.size.unwrap_or_default()));
        let files = Box::new(files.into_iter());
        let source = match bucket {
            Some(Bucket { store, prefix, .. }) => Source::Bucket(source::Bucket {
                store,
                prefix,
                files,
                total,
                reread: false,
                parallel: PARALLEL,
                runtime: Handle::current(),
            }),
            None => Source::Folder(Folder { root: Spec::folder(&content), files, total, reread: false }),
        };
        stored.push(one(&repository, source, save, &what, &progress).await?);
    }
    let state = state(&spec, objects)?;
    stored.push(one(&repository, Source::Memory(state), save("state"), "state", &progress).await?);
    Ok(stored)
}

/// Saves one source.
async fn one(
    repository: &std::sync::Arc<Repository>,
    source: Source,
    save: Save,
    what: &str,
    progress: &Progress,
) -> Result<Stored, Error> {
    let (repository, progress) = (repository.clone(), progress.clone());
    let snapshot: Snapshot = blocking(move || Ok(repository.save(source, &save, &progress)?)).await?;
    tracing::info!(what, files = snapshot.files, bytes = snapshot.bytes, added = snapshot.added, "stored");
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    Ok(Stored {
        what: what.to_owned(),
        snapshot: snapshot.id,
        files: number(snapshot.files),
        bytes: number(snapshot.bytes),
        added: number(snapshot.added),
    })
}

/// The files of a content that must be in the set, in order.
async fn listed(
    content: &BackupContent,
    bucket: Option<&Bucket>,
    databases: &mut [Exporter],
) -> Result<Vec<Listed>, Error> {
    let Some(query) = &content.artifacts else {
        let mut files = if let Some(bucket) = bucket {
            bucket.walk().await?
        } else {
            let root = Spec::folder(content);
            blocking(move || Ok(source::walk(&root)?)).await?
        };
        files.retain(|file| content.except.iter().all(|path| file.path != Path::new(path)));
        return Ok(files);
    };
    let exporter = databases.iter_mut().find(|exporter| exporter.database.name == query.database);
    let exporter = exporter.ok_or_else(|| {
        Error::other(format!(
            "content {}: its files are listed by database {}, which status.backup does not name",
            content.name, query.database
        ))
    })?;
    let mut files = Vec::new();
    exporter
        .session()
        .rows(&query.sql, |row| {
            files.push(artifact(row)?);
            Ok(())
        })
        .await?;
    files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    files.dedup_by(|one, other| one.path == other.path);
    Ok(files)
}

/// A row: path, SHA-256, size.
fn artifact(row: &str) -> Result<Listed, String> {
    let malformed = || format!("a row of the list of files is not path, SHA-256 and size: {row}");
    let mut fields = row.split('\t');
    let (Some(path), Some(sha256), Some(size), None) =
        (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err(malformed());
    };
    let mut digest = [0; 32];
    if sha256.len() != 64 || !sha256.is_ascii() {
        return Err(malformed());
    }
    for (byte, at) in digest.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&sha256[at..at + 2], 16).map_err(|_| malformed())?;
    }
    Ok(Listed { path: path.into(), size: Some(size.parse().map_err(|_| malformed())?), sha256: Some(digest) })
}

/// The last snapshot of the same thing: what has not changed since is not read again.
async fn parent(repository: &std::sync::Arc<Repository>, tags: &[String]) -> Result<Parent, Error> {
    let same: Vec<_> = tags.iter().filter(|tag| !tag.starts_with("set=")).cloned().collect();
    let repository = repository.clone();
    let snapshots = blocking(move || Ok(repository.snapshots()?)).await?;
    let last = snapshots.into_iter().rfind(|snapshot| same.iter().all(|tag| snapshot.tags.contains(tag)));
    Ok(last.map_or(Parent::None, |snapshot| Parent::Snapshot(snapshot.id)))
}

/// The instance's objects: what the operator has sent, and what the Job mounts.
fn state(spec: &Spec, objects: Vec<(String, String)>) -> Result<Vec<(PathBuf, Vec<u8>)>, Error> {
    let mut files: Vec<_> =
        objects.into_iter().map(|(path, text)| (PathBuf::from(path), text.into_bytes())).collect();
    for (kind, root, names) in
        [("secrets", SECRETS, &spec.secrets), ("configmaps", CONFIG_MAPS, &spec.config_maps)]
    {
        for name in names {
            let folder = PathBuf::from(root).join(name);
            let unread = |error: std::io::Error| Error::other(format!("{kind} {name}: {error}"));
            let found = mounted(&folder).map_err(unread)?;
            if found.is_empty() {
                return Err(Error::other(format!(
                    "status.backup of {} names {kind} {name}, which does not exist or is empty; without it a restore would lack it",
                    spec.instance
                )));
            }
            files.extend(
                found.into_iter().map(|(key, value)| (PathBuf::from(kind).join(name).join(key), value)),
            );
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_path_digest_and_size_and_nothing_else() {
        let digest = "ab".repeat(32);
        let listed = artifact(&format!("artifact/ab/cd\t{digest}\t12")).unwrap();
        assert_eq!(
            (listed.path, listed.size, listed.sha256),
            ("artifact/ab/cd".into(), Some(12), Some([0xab; 32]))
        );
        for row in ["", "a\tb", "a\tzz\t1", &format!("a\t{digest}\tx"), &format!("a\t{digest}\t1\t2")] {
            assert!(artifact(row).is_err(), "{row}");
        }
    }
}
