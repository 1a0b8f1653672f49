//! The controller of `Backup`: one run, from the hold on deletion to the list that makes the set exist.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::Timestamp;
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
    runtime::controller::Action,
};
use reconcile::{Error, What, call};
use serde_json::json;

use super::{
    Term,
    controller::report,
    hold,
    jobs::{self, Ended},
    names, objects,
    services::{self, Service},
    sets,
};
use crate::{
    crd::{Backup, BackupStatus, DeletionPolicy, Instance, Phase, Progress, condition, holds, now},
    cut::{Hurdle, wire::Order},
    mover::{Outcome, Spec, Task},
};

/// Between two looks at a run that is going on.
const LOOK: Duration = Duration::from_secs(2);
/// Between two reports of progress.
const TELL: i64 = 10;
/// How long a gap between commits is looked for before workers are asked to pause, and after that.
const PATIENCE: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(20)];
/// How long services may take to hold, and movers to come (s).
const GATHER: i64 = 600;
/// Tries after pods were lost.
const ATTEMPTS: i32 = 3;

/// What one look at a run came to.
enum Step {
    /// Later again.
    Wait(String),
    /// Go on with this phase.
    On(Phase),
    /// It has failed for good.
    Fail(String),
    /// A pod was lost: all of it once more.
    Again(String),
}

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
    if finalizer(&term, &backup, true).await? {
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
            status.cut = None;
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

struct Run<'a> {
    backup: &'a Backup,
    term: &'a Arc<Term>,
    uid: &'a str,
}

impl Run<'_> {
    fn storage(&self) -> &str {
        &self.backup.spec.storage.name
    }

    async fn begin(&self, status: &mut BackupStatus) -> Result<Step, Error> {
        let api: Api<crate::crd::BackupStorage> = Api::all(self.term.client.clone());
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
        let in_bucket = |service: &&Service| {
            let backup = service.status.backup.as_ref();
            backup.is_some_and(|backup| backup.content.iter().any(|content| content.volume.is_none()))
        };
        if let Some(service) = found.iter().find(in_bucket) {
            return Ok(Step::Fail(format!(
                "{} keeps its content in a bucket, which cannot be backed up yet; name the services without it in spec.instances, and let the bucket keep versions",
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

    async fn prepare(&self, status: &mut BackupStatus) -> Result<Step, Error> {
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
                    Err(why) => return Ok(Step::Wait(why)),
                };
                run.expect(&name, Order::Start { key, objects: objects::kept(service) });
            }
            let spec = Spec {
                task: Task::Backup { set: status.set.clone() },
                run: self.uid.into(),
                attempt: status.attempt,
                instance: service.of.clone(),
                storage: self.storage().into(),
                repository: namespace.clone(),
                gateway: self.term.home.gateway.clone(),
                ca: self.term.home.ca.clone(),
                databases: backup.databases.iter().map(|database| database.name.clone()).collect(),
                content: backup.content.clone(),
                secrets: backup.secrets.clone(),
                config_maps: backup.config_maps.clone(),
            };
            let job = jobs::job(&self.term.home, &spec, backup, self.backup.spec.deadline.seconds());
            instance.job = job.metadata.name.clone().unwrap_or_default();
            match jobs::start(&self.term.client, &job).await {
                Err(Error::Forbidden { what, .. }) => {
                    return Ok(Step::Wait(permission(&self.term.home, namespace, &what)));
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
        let since = status
            .conditions
            .iter()
            .find(|one| one.type_ == "Gathering")
            .map(|one| one.last_transition_time.0);
        let begun = since.or(status.started_at.as_ref().map(|time| time.0)).unwrap_or_default();
        if Timestamp::now().duration_since(begun).as_secs() > GATHER * i64::from(status.attempt) {
            return Ok(Step::Fail(format!("after {} minutes still {why}", GATHER / 60)));
        }
        Ok(Step::Wait(why))
    }

    async fn cut(&self, status: &mut BackupStatus) -> Result<Step, Error> {
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
                status.cut = Some(crate::crd::Cut { workers_paused: paused, ..cut });
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

    async fn copy(&self, status: &mut BackupStatus) -> Result<Step, Error> {
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

    async fn seal(&self, status: &mut BackupStatus) -> Result<Step, Error> {
        let ended_at = now();
        let set = sets::Set {
            name: status.set.clone(),
            backup: self.backup.name_any(),
            cut: status.cut.clone().unwrap_or_default(),
            ended_at: ended_at.clone(),
            instances: status.instances.clone(),
        };
        if let Err(why) = sets::seal(self.term, self.storage(), set).await? {
            return Ok(Step::Wait(why));
        }
        let bytes: i64 = status.instances.iter().flat_map(|one| &one.stored).map(|stored| stored.bytes).sum();
        status.size = size(bytes);
        status.ended_at = Some(ended_at);
        Ok(Step::On(Phase::Completed))
    }

    /// Takes over what came of the Jobs that have ended; a step if that decides the run.
    async fn ended(&self, status: &mut BackupStatus) -> Result<Option<Step>, Error> {
        for instance in status.instances.iter_mut().filter(|one| one.stored.is_empty()) {
            match jobs::ended(&self.term.client, &instance.of.namespace, &instance.job).await? {
                Ended::No(waits) => instance.message = waits.unwrap_or_default(),
                Ended::With(Outcome::Done(stored)) => {
                    instance.stored = stored;
                    instance.message.clear();
                }
                Ended::With(Outcome::Maintained { .. }) => {}
                Ended::With(Outcome::Failed(why)) => {
                    instance.message.clone_from(&why);
                    return Ok(Some(Step::Fail(format!("{}: {why}", instance.of))));
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

/// What has been copied of how much, over all movers.
fn progress(members: impl Iterator<Item = (u64, u64, u64)>, status: &BackupStatus) -> Progress {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let (mut bytes, mut total, mut files) = (0, 0, 0);
    for (done, all, count) in members {
        bytes += number(done);
        total += number(all.max(done));
        files += number(count);
    }
    for stored in status.instances.iter().flat_map(|one| &one.stored) {
        bytes += stored.bytes;
        total += stored.bytes;
        files += stored.files;
    }
    let percent = if total > 0 { i32::try_from(bytes * 100 / total).unwrap_or(100) } else { 0 };
    let begun = status.cut.as_ref().map_or_else(Timestamp::now, |cut| cut.at.0);
    let took = Timestamp::now().duration_since(begun).as_secs();
    let time_left =
        if bytes > 0 && total > bytes { span(took * (total - bytes) / bytes) } else { String::new() };
    Progress { bytes, total, files, percent, time_left }
}

/// Seconds, for people.
fn span(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        _ => format!("{}h{}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Bytes, for people.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn size(bytes: i64) -> String {
    let mut amount = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB", "TiB"] {
        if amount < 1024.0 {
            return format!("{amount:.1} {unit}");
        }
        amount /= 1024.0;
    }
    format!("{amount:.1} PiB")
}

/// The words that say how a namespace is opened to us.
pub fn permission(home: &super::home::Home, namespace: &str, what: &str) -> String {
    let account = home.account.trim_start_matches("system:serviceaccount:");
    format!(
        "no permission to {what} in namespace {namespace}; whoever administers it grants it: kubectl create rolebinding backup-operator-namespace --namespace {namespace} --clusterrole backup-operator-namespace --serviceaccount {account}"
    )
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
    if backup.spec.deletion_policy == DeletionPolicy::Delete && status.phase == Phase::Completed {
        let mut namespaces: Vec<_> = status.instances.iter().map(|one| one.of.namespace.clone()).collect();
        namespaces.sort();
        namespaces.dedup();
        if let Err(why) = sets::forget(term, &backup.spec.storage.name, &status.set, namespaces).await? {
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

/// Puts our finalizer on, or takes it off; whether there was anything to do.
async fn finalizer(term: &Term, backup: &Backup, held: bool) -> Result<bool, Error> {
    if backup.finalizers().iter().any(|name| name == names::FINALIZER) == held {
        return Ok(false);
    }
    let others = backup.finalizers().iter().filter(|name| *name != names::FINALIZER).cloned();
    let finalizers: Vec<_> = others.chain(held.then(|| names::FINALIZER.to_owned())).collect();
    let patch =
        json!({ "metadata": { "finalizers": finalizers, "resourceVersion": backup.resource_version() } });
    let api: Api<Backup> = Api::all(term.client.clone());
    let name = backup.name_any();
    let (parameters, patch) = (PatchParams::default(), Patch::Merge(&patch));
    match call("patch", format!("Backup {name}"), api.patch_metadata(&name, &parameters, &patch)).await {
        Ok(_) | Err(Error::Api { code: Some(404), .. }) => Ok(true),
        Err(error) => Err(error),
    }
}
