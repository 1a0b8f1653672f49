//! A cluster with two Pulps: its API server, their operator, movers, and a storage.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use reconcile::{Reporter, rehearsal::Memory};
use serde_json::{Value, json};

use super::{
    super::{ABOUT, Term, home::Home, metrics::Sight, names::SETS},
    place::{KEY, Place},
};
use crate::{
    crd::{Cut, Stored},
    cut::wire::{Order, Report},
    engine::{Key, Parent, Progress, Repository, Save, source::Source},
    mover::{Outcome, Spec, Task, spec::VARIABLE},
};

pub const GROUP: &str = "/apis/backup.theforeman.org/v1alpha1";
const HOLD: &str = "hold.theforeman.org/";
pub const PULPS: &str = "/apis/app.theforeman.org/v1alpha1/namespaces";

pub struct Cluster {
    pub memory: Memory,
    place: Arc<Place>,
    /// What movers know that outlive an operator, by the names of their Jobs.
    movers: Arc<Mutex<BTreeMap<String, Mover>>>,
    /// What movers end with, if not with what they are told to do.
    pub fails: Option<String>,
    /// The pods of the Jobs whose names end so are killed.
    pub loses: Option<String>,
    /// Exit code of what probes run.
    pub probed: i32,
}

#[derive(Clone, Default)]
struct Mover {
    exported: Option<String>,
    cut: Option<Cut>,
    working: bool,
    ended: bool,
}

impl Cluster {
    /// One with two Pulps in namespace `foreman`, a storage on a volume, and the scratch namespace `scratch`.
    pub async fn new() -> Self {
        let cluster = Self {
            memory: Memory::default(),
            place: Place::new().await,
            movers: Arc::default(),
            fails: None,
            loses: None,
            probed: 0,
        };
        cluster.secret("backup-operator", "backup-key", "key", KEY);
        let storage = json!({ "key": { "name": "backup-key" }, "volume": { "claim": "backups" } });
        cluster.add("BackupStorage", "backupstorages", "main", storage);
        for name in ["p", "q"] {
            cluster.secret("foreman", &format!("{name}-key"), "key", b"never another one");
            let metadata = json!({ "name": name });
            let spec = json!({ "ingress": { "host": "pulp.example.com" } });
            let pulp = json!({ "apiVersion": "app.theforeman.org/v1alpha1", "kind": "Pulp", "metadata": metadata, "spec": spec });
            cluster.memory.add(&format!("{PULPS}/foreman/pulps/{name}"), pulp);
        }
        cluster.services();
        // Deriving a password is meant to be slow: once is enough for all copies of this cluster.
        for repository in [SETS, "foreman"] {
            let (rest, key) = (cluster.place.rest(repository), Key::of(KEY, repository).expect("a key"));
            let made = tokio::task::spawn_blocking(move || Repository::init(&rest, &key).map(drop));
            made.await.expect("a thread").expect("a repository");
        }
        cluster
    }

    /// The same cluster and storage as others.
    pub async fn fork(&self) -> Self {
        let movers = self.movers.lock().expect("the movers").clone();
        Self {
            memory: self.memory.fork(),
            place: self.place.fork().await,
            movers: Arc::new(Mutex::new(movers)),
            fails: self.fails.clone(),
            loses: self.loses.clone(),
            probed: self.probed,
        }
    }

    /// An operator that knows nothing yet.
    pub fn operator(&self) -> Arc<Term> {
        let home = Home {
            gateway: self.place.gateway.clone(),
            token: self.place.dir.path().join("token"),
            claims: self.place.dir.path().join("claims"),
            ..Home::unreached()
        };
        let reporter = Arc::new(Reporter::new(&ABOUT));
        Arc::new(Term::new(self.memory.client(), home, reporter, Sight::default().seen()))
    }

    fn secret(&self, namespace: &str, name: &str, key: &str, value: &[u8]) {
        let value = json!({ key: k8s_openapi::ByteString(value.into()) });
        let secret =
            json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "data": value });
        self.memory.add(&format!("/api/v1/namespaces/{namespace}/secrets/{name}"), secret);
    }

    /// Adds an object of one of our kinds, as its user would.
    pub fn add(&self, kind: &str, plural: &str, name: &str, spec: Value) {
        let created = Timestamp::now().to_string();
        let object = json!({ "apiVersion": "backup.theforeman.org/v1alpha1", "kind": kind,
            "metadata": { "name": name, "creationTimestamp": created }, "spec": spec });
        self.memory.add(&format!("{GROUP}/{plural}/{name}"), object);
    }

    /// One object of ours.
    pub fn object(&self, plural: &str, name: &str) -> Option<Value> {
        self.memory.object(&format!("{GROUP}/{plural}/{name}"))
    }

    /// All objects of a kind of ours.
    pub fn of(&self, plural: &str) -> Vec<Value> {
        let prefix = format!("{GROUP}/{plural}/");
        self.memory
            .objects()
            .into_iter()
            .filter(|(path, _)| path.starts_with(&prefix))
            .map(|(_, object)| object)
            .collect()
    }

    /// The Pulp of a namespace.
    pub fn pulp(&self, namespace: &str) -> Option<Value> {
        self.memory.object(&format!("{PULPS}/{namespace}/pulps/p"))
    }

    /// Holds on Pulps of a namespace.
    pub fn holds(&self, namespace: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (path, pulp) in self.memory.objects() {
            let all = pulp["metadata"]["annotations"].as_object().cloned().unwrap_or_default();
            if path.starts_with(&format!("{PULPS}/{namespace}/")) {
                found.extend(
                    all.into_iter()
                        .map(|(key, _)| key)
                        .filter(|key| key.starts_with(HOLD) || key == reconcile::AWAITS),
                );
            }
        }
        found
    }

    /// The instant that the mover of a Job copied.
    pub fn copied(&self, job: &str) -> Option<String> {
        let movers = self.movers.lock().expect("the movers");
        movers
            .iter()
            .find(|(path, _)| path.ends_with(&format!("/{job}")))?
            .1
            .cut
            .as_ref()
            .map(|cut| cut.id.clone())
    }

    /// Lets the pulp-operator do what the contract asks of it: hold what it is asked to, take in other data, say how it is.
    pub fn services(&self) {
        for path in self.memory.objects().into_keys().filter(|path| path.starts_with(PULPS)) {
            self.memory.edit(&path, |mut pulp| {
                let annotations = pulp["metadata"]["annotations"].as_object().cloned().unwrap_or_default();
                let asked = annotations.iter().filter_map(|(key, value)| {
                    let holder = key.strip_prefix(HOLD)?;
                    let value: Value = serde_json::from_str(value.as_str()?).ok()?;
                    Some(json!({ "holder": holder, "what": value["what"], "until": value["until"], "state": "Held" }))
                });
                let awaits = annotations.get(reconcile::AWAITS).map(|holder| json!({ "holder": holder, "what": ["writes"], "state": "Held" }));
                let holds: Vec<_> = asked.chain(awaits).collect();
                let stands = holds.iter().any(|hold| hold["what"].as_array().is_some_and(|what| what.contains(&"writes".into())));
                let before = pulp["status"]["data"].clone();
                pulp["status"] = json!({
                    "observedGeneration": pulp["metadata"]["generation"],
                    "conditions": [{ "type": "Ready", "status": if stands { "False" } else { "True" }, "reason": "R", "message": "",
                        "lastTransitionTime": "2026-11-01T00:00:00Z" }],
                    "holds": holds,
                    "backup": { "restoreOrder": 10, "databases": [{ "name": "pulp", "secret": "p-libpq" }], "secrets": [format!("{}-key", pulp["metadata"]["name"].as_str().unwrap_or_default())] },
                    "data": if stands { before } else { annotations.get(reconcile::DATA).cloned().unwrap_or_default() },
                });
                Some(pulp)
            });
        }
    }

    /// Lets the commands of probes end.
    pub fn probes(&self) {
        for path in self.memory.objects().into_keys().filter(|path| path.contains("/jobs/probe-")) {
            let (job, ended) = (path.rsplit('/').next().unwrap_or_default(), self.probed == 0);
            self.memory.edit(&path, |mut job| {
                let type_ = if ended { "Complete" } else { "Failed" };
                job["status"] = json!({ "conditions": [{ "type": type_, "status": "True" }] });
                Some(job)
            });
            let pod = format!("/api/v1/namespaces/scratch/pods/{job}-1");
            if self.memory.object(&pod).is_none() {
                let ended = json!({ "terminated": { "exitCode": self.probed, "message": "no such user\n" } });
                let container = json!({ "name": "probe", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": ended });
                // It goes with its Job, which this cluster leaves to nobody.
                let uid =
                    self.memory.object(&path).map(|job| job["metadata"]["uid"].clone()).unwrap_or_default();
                self.memory.add(
                    &pod,
                    json!({ "apiVersion": "v1", "kind": "Pod",
                    "metadata": { "name": format!("{job}-1"), "labels": { "job-name": job }, "ofUid": uid },
                    "status": { "containerStatuses": [container] } }),
                );
            }
        }
    }

    /// Lets movers run: those whose Jobs are there come to the operator, do what they are told, and end.
    pub fn movers(&self, term: &Arc<Term>) {
        for (path, spec) in self.jobs() {
            let name = spec.instance.to_string();
            let Some((run, start)) = term.floor.expected(&spec.run, spec.attempt, &name) else { continue };
            let known = self.movers.lock().expect("the movers").entry(path.clone()).or_default().clone();
            if known.ended || run.members().contains_key(&name) {
                continue;
            }
            let Order::Start { key, objects } = start else { panic!("the first order is to start") };
            let mover = Working {
                path,
                spec,
                key,
                objects,
                place: self.place.clone(),
                memory: self.memory.clone(),
                movers: self.movers.clone(),
                fails: self.fails.clone(),
                loses: self.loses.clone(),
            };
            let mut orders = run.enter(&name, 0, known.cut.clone(), known.exported.clone());
            if known.working {
                continue;
            }
            if matches!(mover.spec.task, Task::Restore { .. }) {
                mover.know(|known| known.working = true);
                tokio::spawn(async move { mover.end().await });
                continue;
            }
            tokio::spawn(async move {
                while let Some(order) = orders.recv().await {
                    match order {
                        Order::Export { cut } => {
                            mover.know(|known| known.exported = Some(cut.clone()));
                            run.hear(&name, Report::Exported { cut });
                        }
                        Order::Look { cut } => run.hear(&name, Report::Looked { cut, still: true }),
                        Order::Copy { cut } => {
                            mover.know(|known| (known.cut, known.working) = (Some(cut), true));
                            mover.end().await;
                            return;
                        }
                        Order::Start { .. } => {}
                    }
                }
            });
        }
    }

    /// Lets movers that have been told to work come to their end.
    pub async fn worked(&self, term: &Arc<Term>) {
        let told = |spec: &Spec| {
            let run = term.floor.run(&spec.run, spec.attempt);
            run.members().get(&spec.instance.to_string()).is_some_and(|member| member.cut.is_some())
        };
        loop {
            let jobs = self.jobs();
            let movers = self.movers.lock().expect("the movers").clone();
            let at_work = |(path, spec): &(String, Spec)| {
                movers.get(path).is_some_and(|mover| !mover.ended && (mover.working || told(spec)))
            };
            if !jobs.iter().any(at_work) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Movers' Jobs, by path, and what they are told.
    fn jobs(&self) -> Vec<(String, Spec)> {
        let jobs = self.memory.objects().into_iter().filter(|(path, _)| path.contains("/jobs/"));
        let told = |job: &Value| {
            let variables = job["spec"]["template"]["spec"]["containers"][0]["env"].as_array()?.clone();
            let variable = variables.into_iter().find(|one| one["name"] == VARIABLE)?;
            serde_json::from_str(variable["value"].as_str()?).ok()
        };
        jobs.filter(|(path, _)| !path.contains("/probe-"))
            .map(|(path, job)| (path, told(&job).expect("a mover's Job")))
            .collect()
    }
}

/// A mover that runs.
struct Working {
    path: String,
    spec: Spec,
    key: String,
    objects: Vec<(String, String)>,
    place: Arc<Place>,
    memory: Memory,
    movers: Arc<Mutex<BTreeMap<String, Mover>>>,
    fails: Option<String>,
    loses: Option<String>,
}

impl Working {
    fn know(&self, change: impl FnOnce(&mut Mover)) {
        change(self.movers.lock().expect("the movers").entry(self.path.clone()).or_default());
    }

    /// Does the work, and says what came of it as a pod does.
    async fn end(&self) {
        let outcome = match (&self.fails, &self.spec.task) {
            (Some(why), _) => Outcome::Failed(why.clone()),
            (None, Task::Backup { set }) => {
                let cut = self.movers.lock().expect("the movers")[&self.path].cut.clone().expect("a cut");
                Outcome::Copied { cut, stored: self.copy(set.clone()).await }
            }
            (None, Task::Restore { .. }) => Outcome::Filled,
            (None, Task::Maintain { .. }) => Outcome::Maintained { damage: vec![], used: 0, removed: 0 },
        };
        let job = self.path.rsplit('/').next().expect("a name");
        let namespace = &self.spec.instance.namespace;
        if self.loses.as_ref().is_some_and(|end| job.ends_with(end)) {
            // Whose pod is killed says nothing.
            self.memory.edit(&self.path, |mut job| {
                job["status"] = json!({ "conditions": [{ "type": "Failed", "status": "True", "reason": "BackoffLimitExceeded" }] });
                Some(job)
            });
        } else if self.memory.object(&self.path).is_some() {
            // Whoever deletes a Job deletes its pods with it.
            let message = serde_json::to_string(&outcome).expect("JSON");
            let ended = json!({ "terminated": { "exitCode": 0, "message": message } });
            let pod = json!({
                "apiVersion": "v1", "kind": "Pod", "metadata": { "name": format!("{job}-1"), "labels": { "job-name": job } },
                "status": { "containerStatuses": [{ "name": "mover", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": ended }] },
            });
            self.memory.add(&format!("/api/v1/namespaces/{namespace}/pods/{job}-1"), pod);
        }
        self.know(|known| known.ended = true);
    }

    /// Writes what a mover writes into the repository: a dump, and the state.
    async fn copy(&self, set: String) -> Vec<Stored> {
        let rest = self.place.rest(&self.spec.repository);
        let (key, objects, name) = (self.key.clone(), self.objects.clone(), self.spec.instance.name.clone());
        let work = move || {
            let repository = Repository::init(&rest, &Key::from_secret(key.as_bytes())?)?;
            let mut state: Vec<_> =
                objects.into_iter().map(|(path, text)| (PathBuf::from(path), text.into_bytes())).collect();
            state.push((format!("secrets/{name}-key/key").into(), b"never another one".to_vec()));
            let dump = vec![(PathBuf::from("pulp.dump"), b"rows".to_vec())];
            let mut stored = Vec::new();
            for (what, files) in [("database/pulp", dump), ("state", state)] {
                let tags = vec![format!("set={set}"), format!("what={what}")];
                let save = Save { tags, host: "foreman".into(), parent: Parent::None, time: None };
                let snapshot = repository.save(Source::Memory(files), &save, &Progress::default())?;
                stored.push(Stored {
                    what: what.into(),
                    snapshot: snapshot.id,
                    files: 1,
                    bytes: 4,
                    added: 4,
                });
            }
            Ok::<_, crate::engine::Error>(stored)
        };
        tokio::task::spawn_blocking(work).await.expect("a thread").expect("a snapshot")
    }
}
