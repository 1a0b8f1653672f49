//! What an operator says of itself, and the kinds that it deals with.

use kube::{Resource, api::ApiResource};

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
    /// They belong to another operator, which need not be installed: we look at them.
    Optional,
}

/// A kind that the operator deals with; watches, permissions and pruning all come from this list.
#[derive(Clone, Debug)]
pub struct Kind {
    /// Its endpoint.
    pub api: ApiResource,
    /// Why it is watched.
    pub scope: Scope,
    /// A cluster need not have it.
    pub optional: bool,
}

impl Kind {
    /// A kind of which we own all that matter to us.
    pub fn owned<K: Resource<DynamicType = ()>>() -> Self {
        Self { api: ApiResource::erase::<K>(&()), scope: Scope::Owned, optional: false }
    }

    /// A kind that users' objects are of as well.
    pub fn referred<K: Resource<DynamicType = ()>>() -> Self {
        Self { api: ApiResource::erase::<K>(&()), scope: Scope::Referred, optional: false }
    }

    /// A kind of another operator.
    pub fn optional(group: &str, version: &str, kind: &str) -> Self {
        let kind = kube::api::GroupVersionKind::gvk(group, version, kind);
        Self { api: ApiResource::from_gvk(&kind), scope: Scope::Optional, optional: true }
    }

    /// A kind of which we own all that matter to us, in clusters that have it.
    pub fn owned_where_installed(group: &str, version: &str, kind: &str) -> Self {
        Self { scope: Scope::Owned, ..Self::optional(group, version, kind) }
    }
}
