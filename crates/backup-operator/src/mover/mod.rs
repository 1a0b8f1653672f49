//! The Job that copies one instance, in the instance's namespace and with nothing but its credentials.

mod backup;
pub mod bucket;
mod claim;
mod connection;
pub mod database;
mod export;
mod maintain;
mod restore;
pub mod spec;

use std::{fs, io, path::Path, process::ExitCode};

use crate::engine::{self, Key, Limits, Repository, Rest, Storage};

pub use bucket::Mark;
pub use spec::{Outcome, Spec, Task};

/// Why a mover gives up, in words for the status of its run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The repository.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// A database.
    #[error(transparent)]
    Database(#[from] database::Error),
    /// The operator, the Job, or something that is mounted.
    #[error("{0}")]
    Other(String),
}

impl Error {
    fn other(what: impl Into<String>) -> Self {
        Self::Other(what.into())
    }
}

/// Kubernetes keeps 4096 bytes of it.
const MESSAGE: usize = 3800;

/// The life of a mover.
pub async fn run() -> ExitCode {
    let outcome = match work().await {
        Ok(outcome) => outcome,
        Err(error) => {
            tracing::error!(%error, "failed");
            Outcome::Failed(error.to_string().chars().take(1500).collect())
        }
    };
    let done = !matches!(outcome, Outcome::Failed(_));
    let text = serde_json::to_string(&outcome).unwrap_or_default();
    let text = if text.len() > MESSAGE {
        r#"{"failed": "more was stored than can be told; back up fewer databases and volumes at once"}"#
            .into()
    } else {
        text
    };
    let told = std::fs::write("/dev/termination-log", text);
    if let Err(error) = &told {
        tracing::error!(%error, "cannot tell what came of it");
    }
    if done && told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn work() -> Result<Outcome, Error> {
    let text =
        std::env::var(spec::VARIABLE).map_err(|_| Error::other(format!("{} is not set", spec::VARIABLE)))?;
    let spec: Spec =
        serde_json::from_str(&text).map_err(|error| Error::other(format!("{}: {error}", spec::VARIABLE)))?;
    tracing::info!(instance = %spec.instance, attempt = spec.attempt, "starting");
    match spec.task.clone() {
        Task::Backup { set } => backup::run(spec, &set).await,
        Task::Maintain { part, of, prune } => maintain::run(spec, (part, of), prune).await,
        Task::Restore { stored, replace, mark } => {
            restore::run(spec, stored, replace, mark).await.map(|()| Outcome::Filled)
        }
    }
}

/// The repository behind the gateway.
fn storage(spec: &Spec, repository: &str) -> Storage {
    Storage {
        name: spec.storage.clone(),
        url: format!("{}/{}/{repository}", spec.gateway, spec.storage),
        token: spec::TOKEN.into(),
        ca: (!spec.ca.is_empty()).then(|| spec.ca.clone().into_bytes()),
        limits: Limits::default(),
    }
}

fn repository(spec: &Spec, key: &str, new: bool) -> Result<Repository, engine::Error> {
    let key = Key::from_secret(key.as_bytes())?;
    let rest = Rest::new(storage(spec, &spec.repository))?;
    if new { Repository::init(&rest, &key) } else { Repository::open(&rest, &key) }
}

/// Keys and values of a Secret or `ConfigMap` that is mounted.
fn mounted(folder: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut values = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let key = entry.file_name().to_string_lossy().into_owned();
        // Kubernetes keeps versions of the volume beside the keys, under names that no key can have.
        if !key.starts_with("..") {
            values.push((key, fs::read(entry.path())?));
        }
    }
    Ok(values)
}

/// Runs what blocks.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::other(format!("the work was broken off: {error}")))?
}
