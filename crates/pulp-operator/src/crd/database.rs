//! Where Pulp's database is.

use kube::KubeSchema;
use reconcile::field::{self, Credentials, EmbeddedDatabase, SecretKey, SslMode, Template, Volume};
use serde::{Deserialize, Serialize};

/// Where the database is.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("[has(self.embedded), has(self.external), has(self.fromSecret), has(self.cloudNativePG)].filter(given, given).size() <= 1").message("spec.database: embedded, external, fromSecret and cloudNativePG exclude each other; keep one"))]
pub struct Database {
    /// A `PostgreSQL` that the operator runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedded: Option<Embedded>,

    /// A `PostgreSQL` that somebody else runs. Database and user must exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<External>,

    /// A Secret that says all of it, as service bindings have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_secret: Option<FromSecret>,

    /// A `Cluster` of `CloudNativePG` in this namespace.
    #[serde(default, rename = "cloudNativePG", skip_serializing_if = "Option::is_none")]
    pub cloud_native_pg: Option<CloudNativePg>,
}

impl Database {
    /// The embedded one, if it is that.
    pub fn own(&self) -> Option<Embedded> {
        let others = self.external.is_some() || self.from_secret.is_some() || self.cloud_native_pg.is_some();
        (!others).then(|| self.embedded.clone().unwrap_or_default())
    }
}

/// A `PostgreSQL` that the operator runs.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Embedded {
    /// The server.
    #[serde(flatten)]
    pub server: EmbeddedDatabase,
    /// Its volume.
    #[serde(default = "volume")]
    pub volume: Volume,
    /// Its pod.
    #[serde(default)]
    pub template: Template,
}

impl Default for Embedded {
    fn default() -> Self {
        Self { server: EmbeddedDatabase::default(), volume: volume(), template: Template::default() }
    }
}

/// A `PostgreSQL` that somebody else runs.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct External {
    /// The server.
    #[serde(flatten)]
    pub server: field::Server,

    /// Name of the database.
    #[serde(default = "pulp")]
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.database.external.name cannot be changed: another database has none of this Pulp's data"))]
    pub name: String,

    /// Secret with user name and password.
    pub credentials: Credentials,
}

/// A Secret that says where a database is and how to log in, under keys of any name.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct FromSecret {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key of the host name.
    #[serde(default = "host")]
    #[schemars(length(min = 1, max = 253))]
    pub host_key: String,
    /// Key of the port; 5432 if the Secret has no such key.
    #[serde(default = "port")]
    #[schemars(length(min = 1, max = 253))]
    pub port_key: String,
    /// Key of the database's name.
    #[serde(default = "dbname")]
    #[schemars(length(min = 1, max = 253))]
    pub name_key: String,
    /// Key of the user name.
    #[serde(default = "username")]
    #[schemars(length(min = 1, max = 253))]
    pub username_key: String,
    /// Key of the password.
    #[serde(default = "password")]
    #[schemars(length(min = 1, max = 253))]
    pub password_key: String,
    /// How far TLS is demanded, in the words of libpq.
    #[serde(default)]
    pub ssl_mode: SslMode,
    /// Certificate authority of the server, needed for `verify-ca` and `verify-full`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<SecretKey>,
}

/// A `Cluster` of `CloudNativePG`: its Secrets `<name>-app` and `<name>-ca` are used, with TLS fully verified.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct CloudNativePg {
    /// Name of the `Cluster`.
    #[schemars(length(min = 1, max = 200))]
    pub name: String,
}

impl CloudNativePg {
    /// What its Secrets say.
    pub fn secret(&self) -> FromSecret {
        FromSecret {
            name: format!("{}-app", self.name),
            host_key: host(),
            port_key: port(),
            name_key: dbname(),
            username_key: username(),
            password_key: password(),
            ssl_mode: SslMode::VerifyFull,
            ca: Some(SecretKey { name: format!("{}-ca", self.name), key: "ca.crt".into() }),
        }
    }
}

fn volume() -> Volume {
    Volume::of("20Gi")
}

fn pulp() -> String {
    "pulp".into()
}

fn host() -> String {
    "host".into()
}

fn port() -> String {
    "port".into()
}

fn dbname() -> String {
    "dbname".into()
}

fn username() -> String {
    "username".into()
}

fn password() -> String {
    "password".into()
}
