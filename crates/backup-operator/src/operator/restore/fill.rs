//! Databases and content are filled, while nothing uses them.

use jiff::Timestamp;
use kube::ResourceExt;
use reconcile::Error;

use super::{
    super::{
        ended::{self, Ended},
        hold, jobs, names, services, sets,
    },
    run::{Run, Step, needs},
};
use crate::{
    crd::{Progress, RestorePhase, RestoreStatus},
    cut::wire::Order,
    mover::{Mark, Outcome, Task},
};

/// Tries of an instance after its pod was lost.
const ATTEMPTS: i32 = 3;

impl Run<'_> {
    /// How a bucket that is filled is known again.
    fn mark(&self) -> Option<Mark> {
        let drill = self.restore.labels().get(names::DRILL);
        let mark = drill.map_or(Mark::Restore, |drill| Mark::Drill(drill.clone()));
        (!self.restore.spec.in_place).then_some(mark)
    }

    /// Starts a mover for each instance, and waits for all of them.
    pub async fn fill(&self, status: &mut RestoreStatus) -> Result<Step, Error> {
        let set = match self.set(&status.set).await? {
            Ok(set) => set,
            Err(why) => return Ok(Step::Wait(why)),
        };
        let total: i64 = set.instances.iter().flat_map(|one| &one.stored).map(|stored| stored.bytes).sum();
        let mut waits = Vec::new();
        let mut done = 0;
        for one in &mut status.instances {
            let Some(service) = services::one(&self.term.client, &one.to).await? else {
                return Ok(Step::Fail(format!("{} was deleted meanwhile", one.to)));
            };
            let needed = needs(&set, one);
            if !needed.is_empty() {
                hold::await_data(&self.term.client, &service, self.uid).await?;
            }
            if one.filled {
                continue;
            }
            if needed.is_empty() {
                one.filled = true;
                continue;
            }
            for what in needed {
                match service.held(&names::holder(self.uid), what) {
                    Ok(true) => {}
                    // Something may write now: what was filled so far is worth nothing.
                    Ok(false) => {
                        return Ok(Step::Fail(format!("{} does not hold {what:?} any more", one.to)));
                    }
                    Err(why) => return Ok(Step::Fail(why)),
                }
            }
            let stored = set
                .instances
                .iter()
                .find(|other| other.of == one.from)
                .map(|other| other.stored.clone())
                .unwrap_or_default();
            one.attempt = one.attempt.max(1);
            let attempt = one.attempt;
            let run = self.term.floor.run(self.uid, attempt);
            let name = one.to.to_string();
            if !run.expects(&name) {
                match sets::key(self.term, self.storage(), &one.from.namespace) {
                    Ok(key) => run.expect(&name, Order::Start { key, objects: vec![] }),
                    Err(why) => return Ok(Step::Wait(why.to_string())),
                }
            }
            let Some(backup) = &service.status.backup else { continue };
            let task = Task::Restore { stored, replace: self.restore.spec.in_place, mark: self.mark() };
            let repository = (self.storage(), one.from.namespace.as_str());
            let spec = jobs::spec(&self.term.home, task, (self.uid, attempt), &one.to, repository, backup);
            let job = jobs::job(&self.term.home, &spec, backup, self.restore.spec.deadline.seconds());
            one.job = job.metadata.name.clone().unwrap_or_default();
            match jobs::start(&self.term.client, &job).await {
                Err(Error::Forbidden { what, .. }) => {
                    return Ok(Step::Wait(self.term.home.permission(&one.to.namespace, &what)));
                }
                other => other?,
            }
            match ended::of(&self.term.client, &one.to.namespace, &one.job).await? {
                Ended::No(why) => {
                    done += run
                        .members()
                        .get(&name)
                        .map_or(0, |member| i64::try_from(member.progress.0).unwrap_or_default());
                    one.message = why.unwrap_or_else(|| format!("filling {}", one.to));
                    waits.push(one.message.clone());
                }
                Ended::With(Outcome::Filled) => {
                    one.filled = true;
                    one.message.clear();
                }
                Ended::With(Outcome::Failed(why)) => {
                    one.message.clone_from(&why);
                    return Ok(Step::Fail(format!("{}: {why}", one.to)));
                }
                Ended::With(Outcome::Copied { .. } | Outcome::Maintained { .. }) => {
                    return Ok(Step::Fail(format!("{}: its Job did something else", one.to)));
                }
                Ended::Lost(why) if attempt < ATTEMPTS => {
                    tracing::warn!(instance = %one.to, why, "filling it anew");
                    one.message = format!("begun anew, as {why}");
                    one.attempt += 1;
                    waits.push(one.message.clone());
                }
                Ended::Lost(why) => return Ok(Step::Fail(format!("{}: {why}", one.to))),
            }
        }
        if waits.is_empty() {
            return Ok(Step::On(RestorePhase::Starting));
        }
        if status.progress.is_none() || Timestamp::now().as_second() % 10 < 2 {
            let percent =
                if total > 0 { i32::try_from(done * 100 / total).unwrap_or(100).min(100) } else { 0 };
            status.progress = Some(Progress { bytes: done, total, percent, ..Progress::default() });
        }
        Ok(Step::Wait(waits.join("; ")))
    }
}
