//! The pods of an instance at one moment, to be compared with those of another.

use k8s_openapi::api::core::v1::Pod;
use kube::{Api, ResourceExt, api::ListParams};

use crate::{
    LONG,
    story::{Life, Served},
    wait,
};

/// One pod that serves; those of Jobs are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its name.
    pub name: String,
    /// The part that it belongs to, for example `worker`.
    pub component: String,
    /// What distinguishes it from another one of the same name.
    pub uid: String,
    /// How often its containers were started anew.
    pub restarts: i32,
    /// Whether it is about to end.
    pub ending: bool,
}

/// The pods of an instance at one moment.
#[derive(Clone, Debug, Default)]
pub struct Pods(pub Vec<Seen>);

impl<K: Served> Life<K> {
    /// The pods that serve now.
    pub async fn pods(&self) -> Pods {
        let api: Api<Pod> = self.api();
        let chosen = ListParams::default()
            .labels(&format!("app.kubernetes.io/instance={},!batch.kubernetes.io/job-name", self.name));
        let pods = api.list(&chosen).await.expect("the pods");
        Pods(pods.iter().map(seen).collect())
    }

    /// Waits until there are as many pods as the workloads ask for and none is ending, and returns them: an instance is Ready while
    /// what it no longer needs is still on its way out.
    pub async fn settled(&self) -> Pods {
        wait(LONG, "no pod is ending and none is missing", async || {
            let chosen = ListParams::default().labels(&format!("app.kubernetes.io/instance={}", self.name));
            let mut wanted = 0;
            for kind in ["Deployment", "StatefulSet"] {
                let workloads = self.kind(kind).list(&chosen).await.map_err(|error| error.to_string())?;
                wanted += workloads.iter().filter_map(|it| it.data["spec"]["replicas"].as_u64()).sum::<u64>();
            }
            let pods = self.pods().await;
            let ending = pods.0.iter().filter(|pod| pod.ending).count();
            let there = pods.0.len() as u64;
            if ending == 0 && there == wanted {
                return Ok(pods);
            }
            Err(format!("{there} pods, {ending} of them ending, and {wanted} wanted"))
        })
        .await
    }
}

fn seen(pod: &Pod) -> Seen {
    let containers = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    Seen {
        name: pod.name_any(),
        component: pod.labels().get("app.kubernetes.io/component").cloned().unwrap_or_default(),
        uid: pod.uid().unwrap_or_default(),
        restarts: containers.map(|container| container.restart_count).sum(),
        ending: pod.metadata.deletion_timestamp.is_some(),
    }
}

impl Pods {
    /// Those of one part that stay.
    pub fn of(&self, component: &str) -> Vec<&Seen> {
        self.0.iter().filter(|pod| pod.component == component && !pod.ending).collect()
    }

    /// Names of those that were there before and are gone, another one now, or were restarted.
    pub fn gone_or_restarted_since(&self, before: &Self) -> Vec<String> {
        let still = |old: &Seen| {
            self.0.iter().any(|new| new.uid == old.uid && new.restarts == old.restarts && !new.ending)
        };
        before.0.iter().filter(|old| !still(old)).map(|old| old.name.clone()).collect()
    }

    /// The same pods without those of one part.
    #[must_use]
    pub fn without(&self, component: &str) -> Self {
        Self(self.0.iter().filter(|pod| pod.component != component).cloned().collect())
    }
}
