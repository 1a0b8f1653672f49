//! The controller of `BackupSchedule`: makes backups when they are due, and takes away those whose time is over.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams},
    runtime::controller::Action,
};
use reconcile::{Error, call};
use serde_json::json;

use super::{Term, controller::report};
use crate::{
    crd::{Backup, BackupSchedule, Concurrency, DeletionPolicy, Phase, condition},
    cron::Cron,
    retention::{self, Kept},
};

/// Label of a backup: the schedule that made it.
pub const SCHEDULE: &str = "backup.theforeman.org/schedule";
/// One that was due while nobody looked is made up for if it is no older than this.
const LATE: SignedDuration = SignedDuration::from_hours(1);
/// How often it is looked at although nothing is due: for what has ended meanwhile.
const LOOK: Duration = Duration::from_mins(1);

/// One pass.
pub async fn reconcile(schedule: Arc<BackupSchedule>, term: Arc<Term>) -> Result<Action, Error> {
    if schedule.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let spec = &schedule.spec;
    let before = schedule.status.clone();
    let mut status = before.clone().unwrap_or_default();
    let generation = schedule.metadata.generation;
    status.observed_generation = generation;
    let now = Timestamp::now();
    let since =
        status.last_at.as_ref().or(schedule.metadata.creation_timestamp.as_ref()).map_or(now, |time| time.0);
    let cron = match Cron::parse(&spec.schedule, &spec.time_zone) {
        Ok(cron) => cron,
        Err(why) => {
            condition(&mut status.conditions, generation, "Ready", false, "Invalid", why);
            status.next_at = None;
            report(&term, &*schedule, before.as_ref(), &status).await?;
            return Ok(Action::await_change());
        }
    };
    let api: Api<Backup> = Api::all(term.client.clone());
    let name = schedule.name_any();
    let ours = ListParams::default().labels(&format!("{SCHEDULE}={name}"));
    let backups = call("list", "Backups", api.list(&ours)).await?.items;
    let phase = |backup: &Backup| backup.status.as_ref().map_or(Phase::Pending, |status| status.phase);
    let running: Vec<_> = backups.iter().filter(|backup| !phase(backup).ended()).collect();

    // Of several that were missed only the last.
    let due = cron.last_between(since, now);
    if let Some(due) = due
        && !spec.suspend
    {
        let begin =
            due + jitter(spec.jitter.as_ref().map_or(0, crate::crd::Span::seconds), &format!("{name}{due}"));
        if now < begin {
            return Ok(Action::requeue(until(begin, now)));
        }
        let message = if now.duration_since(begin) > LATE {
            format!("the one of {due} was missed by more than an hour")
        } else if !running.is_empty() && spec.concurrency == Concurrency::Forbid {
            format!("the one of {due} was left out, as {} is still running", running[0].name_any())
        } else {
            if spec.concurrency == Concurrency::Replace {
                for backup in &running {
                    let patch = Patch::Merge(json!({ "spec": { "cancel": true } }));
                    let name = backup.name_any();
                    call(
                        "patch",
                        format!("Backup {name}"),
                        api.patch(&name, &PatchParams::default(), &patch),
                    )
                    .await?;
                }
            }
            let made = format!("{name}-{}", due.strftime("%Y%m%d%H%M"));
            let mut backup = Backup::new(&made, spec.template.clone());
            // Its time is ours to end.
            backup.spec.deletion_policy = DeletionPolicy::Delete;
            backup.metadata =
                ObjectMeta { labels: Some([(SCHEDULE.to_owned(), name.clone())].into()), ..backup.metadata };
            match call("create", format!("Backup {made}"), api.create(&PostParams::default(), &backup)).await
            {
                Ok(_) | Err(Error::Api { code: Some(409), .. }) => {}
                Err(error) => return Err(error),
            }
            String::new()
        };
        status.last_at = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(due));
        condition(&mut status.conditions, generation, "Ready", true, "Scheduled", message);
    } else if due.is_some() {
        // Suspended: what was due meanwhile is not made up for.
        status.last_at = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(due.unwrap_or(now)));
        condition(&mut status.conditions, generation, "Ready", true, "Suspended", "spec.suspend is set");
    } else if status.conditions.is_empty() {
        condition(&mut status.conditions, generation, "Ready", true, "Scheduled", "");
    }

    let mut complete: Vec<_> = backups.iter().filter(|backup| phase(backup) == Phase::Completed).collect();
    complete.sort_by_key(|backup| {
        backup.status.as_ref().and_then(|status| status.cut.as_ref().map(|cut| cut.at.0))
    });
    let sets: Vec<_> = complete
        .iter()
        .map(|backup| {
            let status = backup.status.clone().unwrap_or_default();
            Kept {
                at: status.cut.map(|cut| cut.at.0).unwrap_or_default(),
                verified: status.verified_at.is_some(),
            }
        })
        .collect();
    let stay = retention::stay(&sets, &spec.retention, &cron.zone);
    let mut kept = 0;
    for (backup, stays) in complete.iter().zip(&stay) {
        if *stays {
            kept += 1;
        } else if backup.metadata.deletion_timestamp.is_none() {
            let name = backup.name_any();
            tracing::info!(schedule = schedule.name_any(), backup = name, "its time is over");
            call("delete", format!("Backup {name}"), api.delete(&name, &DeleteParams::default())).await?;
        }
    }
    status.kept = Some(kept);
    status.last_completed_at = complete.last().and_then(|backup| backup.status.as_ref()?.ended_at.clone());
    let next = cron.next(now);
    status.next_at = next.filter(|_| !spec.suspend).map(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time);
    report(&term, &*schedule, before.as_ref(), &status).await?;
    Ok(Action::requeue(next.map_or(LOOK, |next| until(next, now)).min(LOOK)))
}

fn until(time: Timestamp, now: Timestamp) -> Duration {
    time.duration_since(now).max(SignedDuration::from_secs(1)).unsigned_abs()
}

/// Up to so many seconds, for each run the same whoever asks.
fn jitter(most: i64, of: &str) -> SignedDuration {
    let number = u64::from_str_radix(&reconcile::hash(&of)[..8], 16).unwrap_or_default();
    let most = u64::try_from(most).unwrap_or_default();
    SignedDuration::from_secs(i64::try_from(number.checked_rem(most).unwrap_or_default()).unwrap_or_default())
}
