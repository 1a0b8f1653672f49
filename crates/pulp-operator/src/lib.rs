//! Runs Pulp on Kubernetes: REST API, content server, workers and web server, its database and cache inside or outside, its
//! artifacts on a volume or in object storage.
//!
//! A manifest goes through five rooms: [`crd`] (what may be written), [`read`] (what the world looks like), [`check`] (types that
//! cannot be wrong), [`plan`] (everything an instance consists of, in order), and then the library applies and reports. One
//! running service is one file in [`service`].

pub mod check;
pub mod checked;
pub mod crd;
pub mod hold;
pub mod keys;
pub mod names;
pub mod plan;
pub mod python;
pub mod read;
pub mod report;
pub mod scaling;
pub mod service;
pub mod signing;
pub mod upgrade;

use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    autoscaling::v2::HorizontalPodAutoscaler,
    batch::v1::{CronJob, Job},
    core::v1::{ConfigMap, PersistentVolumeClaim, Secret, Service},
    networking::v1::Ingress,
    policy::v1::PodDisruptionBudget,
};
use kube::ResourceExt;
use reconcile::{About, Error, Fault, Kind, Managed, Plan, Report, Status, What, World};

#[cfg(test)]
mod tests;

pub use crate::crd::Pulp;
use crate::{checked::Checked, read::Observed};

impl Managed for Pulp {
    type Observed = Observed;
    type Checked = Checked;

    const ABOUT: About = About { operator: "pulp-operator", version: env!("CARGO_PKG_VERSION") };

    fn kinds() -> Vec<Kind> {
        vec![
            Kind::referred::<Secret>(),
            Kind::referred::<ConfigMap>(),
            Kind::referred::<PersistentVolumeClaim>(),
            Kind::owned::<Service>(),
            Kind::owned::<StatefulSet>(),
            Kind::owned::<Deployment>(),
            Kind::owned::<Job>(),
            Kind::owned::<CronJob>(),
            Kind::owned::<HorizontalPodAutoscaler>(),
            Kind::owned::<PodDisruptionBudget>(),
            Kind::owned::<Ingress>(),
            Kind::owned_where_installed("gateway.networking.k8s.io", "v1", "HTTPRoute"),
            Kind::owned_where_installed("route.openshift.io", "v1", "Route"),
            Kind::owned_where_installed("monitoring.coreos.com", "v1", "ServiceMonitor"),
        ]
    }

    fn status(&self) -> Option<&Status> {
        self.status.as_ref()
    }

    fn paused(&self) -> bool {
        self.spec.paused
    }

    fn references(&self) -> Vec<(&'static str, String)> {
        // Keys that somebody restores need not carry our labels.
        let secrets = self.secrets().into_iter().chain(names::generated(&self.name_any()));
        let config_maps = self.config_maps().into_iter().map(|name| ("ConfigMap", name));
        let claim = self.spec.storage.claim.iter().map(|claim| ("PersistentVolumeClaim", claim.name.clone()));
        secrets.map(|name| ("Secret", name)).chain(config_maps).chain(claim).collect()
    }

    async fn read(&self, world: &World) -> Result<Observed, Error> {
        read::read(self, world).await
    }

    fn check(&self, seen: &Observed) -> Result<Checked, Vec<Fault>> {
        check::check(self, seen)
    }

    fn plan(checked: &Checked, seen: &Observed) -> Plan {
        plan::plan(checked, seen)
    }

    fn report(checked: &Checked, seen: &Observed, ready: bool) -> Report {
        report::report(checked, seen, ready)
    }

    fn cannot_hold(_: What) -> Option<&'static str> {
        None
    }

    fn moving(checked: &Checked, seen: &Observed, what: What) -> Option<String> {
        hold::moving(checked, seen, what)
    }
}
