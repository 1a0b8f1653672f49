//! What an instance needs done outside the API server, such as a registration with another service: after every gate holds, and once more
//! before the custom resource goes.
//!
//! Nothing out there is watched. It is looked at in every pass, and at a time that the last look gave; what was found stays said until then.

use jiff::Timestamp;
use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
};
use serde_json::json;

use crate::{
    apply::Outcome,
    error::{Error, call},
    managed::Managed,
    status::{Achieved, Feature, News},
};

/// What came of a look outside.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    /// Conditions; their types are those of [`Managed::OUTSIDE`].
    pub conditions: Vec<News>,
    /// Types of those that stay as they were said last: they could not be looked at.
    pub unsaid: Vec<&'static str>,
    /// What the service can do, as it says itself.
    pub features: Vec<Feature>,
    /// What was achieved, to be remembered.
    pub achieved: Option<Achieved>,
    /// Why the instance is not ready although all of it runs.
    pub waiting: Option<(&'static str, String)>,
    /// When to look again although nothing happens.
    pub next: Option<Timestamp>,
}

/// Whether an instance that is being deleted may go.
#[derive(Clone, Debug)]
pub enum Leave {
    /// Nothing outside knows of it any more; for people, what was done.
    Gone(String),
    /// Something does; the condition says what and how to mend it.
    Blocked(News, Timestamp),
}

/// Puts our finalizer on a custom resource, or takes it off; those of others stay.
pub(crate) async fn finalizer<K: Managed>(object: &K, client: &Client, held: bool) -> Result<(), Error> {
    let Some(finalizer) = K::FINALIZER else { return Ok(()) };
    if object.finalizers().iter().any(|name| name == finalizer) == held {
        return Ok(());
    }
    let api = ApiResource::erase::<K>(&());
    let finalizers: &[&str] = if held { &[finalizer] } else { &[] };
    // With its uid, so that one that is gone meanwhile is not made anew.
    let body = json!({ "apiVersion": api.api_version, "kind": api.kind,
        "metadata": { "uid": object.uid(), "finalizers": finalizers } });
    let name = object.name_any();
    let namespaced: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), &object.namespace().unwrap_or_default(), &api);
    // A manager of its own: what else is stated of the metadata is not ours to take away.
    let manager = format!("{}-finalizer", K::ABOUT.operator);
    let parameters = PatchParams::apply(&manager).force();
    let body = Patch::Apply(&body);
    let request = namespaced.patch(&name, &parameters, &body);
    match call("patch", format!("{} {name}", api.kind), request).await {
        Ok(_) | Err(Error::Api { code: Some(404 | 409), .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

impl Outcome {
    /// Takes over what was found outside.
    pub(crate) fn take(&mut self, outside: &mut Outside) {
        if let Some(done) = outside.achieved.take() {
            self.achieve(&done.job.clone(), Some(done));
        }
        if let Some(next) = outside.next {
            self.look_again(next);
        }
        self.waiting = outside.waiting.take();
    }
}
