//! Where the databases of Foreman and Candlepin are.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the databases are.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!(has(self.embedded) && has(self.external))").message("spec.database: embedded and external exclude each other; remove one"))]
pub struct Database {
    /// A `PostgreSQL` that the operator runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedded: Option<EmbeddedDatabase>,

    /// A `PostgreSQL` that somebody else runs. The databases and users must exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalDatabase>,
}

/// A `PostgreSQL` that the operator runs. Its volume is `spec.storage.database`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct EmbeddedDatabase {
    /// Connections that the server accepts.
    #[serde(default = "connections")]
    #[schemars(range(min = 50, max = 5000))]
    pub max_connections: i32,
}

impl Default for EmbeddedDatabase {
    fn default() -> Self {
        Self { max_connections: connections() }
    }
}

/// A `PostgreSQL` that somebody else runs.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ExternalDatabase {
    /// Host name or address of the server.
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9:._-]+$')").message("spec.database.external.host must be a host name or an address, without port or scheme"))]
    pub host: String,

    /// Its port.
    #[serde(default = "postgresql_port")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,

    /// How far TLS is demanded, in the words of libpq.
    #[serde(default)]
    pub ssl_mode: SslMode,

    /// Certificate authority of the server, needed for `verify-ca` and `verify-full`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<SecretKey>,

    /// Foreman's database.
    #[serde(default = "foreman_database")]
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.database.external.name cannot be changed: another database has none of this Foreman's data"))]
    pub name: String,

    /// Secret with user name and password of Foreman's database.
    pub credentials: Credentials,

    /// Candlepin's database, on the same server unless it says otherwise. Used with Katello.
    #[serde(default)]
    pub candlepin: CandlepinDatabase,
}

/// Candlepin's database outside the cluster.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct CandlepinDatabase {
    /// Host name or address of the server, if it is another one than Foreman's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub host: Option<String>,

    /// Name of the database.
    #[serde(default = "candlepin_database")]
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.database.external.candlepin.name cannot be changed: another database has none of this Candlepin's data"))]
    pub name: String,

    /// Secret with user name and password; Foreman's if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
}

impl Default for CandlepinDatabase {
    fn default() -> Self {
        Self { host: None, name: candlepin_database(), credentials: None }
    }
}

/// How far TLS is demanded, in the words of libpq.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum SslMode {
    /// No TLS.
    Disable,
    /// TLS if the server insists.
    Allow,
    /// TLS if the server offers it.
    Prefer,
    /// TLS with any certificate.
    Require,
    /// TLS with a certificate of the authority in `ca`.
    VerifyCa,
    /// The same, and the certificate must carry the host name.
    #[default]
    VerifyFull,
}

impl SslMode {
    /// As libpq writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

/// A value in a Secret of the same namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SecretKey {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key in it.
    #[serde(default = "ca_key")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// User name and password in a Secret of the same namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key of the user name.
    #[serde(default = "username_key")]
    #[schemars(length(min = 1, max = 253))]
    pub username_key: String,
    /// Key of the password.
    #[serde(default = "password_key")]
    #[schemars(length(min = 1, max = 253))]
    pub password_key: String,
}

fn connections() -> i32 {
    500
}

fn postgresql_port() -> i32 {
    5432
}

fn foreman_database() -> String {
    "foreman".into()
}

fn candlepin_database() -> String {
    "candlepin".into()
}

fn ca_key() -> String {
    "ca.crt".into()
}

fn username_key() -> String {
    "username".into()
}

fn password_key() -> String {
    "password".into()
}
