//! Runs Foreman Smart Proxies on Kubernetes, registered in a Foreman.
//!
//! A manifest goes through five rooms: [`crd`] (what may be written), [`read`] (what the world looks like), [`check`] (types that cannot be
//! wrong), [`plan`] (everything an instance consists of, in order), and then the library applies and reports. What runs is in [`service`]; what
//! happens outside the API server (asking the proxy what of it runs, and telling Foreman) is in [`outside`].

pub mod check;
pub mod checked;
pub mod crd;
pub mod http;
pub mod names;
pub mod oauth;
pub mod outside;
pub mod plan;
pub mod read;
pub mod report;
pub mod service;
pub mod settings;

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, PersistentVolumeClaim, Secret, Service},
    networking::v1::NetworkPolicy,
};
use kube::ResourceExt;
use reconcile::{About, Error, Fault, Kind, Leave, Managed, Outside, Plan, Report, Status, What, World};

#[cfg(test)]
mod tests;

pub use crate::crd::SmartProxy;
use crate::{checked::Checked, read::Observed};

/// Whom proxies work for; another operator's.
fn foreman_kind() -> Kind {
    Kind::optional("app.theforeman.org", "v1alpha1", "Foreman")
}

/// What cert-manager is asked for.
fn certificate_kind() -> Kind {
    let (group, version, kind) = service::certificate::KIND;
    Kind::owned_where_installed(group, version, kind)
}

/// Whose content they give out; another operator's too.
fn pulp_kind() -> Kind {
    Kind::optional("app.theforeman.org", "v1alpha1", "Pulp")
}

impl Managed for SmartProxy {
    type Observed = Observed;
    type Checked = Checked;

    const ABOUT: About = About { operator: "smart-proxy-operator", version: env!("CARGO_PKG_VERSION") };
    const OUTSIDE: &'static [&'static str] =
        &["FeaturesReady", "Registered", "ContentRegistered", "VersionsMatch"];
    const FINALIZER: Option<&'static str> = Some("app.theforeman.org/registered");

    fn kinds() -> Vec<Kind> {
        vec![
            Kind::referred::<Secret>(),
            Kind::owned::<PersistentVolumeClaim>(),
            Kind::owned::<Service>(),
            Kind::owned::<Deployment>(),
            Kind::owned::<NetworkPolicy>(),
            Kind::owned::<ConfigMap>(),
            Kind::owned_where_installed("gateway.networking.k8s.io", "v1", "TLSRoute"),
            Kind::owned_where_installed("route.openshift.io", "v1", "Route"),
            certificate_kind(),
            foreman_kind(),
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
        // A key pair that comes back from a backup need not have our labels.
        let drawn =
            self.spec.modules.remote_execution.iter().map(|_| format!("{}-{}", self.name_any(), names::SSH));
        let certified = self.certified();
        let secrets = self.secrets().into_iter().chain(drawn).chain(certified).map(|name| ("Secret", name));
        let pulp = self.spec.content.iter().map(|content| ("Pulp", content.pulp.name.clone()));
        let foreman = self.spec.foreman.name.iter().map(|name| ("Foreman", name.clone()));
        secrets.chain(foreman).chain(pulp).collect()
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

    fn known_outside(checked: &Checked) -> bool {
        checked.spec.registration.deregister && checked.foreman.access.is_some()
    }

    async fn reach(checked: &Checked, seen: &Observed) -> Option<Outside> {
        Some(outside::reach(checked, seen).await)
    }

    async fn leave(&self, world: &World) -> Result<Leave, Error> {
        Ok(outside::leave(self, &read::read(self, world).await?).await)
    }

    fn cannot_hold(what: What) -> Option<&'static str> {
        match what {
            // It keeps no files that a database knows: nothing of the kind is ever deleted.
            What::Deletion | What::Writes => None,
            What::Workers => {
                Some("a Smart Proxy cannot hold workers: its jobs are Foreman's; ask the Foreman for it")
            }
        }
    }

    fn moving(_: &Checked, seen: &Observed, what: What) -> Option<String> {
        let moves = what == What::Writes && !seen.running.is_empty();
        moves.then(|| format!("still run, or could begin to: {}", seen.running.join(", ")))
    }
}
