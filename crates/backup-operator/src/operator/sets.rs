//! The lists of the sets: written last, so that a set without one does not exist; read to find sets in a storage that this cluster has never
//! seen.

use std::{path::Path, sync::Arc};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use reconcile::Error;
use serde::{Deserialize, Serialize};

use super::{Term, names::SETS};
use crate::{
    crd::{Cut, Instance},
    engine::{self, Key, Limits, Parent, Progress, Repository, Rest, Save, Storage, source::Source},
};

const FILE: &str = "set.json";

/// What a set consists of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Set {
    /// Its name.
    pub name: String,
    /// Name of the `Backup` that made it.
    pub backup: String,
    /// The instant that it shows.
    pub cut: Cut,
    /// When it was complete.
    pub ended_at: Time,
    /// Its services.
    pub instances: Vec<Instance>,
}

/// A repository of a storage, opened by the operator itself. Blocks.
fn open(
    term: &Term,
    storage: &str,
    repository: &str,
    key: &[u8],
    new: bool,
) -> Result<Repository, engine::Error> {
    let rest = Rest::new(Storage {
        name: storage.into(),
        // By its own name, as movers do: the certificate is of that name.
        url: format!("{}/{storage}/{repository}", term.home.gateway),
        token: term.home.token.clone(),
        ca: (!term.home.ca.is_empty()).then(|| term.home.ca.clone().into_bytes()),
        limits: Limits::default(),
    })?;
    let key = Key::of(key, repository)?;
    if new { Repository::init(&rest, &key) } else { Repository::open(&rest, &key) }
}

/// Does something with a repository, on a thread that may block.
pub async fn with<T: Send + 'static>(
    term: &Arc<Term>,
    storage: &str,
    repository: &str,
    new: bool,
    work: impl FnOnce(&Repository) -> Result<T, engine::Error> + Send + 'static,
) -> Result<Result<T, engine::Error>, Error> {
    let Some(key) = term.storages.key(storage) else {
        return Ok(Err(unready(storage)));
    };
    let (term, storage, repository) = (term.clone(), storage.to_owned(), repository.to_owned());
    let done = tokio::task::spawn_blocking(move || {
        open(&term, &storage, &repository, &key, new).and_then(|repository| work(&repository))
    });
    done.await.map_err(|error| Error::Slow { what: format!("the repository: {error}") })
}

/// What a mover needs to open the repository of its namespace.
pub fn key(term: &Term, storage: &str, repository: &str) -> Result<String, engine::Error> {
    let key = term.storages.key(storage).ok_or_else(|| unready(storage))?;
    let key = Key::of(&key, repository)?;
    String::from_utf8(key.to_secret()).map_err(|error| engine::Error::BadKey(error.to_string()))
}

fn unready(storage: &str) -> engine::Error {
    engine::Error::Storage(format!("BackupStorage {storage} is not ready"))
}

/// Writes the list of a set: from now on it exists. One that is there already stays.
pub async fn seal(term: &Arc<Term>, storage: &str, set: Set) -> Result<Result<(), engine::Error>, Error> {
    with(term, storage, SETS, true, move |repository| {
        let tag = format!("set={}", set.name);
        if repository.snapshots()?.iter().any(|snapshot| snapshot.tags.contains(&tag)) {
            return Ok(());
        }
        let text = serde_json::to_vec_pretty(&set).unwrap_or_default();
        let save = Save {
            tags: vec![tag, "what=list".into()],
            host: "cluster".into(),
            parent: Parent::None,
            time: Some(set.cut.at.0),
        };
        repository.save(Source::Memory(vec![(FILE.into(), text)]), &save, &Progress::default()).map(drop)
    })
    .await
}

/// All sets of a storage, oldest first.
pub async fn list(term: &Arc<Term>, storage: &str) -> Result<Result<Vec<Set>, engine::Error>, Error> {
    read(term, storage, "what=list".into()).await
}

/// One set of a storage.
pub async fn one(
    term: &Arc<Term>,
    storage: &str,
    set: &str,
) -> Result<Result<Option<Set>, engine::Error>, Error> {
    let found = read(term, storage, format!("set={set}")).await?;
    Ok(found.map(|sets| sets.into_iter().next_back()))
}

/// The lists that have this tag.
async fn read(
    term: &Arc<Term>,
    storage: &str,
    wanted: String,
) -> Result<Result<Vec<Set>, engine::Error>, Error> {
    let found = with(term, storage, SETS, false, move |repository| {
        let snapshots = repository.snapshots()?;
        let reader = repository.reader()?;
        let mut sets = Vec::new();
        for snapshot in snapshots.iter().filter(|one| one.tags.contains(&wanted)) {
            let mut text = Vec::new();
            reader.file(&snapshot.id, Path::new(FILE), &mut text, &Progress::default())?;
            let set: Set = serde_json::from_slice(&text).map_err(|error| engine::Error::Damaged {
                file: FILE.into(),
                pack: None,
                why: error.to_string(),
            })?;
            sets.push(set);
        }
        Ok(sets)
    });
    match found.await? {
        Err(engine::Error::NoRepository(_)) => Ok(Ok(vec![])),
        other => Ok(other),
    }
}

/// Takes a set out of a storage; its data go with the next maintenance. Its list goes first: what is left then is no set.
pub async fn forget(
    term: &Arc<Term>,
    storage: &str,
    set: &str,
    namespaces: Vec<String>,
) -> Result<Result<(), engine::Error>, Error> {
    let tag = format!("set={set}");
    for repository in std::iter::once(SETS.to_owned()).chain(namespaces) {
        let tag = tag.clone();
        let gone = with(term, storage, &repository, false, move |repository| {
            let ids: Vec<_> = repository
                .snapshots()?
                .into_iter()
                .filter(|snapshot| snapshot.tags.contains(&tag))
                .map(|snapshot| snapshot.id)
                .collect();
            if ids.is_empty() { Ok(()) } else { repository.forget(&ids) }
        });
        match gone.await? {
            Ok(()) | Err(engine::Error::NoRepository(_)) => {}
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(()))
}
