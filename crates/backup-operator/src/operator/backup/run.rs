//! The phases of a backup, each a look at what there is and what is done next.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use kube::{Api, ResourceExt};
use reconcile::{Error, What, call};

use super::super::{
    Term,
    ended::{self, Ended},
    hold, jobs, names, objects,
    progress::{progress, size},
    services::{self, Service},
    sets,
};
use crate::{
    crd::{Backup, BackupStatus, BackupStorage, Cut, Instance, Phase, condition, holds, now},
    cut::{Hurdle, wire::Order},
    mover::{Outcome, Task},
};

/// Between two reports of progress.
const TELL: i64 = 10;
/// How long a gap between commits is looked for before workers are asked to pause, and after that.
const PATIENCE: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(20)];
/// How long services may take to hold, and movers to come (s).
const GATHER: i64 = 600;

/// What one look at a run came to.
pub enum Step {
    /// Later again.
    Wait(String),
    /// Go on with this phase.
    On(Phase),
    /// It has failed for good.
    Fail(String),
    /// A pod was lost: all of it once more.
    Again(String),
}

/// A run that is going on.
pub struct Run<'a> {
    /// What is asked for.
    pub backup: &'a Backup,
    /// What all reconciles share.
    pub term: &'a Arc<Term>,
    /// Identifies it.
    pub uid: &'a str,
}

impl Run<'_> {
    fn storage(&self) -> &str {
        &self.backup.spec.storage.name
    }

    /// Resolves what is backed up, once its storage works.
    pub async fn begin(&self, status: &mut BackupStatus) -> Result<Step, Error> {
        let api: Api<BackupStorage> = Api::all(self.term.client.clone());
        let what = format!("BackupStorage {}", self.storage());
        let Some(storage) = call("get", &what, api.get_opt(self.storage())).await? else {
            return Ok(Step::Wait(format!("spec.storage: there is no {what}")));
        };
        let conditions = storage.status.map(|status| status.conditions).unwrap_or_default();
        if !holds(&conditions, "Ready") {
            let why = conditions.into_iter().find(|one| one.type_ == "Ready").map(|one| one.message);
            return Ok(Step::Wait(format!(
                "{what} is not ready: {}",
                why.unwrap_or_else(|| "it has not been tried yet".into())
            )));
        }
        let found = match services::selected(&self.term.client, &self.backup.spec.instances).await? {
            Ok(found) => found,
            Err(why) => return Ok(Step::Fail(why)),
        };
        if found.is_empty() {
            // A backup of nothing that succeeds is found out when it is needed.
            return Ok(Step::Fail("spec.instances: nothing in the cluster that is selected says what a backup of it consists of (status.backup)".into()));
        }
        let nowhere = |service: &&Service| {
            let content = service.status.backup.iter().flat_map(|backup| &backup.content);
            content.into_iter().any(|one| one.volume.is_none() && one.bucket_secret.is_none())
        };
        if let Some(service) = found.iter().find(nowhere) {
            return Ok(Step::Fail(format!(
                "{} does not say where its content is: one of status.backup.content has neither volume nor bucketSecret; leave it out of spec.instances until its operator says so",
                service.of
            )));
        }
        status.instances = found
            .into_iter()
            .map(|service| Instance {
                restore_order: service.status.backup.as_ref().map_or(0, |backup| backup.restore_order),
                of: service.of,
                ..Instance::default()
            })
            .collect();
        let begun = now();
        status.set = format!("{}-{}", self.backup.name_any(), begun.0.strftime("%Y%m%dT%H%M%SZ"));
        status.started_at = Some(begun);
        status.attempt = 1;
        Ok(Step::On(Phase::Preparing))
    }

    /// The instances' services; an error for people if one is gone.
    async fn services(&self, status: &BackupStatus) -> Result<Result<Vec<Service>, String>, Error> {
        let mut found = Vec::new();
        for instance in &status.instances {
            match services::one(&self.term.client, &instance.of).await? {
                Some(service) if service.status.backup.is_some() => found.push(service),
                Some(_) => {
                    return Ok(Err(format!(
                        "{} does not say any more what a backup of it consists of (status.backup)",
                        instance.of
                    )));
                }
                None => return Ok(Err(format!("{} was deleted meanwhile", instance.of))),
            }
        }
        Ok(Ok(found))
    }

    /// Holds what has content that a database lists; whether it is in force everywhere.
    async fn held(&self, found: &[Service], what: &[What]) -> Result<Result<Vec<String>, String>, Error> {
        let mut waited = Vec::new();
        for service in found.iter().filter(|service| holdable(service)) {
            hold::hold(&self.term.client, service, self.uid, what).await?;
            for one in what {
                match service.held(&names::holder(self.uid), *one) {
                    Ok(true) => {}
                    Ok(false) => waited.push(service.of.to_string()),
                    Err(why) => return Ok(Err(why)),
                }
            }
        }
        Ok(Ok(waited))
    }

    /// Holds deletion and starts the movers; goes on when all of them are there.
    pub async fn prepare(&self, status: &mut BackupStatus) -> Result<Step, Error> {
        let found = match self.services(status).await? {
            Ok(found) => found,
            Err(why) => return Ok(Step::Fail(why)),
        };
        let waited = match self.held(&found, &[What::Deletion]).await? {
            Ok(waited) => waited,
            Err(why) => return Ok(Step::Fail(why)),
        };
        let run = self.term.floor.run(self.uid, status.attempt);
        for (service, instance) in found.iter().zip(&mut status.instances) {
            let name = service.of.to_string();
            let (Some(backup), namespace) = (&service.status.backup, &service.of.namespace) else { continue };
            if !run.expects(&name) {
                let key = match sets::key(self.term, self.storage(), namespace) {
                    Ok(key) => key,
                    Err(why) => return Ok(Step::Wait(why.to_string())),
                };
                run.expect(&name, Order::Start { key, objects: objects::kept(service) });
            }
            let spec = jobs::spec(
                &self.term.home,
                Task::Backup { set: status.set.clone() },
                (self.uid, status.attempt),
                &service.of,
                (self.storage(), namespace),
                backup,
            );
            let job = jobs::job(&self.term.home, &spec, backup, self.backup.spec.deadline.seconds());
            instance.job = job.metadata.name.clone().unwrap_or_default();
            match jobs::start(&self.term.client, &job).await {
                Err(Error::Forbidden { what, .. }) => {
                    return Ok(Step::Wait(self.term.home.permission(namespace, &what)));
                }
                other => other?,
            }
        }
        if let Some(step) = self.ended(status).await? {
            return Ok(step);
        }
        let here = run.members();
        let missing: Vec<_> = status
            .instances
            .iter()
            .map(|one| one.of.to_string())
            .filter(|name| !here.contains_key(name))
            .collect();
        if missing.is_empty() && waited.is_empty() {
            return Ok(Step::On(Phase::Cutting));
        }
        let mut why = Vec::new();
        if !waited.is_empty() {
            why.push(format!("{} to hold deletion", waited.join(", ")));
        }
        if !missing.is_empty() {
            why.push(format!("the movers of {}", missing.join(", ")));
        }
        let why = format!("waiting for {}{}", why.join(" and for "), pods(status));
        let begun = status.started_at.as_ref().map(|time| time.0).unwrap_or_default();
        if Timestamp::now().duration_since(begun).as_secs() > GATHER * i64::from(status.attempt) {
            return Ok(Step::Fail(format!("after {} minutes still {why}", GATHER / 60)));
        }
        Ok(Step::Wait(why))
    }

    /// Looks for one instant over all databases.
    pub async fn cut(&self, status: &mut BackupStatus) -> Result<Step, Error> {
        let found = match self.services(status).await? {
            Ok(found) => found,
            Err(why) => return Ok(Step::Fail(why)),
        };
        let paused = status.conditions.iter().any(|one| one.type_ == "WorkersPaused" && one.status == "True");
        let what: &[What] = if paused { &[What::Deletion, What::Workers] } else { &[What::Deletion] };
        match self.held(&found, what).await? {
            Err(why) => return Ok(Step::Fail(why)),
            Ok(waited) if !waited.is_empty() => {
                return Ok(Step::Wait(format!("waiting for {} to stand still", waited.join(", "))));
            }
            Ok(_) => {}
        }
        if let Some(step) = self.ended(status).await? {
            return Ok(step);
        }
        let names: Vec<_> = status.instances.iter().map(|one| one.of.to_string()).collect();
        let run = self.term.floor.run(self.uid, status.attempt);
        if let Some(cut) = &status.cut {
            for one in status.instances.iter().filter(|one| !one.stored.is_empty()) {
                run.ended(&one.of.to_string(), cut.clone());
            }
        }
        if !names.iter().all(|name| run.expects(name)) {
            // We have not told anybody of these movers: another operator did, which has ended. So they are told of again.
            return self.prepare(status).await;
        }
        let cut = match run.made(&names) {
            Some(cut) => Ok(cut),
            None if run.torn(&names) => {
                return Ok(Step::Again(
                    "the operator ended while it told movers to copy, and one has ended since".into(),
                ));
            }
            None => run.cut(&names, PATIENCE[usize::from(paused)]).await,
        };
        let generation = self.backup.metadata.generation;
        match cut {
            Ok(cut) => {
                tracing::info!(
                    backup = self.backup.name_any(),
                    cut = cut.id,
                    tries = cut.tries,
                    milliseconds = cut.milliseconds,
                    "one instant"
                );
                status.cut = Some(Cut { workers_paused: paused, ..cut });
                status.conditions.retain(|one| one.type_ != "WorkersPaused");
                Ok(Step::On(Phase::Copying))
            }
            Err(Hurdle::Missing(missing)) => {
                Ok(Step::Wait(format!("waiting for the movers of {}", missing.join(", "))))
            }
            Err(Hurdle::Busy { tries }) if !paused => {
                let why = format!(
                    "something was committed in each of {tries} tries; background workers are asked to pause, the web goes on"
                );
                condition(&mut status.conditions, generation, "WorkersPaused", true, "Busy", &why);
                Ok(Step::Wait(why))
            }
            Err(Hurdle::Busy { tries }) => Ok(Step::Fail(format!(
                "also without background workers something was committed in each of {tries} tries; try again at a time with less to do"
            ))),
            Err(Hurdle::Failed(why)) => Ok(Step::Again(why)),
        }
    }

    /// Waits for the movers, and goes on holding deletion meanwhile.
    pub async fn copy(&self, status: &mut BackupStatus) -> Result<Step, Error> {
        let found = match self.services(status).await? {
            Ok(found) => found,
            Err(why) => return Ok(Step::Fail(why)),
        };
        // What it holds it must hold until every file is there; who has let go meanwhile may have deleted some, and then the mover misses it.
        if let Err(why) = self.held(&found, &[What::Deletion]).await? {
            return Ok(Step::Fail(why));
        }
        if let Some(step) = self.ended(status).await? {
            return Ok(step);
        }
        if status.instances.iter().all(|one| !one.stored.is_empty()) {
            return Ok(Step::On(Phase::Sealing));
        }
        // An operator that is new here has to know whom to expect.
        let run = self.term.floor.run(self.uid, status.attempt);
        for service in &found {
            let name = service.of.to_string();
            if !run.expects(&name)
                && let Ok(key) = sets::key(self.term, self.storage(), &service.of.namespace)
            {
                run.expect(&name, Order::Start { key, objects: objects::kept(service) });
            }
        }
        let progress = progress(run.members().values().map(|member| member.progress), status);
        let told = status.progress.as_ref().map(|told| (told.bytes, told.total));
        let tick = Timestamp::now().as_second() % TELL < 2;
        if told.is_none() || tick {
            status.progress = Some(progress);
        }
        Ok(Step::Wait(pods(status).trim_start_matches(&[':', ' '][..]).to_owned()))
    }

    /// Writes the list of the set.
    pub async fn seal(&self, status: &mut BackupStatus) -> Result<Step, Error> {
        let ended_at = now();
        let set = sets::Set {
            name: status.set.clone(),
            backup: self.backup.name_any(),
            cut: status.cut.clone().unwrap_or_default(),
            ended_at: ended_at.clone(),
            instances: status.instances.clone(),
        };
        if let Err(why) = sets::seal(self.term, self.storage(), set).await? {
            return Ok(Step::Wait(why.to_string()));
        }
        let bytes: i64 = status.instances.iter().flat_map(|one| &one.stored).map(|stored| stored.bytes).sum();
        status.size = size(bytes);
        status.ended_at = Some(ended_at);
        Ok(Step::On(Phase::Completed))
    }

    /// Takes over what came of the Jobs that have ended; a step if that decides the run.
    async fn ended(&self, status: &mut BackupStatus) -> Result<Option<Step>, Error> {
        for instance in status.instances.iter_mut().filter(|one| one.stored.is_empty()) {
            match ended::of(&self.term.client, &instance.of.namespace, &instance.job).await? {
                Ended::No(waits) => instance.message = waits.unwrap_or_default(),
                Ended::With(Outcome::Copied { cut, stored }) => {
                    // It may have been told by an operator that died before it could keep the cut.
                    let known = status.cut.get_or_insert_with(|| cut.clone());
                    if known.id != cut.id {
                        let why = format!("{} is of another instant than the others", instance.of);
                        return Ok(Some(Step::Again(why)));
                    }
                    instance.stored = stored;
                    instance.message.clear();
                }
                Ended::With(Outcome::Failed(why)) => {
                    instance.message.clone_from(&why);
                    return Ok(Some(Step::Fail(format!("{}: {why}", instance.of))));
                }
                Ended::With(Outcome::Filled | Outcome::Maintained { .. }) => {
                    return Ok(Some(Step::Fail(format!("{}: its Job did something else", instance.of))));
                }
                Ended::Lost(why) => return Ok(Some(Step::Again(format!("{}: {why}", instance.of)))),
            }
        }
        Ok(None)
    }
}

/// Whether deletion in it would harm: it has files that a database lists.
fn holdable(service: &Service) -> bool {
    service
        .status
        .backup
        .as_ref()
        .is_some_and(|backup| !backup.content.is_empty() || !backup.databases.is_empty())
}

/// What pods wait for, for people.
fn pods(status: &BackupStatus) -> String {
    let said = status.instances.iter().filter(|one| !one.message.is_empty());
    let said: Vec<_> = said.map(|one| format!("{}: {}", one.of, one.message)).collect();
    if said.is_empty() { String::new() } else { format!(": {}", said.join("; ")) }
}
