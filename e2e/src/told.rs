//! What the operator tells people, what that costs the API server, and what it costs the operator itself.

use std::time::Duration;

use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::{Api, ResourceExt};

use crate::{Audit, LONG, Operator, Story, operator, story::condition, wait};

/// The smallest Foreman: no plugins, and so neither workers nor Candlepin.
pub const SMALL: &str = "
apiVersion: app.theforeman.org/v1alpha1
kind: Foreman
metadata: {name: myforeman}
spec: {plugins: {}}
";

/// The stages of an installation, as the reasons of its conditions, and its end.
const STAGES: [&str; 10] =
    ["Secrets", "Database", "Queue", "Migrate", "Candlepin", "Workers", "Web", "Proxy", "Recurring", "Ready"];

impl Story {
    /// Creates a Foreman with this spec in YAML.
    pub async fn state(&self, spec: &str) {
        let manifest = SMALL.replace("spec: {plugins: {}}", &format!("spec: {spec}"));
        self.create(&manifest).await.unwrap_or_else(|error| panic!("{spec}: {error}"));
    }

    /// Waits until the Foreman is not Ready for this reason and says all these words of it.
    pub async fn told(&self, reason: &str, words: &[&str]) -> String {
        let what = format!("{}/{} tells of {reason}: {words:?}", self.namespace, self.name);
        let said = wait(LONG, &what, async || {
            let foreman = self.foreman().await.ok_or("there is no Foreman")?;
            let found = condition(&foreman, "Ready").ok_or("there is no condition Ready")?;
            let all = words.iter().all(|word| found.message.contains(word));
            let current = found.observed_generation == foreman.metadata.generation;
            if found.status == "False" && found.reason == reason && all && current {
                return Ok(found.message.clone());
            }
            Err(format!("it is {} {}: {}", found.status, found.reason, found.message))
        })
        .await;
        println!("{reason}: {said}");
        said
    }

    /// Waits until the installation has gone further than this stage.
    pub async fn beyond(&self, stage: &str) {
        let place = |reason: &str| STAGES.iter().position(|known| *known == reason);
        wait(LONG, &format!("{}/{} is further than {stage}", self.namespace, self.name), async || {
            let foreman = self.foreman().await.ok_or("there is no Foreman")?;
            let found = condition(&foreman, "Ready").ok_or("there is no condition Ready")?;
            let current = found.observed_generation == foreman.metadata.generation;
            if current && place(&found.reason) > place(stage) {
                return Ok(());
            }
            Err(format!("it is {} {}: {}", found.status, found.reason, found.message))
        })
        .await;
    }

    /// How often the operator has asked the API server something in this namespace since; watches are no questions.
    pub fn asked(&self, since: &Audit) -> usize {
        let asked = since.requests(operator::USER).into_iter();
        asked.filter(|request| request.namespace == self.namespace && request.verb != "watch").count()
    }
}

/// One process of the operator: the same until it is started anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    pod: Option<String>,
    restarts: i32,
}

impl Operator {
    /// The process that leads.
    pub async fn process(&self) -> Process {
        let pod: Pod = self.leader().await;
        let containers = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
        Process { pod: pod.uid(), restarts: containers.map(|container| container.restart_count).sum() }
    }
}

/// The image that the operator was told to use for a part, for example `POSTGRESQL`.
pub async fn image(story: &Story, part: &str) -> String {
    let deployments: Api<Deployment> = Api::namespaced(story.client.clone(), operator::NAMESPACE);
    let operator = deployments.get("foreman-operator").await.expect("the operator's Deployment");
    let pod = operator.spec.and_then(|spec| spec.template.spec).expect("a pod");
    let mut variables = pod.containers.into_iter().flat_map(|container| container.env.unwrap_or_default());
    let wanted = format!("RELATED_IMAGE_{part}");
    let found = variables.find(|variable| variable.name == wanted).and_then(|variable| variable.value);
    found.unwrap_or_else(|| panic!("{wanted} is not set"))
}

/// How long it is counted what the operator asks while nothing happens.
pub const QUIET: Duration = Duration::from_secs(30);
