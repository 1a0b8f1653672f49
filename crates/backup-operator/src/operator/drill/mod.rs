//! The controller of `RestoreDrill`: restores the newest set into scratch namespaces, says how long it took, and takes it away again.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{
    Api, Resource, ResourceExt,
    api::{DeleteParams, ListParams, PostParams},
    runtime::controller::Action,
};
use reconcile::{Error, call};

mod probe;

use super::{Term, controller::report, names, sets};
use crate::{
    crd::{Backup, Drilled, Named, Restore, RestoreDrill, RestorePhase, RestoreSpec, condition, now},
    cron::Cron,
};

/// Between two looks at a drill that is going on.
const LOOK: Duration = Duration::from_secs(5);
/// Between two looks at one that is not due.
const REST: Duration = Duration::from_mins(5);

/// One pass.
pub async fn reconcile(drill: Arc<RestoreDrill>, term: Arc<Term>) -> Result<Action, Error> {
    if drill.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let before = drill.status.clone();
    let mut status = before.clone().unwrap_or_default();
    let generation = drill.metadata.generation;
    status.observed_generation = generation;
    let now_ = Timestamp::now();
    let api: Api<Restore> = Api::all(term.client.clone());
    let name = drill.name_any();

    if let Some(going) = status.restore.clone() {
        let Some(restore) = call("get", format!("Restore {going}"), api.get_opt(&going)).await? else {
            status.restore = None;
            report(&term, &*drill, before.as_ref(), &status).await?;
            return Ok(Action::requeue(LOOK));
        };
        let done = restore.status.clone().unwrap_or_default();
        if !done.phase.ended() {
            return Ok(Action::requeue(LOOK));
        }
        if status.last.as_ref().is_none_or(|last| Some(&last.at) != done.ended_at.as_ref()) {
            let mut worked = done.phase == RestorePhase::Completed;
            let complete = done.conditions.iter().find(|one| one.type_ == "Complete");
            let mut said = complete.map(|one| one.message.clone()).unwrap_or_default();
            let mut probes = vec![];
            if worked {
                match probe::step(&term.client, &drill.spec.probes, &restore).await? {
                    Some(ended) => probes = ended,
                    None => return Ok(Action::requeue(LOOK)),
                }
                let failed = probes.iter().filter(|probe| !probe.worked);
                let failed: Vec<_> =
                    failed.map(|probe| format!("probe {}: {}", probe.name, probe.message)).collect();
                worked = failed.is_empty();
                if !worked {
                    said = failed.join("; ");
                }
            }
            status.last = Some(Drilled {
                at: done.ended_at.clone().unwrap_or_else(now),
                set: done.set.clone(),
                worked,
                seconds: done.seconds,
                message: if worked { String::new() } else { said.clone() },
                probes,
            });
            let message = if worked {
                format!("set {} was restored and ready in {} s", done.set, done.seconds.unwrap_or_default())
            } else if done.phase == RestorePhase::Completed {
                format!("set {} was restored, but is not as it should be: {said}", done.set)
            } else {
                format!("set {} could not be restored: {said}", done.set)
            };
            tracing::info!(drill = name, worked, message, "drilled");
            let reason = match done.phase {
                _ if worked => "Restored",
                RestorePhase::Completed => "ProbeFailed",
                _ => "Failed",
            };
            condition(&mut status.conditions, generation, "Proven", worked, reason, message);
            if worked {
                proven(&term, &done.set).await?;
            }
            // What was found is kept before anything is taken away.
            report(&term, &*drill, before.as_ref(), &status).await?;
            return Ok(Action::requeue(LOOK));
        }
        // What it has made goes with it, and it stays until that is gone.
        if restore.metadata.deletion_timestamp.is_none() {
            let parameters = DeleteParams::default();
            match call("delete", format!("Restore {going}"), api.delete(&going, &parameters)).await {
                Ok(_) | Err(Error::Api { code: Some(404), .. }) => {}
                Err(error) => return Err(error),
            }
        }
        return Ok(Action::requeue(LOOK));
    }

    let since = status.last.as_ref().map(|last| last.at.0).or(drill
        .metadata
        .creation_timestamp
        .as_ref()
        .map(|time| time.0));
    let due = match &drill.spec.schedule {
        None => status.last.is_none().then_some(now_),
        Some(schedule) => match Cron::parse(schedule, "UTC") {
            Ok(cron) => {
                status.next_at = cron.next(now_).map(Time);
                cron.last_between(since.unwrap_or(now_), now_)
            }
            Err(why) => {
                condition(&mut status.conditions, generation, "Proven", false, "Invalid", why);
                report(&term, &*drill, before.as_ref(), &status).await?;
                return Ok(Action::await_change());
            }
        },
    };
    if due.is_some() && !drill.spec.suspend {
        let storage = drill.spec.storage.name.clone();
        let newest = match sets::list(&term, &storage).await? {
            Ok(sets) => sets.into_iter().next_back(),
            Err(why) => {
                condition(&mut status.conditions, generation, "Proven", false, "Unreadable", why.to_string());
                report(&term, &*drill, before.as_ref(), &status).await?;
                return Ok(Action::requeue(LOOK * 6));
            }
        };
        let Some(newest) = newest else {
            condition(
                &mut status.conditions,
                generation,
                "Proven",
                false,
                "NoSet",
                format!("BackupStorage {storage} has no complete set"),
            );
            report(&term, &*drill, before.as_ref(), &status).await?;
            return Ok(Action::requeue(LOOK * 6));
        };
        let restore = format!("{name}-{}", now_.strftime("%Y%m%d%H%M%S"));
        let spec = RestoreSpec {
            storage: drill.spec.storage.clone(),
            backup: Some(Named { name: newest.name }),
            mapping: drill.spec.mapping.clone(),
            ..serde_json::from_value(serde_json::json!({ "storage": { "name": storage } }))
                .unwrap_or_default()
        };
        // Written down first: one that was made and then forgotten would never be taken away.
        status.restore = Some(restore.clone());
        report(&term, &*drill, before.as_ref(), &status).await?;
        let mut object = Restore::new(&restore, spec);
        object.metadata.labels = Some([(names::DRILL.to_owned(), name.clone())].into());
        // Whoever deletes a drill does not want its restore to go on.
        object.metadata.owner_references = drill.owner_ref(&()).map(|owner| vec![owner]);
        call("create", format!("Restore {restore}"), api.create(&PostParams::default(), &object)).await?;
        return Ok(Action::requeue(LOOK));
    }
    report(&term, &*drill, before.as_ref(), &status).await?;
    let wait = status
        .next_at
        .as_ref()
        .map(|next| next.0.duration_since(now_).max(jiff::SignedDuration::from_secs(1)).unsigned_abs());
    Ok(Action::requeue(wait.unwrap_or(REST).min(REST)))
}

/// The backup that made a set is proven.
async fn proven(term: &Arc<Term>, set: &str) -> Result<(), Error> {
    let api: Api<Backup> = Api::all(term.client.clone());
    let backups = call("list", "Backups", api.list(&ListParams::default())).await?;
    for backup in backups.items {
        let before = backup.status.clone();
        let Some(mut status) = before.clone().filter(|status| status.set == set) else { continue };
        status.verified_at = Some(now());
        condition(
            &mut status.conditions,
            backup.metadata.generation,
            "Verified",
            true,
            "Restored",
            "a drill has restored it",
        );
        report(term, &backup, before.as_ref(), &status).await?;
    }
    Ok(())
}
