//! What a restore has made is taken away again: when it fails or is deleted before anything was started on it, and after a drill.

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams},
};
use reconcile::{Error, call};
use serde_json::json;

use super::{
    super::{jobs, names, services},
    run::{Run, Step},
};
use crate::crd::{RestorePhase, RestoreStatus};

impl Run<'_> {
    /// Whether it belongs to a drill.
    pub fn drills(&self) -> bool {
        self.restore.labels().contains_key(names::DRILL)
    }

    /// Whether there is something of it that nobody can use: services that were made and not filled, or what a drill has made.
    pub fn half_made(&self, status: &RestoreStatus) -> bool {
        let half = [RestorePhase::Preparing, RestorePhase::Filling, RestorePhase::Undoing];
        let made = !self.restore.spec.in_place && !self.restore.spec.dry_run && !status.instances.is_empty();
        made && (half.contains(&status.phase) || self.drills())
    }

    /// It has failed: what it has made goes, so that it can be asked for again, and nothing starts on half of its data.
    pub async fn undo(&self, status: &RestoreStatus) -> Result<Step, Error> {
        let why = status.conditions.iter().find(|one| one.type_ == "Complete").map(|one| one.message.clone());
        let why = why.unwrap_or_default();
        match self.undone(status).await {
            Ok(true) => Ok(Step::Fail(why)),
            Ok(false) => Ok(Step::Wait(why)),
            // Who has taken our rights meanwhile has to do it himself.
            Err(Error::Forbidden { what, .. }) => {
                Ok(Step::Fail(format!("{why}; what it has made stays: no permission to {what}")))
            }
            Err(error) => Err(error),
        }
    }

    /// Takes away what it has made; whether all of it is gone.
    pub async fn undone(&self, status: &RestoreStatus) -> Result<bool, Error> {
        let client = &self.term.client;
        let made = ListParams::default().labels(&format!("{}={}", names::RUN, self.uid));
        let parameters = DeleteParams::default();
        let mut gone = true;
        for one in &status.instances {
            jobs::delete(client, &one.to.namespace, self.uid).await?;
            // One of that name that somebody else has made is none of ours, whatever else is wrong.
            let ours = |service: &services::Service| {
                service.object.labels().get(names::RUN).is_some_and(|run| run == self.uid)
            };
            if let Some(service) = services::one(client, &one.to).await?.filter(ours) {
                gone = false;
                if service.object.metadata.deletion_timestamp.is_none() {
                    self.delete(&service).await?;
                }
                continue;
            }
            let secrets: Api<Secret> = Api::namespaced(client.clone(), &one.to.namespace);
            call("delete", "Secrets of a restore", secrets.delete_collection(&parameters, &made)).await?;
            let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &one.to.namespace);
            call("delete", "ConfigMaps of a restore", maps.delete_collection(&parameters, &made)).await?;
        }
        Ok(gone)
    }

    /// Deletes a service with its volumes: what is in them is in the set.
    async fn delete(&self, service: &services::Service) -> Result<(), Error> {
        let Some(kind) = services::resource(&service.of.kind) else { return Ok(()) };
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.term.client.clone(), &service.of.namespace, &kind);
        let (name, what) = (&service.of.name, service.of.to_string());
        if service.object.data["spec"]["deletionPolicy"] != "Delete" {
            let patch = Patch::Merge(json!({ "spec": { "deletionPolicy": "Delete" } }));
            call("patch", &what, api.patch(name, &PatchParams::default(), &patch)).await?;
        }
        match call("delete", &what, api.delete(name, &DeleteParams::default())).await {
            Ok(_) | Err(Error::Api { code: Some(404), .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
