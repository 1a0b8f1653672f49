//! What every operator of this workspace is made of.
//!
//! An operator implements [`Managed`]: it *reads* the world, *checks* a custom resource and *plans* what it consists of.
//! The library applies the plan and reports. The rooms, in the order in which a reconcile walks through them:
//!
//! | idea | where |
//! |---|---|
//! | the life of a process, leadership, HTTP | [`run`], `term`, `lease` |
//! | what wakes a reconcile, and its five steps | `control` |
//! | what is known of a namespace, kept current by watches | `namespace`, [`World`] |
//! | asking a pod of an instance itself | `ask` |
//! | what of an instance still runs | `running` |
//! | a plan: stages, gates, objects | [`Plan`], [`Object`] |
//! | how objects of one part are named and labelled; what stands in every pod | [`Part`], [`pod`] |
//! | what others may ask to stand still, and for how long | [`Holds`] |
//! | data that was replaced from outside | [`Data`] |
//! | values drawn once, certificates | [`Generate`], [`Drawn`], [`Certificate`] |
//! | which bucket holds a service's content, in the words of a Secret | [`bucket`] |
//! | fields and services that several kinds have | [`field`], [`service`] |
//! | what is done outside the API server, such as a registration | [`Outside`] |
//! | what a pass came to, in the words of a status | `verdict` |
//! | writing what differs | `apply`, `diff` |
//! | whether something has come up, and if not, why | `gate`, `explain` |
//! | conditions and the contract between operators | [`Status`] |
//! | log, metrics, Events | `report` |
//! | traces | `trace` |

mod apply;
mod ask;
pub mod bucket;
mod certificate;
mod context;
mod control;
mod data;
mod diff;
mod error;
mod explain;
pub mod field;
mod gate;
#[cfg(feature = "generate")]
pub mod generate;
mod generated;
mod hold;
mod keys;
mod kind;
mod lease;
mod managed;
mod namespace;
mod object;
mod outside;
mod owner;
mod part;
mod places;
mod plan;
pub mod pod;
#[cfg(feature = "rehearsal")]
pub mod rehearsal;
mod report;
mod run;
mod running;
pub mod service;
mod status;
mod term;
#[cfg(all(test, feature = "rehearsal"))]
mod tests;
mod trace;
mod verdict;
mod watches;
mod world;

pub use certificate::{Certificate, Usage, authority};
pub use data::{DATA, Data};
pub use diff::amount;
pub use error::{Error, call};
pub use generated::Generate;
pub use hold::{AWAITS, HELD, Hold, HoldState, Holds, What};
pub use keys::{Drawn, missing};
pub use kind::{About, Kind, Scope};
pub use managed::Managed;
pub use object::{Object, Write};
pub use outside::{Leave, Outside};
pub use part::{Part, Replace};
pub use places::Places;
pub use plan::{Gate, Plan, Stage};
pub use report::{NORMAL, Reporter, WARNING};
pub use run::{operate, run};
pub use status::{
    Achieved, ArtifactQuery, Backup, BackupContent, BackupDatabase, Endpoint, Fault, Feature, News, Report,
    Status, Version,
};
pub use term::Operator;
pub use world::{Values, World};

/// A short, stable hash of anything that serialises.
pub fn hash(what: &impl serde::Serialize) -> String {
    use sha2::{Digest, Sha256};
    // Only a map whose keys are no strings cannot be written; there is none, and its hash would only be another one.
    let text = serde_json::to_vec(what).unwrap_or_default();
    let digest = Sha256::digest(text);
    digest.iter().take(8).fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"))
}
