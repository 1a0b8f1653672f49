//! The controller of `Backup`: one run, from the hold on deletion to the list that makes the set exist.

mod run;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::Timestamp;
use kube::{ResourceExt, runtime::controller::Action};
use reconcile::Error;

use self::run::{Run, Step};
use super::{
    Term,
    controller::{finalizer, report},
    hold, jobs, names, sets,
};
use crate::crd::{Backup, BackupStatus, DeletionPolicy, Phase, condition, now};

/// Between two looks at a run that is going on.
const LOOK: Duration = Duration::from_secs(2);
/// Tries after pods were lost.
const ATTEMPTS: i32 = 3;

/// One pass.
pub async fn reconcile(backup: Arc<Backup>, term: Arc<Term>) -> Result<Action, Error> {
    let before = backup.status.clone();
    let mut status = before.clone().unwrap_or_default();
    status.observed_generation = backup.metadata.generation;
    if backup.metadata.deletion_timestamp.is_some() {
        return end(&backup, &term, &status).await;
    }
    if status.phase.ended() {
        return Ok(Action::await_change());
    }
    if backup.labels().contains_key(names::FOUND) && status.phase == Phase::Pending {
        // Whoever has found it tells what it is.
        return Ok(Action::await_change());
    }
    if finalizer(&term, &*backup, true).await? {
        // The object is another one now; its watch wakes us.
        return Ok(Action::await_change());
    }
    let uid = backup.uid().unwrap_or_default();
    let late = status.started_at.as_ref().is_some_and(|since| {
        Timestamp::now().duration_since(since.0).as_secs() > backup.spec.deadline.seconds()
    });
    let step = if backup.spec.cancel {
        status.phase = Phase::Canceled;
        Step::Fail("it was canceled (spec.cancel)".into())
    } else if late {
        Step::Fail(format!(
            "it took longer than spec.deadline ({}) allows, in phase {:?}",
            backup.spec.deadline.0, status.phase
        ))
    } else {
        let run = Run { backup: &backup, term: &term, uid: &uid };
        match status.phase {
            Phase::Pending => run.begin(&mut status).await?,
            Phase::Preparing => run.prepare(&mut status).await?,
            Phase::Cutting => run.cut(&mut status).await?,
            Phase::Copying => run.copy(&mut status).await?,
            Phase::Sealing => run.seal(&mut status).await?,
            Phase::Completed | Phase::Failed | Phase::Canceled => return Ok(Action::await_change()),
        }
    };
    let generation = backup.metadata.generation;
    let (reason, message) = match step {
        Step::Wait(message) => (format!("{:?}", status.phase), message),
        Step::On(phase) => {
            status.phase = phase;
            (format!("{phase:?}"), String::new())
        }
        Step::Again(why) if status.attempt < ATTEMPTS => {
            clean(&term, &uid, &status).await?;
            tracing::warn!(backup = backup.name_any(), why, "beginning anew");
            status.attempt += 1;
            // What was copied by then is of another instant.
            status.cut = None;
            for one in &mut status.instances {
                one.stored.clear();
            }
            status.phase = Phase::Preparing;
            ("Preparing".into(), format!("try {} of {ATTEMPTS}, as {why}", status.attempt))
        }
        Step::Fail(why) | Step::Again(why) => {
            if status.phase != Phase::Canceled {
                status.phase = Phase::Failed;
            }
            (format!("{:?}", status.phase), why)
        }
    };
    if status.phase.ended() {
        status.ended_at.get_or_insert_with(now);
        status.progress = None;
        // First: whatever comes after, nobody stands still for nothing.
        clean(&term, &uid, &status).await?;
        tracing::info!(backup = backup.name_any(), phase = ?status.phase, set = status.set, message, "ended");
    }
    let complete = status.phase == Phase::Completed;
    let message = if complete { told(&status) } else { message };
    condition(&mut status.conditions, generation, "Complete", complete, &reason, message);
    report(&term, &*backup, before.as_ref(), &status).await?;
    Ok(if status.phase.ended() { Action::await_change() } else { Action::requeue(LOOK) })
}

/// What is in a set, in one sentence.
fn told(status: &BackupStatus) -> String {
    let cut = status.cut.clone().unwrap_or_default();
    let paused = if cut.workers_paused { ", with workers paused for it" } else { ", nothing stood still" };
    let how = if status
        .instances
        .iter()
        .all(|one| one.stored.iter().all(|stored| !stored.what.starts_with("database/")))
    {
        String::new()
    } else {
        format!(" (found in {} ms and {} tries{paused})", cut.milliseconds, cut.tries)
    };
    format!("{} services as they were at {}{how}", status.instances.len(), cut.at.0)
}

/// Lets go of all services, and ends the movers.
async fn clean(term: &Arc<Term>, uid: &str, status: &BackupStatus) -> Result<(), Error> {
    let mut namespaces = BTreeSet::new();
    for instance in &status.instances {
        hold::release(&term.client, &instance.of, uid).await?;
        namespaces.insert(instance.of.namespace.clone());
    }
    term.floor.forget(uid);
    if status.phase != Phase::Completed {
        for namespace in &namespaces {
            jobs::delete(&term.client, namespace, uid).await?;
        }
    }
    Ok(())
}

/// One that is being deleted: what it holds is let go, and its set goes if that was asked for.
async fn end(backup: &Backup, term: &Arc<Term>, status: &BackupStatus) -> Result<Action, Error> {
    if !backup.finalizers().iter().any(|name| name == names::FINALIZER) {
        return Ok(Action::await_change());
    }
    clean(term, &backup.uid().unwrap_or_default(), status).await?;
    let storage = &backup.spec.storage.name;
    let goes = backup.spec.deletion_policy == DeletionPolicy::Delete && !term.storages.keeps(storage);
    if goes && status.phase == Phase::Completed {
        let mut namespaces: Vec<_> = status.instances.iter().map(|one| one.of.namespace.clone()).collect();
        namespaces.sort();
        namespaces.dedup();
        if let Err(why) = sets::forget(term, storage, &status.set, namespaces).await? {
            let mut told = status.clone();
            let why = format!(
                "the set cannot be deleted: {why}; set spec.deletionPolicy to Retain to let this object go without it"
            );
            condition(&mut told.conditions, backup.metadata.generation, "Complete", true, "Deleting", why);
            report(term, backup, backup.status.as_ref(), &told).await?;
            return Ok(Action::requeue(Duration::from_secs(30)));
        }
    }
    finalizer(term, backup, false).await?;
    Ok(Action::await_change())
}
