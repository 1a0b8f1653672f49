//! Whether object storage is what the manifest says: tried once for each place and key, before anything that needs it is started.
//! Pulp itself would start without it, and fail at the first upload.

use k8s_openapi::api::batch::v1::{Job, JobSpec};
use reconcile::{Object, field::Amounts, hash};

use super::{Instance, process};
use crate::{checked::Artifacts, crd::Storage};

/// A Job where artifacts are in object storage.
pub fn objects(pulp: &Instance) -> Vec<Object> {
    let Artifacts::Bucket { storage, key_file, .. } = &pulp.artifacts else { return vec![] };
    let part = pulp.part("storage");
    let template = &pulp.spec.migration.template;
    let resources = Amounts::or(template.resources.as_ref(), ["100m", "256Mi"], ["2", "1Gi"]);
    let command = format!("python3 /etc/pulp/scripts/storage.py {}", fields(&pulp.spec.storage).join(" "));
    let mut pod = process::pod(pulp, "storage", &command, resources);
    pod.restart_policy = Some("Never".into());
    let job = Job {
        metadata: part.metadata(part.name()),
        spec: Some(JobSpec { backoff_limit: Some(2), template: part.template(pod), ..Default::default() }),
        ..Default::default()
    };
    // With a secret besides: what stands in a status must not help to guess a key.
    let endpoint = pulp.spec.storage.gcs.as_ref().and_then(|gcs| gcs.endpoint.as_ref());
    let which = hash(&(&pulp.keys.secret_key, storage, key_file, endpoint, &pulp.spec.service_account_name));
    vec![Object::run(job, format!("storage {which}")).templated(template)]
}

/// The fields that say which bucket, with which keys, and where.
fn fields(storage: &Storage) -> [&'static str; 3] {
    let keys = |given: bool, field| if given { field } else { "spec.serviceAccountName" };
    match storage {
        Storage { azure: Some(azure), .. } => [
            "spec.storage.azure.container",
            keys(azure.credentials.is_some(), "spec.storage.azure.credentials"),
            if azure.endpoint.is_some() {
                "spec.storage.azure.endpoint"
            } else {
                "spec.storage.azure.account"
            },
        ],
        Storage { gcs: Some(gcs), .. } => [
            "spec.storage.gcs.bucket",
            keys(gcs.credentials.is_some(), "spec.storage.gcs.credentials"),
            "spec.storage.gcs.endpoint",
        ],
        Storage { s3, .. } => [
            "spec.storage.s3.bucket",
            keys(s3.as_ref().is_some_and(|s3| s3.credentials.is_some()), "spec.storage.s3.credentials"),
            "spec.storage.s3.endpoint",
        ],
    }
}
