//! Where the databases of Foreman and Candlepin are.

use kube::KubeSchema;
use reconcile::field::{Credentials, EmbeddedDatabase, Server};
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

/// A `PostgreSQL` that somebody else runs.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ExternalDatabase {
    /// The server.
    #[serde(flatten)]
    pub server: Server,

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

fn foreman_database() -> String {
    "foreman".into()
}

fn candlepin_database() -> String {
    "candlepin".into()
}
