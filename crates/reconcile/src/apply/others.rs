//! What belongs to somebody else: it is told, and never touched.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;

use super::Pass;
use crate::{
    error::{Error, call},
    object::{Object, Write},
};

impl Pass<'_> {
    /// An apply would take over somebody else's object in silence, so it must carry our labels or name us as its owner.
    pub(super) fn ours(&self, object: &Object, live: &ObjectMeta) -> Result<(), Error> {
        let owner = &self.world.owner;
        if !owner.labelled(live) && !owner.owns(live) {
            // A key that somebody restored need not have our labels.
            if matches!(object.write, Write::Generate(_)) && !owner.anothers(live) {
                return Ok(());
            }
            return Err(refusal(object, &self.taken(object)));
        }
        // Whoever hands over a volume may forget that it still goes with what it belonged to before.
        let other = live.owner_references.iter().flatten().find(|other| other.uid != owner.reference.uid);
        match other.filter(|_| object.api.kind == "PersistentVolumeClaim") {
            Some(other) => {
                let why = format!(
                    "it belongs to {} {} ({}) and would be deleted with it; take that owner reference away first",
                    other.kind, other.name, other.api_version
                );
                Err(refusal(object, &why))
            }
            None => Ok(()),
        }
    }

    /// A Job changes data for good. It does not begin while somebody else serves under a name that the plan needs: that may well be
    /// an instance of another operator's, at work on the same data.
    pub(super) async fn alone(&self) -> Result<(), Error> {
        let serves = |object: &&Object| ["Deployment", "StatefulSet"].contains(&object.api.kind.as_str());
        for object in self.plan.objects().filter(serves) {
            let name = object.body.name_any();
            let live = match self.world.metadata(&object.api.kind, &name) {
                Some(seen) => Some(seen.metadata.clone()),
                None => call("get", object.title(), self.world.api(&object.api).get_opt(&name))
                    .await?
                    .map(|live| live.metadata),
            };
            if let Some(live) = live {
                self.ours(object, &live)?;
            }
        }
        Ok(())
    }

    /// What to do about it. Of what holds data or keys nobody shall read that it may be deleted.
    fn taken(&self, object: &Object) -> String {
        let owner = &self.world.owner;
        let holds = object.keep
            || object.api.kind == "PersistentVolumeClaim"
            || matches!(object.write, Write::Generate(_));
        if !holds {
            return "it exists and belongs to somebody else; if nobody needs it, delete it, otherwise give the custom resource another name".into();
        }
        let labels = owner.labels().map(|(key, value)| format!("{key}={value}")).join(" ");
        format!(
            "it exists and belongs to somebody else; if what is in it is meant for this one, hand it over with: \
             kubectl --namespace={} label --overwrite {} {} {labels}. Otherwise give the custom resource another name",
            owner.namespace,
            object.api.kind.to_lowercase(),
            object.body.name_any(),
        )
    }
}

fn refusal(object: &Object, why: &str) -> Error {
    Error::Api { verb: "apply", what: object.title(), said: why.into(), code: Some(409) }
}
