//! Whose objects are: how ours are told from those of others.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::ObjectMeta;

/// Whom the objects belong to.
#[derive(Clone, Debug)]
pub struct Owner {
    /// Namespace of the custom resource and of all it is made of.
    pub namespace: String,
    /// Name of the custom resource.
    pub name: String,
    /// Controller reference to it.
    pub reference: OwnerReference,
    /// Value of `app.kubernetes.io/managed-by`, and the field manager.
    pub manager: &'static str,
}

impl Owner {
    /// Whether an object carries our labels.
    pub fn labelled(&self, metadata: &ObjectMeta) -> bool {
        let labels = metadata.labels.as_ref();
        self.labels().iter().all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
    }

    /// Whether an object names us as an owner.
    pub fn owns(&self, metadata: &ObjectMeta) -> bool {
        metadata.owner_references.iter().flatten().any(|owner| owner.uid == self.reference.uid)
    }

    /// Whether an object is another instance's.
    pub fn anothers(&self, metadata: &ObjectMeta) -> bool {
        let instance = metadata.labels.as_ref().and_then(|labels| labels.get("app.kubernetes.io/instance"));
        instance.is_some_and(|instance| *instance != self.name)
    }

    /// The labels that every owned object carries and every watch selects by.
    pub fn labels(&self) -> [(String, String); 2] {
        [
            ("app.kubernetes.io/managed-by".into(), self.manager.into()),
            ("app.kubernetes.io/instance".into(), self.name.clone()),
        ]
    }
}
