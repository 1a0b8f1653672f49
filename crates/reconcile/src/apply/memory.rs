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

    /// What the Job has achieved on it.
    pub(super) fn achieved(&self) -> Option<&str> {
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
        what: Option<&str>,
        claim: Option<&Claim>,
    ) -> Result<(), Error> {
        if let Some(claim) = claim.filter(|claim| claim.achieved() != what) {
            claim.write(self.world, what).await?;
            self.outcome.written.push(format!("annotated {KIND} {}", claim.name));
        }
        self.outcome.achieve(job, what);
        Ok(())
    }
}
