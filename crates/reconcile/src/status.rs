//! What an operator reports: conditions in the form that kstatus reads, and the contract that other operators read.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::hold::{HELD, Hold, What, asked};

/// Status of every service that an operator of ours runs.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`, `Reconciling` and `Stalled` as kstatus reads them, and the service's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".to_string()]))]
    pub conditions: Vec<Condition>,
    /// Where the service is reached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".to_string()]))]
    pub endpoints: Vec<Endpoint>,
    /// What runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["part".to_string()]))]
    pub versions: Vec<Version>,
    /// What Jobs have achieved; a Job that achieved what is wanted is not started again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["job".to_string()]))]
    pub achieved: Vec<Achieved>,
    /// What the service can do, as it says itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".to_string()]))]
    pub features: Vec<Feature>,
    /// What a backup of the service consists of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<Backup>,
    /// Id of the data that the service has taken in, where somebody has replaced it: value of the annotation
    /// `restore.theforeman.org/data` that the last migration ran for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Holds that were asked for by annotations `hold.theforeman.org/<holder>`, and what has become of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["holder".to_string()]))]
    pub holds: Vec<Hold>,
}

/// Something that a service can do.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// In the service's own word, for example `running` or `failed`.
    pub state: String,
    /// Why it does not run, in the service's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What a backup of a service consists of.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Backup {
    /// Its databases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".to_string()]))]
    pub databases: Vec<BackupDatabase>,
    /// What it keeps outside databases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".to_string()]))]
    pub content: Vec<BackupContent>,
    /// Secrets that belong to the instance, by name: keys, passwords, authorities.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// `ConfigMaps` that belong to the instance, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub config_maps: Vec<String>,
    /// Services with a lower number are restored first.
    #[serde(default)]
    pub restore_order: i32,
}

/// A `PostgreSQL` database.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct BackupDatabase {
    /// Which of the service's databases.
    pub name: String,
    /// Secret with what libpq needs to know: `host`, `port`, `dbname`, `user`, `password`, `sslmode` and, where the server's
    /// certificate is verified, `sslrootcert` (the certificate itself).
    pub secret: String,
}

/// Files of a service.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct BackupContent {
    /// Which of the service's contents.
    pub name: String,
    /// Claim of the volume that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<String>,
    /// Secret that says which bucket holds it and how to reach it. Its keys: `kind` (`s3`, `azure`, `gcs`); `bucket`, or `account` and
    /// `container`; `endpoint`, `region`, `prefix`, `addressingStyle` (`path`, `virtual`); `accessKeyId` and `secretAccessKey`, `accountKey` or
    /// `key.json`; `ca.crt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket_secret: Option<String>,
    /// Service account whose identity opens the bucket, where the Secret has no credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
    /// User and group, by number, whose the files are; none where the platform assigns them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<i64>,
    /// Folder in the volume or bucket.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// Paths relative to `path` of files that are left out: worth nothing elsewhere, or no copy of what is written meanwhile would be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
    /// For files that are named by their SHA-256 and never change: the query that lists name and size of those that the database knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifacts: Option<ArtifactQuery>,
}

/// A query that lists the files that a database knows.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ArtifactQuery {
    /// Name of the database.
    pub database: String,
    /// SQL: path relative to `path`, SHA-256 in hexadecimal digits, size (bytes).
    pub sql: String,
}

/// Where a service is reached.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// What for, for example `web`.
    pub name: String,
    /// Its URL.
    pub url: String,
    /// Secret with the certificate authority that its certificate comes from, under the key `ca.crt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret: Option<String>,
    /// Secret with the name of the HTTP header, under the key `header`, in which a reverse proxy that has authenticated a user says
    /// who it is. Who knows the name is trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_user_secret: Option<String>,
    /// Secret with the authority that issues the certificates of those who are to be trusted here, under the keys `ca.crt` and `ca.key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority_secret: Option<String>,
    /// Secret with what requests of other services are signed with (OAuth 1), under the keys `key` and `secret`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth_secret: Option<String>,
}

/// What runs of a part of the service.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// The part, for example `foreman`.
    pub part: String,
    /// The release that runs: all pods of the part are of it, and its database is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<String>,
    /// The release that the spec asks for.
    pub wanted: String,
}

/// What a Job has achieved.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Achieved {
    /// The Job, without the hash in its name.
    pub job: String,
    /// What its success means, for example the release that the database was migrated to.
    pub what: String,
    /// What it found out, in its own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

impl Status {
    /// Whether a condition is true.
    pub fn is(&self, type_: &str) -> bool {
        self.conditions.iter().any(|condition| condition.type_ == type_ && condition.status == "True")
    }

    /// What a Job has last achieved.
    pub fn achieved(&self, job: &str) -> Option<&str> {
        self.achieved.iter().find(|done| done.job == job).map(|done| done.what.as_str())
    }

    /// What it was asked to do without when this was written.
    pub(crate) fn asked(&self) -> Vec<What> {
        asked(&self.holds)
    }

    /// The same, but for the times at which conditions changed.
    pub(crate) fn same(&self, other: &Self) -> bool {
        let timeless = |status: &Self| {
            let mut status = status.clone();
            for condition in &mut status.conditions {
                condition.last_transition_time = Time(Timestamp::UNIX_EPOCH);
            }
            status
        };
        timeless(self) == timeless(other)
    }

    /// The same, but for holds that reach further: nothing that anybody wants to read of.
    pub(crate) fn renewed(&self, other: &Self) -> bool {
        let endless = |status: &Self| {
            let mut status = status.clone();
            status.holds.iter_mut().for_each(|hold| hold.until = None);
            let held = status.conditions.iter_mut().filter(|condition| condition.reason == HELD);
            held.for_each(|condition| condition.message.clear());
            status
        };
        endless(self).same(&endless(other))
    }

    /// Keeps what was found outside the API server, for as long as nobody has looked again.
    pub(crate) fn carry(&mut self, old: Option<&Self>, types: &[&str]) {
        let Some(old) = old.filter(|_| !types.is_empty()) else { return };
        for condition in old.conditions.iter().filter(|old| types.contains(&old.type_.as_str())) {
            if self.conditions.iter().all(|own| own.type_ != condition.type_) {
                self.conditions.push(condition.clone());
            }
        }
        if self.features.is_empty() {
            self.features.clone_from(&old.features);
        }
    }

    /// Sets a condition; the time stays while its status does.
    pub(crate) fn set(&mut self, old: Option<&Self>, generation: Option<i64>, news: News) {
        let same =
            |condition: &&Condition| condition.type_ == news.type_ && condition.status == text(news.status);
        let since =
            old.and_then(|old| old.conditions.iter().find(same)).map(|old| old.last_transition_time.clone());
        self.conditions.push(Condition {
            type_: news.type_.into(),
            status: text(news.status).into(),
            reason: news.reason.into(),
            message: news.message,
            observed_generation: generation,
            last_transition_time: since.unwrap_or_else(|| Time(Timestamp::now())),
        });
    }
}

fn text(status: bool) -> &'static str {
    if status { "True" } else { "False" }
}

/// A condition as a service states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// Its type, for example `ContentReady`.
    pub type_: &'static str,
    /// Whether it is true.
    pub status: bool,
    /// One of a closed set of `CamelCase` words.
    pub reason: &'static str,
    /// For people: what is wrong and how to mend it.
    pub message: String,
}

/// What is wrong with a custom resource or with something that it refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// One of a closed set of `CamelCase` words.
    pub reason: &'static str,
    /// The field or object, what is wrong with it, and the mend.
    pub message: String,
}

impl Fault {
    /// A fault.
    pub fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// What a service says of itself beyond its stages.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Its own conditions.
    pub conditions: Vec<News>,
    /// Where it is reached.
    pub endpoints: Vec<Endpoint>,
    /// What runs.
    pub versions: Vec<Version>,
    /// What a backup of it consists of.
    pub backup: Option<Backup>,
    /// Id of the data that it has taken in, where somebody has replaced it.
    pub data: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(status: bool, message: &str) -> News {
        News { type_: "Ready", status, reason: "Web", message: message.into() }
    }

    #[test]
    fn the_time_of_a_condition_stays_while_its_status_does() {
        let mut old = Status::default();
        old.set(None, Some(1), ready(false, "0 of 2"));
        old.conditions[0].last_transition_time = Time(Timestamp::UNIX_EPOCH);
        let mut same = Status::default();
        same.set(Some(&old), Some(1), ready(false, "1 of 2"));
        assert_eq!(same.conditions[0].last_transition_time.0, Timestamp::UNIX_EPOCH);
        let mut other = Status::default();
        other.set(Some(&old), Some(1), ready(true, ""));
        assert_ne!(other.conditions[0].last_transition_time.0, Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn a_status_that_differs_only_in_time_is_the_same() {
        let (mut one, mut two) = (Status::default(), Status::default());
        one.set(None, None, ready(true, ""));
        two.set(None, None, ready(true, ""));
        two.conditions[0].last_transition_time = Time(Timestamp::UNIX_EPOCH);
        assert!(one.same(&two));
        two.conditions[0].message = "other".into();
        assert!(!one.same(&two));
    }
}
