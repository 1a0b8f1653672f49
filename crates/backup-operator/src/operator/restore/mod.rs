//! The controller of `Restore`: brings services back through the operators that run them.

mod buckets;
mod fill;
mod put_back;
mod run;
mod start;
mod undo;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use kube::{ResourceExt, runtime::controller::Action};
use reconcile::{AWAITS, Error};

use self::run::{Run, Step};
use super::{
    Term,
    access::Grant,
    controller::{finalizer, report},
    hold, jobs,
};
use crate::crd::{Restore, RestorePhase, RestoreStatus, Restored, condition, now};

/// Between two looks at a restore that is going on.
const LOOK: Duration = Duration::from_secs(2);
/// One pass.
pub async fn reconcile(restore: Arc<Restore>, term: Arc<Term>) -> Result<Action, Error> {
    let uid = restore.uid().unwrap_or_default();
    let before = restore.status.clone();
    let mut status = before.clone().unwrap_or_default();
    let run = Run { restore: &restore, term: &term, uid: &uid };
    if restore.metadata.deletion_timestamp.is_some() {
        run.let_go(&status).await?;
        if !status.phase.ended() {
            for one in &status.instances {
                jobs::delete(&term.client, &one.to.namespace, &uid).await?;
            }
        }
        let gone = !run.half_made(&status) || run.undone(&status).await?;
        if gone {
            finalizer(&term, &*restore, false).await?;
        }
        return Ok(if gone { Action::await_change() } else { Action::requeue(LOOK) });
    }
    // What a drill has made goes with its Restore.
    let held = !status.phase.ended() || run.drills();
    if !restore.spec.dry_run && finalizer(&term, &*restore, held).await? {
        // The object is another one now; its watch wakes us.
        return Ok(Action::await_change());
    }
    if status.phase.ended() {
        term.access.grant(&uid, vec![]);
        term.floor.forget(&uid);
        return Ok(Action::await_change());
    }
    status.observed_generation = restore.metadata.generation;
    // Before anything else: a mover that is at work must not lose what it may read because the operator is a new one.
    term.access.grant(&uid, run.grants(&status));
    let took =
        status.started_at.as_ref().map_or(0, |since| Timestamp::now().duration_since(since.0).as_secs());
    let undoing = status.phase == RestorePhase::Undoing;
    let step = if took > restore.spec.deadline.seconds() && !undoing {
        Step::Fail(format!(
            "it took longer than spec.deadline ({}) allows, in phase {:?}",
            restore.spec.deadline.0, status.phase
        ))
    } else {
        match status.phase {
            RestorePhase::Pending => run.begin(&mut status).await?,
            RestorePhase::Saving => run.save().await?,
            RestorePhase::Preparing => run.prepare(&mut status).await?,
            RestorePhase::Filling => run.fill(&mut status).await?,
            RestorePhase::Starting => run.start(&mut status).await?,
            RestorePhase::Undoing => run.undo(&status).await?,
            RestorePhase::Completed | RestorePhase::Failed => return Ok(Action::await_change()),
        }
    };
    let mut message = match step {
        Step::Wait(message) => message,
        Step::On(phase) => {
            status.phase = phase;
            String::new()
        }
        Step::Fail(message) => {
            let undo = !undoing && run.half_made(&status);
            if status.phase == RestorePhase::Starting && !undo {
                run.release_filled(&mut status).await?;
            }
            status.phase = if undo { RestorePhase::Undoing } else { RestorePhase::Failed };
            message
        }
        Step::Done(message) => {
            status.phase = RestorePhase::Completed;
            message
        }
    };
    if status.phase.ended() {
        let ended = status.ended_at.get_or_insert_with(now).clone();
        status.progress = None;
        if status.phase == RestorePhase::Completed && !status.instances.is_empty() && !restore.spec.dry_run {
            status.seconds =
                status.started_at.as_ref().map(|since| ended.0.duration_since(since.0).as_secs());
        }
        run.let_go(&status).await?;
        if status.phase == RestorePhase::Failed {
            message += &run.left(&status);
        }
        tracing::info!(restore = restore.name_any(), phase = ?status.phase, seconds = status.seconds, message, "ended");
    }
    let complete = status.phase == RestorePhase::Completed;
    let reason = format!("{:?}", status.phase);
    condition(&mut status.conditions, restore.metadata.generation, "Complete", complete, &reason, message);
    report(&term, &*restore, before.as_ref(), &status).await?;
    // Once more after the end, too: it may be deleted then without us.
    Ok(Action::requeue(LOOK))
}

impl Run<'_> {
    /// Which namespaces may read which repositories for this restore.
    fn grants(&self, status: &RestoreStatus) -> Vec<Grant> {
        let grant = |one: &Restored| {
            (self.storage().to_owned(), one.from.namespace.clone(), one.to.namespace.clone())
        };
        status.instances.iter().map(grant).collect()
    }

    /// After the end, nobody waits for us. What a mover has begun to replace goes on waiting for its data: it must not run on half of them.
    async fn let_go(&self, status: &RestoreStatus) -> Result<(), Error> {
        self.term.access.grant(self.uid, vec![]);
        self.term.floor.forget(self.uid);
        let untouched = |one: &&Restored| one.job.is_empty() && !one.released;
        for one in status.instances.iter().filter(untouched) {
            hold::stop_awaiting(&self.term.client, &one.to, self.uid).await?;
        }
        Ok(())
    }

    /// What a failed one leaves for people to decide, in words.
    fn left(&self, status: &RestoreStatus) -> String {
        let left = status.instances.iter().filter(|one| !one.job.is_empty() && !one.released);
        let left: Vec<_> = left.map(|one| one.to.to_string()).collect();
        if left.is_empty() || !self.restore.spec.in_place {
            return String::new();
        }
        format!(
            "; {} may have half of the data and does not start on it: restore again in place (Backup {}-before has what was there before), or take the annotation {AWAITS} off",
            left.join(", "),
            self.restore.name_any()
        )
    }
}
