//! restic's REST protocol towards the gateway.

use std::{path::PathBuf, sync::Arc, time::Duration};

use super::Error;

/// Where a repository is and how to get there.
#[derive(Clone, Debug)]
pub struct Storage {
    /// For errors: the name of the `BackupStorage`.
    pub name: String,
    /// The repository at the gateway: `https://gateway:8443/{storage}/{repository}`.
    pub url: String,
    /// File with the bearer token; read again for every request, because projected tokens rotate.
    pub token: PathBuf,
    /// The authority that signed the gateway's certificate, PEM; without it, `url` must be http.
    pub ca: Option<Vec<u8>>,
    /// How long to wait for what.
    pub limits: Limits,
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For a connection.
    pub connect: Duration,
    /// For one request with its answer.
    pub request: Duration,
    /// Without any success since the last one: then the storage is given up for good.
    pub give_up: Duration,
    /// Before the first retry; doubled after each.
    pub first_pause: Duration,
    /// At most between retries.
    pub longest_pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            request: Duration::from_secs(30),
            give_up: Duration::from_secs(55),
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(4),
        }
    }
}

/// A repository at the gateway.
#[derive(Debug)]
pub struct Rest {
    storage: Storage,
}

impl Rest {
    /// Does not connect yet.
    pub fn new(storage: Storage) -> Result<Arc<Self>, Error> {
        Ok(Arc::new(Self { storage }))
    }
}
