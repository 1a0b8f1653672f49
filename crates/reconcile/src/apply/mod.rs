//! Goes through a plan: writes what differs, stops at the first gate that does not hold, prunes what is no longer in the plan.

mod job;
mod memory;
mod others;
mod remove;

use std::collections::HashSet;

use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use kube::{
    ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::json;

use crate::{
    certificate::Certificate,
    error::{Error, call},
    explain::explain,
    gate::State,
    generated::{Generate, draw},
    hash,
    namespace::Known,
    object::{APPLIED, Object, REVISION, Write},
    plan::{Gate, Plan, Stage},
    status::{Achieved, Status},
    world::{ASIDE, World, encoded},
};

use self::remove::{delete, leave, prune};

/// Where a plan stands after one pass.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The first gate that does not hold, and why.
    pub waiting: Option<(&'static str, String)>,
    /// What was put back, for people.
    pub repaired: Vec<String>,
    /// What was written, for the log.
    pub written: Vec<String>,
    /// What Jobs have achieved by now.
    pub achieved: Vec<Achieved>,
    /// When to look again although nothing happens.
    pub next: Option<Timestamp>,
    /// The API server refused a write: look again with growing distance.
    pub refused: bool,
}

impl Outcome {
    fn wait(&mut self, stage: &Stage, why: String) {
        self.waiting.get_or_insert((stage.name, why));
    }

    /// What a Job has achieved by now; `None`: nothing that counts.
    pub(crate) fn achieve(&mut self, job: &str, done: Option<Achieved>) {
        if self.achieved.iter().find(|before| before.job == job) != done.as_ref() {
            self.achieved.retain(|before| before.job != job);
            self.achieved.extend(done);
        }
    }

    fn achieved(&self, job: &str) -> Option<&str> {
        self.achieved.iter().find(|done| done.job == job).map(|done| done.what.as_str())
    }

    /// Looks again at that time although nothing happens.
    pub(crate) fn look_again(&mut self, at: Timestamp) {
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }
}

/// Applies a plan as far as its gates let it.
///
/// `settled`: all of it was up when we last looked, so what has stood and is not there now has been taken away. What has never stood is
/// new, for example in a release of ours.
pub async fn apply(
    plan: &Plan,
    world: &World,
    status: Option<&Status>,
    settled: bool,
) -> Result<Outcome, Error> {
    let mut outcome = Outcome {
        achieved: status.map(|status| status.achieved.clone()).unwrap_or_default(),
        ..Default::default()
    };
    let issued = plan.objects().filter(|object| matches!(object.write, Write::Issue(_)));
    let issued: HashSet<_> = issued.map(|object| object.body.name_any()).collect();
    if world.fresh() {
        ahead(plan, world, &issued).await;
    }
    leave(plan, world, &mut outcome).await?;
    for stage in &plan.stages {
        let held = stage.held || outcome.waiting.is_some();
        for object in &stage.objects {
            let mut pass = Pass { plan, world, stage, held, settled, issued: &issued, outcome: &mut outcome };
            match pass.one(object).await {
                Ok(()) => {}
                // Others may still be repaired; what was refused is told, and tried again.
                Err(error) if error.refused() => {
                    outcome.refused = true;
                    outcome.wait(stage, error.to_string());
                }
                Err(error) => return Err(error),
            }
        }
    }
    if outcome.waiting.is_none() && !plan.partial {
        prune(plan, world, &mut outcome).await?;
    }
    if let Some(time) = plan.again.and_then(|time| SignedDuration::try_from(time).ok()) {
        outcome.look_again(Timestamp::now() + time);
    }
    // The plan and the report that follow are made from what has just been achieved, and no watch tells of that.
    if outcome.waiting.is_none() && status.is_none_or(|status| status.achieved != outcome.achieved) {
        outcome.look_again(Timestamp::now());
    }
    Ok(outcome)
}

/// Looks side by side at what is there of a plan.
async fn ahead(plan: &Plan, world: &World, issued: &HashSet<String>) {
    let standing = plan.objects().filter(|object| !matches!(object.write, Write::Run { .. }));
    let looks: Vec<_> = standing
        .map(async |object| {
            let dressed = dress(world, issued, object).await?;
            world.look(&dressed).await
        })
        .collect();
    // What fails is looked at again in its turn.
    stream::iter(looks).buffer_unordered(ASIDE).for_each(async |_| {}).await;
}

/// Labels, owner, safe pods, and the hash of the configuration that its pods refer to.
async fn dress(world: &World, issued: &HashSet<String>, object: &Object) -> Result<Object, Error> {
    let (mut config, mut certificates) = (vec![], vec![]);
    for (kind, name) in object.configuration() {
        let hash = world.content_hash(kind, &name).await?;
        if kind == "Secret" && issued.contains(&name) { &mut certificates } else { &mut config }
            .push(format!("{name} {hash}"));
    }
    let config = if config.is_empty() { String::new() } else { hash(&config) };
    let certificates = if certificates.is_empty() { String::new() } else { hash(&certificates) };
    Ok(object.clone().belonging_to(&world.owner, &config, &certificates))
}

/// One object in one pass.
struct Pass<'a> {
    plan: &'a Plan,
    world: &'a World,
    stage: &'a Stage,
    /// An earlier gate does not hold: nothing may begin, nothing may move to another revision.
    held: bool,
    /// All of it was up when we last looked.
    settled: bool,
    /// Secrets whose content is a certificate of ours: its renewal rolls pods, but is no new revision of them.
    issued: &'a HashSet<String>,
    outcome: &'a mut Outcome,
}

impl Pass<'_> {
    async fn one(&mut self, object: &Object) -> Result<(), Error> {
        let object = &dress(self.world, self.issued, object).await?;
        if let Write::Run { achieves, volume, answers } = &object.write {
            return self.run(object, achieves, volume.as_deref(), *answers).await;
        }
        let mut known = self.world.look(object).await?;
        if known.is_none() {
            if self.held {
                return Ok(());
            }
            known = self.stranger(object).await?;
        }
        let Some(known) = known else { return self.create(object).await };
        self.ours(object, &known.metadata)?;
        let same = |key: &str| {
            known.metadata.annotations.as_ref().and_then(|all| all.get(key)).map(String::as_str)
                == Some(object.annotation(key))
        };
        let due = match &object.write {
            Write::Issue(certificate) => {
                self.renewal(object, certificate).await?.is_none_or(|at| at <= Timestamp::now())
            }
            _ => false,
        };
        // A Job that is applied is one that runs as long as it is wanted.
        if object.api.kind == "Job" && !matches!(known.state, State::Waits(_)) {
            return self.replace(object, &known).await;
        }
        if same(APPLIED) && known.drift.is_empty() && !due {
            self.judge(object, &known);
            return Ok(());
        }
        if self.held && !same(REVISION) && !matches!(object.write, Write::Issue(_)) {
            return Ok(());
        }
        if same(APPLIED) && !known.drift.is_empty() {
            self.outcome.repaired.push(format!("{}: {}", object.title(), known.drift.join(", ")));
        }
        let known = match self.write(object, due).await {
            Err(Error::Api { code: Some(422), .. }) if self.replaceable(object).await? => {
                return self.replace(object, &known).await;
            }
            written => written?,
        };
        self.judge(object, &known);
        Ok(())
    }

    /// A Job, whose pods cannot be others; and a volume claim that no volume answers, for example because its class does not
    /// exist: nothing is lost with it.
    async fn replaceable(&self, object: &Object) -> Result<bool, Error> {
        if object.api.kind == "Job" {
            return Ok(true);
        }
        if object.api.kind != "PersistentVolumeClaim" {
            return Ok(false);
        }
        let name = object.body.name_any();
        let live = call("get", object.title(), self.world.api(&object.api).get_opt(&name)).await?;
        Ok(live.is_some_and(|live| live.data["spec"]["volumeName"].is_null()))
    }

    /// Deletes an object that cannot be changed; it is created as wanted when it is gone.
    async fn replace(&mut self, object: &Object, known: &Known) -> Result<(), Error> {
        if known.metadata.deletion_timestamp.is_none() {
            delete(self.world, &object.api, &object.body.name_any(), known.metadata.uid.clone()).await?;
            self.outcome.written.push(format!("deleted {}, which is to be made anew", object.title()));
        }
        self.outcome.wait(self.stage, format!("{} is being replaced", object.title()));
        Ok(())
    }

    /// An object of that name that the watch does not show: one without our labels, or just made.
    async fn stranger(&self, object: &Object) -> Result<Option<Known>, Error> {
        let name = object.body.name_any();
        let Some(live) = call("get", object.title(), self.world.api(&object.api).get_opt(&name)).await?
        else {
            return Ok(None);
        };
        Ok(Some(self.world.learn(object, live, true)))
    }

    async fn create(&mut self, object: &Object) -> Result<(), Error> {
        if self.settled && self.world.namespace.has_stood(&object.api.kind, &object.body.name_any()) {
            self.outcome.repaired.push(format!("{}: it was gone", object.title()));
        }
        let known = match &object.write {
            Write::Generate(values) => self.generate(object, values.clone()).await?,
            _ => self.write(object, true).await?,
        };
        self.judge(object, &known);
        Ok(())
    }

    /// Draws the values of a Secret and creates it; one that is there already stays.
    async fn generate(
        &mut self,
        object: &Object,
        values: Vec<(&'static str, Generate)>,
    ) -> Result<Known, Error> {
        let drawn = tokio::task::spawn_blocking(move || draw(&values)).await;
        let drawn = drawn.map_err(|_| Error::Slow { what: format!("drawing {}", object.title()) })??;
        let mut body = object.body.clone();
        body.data["data"] = encoded(&drawn);
        let api = self.world.api(&object.api);
        let parameters =
            PostParams { field_manager: Some(self.world.owner.manager.into()), ..Default::default() };
        let created = call("create", object.title(), api.create(&parameters, &body)).await;
        let live = match created {
            Err(Error::Api { code: Some(409), .. }) => {
                call("get", object.title(), api.get(&object.body.name_any())).await?
            }
            other => {
                self.outcome.written.push(format!("created {}", object.title()));
                other?
            }
        };
        Ok(self.world.learn(object, live, true))
    }

    /// Writes an object as stated. `anew`: a certificate has to be issued.
    async fn write(&mut self, object: &Object, anew: bool) -> Result<Known, Error> {
        let (api, name) = (self.world.api(&object.api), object.body.name_any());
        let mut body = object.body.clone();
        let patch = match &object.write {
            // Its values were created, not applied: an apply without them would not take them, but could not drop an owner either.
            Write::Generate(_) => {
                let owners = body.metadata.owner_references.clone();
                let metadata = json!({ "labels": body.metadata.labels, "annotations": body.metadata.annotations, "ownerReferences": owners });
                let merge = Patch::Merge(json!({ "metadata": metadata }));
                let parameters = PatchParams {
                    field_manager: Some(self.world.owner.manager.into()),
                    ..Default::default()
                };
                call("patch", object.title(), api.patch(&name, &parameters, &merge)).await?
            }
            write => {
                if let Write::Issue(certificate) = write {
                    body.data["data"] = self.values(object, certificate, anew).await?;
                }
                let parameters = PatchParams::apply(self.world.owner.manager).force();
                call("apply", object.title(), api.patch(&name, &parameters, &Patch::Apply(&body))).await?
            }
        };
        self.outcome.written.push(format!("applied {}", object.title()));
        let mut known = self.world.learn(object, patch, true);
        // What the API server itself makes of our fields is no drift; without this we would write the same for ever.
        if !known.drift.is_empty() {
            tracing::debug!(object = object.title(), drift = ?known.drift, "normalised by the API server");
            known.drift.clear();
            self.world.namespace.remember(&object.api.kind, &name, known.clone());
        }
        Ok(known)
    }

    /// The values of a certificate's Secret: those that it has, or newly issued ones.
    async fn values(
        &self,
        object: &Object,
        certificate: &Certificate,
        anew: bool,
    ) -> Result<serde_json::Value, Error> {
        let live = self.world.secret(&object.body.name_any()).await?;
        let values = match live {
            Some(live) if !anew => live,
            _ => {
                let certificate = certificate.clone();
                let issued = tokio::task::spawn_blocking(move || certificate.issue()).await;
                issued.map_err(|_| Error::Slow { what: format!("issuing {}", object.title()) })??
            }
        };
        Ok(encoded(&values))
    }

    /// When a certificate has to be issued anew; that time is one at which we look again by ourselves.
    async fn renewal(
        &mut self,
        object: &Object,
        certificate: &Certificate,
    ) -> Result<Option<Timestamp>, Error> {
        let values = self.world.secret(&object.body.name_any()).await?.unwrap_or_default();
        let at = certificate.renewal(&values);
        if let Some(at) = at.filter(|at| *at > Timestamp::now()) {
            self.outcome.look_again(at);
        }
        Ok(at)
    }

    /// Holds the gate for an object that is as stated.
    fn judge(&mut self, object: &Object, known: &Known) {
        self.world.namespace.stands(&object.api.kind, &object.body.name_any());
        if self.stage.gate != Gate::Applied && known.state != State::Holds {
            let why = explain(&self.world.namespace, object, &object.body.name_any(), &known.state);
            self.outcome.wait(self.stage, why);
        }
        if self.stage.gate == Gate::Idle {
            // A workload does not count pods that are about to end.
            let working = self.world.serving(object.component()).len();
            if working > 0 {
                self.outcome.wait(
                    self.stage,
                    format!("{}: {working} pods still end what they are at", object.title()),
                );
            }
        }
    }
}
