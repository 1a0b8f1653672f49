//! Fills one instance from a set while nothing of it runs but its databases.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
};

use reconcile::BackupContent;
use tokio::runtime::Handle;

use super::{
    Error, Mark, blocking,
    bucket::Bucket,
    claim,
    connection::Connection,
    database::Database,
    repository,
    spec::{BUCKETS, DATABASES, Spec},
};
use crate::{
    crd::Stored,
    cut::wire::{Order, Report},
    engine::{
        Progress,
        restore::{Entry, Reader, Target, Wanted},
        source::{self, Listed},
    },
};

/// Fills the instance.
pub async fn run(spec: Spec, stored: Vec<Stored>, replace: bool, mark: Option<Mark>) -> Result<(), Error> {
    let mut connection = Connection::open(&spec, &Report::Hello { cut: None, exported: None }).await?;
    let key = loop {
        match connection.order().await {
            Some(Order::Start { key, .. }) => break key,
            Some(_) => return Err(Error::other("a restore has no part in a cut")),
            None => {
                connection = Connection::open(&spec, &Report::Hello { cut: None, exported: None }).await?;
            }
        }
    };
    let opening = spec.clone();
    let reader = blocking(move || Ok(repository(&opening, &key, false)?.reader()?)).await.map(Arc::new)?;
    let progress = Progress::default();
    let telling = {
        let (progress, total) = (progress.clone(), stored.iter().map(|one| one.bytes.unsigned_abs()).sum());
        async move {
            loop {
                tokio::time::sleep(std::time::Duration::from_secs(2)).await;
                let report = Report::Progress { bytes: progress.bytes(), total, files: progress.files() };
                if connection.say(&report).await.is_err() {
                    // Nobody has to hear it: what counts is how the pod ends.
                    std::future::pending::<()>().await;
                }
            }
        }
    };
    tokio::select! {
        done = fill(&spec, &stored, (replace, mark), reader, progress.clone()) => done,
        () = telling => Err(Error::other("the work was broken off")),
    }
}

async fn fill(
    spec: &Spec,
    stored: &[Stored],
    (replace, mark): (bool, Option<Mark>),
    reader: Arc<Reader>,
    progress: Progress,
) -> Result<(), Error> {
    let snapshot = |what: String| {
        let found = stored.iter().find(|one| one.what == what);
        found
            .map(|one| one.snapshot.clone())
            .ok_or_else(|| Error::other(format!("the set has no {what} of {}", spec.instance)))
    };
    // Before anything is changed anywhere.
    let mut databases = Vec::new();
    for name in &spec.databases {
        let database = Database::mounted(name, &PathBuf::from(DATABASES).join(name))?;
        if !replace {
            claim::claim(&database, &spec.run).await?;
        }
        databases.push(database);
    }
    let mut contents = Vec::new();
    for content in &spec.content {
        let bucket = Bucket::mounted(content, Path::new(BUCKETS))?;
        if let (Some(bucket), Some(mark)) = (&bucket, &mark) {
            bucket.claim(spec, mark).await?;
        }
        contents.push((content, bucket));
    }
    for database in &databases {
        let name = &database.name;
        if replace {
            claim::wipe(database).await?;
        }
        load(database, snapshot(format!("database/{name}"))?, reader.clone(), progress.clone()).await?;
        tracing::info!(database = name, "filled");
    }
    for (content, bucket) in &contents {
        let snapshot = snapshot(format!("content/{}", content.name))?;
        files(content, bucket.as_ref(), snapshot.clone(), reader.clone(), progress.clone()).await?;
        if replace && bucket.is_none() && content.artifacts.is_none() {
            let (root, except, reader) = (Spec::folder(content), content.except.clone(), reader.clone());
            blocking(move || tidy(&root, &except, &reader, &snapshot)).await?;
        }
        tracing::info!(content = content.name, "filled");
    }
    for (_, bucket) in &contents {
        if let (Some(bucket), Some(mark)) = (bucket, &mark) {
            bucket.release(spec, mark).await?;
        }
    }
    if !replace {
        for database in &databases {
            claim::release(database).await?;
        }
    }
    Ok(())
}

/// Loads a dump, all of it or nothing.
async fn load(
    database: &Database,
    snapshot: String,
    reader: Arc<Reader>,
    progress: Progress,
) -> Result<(), Error> {
    let mut command = database.program("pg_restore");
    command
        // The name only chooses that it goes to a database, which the environment names.
        .args([
            "--exit-on-error",
            "--single-transaction",
            "--no-owner",
            "--no-privileges",
            "--no-comments",
            "--no-password",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let name = command
        .get_envs()
        .find(|(key, _)| *key == "PGDATABASE")
        .and_then(|(_, value)| value.map(ToOwned::to_owned));
    command.arg("--dbname").arg(name.unwrap_or_default());
    let database = database.clone();
    blocking(move || {
        let mut child =
            command.spawn().map_err(|error| database.error(format!("cannot run pg_restore: {error}")))?;
        let mut input = child.stdin.take().ok_or_else(|| Error::other("pg_restore has no pipe"))?;
        let errors = child.stderr.take();
        let said = std::thread::spawn(move || {
            let mut text = String::new();
            if let Some(errors) = errors {
                let _ = std::io::Read::read_to_string(&mut std::io::Read::take(errors, 64 << 10), &mut text);
            }
            text
        });
        let path = PathBuf::from(format!("{}.dump", database.name));
        let given = reader.file(&snapshot, &path, &mut input, &progress);
        if given.is_err() {
            // Whatever came so far must not look like an end.
            let _ = child.kill();
        }
        drop(input);
        let ended = child.wait().map_err(|error| database.error(format!("pg_restore: {error}")))?;
        let said = said.join().unwrap_or_default();
        if !ended.success() && !said.trim().is_empty() {
            let said: String = said.trim().lines().take(5).collect::<Vec<_>>().join("; ");
            return Err(database.error(format!("pg_restore: {said}")).into());
        }
        given?;
        if ended.success() {
            Ok(())
        } else {
            Err(database.error(format!("pg_restore ended with {ended}")).into())
        }
    })
    .await
}

async fn files(
    content: &BackupContent,
    bucket: Option<&Bucket>,
    snapshot: String,
    reader: Arc<Reader>,
    progress: Progress,
) -> Result<(), Error> {
    let target = match bucket.cloned() {
        Some(Bucket { store, prefix, .. }) => Target::Bucket { store, prefix, runtime: Handle::current() },
        None => Target::Folder(Spec::folder(content)),
    };
    let digest = if content.artifacts.is_some() { source::artifact } else { |_: &Path| None };
    let wanted = Wanted { digest, go_on: true, ..Wanted::default() };
    blocking(move || Ok(reader.restore(&snapshot, &target, &wanted, &progress)?)).await
}

/// What came since then goes: replaced means as it was.
fn tidy(root: &Path, except: &[String], reader: &Reader, snapshot: &str) -> Result<(), Error> {
    let mut was = BTreeSet::new();
    reader.list(snapshot, &mut |entry: Entry| {
        was.insert(entry.path);
    })?;
    for path in since(source::walk(root)?, &was, except) {
        let full = root.join(&path);
        if full.is_dir() && !full.is_symlink() {
            // One that is not empty, or the file system's own, may stay.
            let _ = fs::remove_dir(&full);
            continue;
        }
        fs::remove_file(&full).map_err(|error| Error::other(format!("{}: {error}", path.display())))?;
        tracing::info!(path = %path.display(), "removed: it came after the backup");
    }
    Ok(())
}

/// Of what is there what was not, but for what no backup has; what is in a folder before the folder.
fn since(there: Vec<Listed>, was: &BTreeSet<PathBuf>, except: &[String]) -> Vec<PathBuf> {
    let left_out = |path: &Path| except.iter().any(|other| path == Path::new(other));
    let paths = there.into_iter().rev().map(|file| file.path);
    paths.filter(|path| !was.contains(path) && !left_out(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_since_a_backup_goes_and_what_no_backup_has_stays() {
        let listed = |path: &str| Listed { path: path.into(), size: None, sha256: None };
        let there = ["boot", "boot/kernel", "later", "later/a", "dynflow.sqlite"].map(listed);
        let was = ["boot", "boot/kernel"].map(PathBuf::from).into();
        assert_eq!(
            since(there.into(), &was, &["dynflow.sqlite".into()]),
            ["later/a", "later"].map(PathBuf::from)
        );
    }
}
