//! Into which buckets a restore may write: empty ones of its own. In place that is seen to by the service that is there; elsewhere what comes
//! back would have the bucket of the instance that it was copied from.

use std::path::Path;

use reconcile::{Error, Status};
use serde_json::Value;

use super::{
    super::{
        objects,
        services::{self, Service},
        sets::Set,
    },
    run::{Run, has},
};
use crate::crd::{Mapping, Reference, RestoreStatus, Selection};

impl Run<'_> {
    /// Whether every bucket is another one than before, and nobody's; otherwise why not, for people.
    pub async fn buckets(&self, set: &Set, status: &RestoreStatus) -> Result<Result<(), String>, Error> {
        for one in status.instances.iter().filter(|one| has(set, one, "content/")) {
            let files = match self.state(set, one).await? {
                Ok(files) => files,
                Err(why) => return Ok(Err(format!("{}: {why}", one.from))),
            };
            let custom = files.iter().find(|(path, _)| path == Path::new(objects::FILE));
            let kept: Value =
                custom.and_then(|(_, text)| serde_json::from_slice(text).ok()).unwrap_or_default();
            let buckets = match buckets(&kept) {
                Ok(buckets) if buckets.is_empty() => continue,
                Ok(buckets) => buckets,
                Err(why) => return Ok(Err(format!("{}: {why}", one.from))),
            };
            let living = match services::selected(&self.term.client, &Selection::default()).await? {
                Ok(living) => living,
                Err(why) => return Ok(Err(why)),
            };
            let named = |service: &Service| objects::buckets(&service.object.data["spec"]);
            let living: Vec<_> = living
                .iter()
                .flat_map(|service| named(service).into_iter().map(|name| (name, service.of.clone())))
                .collect();
            if let Some(why) = refused(&one.from, &buckets, &self.restore.spec.mapping, &living) {
                return Ok(Err(why));
            }
        }
        Ok(Ok(()))
    }
}

/// The buckets of a service as a set has it; none where its content is on volumes.
fn buckets(kept: &Value) -> Result<Vec<String>, String> {
    let status: Status = serde_json::from_value(kept["status"].clone()).unwrap_or_default();
    let content = status.backup.map(|backup| backup.content).unwrap_or_default();
    if content.iter().all(|content| content.volume.is_some() || content.bucket_secret.is_none()) {
        return Ok(vec![]);
    }
    let found = objects::buckets(&kept["spec"]);
    if found.is_empty() {
        // What cannot be given another name would be written into as it is.
        return Err("it keeps its content in a bucket and names it in no field `bucket` or `container` of its spec, so it can only be restored in place (spec.inPlace)".into());
    }
    Ok(found)
}

/// Why these buckets of an instance cannot be restored, if so.
fn refused(
    of: &Reference,
    buckets: &[String],
    mapping: &Mapping,
    living: &[(String, Reference)],
) -> Option<String> {
    for from in buckets {
        let Some(to) = mapping.buckets.get(from).filter(|to| *to != from) else {
            return Some(format!(
                "spec.mapping.buckets: {of} kept its content in \"{from}\", which only a restore in place may write into; name an empty bucket instead: buckets: {{{from}: NAME}}"
            ));
        };
        if let Some((_, who)) = living.iter().find(|(name, _)| name == to) {
            return Some(format!(
                "spec.mapping.buckets: \"{to}\" is the bucket of {who}; name one instead of \"{from}\" that is empty and that nobody else uses"
            ));
        }
        if let Some((other, _)) = mapping.buckets.iter().find(|(other, same)| *other != from && *same == to) {
            return Some(format!(
                "spec.mapping.buckets: both \"{from}\" and \"{other}\" would become \"{to}\"; name one for each"
            ));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pulp(namespace: &str) -> Reference {
        Reference { kind: "Pulp".into(), namespace: namespace.into(), name: "p".into() }
    }

    fn why(pairs: &[(&str, &str)], living: &[(&str, &str)]) -> Option<String> {
        let mapping = Mapping {
            buckets: pairs.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect(),
            ..Mapping::default()
        };
        let living: Vec<_> = living.iter().map(|(name, of)| ((*name).to_owned(), pulp(of))).collect();
        refused(&pulp("n"), &["artifacts".to_owned()], &mapping, &living)
    }

    #[test]
    fn a_bucket_becomes_another_one_that_is_nobodys() {
        let living = [("artifacts", "n"), ("others", "m")];
        assert_eq!(why(&[("artifacts", "new")], &living), None);
        for same in [&[][..], &[("artifacts", "artifacts")], &[("other", "new")]] {
            let said = why(same, &living).unwrap();
            assert!(said.contains("Pulp n/p kept its content in \"artifacts\""), "{said}");
            assert!(said.ends_with("buckets: {artifacts: NAME}"), "{said}");
        }
        // Also where the one that it was copied from is lost: who else uses its bucket is not known here.
        assert!(why(&[], &[]).is_some());
        let said = why(&[("artifacts", "others")], &living).unwrap();
        assert!(said.contains("\"others\" is the bucket of Pulp m/p"), "{said}");
        let said = why(&[("artifacts", "new"), ("b", "new")], &living).unwrap();
        assert!(said.contains("both \"artifacts\" and \"b\" would become \"new\""), "{said}");
    }

    #[test]
    fn what_a_set_says_of_its_buckets() {
        let kept = |content: Value, spec: Value| {
            buckets(&json!({ "spec": spec, "status": { "backup": { "content": content } } }))
        };
        let content = json!([{ "name": "artifacts", "bucketSecret": "p-bucket" }]);
        let s3 = json!({ "storage": { "s3": { "bucket": "b", "endpoint": "https://bucket" } } });
        assert_eq!(kept(content.clone(), s3.clone()), Ok(vec!["b".to_owned()]));
        let azure = json!({ "storage": { "azure": { "account": "acc", "container": "con" } } });
        assert_eq!(kept(content.clone(), azure), Ok(vec!["con".to_owned()]));
        assert_eq!(kept(json!([{ "name": "artifacts", "volume": "v" }]), s3), Ok(vec![]));
        assert!(kept(content, json!({ "place": "b" })).unwrap_err().contains("spec.inPlace"));
    }
}
