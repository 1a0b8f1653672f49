//! The smallest service there can be, to rehearse what all have in common: a note is a `ConfigMap` with its text.

use kube::{CustomResource, KubeSchema, ResourceExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{About, Error, Fault, Gate, Kind, Managed, Part, Plan, Report, Status, World};

#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "test.theforeman.org",
    version = "v1",
    kind = "Note",
    plural = "notes",
    namespaced,
    status = "Status"
)]
pub struct NoteSpec {
    /// What it says.
    pub text: String,
}

pub const PATH: &str = "/apis/test.theforeman.org/v1/namespaces/n/notes/note";
pub const WRITTEN: &str = "/api/v1/namespaces/n/configmaps/note";

pub fn note() -> Value {
    json!({
        "apiVersion": "test.theforeman.org/v1", "kind": "Note", "metadata": { "name": "note", "namespace": "n", "uid": "1" },
        "spec": { "text": "hello" },
    })
}

impl Managed for Note {
    type Observed = ();
    type Checked = (String, String);

    const ABOUT: About = About { operator: "note-operator", version: "1" };

    fn kinds() -> Vec<Kind> {
        vec![Kind::owned::<k8s_openapi::api::core::v1::ConfigMap>()]
    }

    fn status(&self) -> Option<&Status> {
        self.status.as_ref()
    }

    fn paused(&self) -> bool {
        false
    }

    fn references(&self) -> Vec<(&'static str, String)> {
        vec![]
    }

    async fn read(&self, _: &World) -> Result<(), Error> {
        Ok(())
    }

    fn check(&self, (): &()) -> Result<Self::Checked, Vec<Fault>> {
        Ok((self.name_any(), self.spec.text.clone()))
    }

    fn plan((name, text): &Self::Checked, (): &()) -> Plan {
        let part = Part { application: "note", instance: name.clone(), component: String::new() };
        Plan::new().stage("Text", Gate::Applied, vec![part.config_map([("text", text.clone())])])
    }

    fn report(_: &Self::Checked, (): &(), _: bool) -> Report {
        Report::default()
    }
}
