//! An operator that Helm has installed: its pod, its log, and how it is killed. Namespace, Deployment, account and Lease have the
//! operator's name.

use std::time::Duration;

use foreman_operator::Foreman;
use k8s_openapi::api::{coordination::v1::Lease, core::v1::Pod};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, LogParams},
};
use reconcile::Managed;

use crate::{
    SHORT, cluster,
    processes::{processes, signal},
    wait,
};

/// The namespace that the foreman-operator lives in.
pub const NAMESPACE: &str = "foreman-operator";
/// What the API server knows it as.
pub const USER: &str = "system:serviceaccount:foreman-operator:foreman-operator";

/// An operator that `e2e/run` has installed.
pub struct Operator {
    client: Client,
    name: &'static str,
}

impl Operator {
    /// The foreman-operator.
    pub async fn installed() -> Self {
        Self::of::<Foreman>().await
    }

    /// The operator of a kind.
    pub async fn of<K: Managed>() -> Self {
        Self { client: cluster::client().await, name: K::ABOUT.operator }
    }

    /// The operator of this name, of one that serves several kinds.
    pub async fn named(name: &'static str) -> Self {
        Self { client: cluster::client().await, name }
    }

    /// What Prometheus reads of the one that leads.
    pub async fn metrics(&self) -> String {
        let pod = self.leader().await.name_any();
        let path = format!("/api/v1/namespaces/{}/pods/{pod}:8080/proxy/metrics", self.name);
        let request = http::Request::get(path).body(vec![]).expect("a request");
        self.client.request_text(request).await.expect("the metrics")
    }

    fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), self.name)
    }

    /// The pod that leads.
    pub async fn leader(&self) -> Pod {
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), self.name);
        wait(SHORT, "an operator leads", async || {
            let lease = leases.get_opt(self.name).await.map_err(|error| error.to_string())?;
            let spec = lease.and_then(|lease| lease.spec).ok_or("there is no Lease")?;
            let holder = spec.holder_identity.ok_or("nobody holds the Lease")?;
            let pod = self.pods().get_opt(&holder).await.map_err(|error| error.to_string())?;
            pod.ok_or_else(|| format!("{holder} holds the Lease and is gone"))
        })
        .await
    }

    /// Kills the process of a pod as nothing can be that it sees coming; the kubelet starts it anew in the same pod.
    pub async fn kill_process(&self, pod: &Pod) {
        signal("KILL", &processes(&pod.uid().unwrap_or_default(), "/operator")).await;
    }

    /// Kills the process and takes its pod away, as the loss of its node would: another pod has to lead.
    pub async fn kill_pod(&self, pod: &Pod) {
        self.kill_process(pod).await;
        let _ = self.pods().delete(&pod.name_any(), &DeleteParams::default().grace_period(0)).await;
    }

    /// Waits until one leads that was started after that pod, or after its process was killed.
    pub async fn leads_again(&self, limit: Duration, before: &Pod) -> Pod {
        wait(limit, "another operator leads", async || {
            let pod = self.leader().await;
            if started(&pod) == started(before) && pod.uid() == before.uid() {
                return Err(format!("{} is still the same process", pod.name_any()));
            }
            if started(&pod).is_none() {
                return Err(format!("{} does not run", pod.name_any()));
            }
            Ok(pod)
        })
        .await
    }

    /// The last lines of its log.
    pub async fn log(&self, lines: i64) -> String {
        let chosen = ListParams::default().labels(&format!("app.kubernetes.io/name={}", self.name));
        let mut text = String::new();
        for pod in self.pods().list(&chosen).await.into_iter().flatten() {
            let last = LogParams { tail_lines: Some(lines), ..Default::default() };
            let log = self.pods().logs(&pod.name_any(), &last).await;
            text += &log.unwrap_or_else(|error| format!("{}: {error}\n", pod.name_any()));
        }
        text
    }
}

/// When the running container of a pod was started.
fn started(pod: &Pod) -> Option<jiff::Timestamp> {
    let containers = pod.status.as_ref()?.container_statuses.as_ref()?;
    Some(containers.first()?.state.as_ref()?.running.as_ref()?.started_at.as_ref()?.0)
}
