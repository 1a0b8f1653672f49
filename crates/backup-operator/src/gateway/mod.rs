//! restic's REST protocol before a storage: movers write through it and hold no credential of the storage.
//!
//! `/{storage}/{repository}/...` as in restic's "REST Backend" reference, version 2. Who holds a token that may only append can neither overwrite
//! nor delete, and what is uploaded under a name that is a digest must have that digest.

pub mod access;
mod answer;
mod download;
mod metrics;
mod place;
mod probe;
mod route;
pub mod storage;
mod upload;

pub use access::{Access, Refusal, Rights};
pub use metrics::Metrics;
pub use route::{Gateway, Stores, router};
