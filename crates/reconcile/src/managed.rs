//! What an operator says of itself and of its kind; the library does the rest.

use std::fmt::Debug;

use kube::{Resource, api::ApiResource, core::NamespaceResourceScope};
use serde::de::DeserializeOwned;

use crate::{
    error::Error,
    plan::Plan,
    status::{Fault, Report, Status},
    world::World,
};

/// An operator, in the words that its image, chart and bundle use.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Its name: field manager, Lease, value of `app.kubernetes.io/managed-by`.
    pub operator: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// Why objects of a kind are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// We own them: only ours are watched, by label.
    Owned,
    /// We own some and refer to others by name: all are watched, metadata only.
    Referred,
    /// They belong to another operator, which need not be installed.
    Optional,
}

/// A kind that the operator deals with; watches, permissions and pruning all come from this list.
#[derive(Clone, Debug)]
pub struct Kind {
    /// Its endpoint.
    pub api: ApiResource,
    /// Why it is watched.
    pub scope: Scope,
}

impl Kind {
    /// A kind of which we own all that matter to us.
    pub fn owned<K: Resource<DynamicType = ()>>() -> Self {
        Self { api: ApiResource::erase::<K>(&()), scope: Scope::Owned }
    }

    /// A kind that users' objects are of as well.
    pub fn referred<K: Resource<DynamicType = ()>>() -> Self {
        Self { api: ApiResource::erase::<K>(&()), scope: Scope::Referred }
    }

    /// A kind of another operator.
    pub fn optional(group: &str, version: &str, kind: &str) -> Self {
        let kind = kube::api::GroupVersionKind::gvk(group, version, kind);
        Self { api: ApiResource::from_gvk(&kind), scope: Scope::Optional }
    }
}

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

    /// Everything that the instance consists of. Cannot fail.
    fn plan(checked: &Self::Checked, seen: &Self::Observed) -> Plan;

    /// What the service says of itself beyond its stages: endpoints, versions, conditions of its own. `ready`: every gate holds.
    fn report(checked: &Self::Checked, seen: &Self::Observed, ready: bool) -> Report;
}
