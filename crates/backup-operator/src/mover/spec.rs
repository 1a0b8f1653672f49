//! What a mover is told by its Job.

use std::path::PathBuf;

use reconcile::BackupContent;
use serde::{Deserialize, Serialize};

use super::Mark;
use crate::crd::{Cut, Reference, Stored};

/// Where the Job mounts things.
pub const DATABASES: &str = "/databases";
/// Where the Job mounts content.
pub const CONTENT: &str = "/content";
/// Where the Job mounts Secrets that say which bucket content is in.
pub const BUCKETS: &str = "/buckets";
/// Where the Job mounts Secrets.
pub const SECRETS: &str = "/state/secrets";
/// Where the Job mounts `ConfigMaps`.
pub const CONFIG_MAPS: &str = "/state/configmaps";
/// The token that the gateway knows it by.
pub const TOKEN: &str = "/var/run/backup/token";
/// The environment variable with a [`Spec`].
pub const VARIABLE: &str = "BACKUP_MOVER";

/// What a mover is told by its Job. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// What it does.
    pub task: Task,
    /// Uid of the `Backup` or `Restore`.
    pub run: String,
    /// Which try of it.
    pub attempt: i32,
    /// The instance, as it is called here.
    pub instance: Reference,
    /// Name of the `BackupStorage`.
    pub storage: String,
    /// The repository in it: the namespace that the set is of.
    pub repository: String,
    /// `https://host:port` of the gateway.
    pub gateway: String,
    /// The authority of its certificate, PEM.
    pub ca: String,
    /// Names of the databases; each has its Secret under [`DATABASES`].
    pub databases: Vec<String>,
    /// What is kept outside databases; each has its volume under [`CONTENT`] or its Secret under [`BUCKETS`].
    pub content: Vec<BackupContent>,
    /// Secrets of the instance, under [`SECRETS`].
    pub secrets: Vec<String>,
    /// `ConfigMaps` of the instance, under [`CONFIG_MAPS`].
    pub config_maps: Vec<String>,
}

/// What a mover does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Task {
    /// Copies the instance into the repository.
    Backup {
        /// Name of the set.
        set: String,
    },
    /// Looks after repositories; their keys come from the operator.
    Maintain {
        /// Which part of all data is read this time, from 0.
        part: u32,
        /// Of how many.
        of: u32,
        /// Whether space that no set needs is given back.
        prune: bool,
    },
    /// Fills the instance from the repository.
    Restore {
        /// What is in the set.
        stored: Vec<Stored>,
        /// Data that are there may go; otherwise nothing may be there but what a mover of this run has begun.
        replace: bool,
        /// How buckets that are filled are known again; none where they are the instance's own already.
        mark: Option<Mark>,
    },
}

impl Spec {
    /// The folder of a content.
    pub fn folder(content: &BackupContent) -> PathBuf {
        PathBuf::from(CONTENT).join(&content.name).join(&content.path)
    }
}

/// How a mover ends, in the termination message of its pod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// The instance is copied.
    Copied {
        /// The instant that it was told to copy: the operator may have died before it could keep it.
        cut: Cut,
        /// What was stored.
        stored: Vec<Stored>,
    },
    /// The instance is filled.
    Filled,
    /// Repositories were looked after.
    Maintained {
        /// Damage that was found, for people; the first of it.
        damage: Vec<String>,
        /// Bytes that are in use.
        used: u64,
        /// Bytes that were given back, or will be once no backup can be about to use them.
        removed: u64,
    },
    /// It is not, for people.
    Failed(String),
}
