//! `PostgreSQL`, run by us or by somebody else.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Credentials, SecretKey, Secrets};
use crate::status::Fault;

/// A `PostgreSQL` that the operator runs.
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

/// A `PostgreSQL` server that somebody else runs.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Server {
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

    /// Whether the server's certificate is verified.
    pub fn verifies(self) -> bool {
        matches!(self, Self::VerifyCa | Self::VerifyFull)
    }
}

/// A database, wherever it is: all that a client needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Host name.
    pub host: String,
    /// Port.
    pub port: i32,
    /// Name of the database.
    pub name: String,
    /// How far TLS is demanded.
    pub ssl_mode: SslMode,
    /// Secret and key of the server's authority.
    pub ca: Option<(String, String)>,
    /// That authority, PEM; empty if there is none.
    pub authority: String,
    /// User name.
    pub user: String,
    /// Password; may hold any character.
    pub password: String,
}

impl Database {
    /// All of it under the names that libpq has for it; the authority itself in place of its file.
    pub fn libpq(&self) -> Vec<(&'static str, String)> {
        let mut values = vec![
            ("host", self.host.clone()),
            ("port", self.port.to_string()),
            ("dbname", self.name.clone()),
            ("user", self.user.clone()),
            ("password", self.password.clone()),
            ("sslmode", self.ssl_mode.name().to_owned()),
        ];
        if !self.authority.is_empty() {
            values.push(("sslrootcert", self.authority.clone()));
        }
        values
    }

    /// Host and port, as URLs have them.
    pub fn place(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl Server {
    /// A database of this server, which stands at `spec.database.external`.
    pub fn database(
        &self,
        name: &str,
        credentials: &Credentials,
        seen: &Secrets,
        faults: &mut Vec<Fault>,
    ) -> Database {
        let (user, password) = credentials.login("spec.database.external.credentials", seen, faults);
        let mut authority = String::new();
        match &self.ca {
            Some(ca) => authority = ca.value("spec.database.external.ca", seen, faults),
            None if self.ssl_mode.verifies() => faults.push(Fault::new(
                "Invalid",
                format!(
                    "spec.database.external.ca: sslMode {} needs the server's authority; name a Secret that holds it, or choose sslMode require",
                    self.ssl_mode.name()
                ),
            )),
            None => {}
        }
        Database {
            host: self.host.clone(),
            port: self.port,
            name: name.into(),
            ssl_mode: self.ssl_mode,
            ca: self.ca.as_ref().map(|ca| (ca.name.clone(), ca.key.clone())),
            authority,
            user,
            password,
        }
    }
}

fn connections() -> i32 {
    500
}

fn postgresql_port() -> i32 {
    5432
}
