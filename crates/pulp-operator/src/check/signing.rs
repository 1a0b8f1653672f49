//! What Pulp signs, with what the Secrets say; and what artifacts are hashed with.

use reconcile::{Fault, hash};

use crate::{
    crd::{self, Checksum, PulpSpec},
    names,
    read::Observed,
    signing::{Service, Signatory, Signing},
};

/// What Pulp itself allows.
const CHECKSUMS: [Checksum; 4] = [Checksum::Sha224, Checksum::Sha256, Checksum::Sha384, Checksum::Sha512];

/// Kind and name of all objects that are referred to.
pub fn objects(signing: Option<&crd::Signing>) -> Vec<(&'static str, String)> {
    let Some(signing) = signing else { return vec![] };
    let mut found = vec![("Secret", signing.key.name.clone())];
    found.extend(signing.passphrase.iter().map(|passphrase| ("Secret", passphrase.name.clone())));
    let scripts = signing.services().filter_map(|(_, service)| service.script.as_ref());
    found.extend(scripts.map(|script| {
        let (kind, name) = script.from.object();
        (kind, name.to_owned())
    }));
    found
}

/// What is signed.
pub fn signing(spec: &PulpSpec, pulp: &str, seen: &Observed, faults: &mut Vec<Fault>) -> Signing {
    let Some(wanted) = &spec.signing else {
        let known = [names::SIGNING, names::SIGNING_TRIAL].map(|job| names::of(pulp, job));
        let was = known.iter().any(|job| seen.status.achieved(job).is_some());
        return if was { Signing::Over } else { Signing::Never };
    };
    let mut services: Vec<Service> = vec![];
    let secret = |field: &str, name: &str, key: &str, faults: &mut Vec<Fault>| {
        content(&format!("spec.signing.{field}"), ("Secret", name, key), seen, faults)
    };
    let mut contents = vec![secret("key", &wanted.key.name, &wanted.key.key, faults)];
    if let Some(passphrase) = &wanted.passphrase {
        contents.push(secret("passphrase", &passphrase.name, &passphrase.key, faults));
    }
    for (kind, service) in wanted.services() {
        let field = format!("spec.signing.{}", kind.field);
        let name = service.name.clone().unwrap_or_else(|| kind.name.to_owned());
        if let Some(other) = services.iter().find(|other| other.name == name) {
            let taken = other.kind.field;
            let said =
                format!("{field}.name: \"{name}\" is the name of spec.signing.{taken} too; choose another");
            faults.push(Fault::new("Invalid", said));
        }
        let script = service.script.as_ref().map(|script| {
            let (object, name) = script.from.object();
            let key = script.key.clone().unwrap_or_else(|| kind.script.to_owned());
            contents.push(content(&format!("{field}.script"), (object, name, &key), seen, faults));
            (object, name.to_owned(), key)
        });
        services.push(Service { kind, name, script });
    }
    Signing::With(Signatory {
        key: (wanted.key.name.clone(), wanted.key.key.clone()),
        passphrase: wanted.passphrase.as_ref().map(|at| (at.name.clone(), at.key.clone())),
        fingerprint: wanted.fingerprint.clone(),
        services,
        content: hash(&contents),
    })
}

/// What artifacts are hashed with, if that was ever said.
pub fn checksums(spec: &PulpSpec, pulp: &str, seen: &Observed) -> Option<Vec<Checksum>> {
    let mut wanted = spec.allowed_content_checksums.clone();
    wanted.sort();
    if wanted.is_empty() {
        let known = [names::CHECKSUMS, names::CHECKSUMS_ADDED].map(|job| names::of(pulp, job));
        return known.iter().any(|job| seen.status.achieved(job).is_some()).then(|| CHECKSUMS.into());
    }
    Some(wanted)
}

/// A value of a Secret or `ConfigMap`, which need not be text; empty if it is not there, with a fault that says so.
fn content(
    field: &str,
    (kind, name, key): (&str, &str, &str),
    seen: &Observed,
    faults: &mut Vec<Fault>,
) -> Vec<u8> {
    let (reason, values) = match kind {
        "Secret" => ("SecretMissing", seen.secrets.get(name)),
        _ => ("ConfigMapMissing", seen.config_maps.get(name)),
    };
    let said = match values.map(|values| (values, values.get(key))) {
        Some((_, Some(value))) if !value.trim_ascii().is_empty() => return value.clone(),
        Some((_, Some(_))) => format!("{field}: the key \"{key}\" of {kind} \"{name}\" is empty"),
        Some((values, None)) => {
            let has = values.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            format!("{field}: {kind} \"{name}\" has no key \"{key}\"; it has: {has}")
        }
        None => format!("{field}: {kind} \"{name}\" does not exist; create it with the key \"{key}\""),
    };
    faults.push(Fault::new(reason, said));
    vec![]
}
