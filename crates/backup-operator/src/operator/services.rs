//! The services of the cluster, as far as they say what a backup of them consists of.

use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, DynamicObject, ListParams},
};
use reconcile::{Error, Kind, Status, What, call};

use crate::crd::{Reference, Selection};

/// Kinds that publish `status.backup`. More can be named in `SERVICE_KINDS`, as `Kind.version.group` with commas between them.
pub fn service_kinds() -> Vec<Kind> {
    ["Foreman", "Pulp", "SmartProxy"]
        .map(|kind| Kind::optional("app.theforeman.org", "v1alpha1", kind))
        .into_iter()
        .chain(more(&std::env::var("SERVICE_KINDS").unwrap_or_default()))
        .collect()
}

fn more(text: &str) -> Vec<Kind> {
    let kind = |text: &str| {
        let (kind, rest) = text.trim().split_once('.')?;
        let (version, group) = rest.split_once('.')?;
        Some(Kind::optional(group, version, kind))
    };
    text.split(',').filter_map(kind).collect()
}

/// Where a kind is served.
pub fn resource(kind: &str) -> Option<ApiResource> {
    service_kinds().into_iter().map(|known| known.api).find(|api| api.kind == kind)
}

/// One service.
#[derive(Clone, Debug)]
pub struct Service {
    /// Which.
    pub of: Reference,
    /// What it reports.
    pub status: Status,
    /// All of it.
    pub object: DynamicObject,
}

impl Service {
    fn new(object: DynamicObject, kind: &str) -> Self {
        let of = Reference {
            kind: kind.into(),
            namespace: object.namespace().unwrap_or_default(),
            name: object.name_any(),
        };
        // Whoever writes another status than the contract's has none for us.
        let status = serde_json::from_value(object.data["status"].clone()).unwrap_or_default();
        Self { of, status, object }
    }

    /// Whether a hold of ours is in force.
    pub fn held(&self, holder: &str, what: What) -> Result<bool, String> {
        let Some(hold) = self.status.holds.iter().find(|hold| hold.holder == holder) else {
            return Ok(false);
        };
        match hold.state {
            reconcile::HoldState::Held => Ok(hold.what.contains(&what)),
            reconcile::HoldState::Refused => Err(format!("{}: {}", self.of, hold.message)),
            reconcile::HoldState::Pending | reconcile::HoldState::Expired => Ok(false),
        }
    }
}

/// One service, if it is there.
pub async fn one(client: &Client, of: &Reference) -> Result<Option<Service>, Error> {
    let Some(api) = resource(&of.kind) else { return Ok(None) };
    let objects: Api<DynamicObject> = Api::namespaced_with(client.clone(), &of.namespace, &api);
    match call("get", of.to_string(), objects.get_opt(&of.name)).await {
        Ok(object) => Ok(object.map(|object| Service::new(object, &of.kind))),
        Err(Error::Api { code: Some(404), .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Those that are selected, in a fixed order. An error of the second kind is for people.
pub async fn selected(client: &Client, selection: &Selection) -> Result<Result<Vec<Service>, String>, Error> {
    if let Some(names) = &selection.names {
        let mut found = Vec::new();
        for of in names {
            match one(client, of).await? {
                Some(service) if service.status.backup.is_some() => found.push(service),
                Some(_) => {
                    return Ok(Err(format!(
                        "spec.instances.names: {of} does not say yet what a backup of it consists of (status.backup); wait until it is ready"
                    )));
                }
                None => return Ok(Err(format!("spec.instances.names: there is no {of}"))),
            }
        }
        return Ok(Ok(found));
    }
    let mut parameters = ListParams::default();
    if let Some(selector) = &selection.selector {
        let selector: Result<kube::core::Selector, _> = selector.clone().try_into();
        match selector {
            Ok(selector) => parameters = parameters.labels_from(&selector),
            Err(error) => return Ok(Err(format!("spec.instances.selector: {error}"))),
        }
    }
    let mut found = Vec::new();
    for kind in service_kinds() {
        let objects: Api<DynamicObject> = Api::all_with(client.clone(), &kind.api);
        match call("list", &kind.api.plural, objects.list(&parameters)).await {
            Ok(list) => {
                found.extend(list.items.into_iter().map(|object| Service::new(object, &kind.api.kind)));
            }
            // The kind is not installed.
            Err(Error::Api { code: Some(404), .. }) => {}
            Err(error) => return Err(error),
        }
    }
    // One that is on its way out or has never said anything is no reason to go without the others.
    found.retain(|service| {
        service.status.backup.is_some() && service.object.metadata.deletion_timestamp.is_none()
    });
    found.sort_by(|one, other| one.of.cmp(&other.of));
    Ok(Ok(found))
}
