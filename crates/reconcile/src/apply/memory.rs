//! Where it is remembered what Jobs have achieved: in the status, or by the claim of the volume that the result lies on.

use std::time::Instant;

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::api::{ApiResource, Patch, PatchParams};
use serde_json::json;

use super::Pass;
use crate::{
    error::{Error, call},
    namespace::Known,
    object::ACHIEVED,
    status::Achieved,
    world::World,
};

const KIND: &str = "PersistentVolumeClaim";

/// The claim of the volume that a Job's result lies on.
pub(super) struct Claim {
    name: String,
    /// The annotation that is the Job's.
    key: String,
    known: Known,
}

impl Claim {
    /// The claim as it was when its own stage was gone through, or as we wrote it since. `None`: there is none.
    pub(super) fn recall(world: &World, name: &str, job: &str) -> Option<Self> {
        let known = world.namespace.recall(KIND, name)?;
        Some(Self { name: name.into(), key: format!("{ACHIEVED}{job}"), known })
    }

    /// What distinguishes it from another one of its name.
    pub(super) fn uid(&self) -> Option<&str> {
        self.known.metadata.uid.as_deref()
    }

    /// What the Job has achieved on it; what it said stands on the lines below.
    pub(super) fn achieved(&self, job: &str) -> Option<Achieved> {
        let text = self.text()?;
        let (what, said) = text.split_once('\n').map_or((text, None), |(what, said)| (what, Some(said)));
        Some(Achieved { job: job.into(), what: what.into(), said: said.map(Into::into) })
    }

    fn text(&self) -> Option<&str> {
        self.known.metadata.annotations.as_ref()?.get(&self.key).map(String::as_str)
    }

    async fn write(&self, world: &World, what: Option<&str>) -> Result<(), Error> {
        // With its uid the API server refuses what is meant for a claim that has gone meanwhile. A merge, because an apply of this
        // alone would drop all else that we have applied.
        let patch = json!({ "metadata": { "uid": self.uid(), "annotations": { &self.key: what } } });
        let parameters =
            PatchParams { field_manager: Some(world.owner.manager.into()), ..Default::default() };
        let api = world.api(&ApiResource::erase::<PersistentVolumeClaim>(&()));
        let patch = Patch::Merge(patch);
        let request = api.patch(&self.name, &parameters, &patch);
        let mut metadata = call("annotate", format!("{KIND} {}", self.name), request).await?.metadata;
        metadata.managed_fields = None;
        let known = Known { metadata, written: Some(Instant::now()), ..self.known.clone() };
        world.namespace.remember(KIND, &self.name, known);
        Ok(())
    }
}

impl Pass<'_> {
    /// Remembers what a Job has achieved, or that nothing counts any more because another one begins.
    pub(super) async fn remember(
        &mut self,
        job: &str,
        done: Option<Achieved>,
        claim: Option<&Claim>,
    ) -> Result<(), Error> {
        let text = done.as_ref().map(|done| {
            done.said.as_ref().map_or_else(|| done.what.clone(), |said| format!("{}\n{said}", done.what))
        });
        if let Some(claim) = claim.filter(|claim| claim.text() != text.as_deref()) {
            claim.write(self.world, text.as_deref()).await?;
            self.outcome.written.push(format!("annotated {KIND} {}", claim.name));
        }
        self.outcome.achieve(job, done);
        Ok(())
    }
}
