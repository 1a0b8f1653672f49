//! The controller of `Restore`: brings services back through the operators that run them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::{
    ByteString,
    api::core::v1::{ConfigMap, Secret},
};
use kube::{
    Api, ResourceExt,
    api::{DynamicObject, ObjectMeta, PostParams},
    runtime::controller::Action,
};
use reconcile::{DATA, Error, What, call};
use serde_json::Value;

use super::{
    Term,
    access::Grant,
    backup::permission,
    controller::report,
    hold,
    jobs::{self, Ended},
    names, objects,
    services::{self, resource},
    sets::{self, Set},
};
use crate::{
    crd::{
        Backup, BackupSpec, Instance, Phase, Progress, Reference, Restore, RestorePhase, RestoreStatus,
        Restored, Selection, condition, now,
    },
    cut::wire::Order,
    engine,
    mover::{Outcome, Spec, Task},
};

/// Between two looks at a restore that is going on.
const LOOK: Duration = Duration::from_secs(2);
/// Tries of an instance after its pod was lost.
const ATTEMPTS: i32 = 3;

/// What one look came to.
enum Step {
    Wait(String),
    On(RestorePhase),
    Fail(String),
    Done(String),
}

/// One pass.
pub async fn reconcile(restore: Arc<Restore>, term: Arc<Term>) -> Result<Action, Error> {
    let uid = restore.uid().unwrap_or_default();
    let before = restore.status.clone();
    let mut status = before.clone().unwrap_or_default();
    if restore.metadata.deletion_timestamp.is_some() || status.phase.ended() {
        term.access.grant(&uid, vec![]);
        term.floor.forget(&uid);
        return Ok(Action::await_change());
    }
    status.observed_generation = restore.metadata.generation;
    let run = Run { restore: &restore, term: &term, uid: &uid };
    // Before anything else: a mover that is at work must not lose what it may read because the operator is a new one.
    term.access.grant(&uid, run.grants(&status));
    let took =
        status.started_at.as_ref().map_or(0, |since| Timestamp::now().duration_since(since.0).as_secs());
    let step = if took > restore.spec.deadline.seconds() {
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
            RestorePhase::Completed | RestorePhase::Failed => return Ok(Action::await_change()),
        }
    };
    let message = match step {
        Step::Wait(message) => message,
        Step::On(phase) => {
            status.phase = phase;
            String::new()
        }
        Step::Fail(message) => {
            status.phase = RestorePhase::Failed;
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
        tracing::info!(restore = restore.name_any(), phase = ?status.phase, seconds = status.seconds, message, "ended");
    }
    let complete = status.phase == RestorePhase::Completed;
    let reason = format!("{:?}", status.phase);
    condition(&mut status.conditions, restore.metadata.generation, "Complete", complete, &reason, message);
    report(&term, &*restore, before.as_ref(), &status).await?;
    Ok(if status.phase.ended() { Action::await_change() } else { Action::requeue(LOOK) })
}

struct Run<'a> {
    restore: &'a Restore,
    term: &'a Arc<Term>,
    uid: &'a str,
}

impl Run<'_> {
    fn storage(&self) -> &str {
        &self.restore.spec.storage.name
    }

    /// Which namespaces may read which repositories for this restore.
    fn grants(&self, status: &RestoreStatus) -> Vec<Grant> {
        let grant = |one: &Restored| {
            (self.storage().to_owned(), one.from.namespace.clone(), one.to.namespace.clone())
        };
        status.instances.iter().map(grant).collect()
    }

    /// The set that is asked for.
    async fn set(&self, name: &str) -> Result<Result<Set, String>, Error> {
        let sets = match sets::list(self.term, self.storage()).await? {
            Ok(sets) => sets,
            Err(why) => return Ok(Err(why)),
        };
        let (backup, time) = (&self.restore.spec.backup, &self.restore.spec.before);
        let fits = |set: &Set| match (name, backup, time) {
            ("", Some(backup), _) => set.backup == backup.name || set.name == backup.name,
            ("", None, Some(time)) => set.cut.at.0 <= time.0,
            (name, ..) => set.name == name,
        };
        Ok(sets.into_iter().rfind(fits).ok_or_else(|| match (backup, time) {
            (Some(backup), _) => format!(
                "spec.backup: BackupStorage {} has no complete set of a Backup {}",
                self.storage(),
                backup.name
            ),
            (None, time) => format!(
                "spec.before: BackupStorage {} has no complete set from before {:?}",
                self.storage(),
                time.as_ref().map(|time| time.0.to_string()).unwrap_or_default()
            ),
        }))
    }

    async fn begin(&self, status: &mut RestoreStatus) -> Result<Step, Error> {
        if self.term.storages.key(self.storage()).is_none() {
            return Ok(Step::Wait(format!("BackupStorage {} is not ready", self.storage())));
        }
        let set = match self.set("").await? {
            Ok(set) => set,
            Err(why) => return Ok(Step::Fail(why)),
        };
        let spec = &self.restore.spec;
        let mut wanted: Vec<&Instance> = set
            .instances
            .iter()
            .filter(|one| spec.instances.is_empty() || spec.instances.contains(&one.of))
            .collect();
        if let Some(missing) = spec.instances.iter().find(|of| set.instances.iter().all(|one| one.of != **of))
        {
            return Ok(Step::Fail(format!("spec.instances: set {} has no {missing}", set.name)));
        }
        wanted.sort_by_key(|one| one.restore_order);
        status.instances = wanted
            .iter()
            .map(|one| {
                let from = one.of.clone();
                let namespace =
                    spec.mapping.namespaces.get(&from.namespace).unwrap_or(&from.namespace).clone();
                Restored { to: Reference { namespace, ..from.clone() }, from, ..Restored::default() }
            })
            .collect();
        status.set.clone_from(&set.name);
        status.started_at = Some(now());
        for (at, one) in status.instances.iter().enumerate() {
            if status.instances[..at].iter().any(|other| other.to == one.to) {
                return Ok(Step::Fail(format!("spec.mapping: two services would become {}", one.to)));
            }
            let there = services::one(&self.term.client, &one.to).await?;
            match (there.is_some(), spec.in_place) {
                (true, false) => {
                    return Ok(Step::Fail(format!(
                        "{} is there already; restore elsewhere (spec.mapping.namespaces), delete it first, or replace its data (spec.inPlace)",
                        one.to
                    )));
                }
                (false, true) => return Ok(Step::Fail(format!("spec.inPlace: there is no {}", one.to))),
                _ => {}
            }
        }
        if spec.dry_run {
            let text: Vec<_> =
                status.instances.iter().map(|one| format!("{} as {}", one.from, one.to)).collect();
            return Ok(Step::Done(format!(
                "nothing was done; it would restore from set {} of {}: {}",
                set.name,
                set.cut.at.0,
                text.join(", ")
            )));
        }
        Ok(Step::On(if spec.in_place { RestorePhase::Saving } else { RestorePhase::Preparing }))
    }

    /// What will be replaced is backed up first.
    async fn save(&self) -> Result<Step, Error> {
        let name = format!("{}-before", self.restore.name_any());
        let api: Api<Backup> = Api::all(self.term.client.clone());
        let what = format!("Backup {name}");
        let Some(backup) = call("get", &what, api.get_opt(&name)).await? else {
            let names =
                self.restore.status.iter().flat_map(|status| &status.instances).map(|one| one.to.clone());
            let spec = BackupSpec {
                storage: self.restore.spec.storage.clone(),
                instances: Selection { names: Some(names.collect()), selector: None },
                deadline: self.restore.spec.deadline.clone(),
                ..BackupSpec::default()
            };
            let backup = Backup::new(&name, spec);
            return match call("create", &what, api.create(&PostParams::default(), &backup)).await {
                Ok(_) | Err(Error::Api { code: Some(409), .. }) => {
                    Ok(Step::Wait(format!("waiting for {what}")))
                }
                Err(error) => Err(error),
            };
        };
        let status = backup.status.unwrap_or_default();
        Ok(match status.phase {
            Phase::Completed => Step::On(RestorePhase::Preparing),
            Phase::Failed | Phase::Canceled => Step::Fail(format!(
                "what would be replaced could not be saved first: {what} has failed; nothing was changed"
            )),
            phase => Step::Wait(format!("waiting for {what}, which is {phase:?}")),
        })
    }

    /// Objects come back; then everything waits for databases that nothing uses.
    async fn prepare(&self, status: &mut RestoreStatus) -> Result<Step, Error> {
        let set = match self.set(&status.set).await? {
            Ok(set) => set,
            Err(why) => return Ok(Step::Wait(why)),
        };
        let mut waits = Vec::new();
        for one in &mut status.instances {
            if services::one(&self.term.client, &one.to).await?.is_none() {
                let files = match self.state(&set, one).await? {
                    Ok(files) => files,
                    Err(why) => return Ok(Step::Fail(format!("{}: {why}", one.from))),
                };
                match self.make(one, files).await {
                    Err(Error::Forbidden { what, .. }) => {
                        return Ok(Step::Wait(permission(&self.term.home, &one.to.namespace, &what)));
                    }
                    Err(Error::Api { code: Some(404), what, .. }) => {
                        return Ok(Step::Wait(format!(
                            "{what}: namespace {} or the kind does not exist; create it and install the operator of the kind",
                            one.to.namespace
                        )));
                    }
                    other => other?,
                }
            }
            let Some(service) = services::one(&self.term.client, &one.to).await? else { continue };
            hold::hold(&self.term.client, &service, self.uid, &needs(&set, one)).await?;
            let held = needs(&set, one)
                .iter()
                .map(|what| service.held(&names::holder(self.uid), *what))
                .collect::<Result<Vec<_>, _>>();
            one.message = match held {
                Err(why) => return Ok(Step::Fail(why)),
                Ok(held) if held.contains(&false) => {
                    format!("waiting for {} to have its databases ready and hold writes", one.to)
                }
                Ok(_) if service.status.backup.is_none() => {
                    format!("waiting for {} to say what it consists of", one.to)
                }
                Ok(_) => String::new(),
            };
            waits.extend((!one.message.is_empty()).then(|| one.message.clone()));
        }
        Ok(if waits.is_empty() { Step::On(RestorePhase::Filling) } else { Step::Wait(waits.join("; ")) })
    }

    /// The files of an instance's state.
    async fn state(
        &self,
        set: &Set,
        one: &Restored,
    ) -> Result<Result<Vec<(PathBuf, Vec<u8>)>, String>, Error> {
        let stored = set.instances.iter().find(|other| other.of == one.from);
        let Some(state) = stored.and_then(|one| one.stored.iter().find(|stored| stored.what == "state"))
        else {
            return Ok(Err("the set has no state of it".into()));
        };
        let snapshot = state.snapshot.clone();
        sets::with(self.term, self.storage(), &one.from.namespace, false, move |repository| {
            let reader = repository.reader()?;
            let mut paths = Vec::new();
            reader.list(&snapshot, &mut |entry: engine::restore::Entry| {
                if entry.file {
                    paths.push(entry.path);
                }
            })?;
            let mut files = Vec::new();
            for path in paths {
                let mut text = Vec::new();
                reader.file(&snapshot, &path, &mut text, &engine::Progress::default())?;
                files.push((path, text));
            }
            Ok(files)
        })
        .await
    }

    /// Secrets and configuration first: whoever sees the custom resource finds them.
    async fn make(&self, one: &Restored, files: Vec<(PathBuf, Vec<u8>)>) -> Result<(), Error> {
        let namespace = &one.to.namespace;
        let metadata = |name: &str| ObjectMeta {
            name: Some(name.into()),
            namespace: Some(namespace.clone()),
            labels: Some([(names::RUN.to_owned(), self.uid.to_owned())].into()),
            ..Default::default()
        };
        let mut custom = Value::Null;
        let mut secrets: Vec<Secret> = Vec::new();
        let mut maps: Vec<ConfigMap> = Vec::new();
        for (path, text) in files {
            let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            match parts.as_slice() {
                [kind, name, key] if kind == "secrets" => {
                    if secrets.last().is_none_or(|last| last.metadata.name.as_ref() != Some(name)) {
                        secrets.push(Secret {
                            metadata: metadata(name),
                            type_: Some("Opaque".into()),
                            ..Default::default()
                        });
                    }
                    if let Some(last) = secrets.last_mut() {
                        last.data.get_or_insert_default().insert(key.clone(), ByteString(text));
                    }
                }
                [kind, name, key] if kind == "configmaps" => {
                    if maps.last().is_none_or(|last| last.metadata.name.as_ref() != Some(name)) {
                        maps.push(ConfigMap { metadata: metadata(name), ..Default::default() });
                    }
                    if let Some(last) = maps.last_mut() {
                        match String::from_utf8(text) {
                            Ok(text) => last.data.get_or_insert_default().insert(key.clone(), text).map(drop),
                            Err(error) => last
                                .binary_data
                                .get_or_insert_default()
                                .insert(key.clone(), ByteString(error.into_bytes()))
                                .map(drop),
                        };
                    }
                }
                _ if path == Path::new(objects::FILE) => {
                    custom = serde_json::from_slice(&text).unwrap_or_default();
                }
                _ => {}
            }
        }
        let client = &self.term.client;
        let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
        for secret in secrets {
            made("Secret", api.create(&PostParams::default(), &secret)).await?;
        }
        let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
        for map in maps {
            made("ConfigMap", api.create(&PostParams::default(), &map)).await?;
        }
        let Some(kind) = resource(&one.to.kind) else { return Ok(()) };
        let hold = (names::hold(self.uid), hold::value(&[What::Writes], Timestamp::now()));
        let mut object = objects::restored(&custom, &one.to, &self.restore.spec.mapping, (&hold.0, hold.1));
        if self.restore.labels().contains_key(names::DRILL) {
            // Otherwise what it consists of would stay: volumes, keys.
            object["spec"]["deletionPolicy"] = "Delete".into();
        }
        let object: DynamicObject = serde_json::from_value(object)
            .map_err(|error| Error::Slow { what: format!("{}: {error}", one.from) })?;
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &kind);
        made(&one.to.kind, api.create(&PostParams::default(), &object)).await
    }

    async fn fill(&self, status: &mut RestoreStatus) -> Result<Step, Error> {
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
            hold::hold(&self.term.client, &service, self.uid, &needed).await?;
            if one.filled {
                continue;
            }
            if needed.is_empty() && !has(&set, one, "content/") {
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
                    Err(why) => return Ok(Step::Wait(why)),
                }
            }
            let Some(backup) = &service.status.backup else { continue };
            let spec = Spec {
                // After a pod was lost, what it had begun is in the way.
                task: Task::Restore { stored, replace: self.restore.spec.in_place || attempt > 1 },
                run: self.uid.into(),
                attempt,
                instance: one.to.clone(),
                storage: self.storage().into(),
                repository: one.from.namespace.clone(),
                gateway: self.term.home.gateway.clone(),
                ca: self.term.home.ca.clone(),
                databases: backup.databases.iter().map(|database| database.name.clone()).collect(),
                content: backup.content.clone(),
                secrets: vec![],
                config_maps: vec![],
            };
            let job = jobs::job(&self.term.home, &spec, backup, self.restore.spec.deadline.seconds());
            one.job = job.metadata.name.clone().unwrap_or_default();
            match jobs::start(&self.term.client, &job).await {
                Err(Error::Forbidden { what, .. }) => {
                    return Ok(Step::Wait(permission(&self.term.home, &one.to.namespace, &what)));
                }
                other => other?,
            }
            match jobs::ended(&self.term.client, &one.to.namespace, &one.job).await? {
                Ended::No(why) => {
                    done += run
                        .members()
                        .get(&name)
                        .map_or(0, |member| i64::try_from(member.progress.0).unwrap_or_default());
                    one.message = why.unwrap_or_else(|| format!("filling {}", one.to));
                    waits.push(one.message.clone());
                }
                Ended::With(Outcome::Done(_)) => {
                    one.filled = true;
                    one.message.clear();
                }
                Ended::With(Outcome::Maintained { .. }) => {}
                Ended::With(Outcome::Failed(why)) => {
                    one.message.clone_from(&why);
                    return Ok(Step::Fail(format!("{}: {why}", one.to)));
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

    /// The services start in order; each must be ready before the next.
    async fn start(&self, status: &mut RestoreStatus) -> Result<Step, Error> {
        let set = match self.set(&status.set).await? {
            Ok(set) => set,
            Err(why) => return Ok(Step::Wait(why)),
        };
        for at in 0..status.instances.len() {
            let one = &mut status.instances[at];
            let Some(service) = services::one(&self.term.client, &one.to).await? else {
                return Ok(Step::Fail(format!("{} was deleted meanwhile", one.to)));
            };
            let hold = names::hold(self.uid);
            let waiting = service.object.annotations().contains_key(&hold);
            if !one.released {
                // In one write: it must not start before it knows that its data are other ones.
                let data = (!needs(&set, one).is_empty()).then(|| names::short(self.uid));
                let changes: Vec<_> = [(DATA, data.clone()), (hold.as_str(), None)]
                    .into_iter()
                    .filter(|(key, value)| value.is_some() || *key != DATA)
                    .collect();
                hold::annotate(&self.term.client, &one.to, &changes).await?;
                one.released = true;
                one.message = format!("{} starts", one.to);
                for later in &status.instances[at + 1..] {
                    self.keep(&set, later).await?;
                }
                return Ok(Step::Wait(format!("{} starts", status.instances[at].to)));
            }
            if waiting || !settled(&service) {
                let ready = service.status.conditions.iter().find(|one| one.type_ == "Ready");
                let why = ready.map(|one| format!("{}: {}", one.reason, one.message)).unwrap_or_default();
                one.message = format!("waiting for {} to be ready: {why}", one.to);
                let message = one.message.clone();
                for later in &status.instances[at + 1..] {
                    self.keep(&set, later).await?;
                }
                return Ok(Step::Wait(message));
            }
            one.message.clear();
        }
        Ok(Step::Done(format!("{} services as they were at {}", status.instances.len(), set.cut.at.0)))
    }

    /// Goes on holding one whose turn has not come.
    async fn keep(&self, set: &Set, one: &Restored) -> Result<(), Error> {
        match services::one(&self.term.client, &one.to).await? {
            Some(service) if !one.released => {
                hold::hold(&self.term.client, &service, self.uid, &needs(set, one)).await
            }
            _ => Ok(()),
        }
    }

    /// After the end, nobody waits for us. Who was not filled stays held until its hold expires: it must not run on half of its data by
    /// our doing, so its annotation is left to say why.
    async fn let_go(&self, status: &RestoreStatus) -> Result<(), Error> {
        self.term.access.grant(self.uid, vec![]);
        self.term.floor.forget(self.uid);
        for one in status.instances.iter().filter(|one| one.filled && !one.released) {
            hold::release(&self.term.client, &one.to, self.uid).await?;
        }
        Ok(())
    }
}

/// Whether a service says that it is ready, of what it is asked for now.
fn settled(service: &services::Service) -> bool {
    let current = service.status.observed_generation == service.object.metadata.generation;
    let data = service.object.annotations().get(DATA);
    let taken = data.is_none_or(|id| service.status.data.as_ref() == Some(id));
    current && taken && service.status.holds.is_empty() && service.status.is("Ready")
}

/// Whether an instance has anything of this kind in the set.
fn has(set: &Set, one: &Restored, kind: &str) -> bool {
    let stored = set.instances.iter().find(|other| other.of == one.from);
    stored.is_some_and(|one| one.stored.iter().any(|stored| stored.what.starts_with(kind)))
}

/// What must stand still while an instance is filled. Where there is no database, files can come while it runs.
fn needs(set: &Set, one: &Restored) -> Vec<What> {
    if has(set, one, "database/") { vec![What::Writes] } else { vec![] }
}

/// Creates an object; one of that name that is there stays.
async fn made<T>(kind: &str, request: impl Future<Output = kube::Result<T>>) -> Result<(), Error> {
    match call("create", kind, request).await {
        Ok(_) | Err(Error::Api { code: Some(409), .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
