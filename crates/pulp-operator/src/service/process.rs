//! What every process of Pulp shares: image, settings, keys, files. API, content, workers and migrations must agree in all of it.

use k8s_openapi::api::core::v1::{
    ConfigMapProjection, Container, EnvVar, EnvVarSource, KeyToPath, ObjectFieldSelector, PodSpec,
    ProjectedVolumeSource, ResourceRequirements, SecretProjection, SecretVolumeSource, Volume,
    VolumeProjection,
};
use reconcile::pod::{
    claim_volume, config_volume, env, mount, mount_file, read_only_root, scratch, secret_volume, user,
};

use super::{Instance, settings};
use crate::{
    checked::{Artifacts, Cache},
    crd::TrustedCertificates,
    names,
};

/// The user `pulp` of upstream's image.
pub const USER: i64 = 700;

/// Servers listen on the pod's own address, of whichever family it is.
const START: &str = "mkdir -p /var/lib/pulp/tmp /var/lib/pulp/media && case $POD_IP in *:*) host=[$POD_IP] ;; *) host=$POD_IP ;; esac && export host && exec ";

/// Puts the authorities that it trusts in one file.
const TRUST: &str = "python3 /etc/pulp/scripts/trust.py && ";
/// That file, and what each kind of client calls it: OpenSSL, requests, curl, git, the clients of S3, LDAP.
const AUTHORITIES: &str = "/tmp/authorities.pem";
const CLIENTS: [&str; 6] = [
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "AWS_CA_BUNDLE",
    "LDAPTLS_CACERT",
];

/// A pod with one process; `command` is a line of a shell.
pub fn pod(pulp: &Instance, name: &str, command: &str, resources: ResourceRequirements) -> PodSpec {
    let mut mounts = vec![
        mount_file("settings", "settings.py", "/etc/pulp/settings.py"),
        mount("keys", "/etc/pulp/keys"),
        mount("scripts", "/etc/pulp/scripts"),
        mount("data", "/var/lib/pulp"),
        mount("tmp", "/tmp"),
    ];
    let mut volumes = vec![
        secret_volume("settings", &pulp.part("settings").name()),
        keys(pulp),
        config_volume("scripts", &settings::scripts(pulp).name()),
        match &pulp.artifacts {
            Artifacts::Volume(claim) => claim_volume("data", claim),
            Artifacts::Bucket { .. } => scratch("data"),
        },
        scratch("tmp"),
    ];
    let mut variables = vec![
        env("PULP_SETTINGS", "/etc/pulp/settings.py"),
        env("DJANGO_SETTINGS_MODULE", "pulpcore.app.settings"),
        // A value that begins like one of the settings library's own words ("@format ...") is a value all the same.
        env("AUTO_CAST_FOR_DYNACONF", "false"),
        // gunicorn and gpg keep files there.
        env("HOME", "/tmp"),
        field("POD_IP", "status.podIP"),
    ];
    let trusts = !pulp.spec.trusted_certificates.is_empty();
    if trusts {
        volumes.push(trusted(pulp));
        mounts.push(mount("trusted", "/etc/pulp/trusted"));
        variables.extend(CLIENTS.map(|name| env(name, AUTHORITIES)));
    }
    let mut file = |name: &str, at: &Option<(String, String)>, as_: &str| {
        if let Some((secret, key)) = at {
            volumes.push(one(name, secret, key, as_));
            mounts.push(mount(name, &format!("/etc/pulp/{name}")));
        }
    };
    file("database-ca", &pulp.keys.database.ca, "ca.crt");
    if let Cache::External { ca, .. } = &pulp.cache {
        file("cache-ca", ca, "ca.crt");
    }
    file("ldap-ca", &pulp.authentication.ldap_ca, "ca.crt");
    if let Artifacts::Bucket { key_file, .. } = &pulp.artifacts {
        file("storage-key", key_file, "key.json");
        if key_file.is_some() {
            variables.push(env("GOOGLE_APPLICATION_CREDENTIALS", "/etc/pulp/storage-key/key.json"));
        }
    }
    let command = format!("{}{START}{command}", if trusts { TRUST } else { "" });
    if let Some(endpoint) = pulp.spec.storage.gcs.as_ref().and_then(|gcs| gcs.endpoint.as_ref()) {
        // Of Google's client itself: Django's has no option for it.
        variables.push(env("API_ENDPOINT_OVERRIDE", endpoint.trim_end_matches('/')));
    }
    PodSpec {
        security_context: Some(user(USER)),
        service_account_name: pulp.spec.service_account_name.clone(),
        containers: vec![Container {
            name: name.into(),
            image: Some(pulp.images.pulp.clone()),
            command: Some(["sh", "-c", &command].map(Into::into).into()),
            // Some releases of gunicorn keep a socket there; on a volume that pods share they would meet.
            working_dir: Some("/tmp".into()),
            env: Some(variables),
            resources: Some(resources),
            security_context: Some(read_only_root()),
            volume_mounts: Some(mounts),
            ..Default::default()
        }],
        volumes: Some(volumes),
        ..Default::default()
    }
}

/// An environment variable from a field of the pod.
pub fn field(name: &str, path: &str) -> EnvVar {
    let source = ObjectFieldSelector { field_path: path.into(), api_version: Some("v1".into()) };
    let value_from = Some(EnvVarSource { field_ref: Some(source), ..Default::default() });
    EnvVar { name: name.into(), value_from, ..Default::default() }
}

/// The keys of fields and of registry tokens, in one folder.
fn keys(pulp: &Instance) -> Volume {
    let secret = |part: &str| VolumeProjection {
        secret: Some(SecretProjection { name: pulp.part(part).name(), ..Default::default() }),
        ..Default::default()
    };
    let sources = Some(vec![secret(names::FIELDS), secret(names::CONTAINER)]);
    let projected = ProjectedVolumeSource { sources, default_mode: Some(0o440) };
    Volume { name: "keys".into(), projected: Some(projected), ..Default::default() }
}

/// The authorities that are trusted besides those of the image, each source one file.
fn trusted(pulp: &Instance) -> Volume {
    let source = |(place, source): (usize, &TrustedCertificates)| {
        file_of(source.from.object(), vec![item(&source.key, &format!("{place:02}.crt"))])
    };
    let sources = pulp.spec.trusted_certificates.iter().enumerate().map(source).collect();
    let projected = ProjectedVolumeSource { sources: Some(sources), default_mode: Some(0o440) };
    Volume { name: "trusted".into(), projected: Some(projected), ..Default::default() }
}

/// A value under the name of a file.
pub fn item(key: &str, file: &str) -> KeyToPath {
    KeyToPath { key: key.into(), path: file.into(), mode: None }
}

/// Files of a Secret or `ConfigMap`.
pub fn file_of((kind, name): (&str, &str), items: Vec<KeyToPath>) -> VolumeProjection {
    let (name, items) = (name.to_owned(), Some(items));
    if kind == "Secret" {
        let secret = Some(SecretProjection { name, items, ..Default::default() });
        VolumeProjection { secret, ..Default::default() }
    } else {
        let config_map = Some(ConfigMapProjection { name, items, ..Default::default() });
        VolumeProjection { config_map, ..Default::default() }
    }
}

/// One value of a Secret as a file of a folder.
pub fn one(name: &str, secret: &str, key: &str, file: &str) -> Volume {
    let source = SecretVolumeSource {
        secret_name: Some(secret.into()),
        items: Some(vec![item(key, file)]),
        ..Default::default()
    };
    Volume { name: name.into(), secret: Some(source), ..Default::default() }
}
