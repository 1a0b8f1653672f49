//! What the operator tells people, what that costs the API server, and what it costs the operator itself.

use std::time::Duration;

use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::{Api, ResourceExt};

use crate::{
    Audit, LONG, Operator,
    story::{Life, Served},
};

impl<K: Served> Life<K> {
    /// Creates an instance with this spec in YAML.
    pub async fn state(&self, spec: &str) {
        let (version, kind, name) = (K::api_version(&()), Self::title(), &self.name);
        let manifest =
            format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n");
        self.create(&manifest).await.unwrap_or_else(|error| panic!("{spec}: {error}"));
    }

    /// Waits until the instance is not Ready for this reason and says all these words of it.
    pub async fn told(&self, reason: &str, words: &[&str]) -> String {
        let what = format!("tells of {reason}: {words:?}");
        let said = self
            .says(LONG, "Ready", &what, |it| {
                let all = words.iter().all(|word| it.message.contains(word));
                it.status == "False" && it.reason == reason && all
            })
            .await;
        println!("{reason}: {said}");
        said
    }

    /// Waits until the installation has gone further than this stage.
    pub async fn beyond(&self, stage: &str) {
        let place = |reason: &str| K::STAGES.iter().position(|known| *known == reason);
        let what = format!("is further than {stage}");
        self.says(LONG, "Ready", &what, |it| place(&it.reason) > place(stage)).await;
    }

    /// How often the operator has asked the API server something in this namespace since; watches are no questions.
    pub fn asked(&self, since: &Audit) -> usize {
        let asked = since.requests(&Self::user()).into_iter();
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
pub async fn image<K: Served>(story: &Life<K>, part: &str) -> String {
    let name = K::ABOUT.operator;
    let deployments: Api<Deployment> = Api::namespaced(story.client.clone(), name);
    let operator = deployments.get(name).await.expect("the operator's Deployment");
    let pod = operator.spec.and_then(|spec| spec.template.spec).expect("a pod");
    let mut variables = pod.containers.into_iter().flat_map(|container| container.env.unwrap_or_default());
    let wanted = format!("RELATED_IMAGE_{part}");
    let found = variables.find(|variable| variable.name == wanted).and_then(|variable| variable.value);
    found.unwrap_or_else(|| panic!("{wanted} is not set"))
}

/// How long it is counted what the operator asks while nothing happens.
pub const QUIET: Duration = Duration::from_secs(30);
