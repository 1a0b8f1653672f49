//! What of an instance runs or may begin to: looked at where somebody asked it to stand still altogether.

use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    batch::v1::{CronJob, Job},
    core::v1::Pod,
};
use kube::{ResourceExt, api::ApiResource};
use serde_json::Value;

use crate::{error::Error, world::World};

/// Label that says which part of an instance something belongs to.
const COMPONENT: &str = "app.kubernetes.io/component";

impl World {
    /// What of the instance runs or may begin to by itself, for people; parts that are named may. Costs a read for each workload that has
    /// changed since the last one.
    pub async fn running(&self, may: &[&str]) -> Result<Vec<String>, Error> {
        let may = |component: Option<&String>| component.is_some_and(|part| may.contains(&part.as_str()));
        let mut found = vec![];
        let kinds = [
            ApiResource::erase::<Deployment>(&()),
            ApiResource::erase::<StatefulSet>(&()),
            ApiResource::erase::<Job>(&()),
            ApiResource::erase::<CronJob>(&()),
        ];
        for api in kinds {
            for seen in self.all(&api.kind) {
                let name = seen.name_any();
                if !self.owner.labelled(&seen.metadata) || may(seen.labels().get(COMPONENT)) {
                    continue;
                }
                let Some(live) = self.read(&api, &name).await? else { continue };
                if moves(&api.kind, &live.data, live.metadata.generation) {
                    found.push(format!("{} {name}", api.kind));
                }
            }
        }
        let pods = self.namespace.pods(&[("app.kubernetes.io/instance", &self.owner.name)]);
        let pods = pods.iter().filter(|pod| !ended(pod) && !may(pod.labels().get(COMPONENT)));
        found.extend(pods.map(|pod| format!("Pod {}", pod.name_any())));
        Ok(found)
    }
}

/// Whether a pod has come to its end.
pub(crate) fn ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// Whether a live object has pods, or will have some although nobody changes it.
fn moves(kind: &str, live: &Value, generation: Option<i64>) -> bool {
    let number = |path: &str| live.pointer(path).and_then(Value::as_i64);
    match kind {
        "Deployment" | "StatefulSet" => {
            // Until its controller has seen that there are to be none, it may still make some.
            number("/spec/replicas") != Some(0)
                || number("/status/observedGeneration") < generation
                || number("/status/replicas").is_some_and(|pods| pods > 0)
        }
        "Job" => {
            let ended = |condition: &Value| {
                condition["status"] == "True"
                    && ["Complete", "Failed"].iter().any(|end| condition["type"] == *end)
            };
            let conditions = live.pointer("/status/conditions").and_then(Value::as_array);
            !conditions.is_some_and(|conditions| conditions.iter().any(ended))
        }
        _ => {
            let active = live.pointer("/status/active").and_then(Value::as_array);
            live["spec"]["suspend"] != true || active.is_some_and(|active| !active.is_empty())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_can_make_no_pod_any_more_stands_still() {
        let deployment = |wanted, seen, pods| {
            let status = json!({ "observedGeneration": seen, "replicas": pods });
            moves("Deployment", &json!({ "spec": { "replicas": wanted }, "status": status }), Some(3))
        };
        assert!(!deployment(0, 3, 0));
        assert!(deployment(1, 3, 1) && deployment(0, 2, 0) && deployment(0, 3, 1));
        assert!(
            moves("Deployment", &json!({ "spec": { "replicas": 0 } }), Some(1)),
            "nobody has seen it yet"
        );
        let job = |type_: &str| {
            moves("Job", &json!({ "status": { "conditions": [{ "type": type_, "status": "True" }] } }), None)
        };
        assert!(!job("Complete") && !job("Failed") && job("Suspended") && moves("Job", &json!({}), None));
        let cron = |suspend, active: Value| {
            moves("CronJob", &json!({ "spec": { "suspend": suspend }, "status": { "active": active } }), None)
        };
        assert!(!cron(true, Value::Null) && !cron(true, json!([])));
        assert!(cron(false, json!([])) && cron(true, json!([{ "name": "j" }])));
    }
}
