//! Where backups are kept.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::SecretName;

/// Where backups are kept, and the key that encrypts them.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "backup.theforeman.org",
    version = "v1alpha1",
    kind = "BackupStorage",
    plural = "backupstorages",
    shortname = "bst",
    category = "theforeman-backup",
    status = "BackupStorageStatus",
    doc = "Where backups are kept, and the key that encrypts them.",
    validation = Rule::new("self.metadata.name.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$')").message("metadata.name must have only lower-case letters, digits and dashes, and be at most 63 characters long: it is part of addresses"),
    derive = "Default",
    derive = "PartialEq",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].status"
    ),
    printcolumn(name = "Location", type_ = "string", json_path = ".status.location"),
    printcolumn(name = "Sets", type_ = "integer", json_path = ".status.sets"),
    printcolumn(name = "Checked", type_ = "date", json_path = ".status.checkedAt"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].message",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[cfg_attr(test, kube(cel))]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("[has(self.s3), has(self.azure), has(self.gcs), has(self.volume)].filter(given, given).size() == 1").message("spec: give exactly one of s3, azure, gcs, volume"))]
#[x_kube(validation = Rule::new("has(self.s3) == has(oldSelf.s3) && has(self.azure) == has(oldSelf.azure) && has(self.gcs) == has(oldSelf.gcs) && has(self.volume) == has(oldSelf.volume)").message("spec: backups do not move when the kind of storage is changed; make a second BackupStorage"))]
pub struct BackupStorageSpec {
    /// A bucket of S3, or of something compatible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3: Option<S3>,
    /// A container of Azure Blob Storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure: Option<Azure>,
    /// A bucket of Google Cloud Storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gcs: Option<Gcs>,
    /// A volume that is mounted into the operator: a claim, and by it NFS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Volume>,
    /// Secret in the operator's namespace whose key `key` has the random bytes (32 or more) that all of this storage's keys are derived
    /// from. Without it no backup can be read, by nobody: keep a copy outside the cluster.
    pub key: SecretName,
    /// Nothing is ever deleted in it: for credentials that cannot, and objects that are locked. A `Backup` that goes leaves its set, whatever
    /// its `deletionPolicy` or a schedule's retention says, and maintenance gives no space back.
    #[serde(default)]
    pub append_only: bool,
    /// When it is looked after.
    #[serde(default)]
    pub maintenance: Maintenance,
}

/// A bucket of S3, or of something compatible.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct S3 {
    /// Name of the bucket; it must exist.
    #[schemars(length(min = 1, max = 255))]
    pub bucket: String,
    /// Folder in the bucket.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 512))]
    pub prefix: String,
    /// URL of the server; Amazon's if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = Rule::new("self.matches('^https?://[^/]+/?$')").message("spec.s3.endpoint must be a URL such as https://s3.example.com"))]
    pub endpoint: Option<String>,
    /// Region of the bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub region: Option<String>,
    /// The bucket's name stands in the host name of URLs, as Amazon wants it; otherwise in the path, as most others do.
    #[serde(default)]
    pub virtual_hosted: bool,
    /// Secret in the operator's namespace with `accessKeyId` and `secretAccessKey`; without it, the identity of the operator's service
    /// account must open the bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<SecretName>,
    /// Secret in the operator's namespace with the authority of the server's certificate under `ca.crt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<SecretName>,
}

/// A container of Azure Blob Storage.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Azure {
    /// Name of the storage account.
    #[schemars(length(min = 3, max = 24))]
    pub account: String,
    /// Name of the container; it must exist.
    #[schemars(length(min = 3, max = 63))]
    pub container: String,
    /// Folder in the container.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 512))]
    pub prefix: String,
    /// URL of the account's blob service, where it is not `https://<account>.blob.core.windows.net`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub endpoint: Option<String>,
    /// Secret in the operator's namespace with `accountKey`; without it, the identity of the operator's service account must open the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<SecretName>,
}

/// A bucket of Google Cloud Storage.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Gcs {
    /// Name of the bucket; it must exist.
    #[schemars(length(min = 3, max = 222))]
    pub bucket: String,
    /// Folder in the bucket.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 512))]
    pub prefix: String,
    /// URL of the server, where it is not `https://storage.googleapis.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub endpoint: Option<String>,
    /// Secret in the operator's namespace with the key file of a service account under `key.json`; without it, the identity of the
    /// operator's service account must open the bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<SecretName>,
}

/// A volume that is mounted into the operator.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    /// A claim in the operator's namespace that the chart's `storageClaims` names.
    #[schemars(length(min = 1, max = 253))]
    pub claim: String,
    /// Folder in it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 512))]
    pub prefix: String,
}

/// When a storage is looked after.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Maintenance {
    /// When space that no set needs is given back and repositories are checked: five fields of cron, in UTC.
    #[serde(default = "nightly")]
    #[schemars(length(min = 1, max = 128))]
    pub schedule: String,
    /// How many days until every byte has been read once: each maintenance reads its part.
    #[serde(default = "month")]
    #[schemars(range(min = 1, max = 365))]
    pub read_all_in_days: i32,
}

impl Default for Maintenance {
    fn default() -> Self {
        Self { schedule: nightly(), read_all_in_days: month() }
    }
}

fn nightly() -> String {
    "17 3 * * *".into()
}

fn month() -> i32 {
    30
}

/// What is known of a storage.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct BackupStorageStatus {
    /// The generation that this is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`: it can be written, read, listed. `Healthy`: the last check found no damage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".to_string()]))]
    pub conditions: Vec<Condition>,
    /// Where it is, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub location: String,
    /// Complete sets in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sets: Option<i64>,
    /// Bytes that its sets use, as of the last maintenance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_bytes: Option<i64>,
    /// The Job of a maintenance that is going on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<String>,
    /// When it was last checked for damage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Time>,
}
