//! From one release to the next: decided anew at each look from what Jobs have found out, never from where the last pass stopped.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{checked::Checked, read::Observed};

/// What is to be done about the release that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The database is of that release, or may become so while the old one serves.
    Install,
    /// A release is served already: first see what lies between.
    Look,
    /// A migration in between refuses to run beside the old release; this is what it asks for.
    Drain(String),
    /// Somebody has replaced the data, by data of whatever release: nothing serves until it is migrated.
    Restore,
}

/// What a Job found out.
#[derive(Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Components and their versions.
    pub versions: BTreeMap<String, String>,
    /// Components and the versions that every process must have before a pending migration may run, where one has not.
    #[serde(default)]
    pub gates: Vec<(String, String)>,
}

/// What a Job found out for the release that is wanted, or for any.
pub fn found(pulp: Option<&Checked>, seen: &Observed, job: &str) -> Option<Found> {
    let job = seen.status.achieved.iter().find(|done| done.job.ends_with(&format!("-{job}")))?;
    if pulp.is_some_and(|pulp| !pulp.data.counts(&job.what, &pulp.release())) {
        return None;
    }
    serde_json::from_str(job.said.as_deref()?).ok()
}

/// What is to be done.
pub fn step(pulp: &Checked, seen: &Observed) -> Step {
    let job = pulp.part("migrate").name();
    if !pulp.data.taken(&seen.status, &job) {
        return Step::Restore;
    }
    let migrated = seen.status.achieved(&job);
    if migrated.is_some_and(|migrated| pulp.data.counts(migrated, &pulp.release())) {
        return Step::Install;
    }
    // Before the first migration there is nobody to look for.
    let lived = migrated.is_some() || seen.status.versions.iter().any(|version| version.running.is_some());
    match found(Some(pulp), seen, "preflight") {
        None if lived => Step::Look,
        None => Step::Install,
        Some(found) if found.gates.is_empty() => Step::Install,
        Some(found) => {
            let gates: Vec<_> =
                found.gates.iter().map(|(part, version)| format!("{part} >= {version}")).collect();
            Step::Drain(gates.join(", "))
        }
    }
}
