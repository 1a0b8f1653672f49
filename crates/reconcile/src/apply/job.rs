//! Jobs that run until they have achieved something once.

use jiff::{SignedDuration, Timestamp};
use kube::{ResourceExt, api::PostParams};

use super::{Pass, memory::Claim, remove::delete};
use crate::{
    data::Data,
    error::{Error, call},
    explain::explain,
    gate::State,
    hash,
    object::{Object, REVISION, RUN},
    status::Achieved,
};

/// How long a Job that failed for good rests before it is started anew: what it failed of may have been mended outside.
const RETRY: SignedDuration = SignedDuration::from_secs(120);

/// What is wanted of a Job; see `Write::Run`.
pub(super) struct Wanted<'a> {
    pub achieves: &'a str,
    pub volume: Option<&'a str>,
    pub answers: bool,
    pub data: &'a Data,
}

impl Pass<'_> {
    /// A Job that runs until it has achieved something once.
    pub(super) async fn run(
        &mut self,
        object: &Object,
        Wanted { achieves, volume, answers, data }: Wanted<'_>,
    ) -> Result<(), Error> {
        let base = object.body.name_any();
        let claim = volume.and_then(|volume| Claim::recall(self.world, volume, &base));
        match (volume, &claim) {
            // The volume may be older than the custom resource, or younger than its status.
            (_, Some(claim)) => self.outcome.achieve(&base, claim.achieved(&base)),
            // Its own stage says more, unless a plan has forgotten it.
            (Some(volume), None) => {
                self.outcome.wait(self.stage, format!("PersistentVolumeClaim {volume} is not there"));
                return Ok(());
            }
            (None, None) => {}
        }
        if self.outcome.achieved(&base).is_some_and(|achieved| data.counts(achieved, achieves)) {
            return Ok(());
        }
        let mut object = object.clone();
        // Its name carries the hash of all that it is: a mended password is a new Job, an unchanged one is never started twice.
        // A renewed certificate makes no other Job: it would end one that has run for hours. On another volume it is another Job.
        let volume = claim.as_ref().map(Claim::uid);
        let identity = hash(&(object.annotation(REVISION), &self.world.owner.reference.uid, volume));
        let name = format!("{base}-{}", &identity[..8]);
        object.body.metadata.name = Some(name.clone());
        object.body.labels_mut().insert(RUN.into(), base.clone());
        let api = self.world.api(&object.api);
        let mut others = self.world.all("Job");
        others.retain(|job| job.labels().get(RUN) == Some(&base) && job.name_any() != name);
        others.retain(|job| {
            job.metadata
                .labels
                .as_ref()
                .is_some_and(|all| all.get("app.kubernetes.io/instance") == Some(&self.world.owner.name))
        });
        let known = self.world.look(&object).await?;
        if known.is_none() && !self.held {
            self.alone().await?;
        }
        if known.as_ref().is_none_or(|known| known.state != State::Holds) && !(self.held && known.is_none()) {
            // What was achieved before no longer holds once something else has begun: going back is another run. Written before
            // anything begins, so that it is so whenever we die.
            self.remember(&base, None, claim.as_ref()).await?;
        }
        let Some(known) = known else {
            for job in &others {
                if job.metadata.deletion_timestamp.is_none() {
                    delete(self.world, &object.api, &job.name_any(), job.metadata.uid.clone()).await?;
                }
            }
            // Two at once would do the same work against each other.
            if let Some(job) = others.first() {
                self.outcome.wait(self.stage, format!("Job {} is being replaced by {name}", job.name_any()));
            } else if !self.held {
                let parameters =
                    PostParams { field_manager: Some(self.world.owner.manager.into()), ..Default::default() };
                match call("create", object.title(), api.create(&parameters, &object.body)).await {
                    Ok(live) => {
                        self.outcome.written.push(format!("created {}", object.title()));
                        self.world.learn(&object, live, true);
                    }
                    Err(Error::Api { code: Some(409), .. }) => {}
                    Err(error) => return Err(error),
                }
                self.outcome.wait(self.stage, format!("Job {name}: is running"));
            }
            return Ok(());
        };
        if known.metadata.deletion_timestamp.is_some() {
            self.outcome.wait(self.stage, format!("Job {name} is being deleted"));
            return Ok(());
        }
        match &known.state {
            State::Holds => {
                let said = match self.answer(&name) {
                    Answer::Given(said) => Some(said),
                    Answer::None | Answer::Awaited if !answers => None,
                    Answer::Awaited => {
                        self.outcome
                            .wait(self.stage, format!("Job {name}: has ended, and its answer is on the way"));
                        return Ok(());
                    }
                    Answer::None => {
                        delete(self.world, &object.api, &name, known.metadata.uid.clone()).await?;
                        let why = format!("Job {name}: its answer went with its pod; it runs once more");
                        self.outcome.wait(self.stage, why);
                        return Ok(());
                    }
                };
                let done = Achieved { job: base.clone(), what: data.mark(achieves), said };
                self.remember(&base, Some(done), claim.as_ref()).await?;
            }
            State::Failed(_) => {
                let again = known.since.unwrap_or_else(Timestamp::now) + RETRY;
                let why = explain(&self.world.namespace, &object, &name, &known.state);
                if again <= Timestamp::now() {
                    delete(self.world, &object.api, &name, known.metadata.uid.clone()).await?;
                }
                self.outcome.look_again(again);
                self.outcome.wait(self.stage, format!("{why}; it is tried again two minutes after it failed, or at once when what it uses changes"));
            }
            State::Waits(_) => {
                let why = explain(&self.world.namespace, &object, &name, &known.state);
                self.outcome.wait(self.stage, why);
            }
        }
        Ok(())
    }

    /// What a Job that has ended well said last.
    fn answer(&self, job: &str) -> Answer {
        let pods = self.world.namespace.pods(&[("batch.kubernetes.io/job-name", job)]);
        let ended = pods.iter().flat_map(|pod| {
            let containers = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
            containers.filter_map(|container| container.state.as_ref()?.terminated.as_ref())
        });
        let mut well = ended.filter(|ended| ended.exit_code == 0);
        match well.next() {
            Some(ended) => {
                ended.message.as_deref().map_or(Answer::None, |said| Answer::Given(said.trim().into()))
            }
            None if pods.is_empty() => Answer::None,
            None => Answer::Awaited,
        }
    }
}

/// What a Job that has ended well said last.
enum Answer {
    Given(String),
    /// The watch of pods is behind that of Jobs.
    Awaited,
    /// Nothing, or nobody can say any more.
    None,
}
