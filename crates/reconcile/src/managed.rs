//! What an operator says of itself and of its kind; the library does the rest.

use std::fmt::Debug;

use kube::{Resource, core::NamespaceResourceScope};
use serde::de::DeserializeOwned;

use crate::{
    error::Error,
    hold::What,
    kind::{About, Kind},
    outside::{Leave, Outside},
    plan::Plan,
    status::{Fault, Report, Status},
    world::World,
};

/// A custom resource that an operator keeps as its spec says: read, check, plan; the library applies and reports.
pub trait Managed:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
    /// What `read` saw of the world.
    type Observed: Send + Sync;
    /// The custom resource as types that cannot be wrong.
    type Checked: Send + Sync;

    /// Who we are.
    const ABOUT: About;

    /// Every kind that a plan may name or a read may ask for.
    fn kinds() -> Vec<Kind>;

    /// What was last reported.
    fn status(&self) -> Option<&Status>;

    /// Whether the user asked us to keep our hands off.
    fn paused(&self) -> bool;

    /// Kind and name of every object of the user's that the spec refers to.
    fn references(&self) -> Vec<(&'static str, String)>;

    /// Every read from the API.
    fn read(&self, world: &World) -> impl Future<Output = Result<Self::Observed, Error>> + Send;

    /// From a manifest to types that cannot be wrong; every fault names the field and the mend.
    fn check(&self, seen: &Self::Observed) -> Result<Self::Checked, Vec<Fault>>;

    /// Types of the conditions that [`Managed::reach`] gives.
    const OUTSIDE: &'static [&'static str] = &[];

    /// What holds a custom resource that is being deleted until [`Managed::leave`] lets it go. `None`: nothing outside the API server
    /// knows of it.
    const FINALIZER: Option<&'static str> = None;

    /// Whether something outside may know of this instance, so that the finalizer is due.
    fn known_outside(_checked: &Self::Checked) -> bool {
        false
    }

    /// What is done outside the API server once every gate holds: looked at anew in every pass, and done only if it is to do. `None`: nothing.
    fn reach(
        _checked: &Self::Checked,
        _seen: &Self::Observed,
    ) -> impl Future<Output = Option<Outside>> + Send {
        std::future::ready(None)
    }

    /// Undoes it for an instance that is being deleted.
    fn leave(&self, _world: &World) -> impl Future<Output = Result<Leave, Error>> + Send {
        std::future::ready(Ok(Leave::Gone(String::new())))
    }

    /// Everything that the instance consists of. Cannot fail.
    fn plan(checked: &Self::Checked, seen: &Self::Observed) -> Plan;

    /// What the service says of itself beyond its stages: endpoints, versions, conditions of its own. `ready`: every gate holds.
    fn report(checked: &Self::Checked, seen: &Self::Observed, ready: bool) -> Report;

    /// Why this kind can never stand still in this respect; such a hold is refused with these words. What it can, its plan does
    /// while [`World::holds`] asks for it.
    fn cannot_hold(_: What) -> Option<&'static str> {
        Some("this service cannot be asked to stand still")
    }

    /// What still moves although it is to stand still, for people. `None`: it stands still.
    fn moving(_: &Self::Checked, _: &Self::Observed, _: What) -> Option<String> {
        None
    }
}
