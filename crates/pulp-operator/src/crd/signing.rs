//! What Pulp signs, and with which key; and what it hashes artifacts with.

use kube::KubeSchema;
use reconcile::field::Source;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What Pulp signs, and with which key.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.rpm) || has(self.container) || has(self.deb) || has(self.collection)").message("spec.signing: say what is signed by at least one of rpm, container, deb, collection; `rpm: {}` is enough"))]
pub struct Signing {
    /// Secret with the key that signs: what `gpg --export-secret-keys` prints, armored or not.
    pub key: SigningKey,
    /// Which key signs, where there are several in the Secret: its whole fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(validation = Rule::new("self.matches('^([0-9A-F]{40}|[0-9A-F]{64})$')").message("spec.signing.fingerprint must be the whole fingerprint of a key, in capitals and without spaces, as `gpg --list-keys` shows it"))]
    pub fingerprint: Option<String>,
    /// Secret with the passphrase of the key, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<Passphrase>,
    /// Signs the metadata of RPM repositories (`repomd.xml.asc`). Its name is `rpm-signing-service` if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpm: Option<SigningService>,
    /// Signs manifests of container images. Its name is `container-signing-service` if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<SigningService>,
    /// Signs releases of Debian repositories (`InRelease`, `Release.gpg`). Its name is `apt-signing-service` if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deb: Option<SigningService>,
    /// Signs Ansible collections. Its name is `collection-signing-service` if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<SigningService>,
}

/// An `OpenPGP` key in a Secret of the same namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SigningKey {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key in it.
    #[serde(default = "signing_key")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// A passphrase in a Secret of the same namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Passphrase {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key in it.
    #[serde(default = "passphrase_key")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// A signing service, as repositories refer to it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SigningService {
    /// Its name in Pulp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub name: Option<String>,
    /// A script of yours that signs; the operator's own if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<SigningScript>,
}

/// A script in a `ConfigMap` or Secret of the same namespace. What it is given and what it must print is said in Pulp's own guides.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.configMap) != has(self.secret)").message("script: give either configMap or secret"))]
pub struct SigningScript {
    /// Which object.
    #[serde(flatten)]
    pub from: Source,
    /// Key in it; `rpm_script.sh`, `container_script.sh`, `apt_script.sh` or `collection_script.sh` if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub key: Option<String>,
}

/// What artifacts are hashed with.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Checksum {
    /// MD5: broken; for clients that know nothing better.
    Md5,
    /// SHA-1: broken; for clients that know nothing better.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256: Pulp itself needs it.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Checksum {
    /// As Pulp writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha224 => "sha224",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }
}

fn signing_key() -> String {
    "signing_service.gpg".into()
}

fn passphrase_key() -> String {
    "passphrase".into()
}
