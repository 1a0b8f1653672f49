//! From a manifest and what was seen to types that cannot be wrong. Every fault names the field or object, and the mend.

use kube::ResourceExt;
use reconcile::{
    Fault,
    field::{Database, DeletionPolicy},
};

use crate::{
    checked::{Checked, Chosen},
    crd::{Foreman, ForemanSpec, Images},
    keys, plugin, pulp,
    read::Observed,
};

/// Images by part: those of upstream's release that this operator was tested for.
const FOREMAN: &str = "quay.io/foreman/foreman:5.0";
const CANDLEPIN: &str = "quay.io/foreman/candlepin:foreman-5.0";
const POSTGRESQL: &str = "quay.io/sclorg/postgresql-16-c10s:latest";
const VALKEY: &str = "quay.io/sclorg/valkey-8-c10s:latest";
const HTTPD: &str = "quay.io/sclorg/httpd-24-c10s:latest";

/// Part and default image of everything that a Foreman runs.
pub const IMAGES: [(&str, &str); 5] = [
    ("foreman", FOREMAN),
    ("candlepin", CANDLEPIN),
    ("postgresql", POSTGRESQL),
    ("valkey", VALKEY),
    ("httpd", HTTPD),
];

impl Foreman {
    /// Field and name of every Secret of the user's that the spec refers to.
    pub fn secrets(&self) -> Vec<(&'static str, String)> {
        self.spec.secrets()
    }
}

impl ForemanSpec {
    /// The same.
    pub fn secrets(&self) -> Vec<(&'static str, String)> {
        let Some(external) = &self.database.external else { return vec![] };
        let mut found = vec![("spec.database.external.credentials", external.credentials.name.clone())];
        found.extend(external.server.ca.iter().map(|ca| ("spec.database.external.ca", ca.name.clone())));
        let candlepin = external.candlepin.credentials.iter();
        found.extend(candlepin.map(|own| ("spec.database.external.candlepin.credentials", own.name.clone())));
        found
    }
}

/// Checks a manifest against what was seen.
pub fn check(foreman: &Foreman, seen: &Observed) -> Result<Checked, Vec<Fault>> {
    let (name, namespace) = (foreman.name_any(), foreman.namespace().unwrap_or_default());
    let spec = foreman.spec.clone();
    let mut faults = vec![];
    let external = external(&spec, seen, &mut faults);
    let mut checked = Checked {
        host: spec.ingress.host.clone().unwrap_or_else(|| format!("{name}.{namespace}.svc")),
        gems: plugin::enabled(&spec.plugins),
        images: images(&spec.images, &seen.images),
        keep: spec.deletion_policy == DeletionPolicy::Retain,
        external,
        content: None,
        data: seen.data.clone(),
        keys: None,
        spec,
        name,
        namespace,
    };
    checked.content = checked.katello().then(|| pulp::find(foreman, seen));
    match keys::take(&checked, seen) {
        Ok(keys) => checked.keys = keys,
        Err(lost) => faults.extend(lost),
    }
    if faults.is_empty() { Ok(checked) } else { Err(faults) }
}

fn images(asked: &Images, related: &Images) -> Chosen {
    let choose = |asked: &Option<String>, related: &Option<String>, default: &str| {
        asked.clone().or_else(|| related.clone()).unwrap_or_else(|| default.to_owned())
    };
    Chosen {
        foreman: choose(&asked.foreman, &related.foreman, FOREMAN),
        candlepin: choose(&asked.candlepin, &related.candlepin, CANDLEPIN),
        postgresql: choose(&asked.postgresql, &related.postgresql, POSTGRESQL),
        valkey: choose(&asked.valkey, &related.valkey, VALKEY),
        httpd: choose(&asked.httpd, &related.httpd, HTTPD),
    }
}

/// The databases outside the cluster, with what their Secrets say.
fn external(spec: &ForemanSpec, seen: &Observed, faults: &mut Vec<Fault>) -> Option<(Database, Database)> {
    let external = spec.database.external.as_ref()?;
    let database = external.server.database(&external.name, &external.credentials, &seen.secrets, faults);
    let own = external.candlepin.credentials.as_ref();
    let (user, password) = own.map_or_else(
        || (database.user.clone(), database.password.clone()),
        |own| own.login("spec.database.external.candlepin.credentials", &seen.secrets, faults),
    );
    let host = external.candlepin.host.clone().unwrap_or_else(|| database.host.clone());
    let candlepin =
        Database { host, name: external.candlepin.name.clone(), user, password, ..database.clone() };
    Some((database, candlepin))
}
