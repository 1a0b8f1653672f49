//! Runs Foreman on Kubernetes: with plugins, Dynflow workers, Candlepin and a reverse proxy, its database inside or outside.
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
pub mod plugin;
pub mod pulp;
pub mod read;
pub mod report;
pub mod service;

use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    batch::v1::{CronJob, Job},
    core::v1::{ConfigMap, PersistentVolumeClaim, Secret, Service},
};
use kube::ResourceExt;
use reconcile::{About, Error, Fault, Kind, Managed, Plan, Report, Status, What, World};

#[cfg(test)]
mod tests;

pub use crate::crd::Foreman;
use crate::{checked::Checked, read::Observed};

/// Where Katello keeps its content; another operator's.
fn pulp_kind() -> Kind {
    Kind::optional("app.theforeman.org", "v1alpha1", "Pulp")
}

impl Managed for Foreman {
    type Observed = Observed;
    type Checked = Checked;

    const ABOUT: About = About { operator: "foreman-operator", version: env!("CARGO_PKG_VERSION") };

    fn kinds() -> Vec<Kind> {
        vec![
            Kind::referred::<Secret>(),
            Kind::owned::<ConfigMap>(),
            Kind::owned::<PersistentVolumeClaim>(),
            Kind::owned::<Service>(),
            Kind::owned::<StatefulSet>(),
            Kind::owned::<Deployment>(),
            Kind::owned::<Job>(),
            Kind::owned::<CronJob>(),
            pulp_kind(),
        ]
    }

    fn status(&self) -> Option<&Status> {
        self.status.as_ref()
    }

    fn paused(&self) -> bool {
        self.spec.paused
    }

    fn references(&self) -> Vec<(&'static str, String)> {
        let referred = self.secrets().into_iter().map(|(_, name)| name);
        // Keys that somebody restores need not carry our labels.
        let secrets = referred.chain(names::generated(&self.name_any()));
        secrets.map(|name| ("Secret", name)).chain([("Pulp", String::new())]).collect()
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
