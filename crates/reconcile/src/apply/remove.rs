//! Deleting: what cannot be changed, and what is no longer in the plan.

use kube::{
    ResourceExt,
    api::{ApiResource, DeleteParams, PropagationPolicy},
};

use super::Outcome;
use crate::{
    error::{Error, call},
    object::RUN,
    plan::Plan,
    world::World,
};

/// Deletes an object, which stays until what it owns is gone.
pub(super) async fn delete(
    world: &World,
    api: &ApiResource,
    name: &str,
    uid: Option<String>,
) -> Result<(), Error> {
    gone(world, api, name, uid, PropagationPolicy::Foreground).await
}

async fn gone(
    world: &World,
    api: &ApiResource,
    name: &str,
    uid: Option<String>,
    policy: PropagationPolicy,
) -> Result<(), Error> {
    let parameters = DeleteParams {
        propagation_policy: Some(policy),
        preconditions: Some(kube::api::Preconditions { uid, resource_version: None }),
        ..Default::default()
    };
    match call("delete", format!("{} {name}", api.kind), world.api(api).delete(name, &parameters)).await {
        Err(Error::Api { code: Some(404 | 409), .. }) | Ok(_) => {
            world.namespace.deleted(&api.kind, name);
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Deletes what must not wait for anything: not for its pods either, of which one on a lost node stays for as long as the node does.
pub(super) async fn leave(plan: &Plan, world: &World, outcome: &mut Outcome) -> Result<(), Error> {
    for (api, name) in &plan.gone {
        let Some(live) = world.metadata(&api.kind, name) else { continue };
        let ours = world.owner.owns(&live.metadata);
        if ours && live.metadata.deletion_timestamp.is_none() {
            gone(world, api, name, live.metadata.uid.clone(), PropagationPolicy::Background).await?;
            outcome.written.push(format!("deleted {} {name}", api.kind));
        }
    }
    Ok(())
}

/// Deletes what carries our owner reference and is no longer in the plan.
pub(super) async fn prune(plan: &Plan, world: &World, outcome: &mut Outcome) -> Result<(), Error> {
    for (api, live) in world.namespace.owned_by(&world.owner) {
        let name = live.name_any();
        let wanted = plan.objects().any(|object| {
            object.api.kind == api.kind
                && (object.body.name_any() == name
                    || live.labels().get(RUN).is_some_and(|base| *base == object.body.name_any()))
        });
        let left = plan.gone.iter().any(|(kind, gone)| kind.kind == api.kind && *gone == name);
        if !(wanted || left) && live.metadata.deletion_timestamp.is_none() {
            match delete(world, &api, &name, live.metadata.uid.clone()).await {
                Ok(()) => outcome.written.push(format!("pruned {} {name}", api.kind)),
                // All else is up; that one object cannot be deleted must not hide it.
                Err(error) if error.refused() => {
                    tracing::warn!(%error, "cannot prune");
                    outcome.refused = true;
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}
