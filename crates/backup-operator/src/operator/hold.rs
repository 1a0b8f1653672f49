//! Asks services to stand still, and lets them go.

use jiff::{SignedDuration, Timestamp};
use kube::{
    Api, Client, ResourceExt,
    api::{DynamicObject, Patch, PatchParams},
};
use reconcile::{AWAITS, Error, What, call};
use serde_json::{Value, json};

use super::{
    names,
    services::{Service, one, resource},
};
use crate::crd::Reference;

/// How far ahead we ask; the contract allows five minutes.
const AHEAD: SignedDuration = SignedDuration::from_secs(240);
/// When there is less than this left, it is renewed.
const RENEW: SignedDuration = SignedDuration::from_secs(150);

/// The value of the annotation.
pub fn value(what: &[What], now: Timestamp) -> String {
    let until = Timestamp::from_second((now + AHEAD).as_second()).unwrap_or(now);
    json!({ "what": what, "until": until.to_string() }).to_string()
}

/// Whether the annotation must be written: it asks for something else, or ends soon.
fn due(written: Option<&String>, what: &[What], now: Timestamp) -> bool {
    let Some(value) = written.and_then(|text| serde_json::from_str::<Value>(text).ok()) else { return true };
    let until = value["until"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    value["what"] != json!(what) || until.is_none_or(|until| until.duration_since(now) < RENEW)
}

/// Holds a service for a run, or goes on holding it.
pub async fn hold(client: &Client, service: &Service, uid: &str, what: &[What]) -> Result<(), Error> {
    let (name, now) = (names::hold(uid), Timestamp::now());
    if what.is_empty() || !due(service.object.annotations().get(&name), what, now) {
        return Ok(());
    }
    annotate(client, &service.of, &[(&name, Some(value(what, now)))]).await
}

/// Has a service wait for the data that a run is going to fill, however long that takes: it must never start on half of them.
pub async fn await_data(client: &Client, service: &Service, uid: &str) -> Result<(), Error> {
    let holder = names::holder(uid);
    if service.object.annotations().get(AWAITS) == Some(&holder) {
        return Ok(());
    }
    annotate(client, &service.of, &[(AWAITS, Some(holder))]).await
}

/// Lets a service go, if there is one: where a whole namespace is gone, so is the permission to write there.
pub async fn release(client: &Client, of: &Reference, uid: &str) -> Result<(), Error> {
    let name = names::hold(uid);
    match one(client, of).await? {
        Some(service) if service.object.annotations().contains_key(&name) => {
            annotate(client, of, &[(&name, None)]).await
        }
        _ => Ok(()),
    }
}

/// Has a service not wait any more for data of a run; it is as it was.
pub async fn stop_awaiting(client: &Client, of: &Reference, uid: &str) -> Result<(), Error> {
    match one(client, of).await? {
        Some(service) if service.object.annotations().get(AWAITS) == Some(&names::holder(uid)) => {
            annotate(client, of, &[(AWAITS, None)]).await
        }
        _ => Ok(()),
    }
}

/// Writes annotations of a service, or takes them off. One that is gone needs none.
pub async fn annotate(
    client: &Client,
    of: &Reference,
    annotations: &[(&str, Option<String>)],
) -> Result<(), Error> {
    let Some(api) = resource(&of.kind) else { return Ok(()) };
    let objects: Api<DynamicObject> = Api::namespaced_with(client.clone(), &of.namespace, &api);
    let annotations: serde_json::Map<_, _> =
        annotations.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
    let patch = Patch::Merge(json!({ "metadata": { "annotations": annotations } }));
    let parameters = PatchParams { field_manager: Some("backup-operator".into()), ..PatchParams::default() };
    match call("patch", of.to_string(), objects.patch_metadata(&of.name, &parameters, &patch)).await {
        Ok(_) | Err(Error::Api { code: Some(404), .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_is_written_when_it_asks_for_something_else_or_ends_soon() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let written = value(&[What::Deletion], now);
        assert!(due(None, &[What::Deletion], now));
        assert!(!due(Some(&written), &[What::Deletion], now));
        assert!(due(Some(&written), &[What::Deletion, What::Workers], now));
        assert!(due(Some(&written), &[What::Deletion], now + SignedDuration::from_secs(100)));
        assert!(due(Some(&"soon".into()), &[What::Deletion], now));
    }
}
