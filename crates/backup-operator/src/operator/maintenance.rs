//! Looks after a storage at regular times: a Job of the operator's own reads a part of all data, and gives back what no set needs.

use std::sync::Arc;

use jiff::Timestamp;
use kube::ResourceExt;
use reconcile::{Backup, Error};

use super::{
    Term,
    ended::{self, Ended},
    jobs, sets,
};
use crate::{
    crd::{BackupStorage, BackupStorageStatus, Reference, condition, now},
    cron::Cron,
    cut::wire::Order,
    gateway::Stores,
    mover::{Outcome, Task},
};

/// How long one may take (s).
const DEADLINE: i64 = 12 * 3600;
/// Of all days since then, the one of the time tells which part is read.
const DAY: i64 = 24 * 3600;

/// Starts a maintenance that is due, or takes over what came of one.
pub async fn step(
    storage: &BackupStorage,
    term: &Arc<Term>,
    status: &mut BackupStorageStatus,
) -> Result<(), Error> {
    let generation = storage.metadata.generation;
    let (name, uid) = (storage.name_any(), storage.uid().unwrap_or_default());
    let say = |status: &mut BackupStorageStatus, healthy, reason: &str, message: String| {
        condition(&mut status.conditions, generation, "Healthy", healthy, reason, message);
    };
    let cron = match Cron::parse(&storage.spec.maintenance.schedule, "UTC") {
        Ok(cron) => cron,
        Err(why) => {
            say(status, false, "Invalid", format!("spec.maintenance: {why}"));
            return Ok(());
        }
    };
    let at = Timestamp::now();
    let created = storage.metadata.creation_timestamp.as_ref().map_or(at, |time| time.0);
    let since = status.checked_at.as_ref().map_or(created, |time| time.0);
    if status.maintenance.is_none() && cron.last_between(since, at).is_none() {
        return Ok(());
    }
    let of = Reference {
        kind: "BackupStorage".into(),
        namespace: term.home.namespace.clone(),
        name: name.clone(),
    };
    let attempt = i32::try_from(since.as_second() / 60).unwrap_or_default();
    let parts = u32::try_from(storage.spec.maintenance.read_all_in_days).unwrap_or(1).max(1);
    let part = u32::try_from(at.as_second() / DAY).unwrap_or_default() % parts;
    let task = Task::Maintain { part, of: parts, prune: !storage.spec.append_only };
    let spec = jobs::spec(&term.home, task, (&uid, attempt), &of, (&name, ""), &Backup::default());
    let job = jobs::job(&term.home, &spec, &Backup::default(), DEADLINE);
    let run = term.floor.run(&uid, attempt);
    if !run.expects(&of.to_string()) {
        let Some(store) = term.storages.named(&name).await else { return Ok(()) };
        let listed = store.list_with_delimiter(None).await;
        let found = match listed {
            Ok(found) => found.common_prefixes,
            Err(error) => {
                say(status, false, "Unreadable", error.to_string());
                return Ok(());
            }
        };
        let mut objects = Vec::new();
        for repository in found.iter().filter_map(|path| path.filename()) {
            if let Ok(key) = sets::key(term, &name, repository) {
                objects.push((repository.to_owned(), key));
            }
        }
        run.expect(&of.to_string(), Order::Start { key: String::new(), objects });
    }
    let job_name = job.metadata.name.clone().unwrap_or_default();
    if status.maintenance.as_ref() != Some(&job_name) {
        jobs::start(&term.client, &job).await?;
        status.maintenance = Some(job_name.clone());
    }
    let (healthy, reason, message) = match ended::of(&term.client, &of.namespace, &job_name).await? {
        Ended::No(_) => return Ok(()),
        Ended::With(Outcome::Maintained { damage, used, removed }) => {
            if !storage.spec.append_only {
                status.used_bytes = i64::try_from(used).ok();
            }
            if damage.is_empty() {
                let space = if storage.spec.append_only {
                    "nothing is given back (spec.appendOnly)".to_owned()
                } else {
                    format!("{removed} bytes were given back")
                };
                (true, "Checked", format!("no damage was found; {space}"))
            } else {
                (
                    false,
                    "Damaged",
                    format!(
                        "{}; sets that need it cannot be restored: make a new backup, and keep what is left",
                        damage.join("; ")
                    ),
                )
            }
        }
        Ended::With(Outcome::Failed(why)) | Ended::Lost(why) => (false, "NotChecked", why),
        Ended::With(_) => (false, "NotChecked", "the Job did something else".into()),
    };
    say(status, healthy, reason, message);
    status.checked_at = Some(now());
    status.maintenance = None;
    term.floor.forget(&uid);
    Ok(())
}
