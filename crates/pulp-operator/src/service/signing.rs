//! Signing services. Whatever signs has the key in a keyring of its own, and Pulp knows the services by their rows in its database.
//!
//! Tasks sign, so workers have the key and nobody else. A change is tried before they are replaced, and registered after: until then
//! what they sign with is what Pulp refers to.

use k8s_openapi::{
    api::{
        batch::v1::{Job, JobSpec},
        core::v1::{
            EmptyDirVolumeSource, PodSpec, ProjectedVolumeSource, ResourceRequirements, Volume,
            VolumeProjection,
        },
    },
    apimachinery::pkg::api::resource::Quantity,
};
use reconcile::{
    Object,
    field::Amounts,
    hash,
    pod::{config_volume, env, mount},
};
use serde_json::json;

use super::{
    Instance, migrate,
    process::{self, file_of, item},
};
use crate::{
    names,
    read::Observed,
    signing::{Service, Signatory, Signing},
};

/// The operator's own scripts, by the names of their files.
const SCRIPTS: [(&str, &str); 5] = [
    ("keyring.sh", include_str!("signing/keyring.sh")),
    ("detached.sh", include_str!("signing/detached.sh")),
    ("deb.sh", include_str!("signing/deb.sh")),
    ("container.sh", include_str!("signing/container.sh")),
    ("signing.py", include_str!("signing/signing.py")),
];
/// Where every script is. Rows in Pulp's database that name one of them are the operator's.
const BIN: &str = "/etc/pulp/signing/bin";
/// In memory, as Secrets are. A short path: gpg's agent listens on a socket in it.
const KEYRING: &str = "/run/gnupg";

/// The scripts, if anything is or was signed.
pub fn scripts(pulp: &Instance) -> Vec<Object> {
    let scripts = SCRIPTS.map(|(name, text)| (name, text.to_owned()));
    match &pulp.signing {
        Signing::Never => vec![],
        Signing::Over | Signing::With(_) => vec![pulp.part(names::SIGNING).config_map(scripts)],
    }
}

/// Sees whether a change works, before anything of it reaches those who sign. Nothing for a Pulp that has served nobody yet: there a
/// wrong key shall keep nothing from coming up.
pub fn trial(pulp: &Instance, seen: &Observed) -> Vec<Object> {
    let registered = seen.status.achieved(&pulp.part(names::SIGNING).name());
    if !seen.lived() || registered == achieves(pulp).as_deref() {
        return vec![];
    }
    job(pulp, names::SIGNING_TRIAL, "look").into_iter().collect()
}

/// Makes the services those of the manifest; what a repository refers to stays the same row.
pub fn register(pulp: &Instance) -> Vec<Object> {
    let job = job(pulp, names::SIGNING, "register");
    job.map(|job| migrate::on_own_volume(pulp, job.answering())).into_iter().collect()
}

/// A pod that signs, or one like any other if nothing is signed.
pub fn pod(pulp: &Instance, name: &str, command: &str, resources: ResourceRequirements) -> PodSpec {
    let Signing::With(signatory) = &pulp.signing else { return process::pod(pulp, name, command, resources) };
    let mut pod = process::pod(pulp, name, &format!("{BIN}/keyring.sh {command}"), resources);
    pod.volumes.get_or_insert_default().extend([
        projected("signing-key", 0o440, keys(signatory)),
        projected("signing-scripts", 0o555, executables(pulp, signatory)),
        memory("keyring"),
    ]);
    let container = &mut pod.containers[0];
    container.volume_mounts.get_or_insert_default().extend([
        mount("signing-key", "/etc/pulp/signing/key"),
        mount("signing-scripts", BIN),
        mount("keyring", KEYRING),
    ]);
    // Not the volume itself: gpg wants a folder that nobody else may open.
    container.env.get_or_insert_default().push(env("GNUPGHOME", format!("{KEYRING}/home")));
    pod
}

/// What a success means; nothing if nothing was ever signed.
fn achieves(pulp: &Instance) -> Option<String> {
    match &pulp.signing {
        Signing::Never => None,
        Signing::Over => Some("nothing".into()),
        // With a secret besides: what stands in a status must not help to guess a passphrase.
        Signing::With(it) => {
            let services: Vec<_> = it.services.iter().map(described).collect();
            let which = (&pulp.keys.secret_key, &it.content, &it.fingerprint, services, SCRIPTS);
            Some(format!("key {}", hash(&which)))
        }
    }
}

/// A service, as the script that registers it wants to know it.
fn described(service: &Service) -> serde_json::Value {
    json!({
        "field": format!("spec.signing.{}", service.kind.field),
        "name": service.name,
        "class": service.kind.class,
        "script": format!("{BIN}/{}", service.kind.field),
        "given": service.script.is_some(),
    })
}

fn job(pulp: &Instance, name: &str, what: &str) -> Option<Object> {
    let achieves = achieves(pulp)?;
    let part = pulp.part(name);
    let template = &pulp.spec.migration.template;
    let resources = Amounts::or(template.resources.as_ref(), ["100m", "256Mi"], ["2", "1Gi"]);
    let command = format!("python3 {BIN}/signing.py {what}");
    let mut pod = pod(pulp, name, &command, resources);
    pod.restart_policy = Some("Never".into());
    let container = &mut pod.containers[0];
    let variables = container.env.get_or_insert_default();
    if let Signing::With(signatory) = &pulp.signing {
        let services: Vec<_> = signatory.services.iter().map(described).collect();
        variables.push(env("SERVICES", json!(services).to_string()));
        variables.extend(signatory.fingerprint.as_ref().map(|fingerprint| env("FINGERPRINT", fingerprint)));
    } else {
        variables.push(env("SERVICES", "[]"));
        container.volume_mounts.get_or_insert_default().push(mount("signing-scripts", BIN));
        let scripts = config_volume("signing-scripts", &pulp.part(names::SIGNING).name());
        pod.volumes.get_or_insert_default().push(scripts);
    }
    let job = Job {
        metadata: part.metadata(part.name()),
        spec: Some(JobSpec {
            backoff_limit: Some(2),
            active_deadline_seconds: Some(600),
            template: part.template(pod),
            ..Default::default()
        }),
        ..Default::default()
    };
    Some(Object::run(job, achieves).templated(template))
}

/// The key and its passphrase.
fn keys(signatory: &Signatory) -> Vec<VolumeProjection> {
    let passphrase = signatory.passphrase.as_ref().map(|at| (at, "passphrase"));
    let all = [(&signatory.key, "key")].into_iter().chain(passphrase);
    all.map(|((name, key), file)| file_of(("Secret", name), vec![item(key, file)])).collect()
}

/// What makes the keyring, what registers, and a script for each service, under the name of its field.
fn executables(pulp: &Instance, signatory: &Signatory) -> Vec<VolumeProjection> {
    let (mut own, mut given) = (["keyring.sh", "signing.py"].map(|file| item(file, file)).to_vec(), vec![]);
    for service in &signatory.services {
        match &service.script {
            None => own.push(item(service.kind.own, service.kind.field)),
            Some((kind, name, key)) => given.push(file_of((kind, name), vec![item(key, service.kind.field)])),
        }
    }
    let scripts = pulp.part(names::SIGNING).name();
    [file_of(("ConfigMap", &scripts), own)].into_iter().chain(given).collect()
}

fn projected(name: &str, mode: i32, sources: Vec<VolumeProjection>) -> Volume {
    let projected = ProjectedVolumeSource { sources: Some(sources), default_mode: Some(mode) };
    Volume { name: name.into(), projected: Some(projected), ..Default::default() }
}

fn memory(name: &str) -> Volume {
    let source =
        EmptyDirVolumeSource { medium: Some("Memory".into()), size_limit: Some(Quantity("16Mi".into())) };
    Volume { name: name.into(), empty_dir: Some(source), ..Default::default() }
}
