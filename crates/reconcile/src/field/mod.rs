//! Fields that several kinds have, so that they are called and checked the same everywhere.

mod amounts;
mod certificate;
mod database;
mod secret;
mod source;
mod template;
mod volume;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use amounts::Amounts;
pub use certificate::{certificates, public_key};
pub use database::{Database, EmbeddedDatabase, Server, SslMode};
pub use secret::{Credentials, SecretKey, Secrets, config_value, value};
pub use source::Source;
pub use template::Template;
pub use volume::{AccessMode, SharedVolume, Volume};

/// What becomes of volumes and keys when an instance is deleted.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// They stay; a new instance of the same name takes them up again.
    #[default]
    Retain,
    /// They go.
    Delete,
}

/// Type of a Service.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServiceType {
    /// Reached from inside the cluster, or through something that passes TLS through.
    #[default]
    ClusterIP,
    /// A port of every node.
    NodePort,
    /// A load balancer of the cloud.
    LoadBalancer,
}

impl ServiceType {
    /// As Services have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClusterIP => "ClusterIP",
            Self::NodePort => "NodePort",
            Self::LoadBalancer => "LoadBalancer",
        }
    }
}
