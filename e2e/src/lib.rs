//! What users do with the operators, told as tests on a real cluster. `e2e/run` makes the cluster and installs the operators; the
//! stories are in `tests/`.
//!
//! A story starts with a [`Story`], or a [`PulpStory`]: a namespace of its own with a Foreman or a Pulp in it, or the one that several
//! stories share. It asks the API server, the web ([`Visitor`]) and the database ([`story::Life::psql`]) what is really so.
//! Whatever takes time is waited for with [`wait`], which says at the end what it was still waiting for.
//!
//! Everything here fails by panicking, as a test does, with what was expected in the message.
#![allow(clippy::panic, clippy::unwrap_used, clippy::missing_panics_doc, reason = "see above")]

pub mod audit;
pub mod backup;
pub mod bucket;
pub mod bystander;
pub mod certificates;
pub mod cluster;
pub mod content;
pub mod directory;
pub mod foreman;
pub mod gpg;
pub mod http;
pub mod node;
pub mod objects;
pub mod operator;
pub mod pods;
pub mod postgres;
pub mod processes;
pub mod pulp;
pub mod recovery;

pub mod smart_proxy;
pub mod store;
pub mod story;
pub mod told;
pub mod traffic;
mod trouble;
pub mod writers;

pub use audit::Audit;
pub use cluster::{LONG, SHORT, wait};
pub use foreman::{FOREMAN, SMALL, Story};
pub use http::Visitor;
pub use objects::Objects;
pub use operator::Operator;
pub use pods::Pods;
pub use pulp::{PULP, PulpStory};
pub use smart_proxy::ProxyStory;
pub use traffic::Traffic;
