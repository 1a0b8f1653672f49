//! Storages of every make, built from their configuration and probed.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use object_store::ObjectStore;

/// Where backups, or Pulp's content, are kept.
#[derive(Clone)]
pub enum Config {
    /// S3 and what speaks it.
    S3(S3),
    /// Azure Blob Storage.
    Azure(Azure),
    /// Google Cloud Storage.
    Gcs(Gcs),
    /// A folder: a PVC or NFS.
    Folder(PathBuf),
}

/// S3 and what speaks it.
#[derive(Clone, Default)]
pub struct S3 {
    /// `https://...`; AWS without.
    pub endpoint: Option<String>,
    /// `us-east-1` without.
    pub region: Option<String>,
    /// Its name.
    pub bucket: String,
    /// Before every key; empty for none.
    pub prefix: String,
    /// Access key id and secret; workload identity (web identity token, instance role) without.
    pub key: Option<(String, String)>,
    /// PEM of an authority of one's own.
    pub ca: Option<Vec<u8>>,
    /// The bucket in the path, not in the host name.
    pub path_style: bool,
}

/// Azure Blob Storage.
#[derive(Clone, Default)]
pub struct Azure {
    /// Storage account.
    pub account: String,
    /// Its name.
    pub container: String,
    /// Before every key; empty for none.
    pub prefix: String,
    /// Access key; workload identity without.
    pub key: Option<String>,
    /// Other than `https://{account}.blob.core.windows.net`.
    pub endpoint: Option<String>,
    /// PEM of an authority of one's own.
    pub ca: Option<Vec<u8>>,
}

/// Google Cloud Storage.
#[derive(Clone, Default)]
pub struct Gcs {
    /// Its name.
    pub bucket: String,
    /// Before every key; empty for none.
    pub prefix: String,
    /// JSON of a service account; workload identity without.
    pub service_account: Option<String>,
    /// Other than Google's.
    pub endpoint: Option<String>,
    /// PEM of an authority of one's own.
    pub ca: Option<Vec<u8>>,
}

/// How long a storage may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For the next byte of an answer.
    pub idle: Duration,
    /// For an operation, with its retries.
    pub operation: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), idle: Duration::from_secs(15), operation: Duration::from_secs(25) }
    }
}

/// What is wrong with a storage; the text of each says it and the mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nobody listens, or the name is unknown.
    Refused(String),
    /// No answer in time.
    Hung(String),
    /// The certificate is not trusted.
    Tls(String),
    /// The credentials are wrong.
    WrongKey(String),
    /// The credentials are right and may not do this.
    Forbidden(String),
    /// The bucket, container or folder does not exist.
    NoBucket(String),
    /// The clocks differ too much.
    Skew(String),
    /// No space, or the quota is used up.
    Full(String),
    /// It says something else.
    Other(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(text)
            | Self::Hung(text)
            | Self::Tls(text)
            | Self::WrongKey(text)
            | Self::Forbidden(text)
            | Self::NoBucket(text)
            | Self::Skew(text)
            | Self::Full(text)
            | Self::Other(text) => f.write_str(text),
        }
    }
}

/// The storage of a configuration, with the prefix applied; does not connect. An error names the field.
pub fn build(_config: &Config, _patience: Patience) -> Result<Arc<dyn ObjectStore>, String> {
    todo!()
}

/// Writes, reads, lists and deletes a small object. Ends within 30 s.
pub async fn probe(_store: &dyn ObjectStore) -> Result<(), Trouble> {
    todo!()
}
