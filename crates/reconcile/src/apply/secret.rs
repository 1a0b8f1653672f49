//! Secrets that are drawn once, and those that somebody has made beforehand, from a backup for example: they are taken as they are.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{
    ResourceExt,
    api::{DynamicObject, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use super::Pass;
use crate::{
    error::{Error, call},
    generated::{Generate, draw},
    namespace::Known,
    object::{Object, Write},
    world::{Values, encoded},
};

impl Pass<'_> {
    /// Draws the values of a Secret and creates it; one that is there already stays.
    pub(super) async fn generate(
        &mut self,
        object: &Object,
        values: Vec<(&'static str, Generate)>,
    ) -> Result<Known, Error> {
        let mut body = object.body.clone();
        body.data["data"] = encoded(&drawn(object, values).await?);
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

    /// Puts labels and owner on a Secret that is there, and draws what it lacks. Its values were created, not applied: an apply without
    /// them would not take them, but could not drop an owner either.
    pub(super) async fn adopt(&mut self, object: &Object) -> Result<DynamicObject, Error> {
        let of = &object.body.metadata;
        let mut patch = json!({ "metadata": {
            "labels": of.labels, "annotations": of.annotations, "ownerReferences": of.owner_references,
        } });
        let lacking = self.lacking(object).await?;
        if !lacking.is_empty() {
            patch["data"] = encoded(&drawn(object, lacking).await?);
            // Whoever fills it at this moment is not overwritten.
            let known = self.world.namespace.recall(&object.api.kind, &object.body.name_any());
            let version = known.and_then(|known| known.metadata.resource_version);
            patch["metadata"]["resourceVersion"] = version.map_or(Value::Null, Into::into);
        }
        let parameters =
            PatchParams { field_manager: Some(self.world.owner.manager.into()), ..Default::default() };
        let (api, name) = (self.world.api(&object.api), object.body.name_any());
        call("patch", object.title(), api.patch(&name, &parameters, &Patch::Merge(&patch))).await
    }

    /// What a drawn Secret that is there lacks and may be given.
    pub(super) async fn lacking(&self, object: &Object) -> Result<Vec<(&'static str, Generate)>, Error> {
        let Write::Generate(wanted) = &object.write else { return Ok(vec![]) };
        if !object.complete {
            return Ok(vec![]);
        }
        let values = self.world.secret(&object.body.name_any()).await?.unwrap_or_default();
        let there = |key: &String| values.get(key).is_some_and(|value| !value.is_empty());
        let mut lacking = wanted.clone();
        lacking.retain(|(key, what)| !what.keys(key).iter().any(there));
        Ok(lacking)
    }

    /// Whether a certificate that somebody has put back is one of our authority's. A key that was put back need not have our labels.
    pub(super) async fn restored(&self, object: &Object, live: &ObjectMeta) -> Result<bool, Error> {
        let Write::Issue(certificate) = &object.write else { return Ok(false) };
        if self.world.owner.anothers(live) || live.owner_references.iter().flatten().next().is_some() {
            return Ok(false);
        }
        let values = self.world.secret(&object.body.name_any()).await?;
        Ok(values.is_some_and(|values| certificate.belongs(&values)))
    }
}

/// Draws values; slow when an authority is among them.
async fn drawn(object: &Object, values: Vec<(&'static str, Generate)>) -> Result<Values, Error> {
    let drawn = tokio::task::spawn_blocking(move || draw(&values)).await;
    Ok(drawn.map_err(|_| Error::Slow { what: format!("drawing {}", object.title()) })??)
}
