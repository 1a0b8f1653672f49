//! Where artifacts are kept.

use kube::KubeSchema;
use reconcile::field::SharedVolume;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where artifacts are kept. Exactly one kind.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("[has(self.file), has(self.claim), has(self.s3), has(self.azure), has(self.gcs)].filter(given, given).size() == 1").message("spec.storage: give exactly one of file, claim, s3, azure, gcs; without one, artifacts would end with the pod that holds them"))]
#[x_kube(validation = Rule::new("has(self.file) == has(oldSelf.file) && has(self.claim) == has(oldSelf.claim) && has(self.s3) == has(oldSelf.s3) && has(self.azure) == has(oldSelf.azure) && has(self.gcs) == has(oldSelf.gcs)").message("spec.storage: artifacts do not move when its kind is changed; create a second Pulp with the other kind and restore a backup into it"))]
pub struct Storage {
    /// A volume that the operator claims. `ReadWriteMany`, unless all pods run on one node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<SharedVolume>,
    /// A volume claim that exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claim>,
    /// A bucket of S3, or of something compatible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3: Option<S3>,
    /// A container of Azure Blob Storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure: Option<Azure>,
    /// A bucket of Google Cloud Storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gcs: Option<Gcs>,
}

/// A volume claim that exists.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.storage.claim.name cannot be changed: another volume has none of this Pulp's artifacts"))]
    pub name: String,
}

/// A bucket of S3, or of something compatible.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct S3 {
    /// Name of the bucket; it must exist.
    #[schemars(length(min = 1, max = 255))]
    pub bucket: String,
    /// URL of the server; Amazon's if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = Rule::new("self.matches('^https?://[^/]+/?$')").message("spec.storage.s3.endpoint must be a URL such as https://s3.example.com"))]
    pub endpoint: Option<String>,
    /// Region of the bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub region: Option<String>,
    /// Where the bucket's name stands in URLs.
    #[serde(default)]
    pub addressing_style: AddressingStyle,
    /// Secret with the access key; without it, the identity of `serviceAccountName` must open the bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<S3Credentials>,
    /// Whether clients are sent to the bucket for downloads, by signed URLs; otherwise Pulp hands the content on.
    #[serde(default = "yes")]
    pub redirect: bool,
}

/// Where the bucket's name stands in URLs.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum AddressingStyle {
    /// In the path: what most compatible servers want.
    #[default]
    Path,
    /// In the host name: what Amazon wants.
    Virtual,
    /// As the client library thinks best.
    Auto,
}

/// Secret with an access key of S3.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct S3Credentials {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key of the access key's id.
    #[serde(default = "access_key_id")]
    #[schemars(length(min = 1, max = 253))]
    pub access_key_id_key: String,
    /// Key of the secret access key.
    #[serde(default = "secret_access_key")]
    #[schemars(length(min = 1, max = 253))]
    pub secret_access_key_key: String,
}

/// A container of Azure Blob Storage.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.endpoint) || has(self.credentials) || self.endpoint.matches('^https?://' + self.account + '[.]blob[.][^/]+/?$')").message("spec.storage.azure.endpoint: without credentials it must be of the form https://<account>.blob.<domain>; give credentials, or such an endpoint"))]
pub struct Azure {
    /// Name of the storage account.
    #[schemars(length(min = 3, max = 24))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]+$')").message("spec.storage.azure.account has only lower-case letters and digits"))]
    pub account: String,
    /// URL of the account's blob service, where it is not `https://<account>.blob.core.windows.net`: in a sovereign cloud, or a
    /// server that is compatible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = Rule::new("self.matches('^https?://[^/?#@;]+(/[a-z0-9]+)?/?$')").message("spec.storage.azure.endpoint must be a URL such as https://myaccount.blob.core.usgovcloudapi.net, or http://emulator:10000/myaccount"))]
    pub endpoint: Option<String>,
    /// Name of the container; it must exist.
    #[schemars(length(min = 3, max = 63))]
    pub container: String,
    /// Folder in the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub path: Option<String>,
    /// Secret with the account's key; without it, the identity of `serviceAccountName` must open the container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<AzureCredentials>,
    /// Whether clients are sent to the container for downloads, by signed URLs; otherwise Pulp hands the content on.
    #[serde(default = "yes")]
    pub redirect: bool,
}

/// Secret with a key of an Azure storage account.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AzureCredentials {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key of the account's key.
    #[serde(default = "account_key")]
    #[schemars(length(min = 1, max = 253))]
    pub account_key_key: String,
}

/// A bucket of Google Cloud Storage.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Gcs {
    /// Name of the bucket; it must exist.
    #[schemars(length(min = 3, max = 222))]
    pub bucket: String,
    /// URL of the server, where it is not `https://storage.googleapis.com`: a private endpoint, or a server that is compatible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = Rule::new("self.matches('^https?://[^/?#@]+/?$')").message("spec.storage.gcs.endpoint must be a URL such as https://storage-mine.p.googleapis.com"))]
    pub endpoint: Option<String>,
    /// Secret with the key file of a service account; without it, the identity of `serviceAccountName` must open the bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<GcsCredentials>,
    /// Whether clients are sent to the bucket for downloads, by signed URLs; otherwise Pulp hands the content on. Not by itself, as the
    /// container plugin cannot do it with Google Cloud Storage: images could be pushed and not pulled.
    #[serde(default)]
    pub redirect: bool,
}

/// Secret with the key file of a Google service account.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct GcsCredentials {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key of the key file.
    #[serde(default = "key_file")]
    #[schemars(length(min = 1, max = 253))]
    pub key_file_key: String,
}

fn yes() -> bool {
    true
}

fn access_key_id() -> String {
    "accessKeyId".into()
}

fn secret_access_key() -> String {
    "secretAccessKey".into()
}

fn account_key() -> String {
    "accountKey".into()
}

fn key_file() -> String {
    "key.json".into()
}
