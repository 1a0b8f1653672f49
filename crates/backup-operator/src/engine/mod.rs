//! The data path of a mover: what it reads goes encrypted and without duplicates into a repository in restic's format, and comes back from it.
//!
//! Everything blocks: a caller with a runtime goes through `spawn_blocking`. Nothing here knows Kubernetes.
//!
//! What the library that writes the format (`rustic_core`) is not trusted with:
//! - It leaves out what it cannot read and succeeds. So every source counts what was asked, read and failed, and a snapshot is held back until
//!   both sides agree ([`hold`]): a failed backup leaves none, also where nothing may be deleted, also after a kill.
//! - Its restore panics and takes gigabytes. So restoring is our own loop ([`restore`]).
//! - Its panics end in [`Error::Library`].

mod ahead;
pub mod backend;
mod bars;
mod behind;
mod contain;
mod error;
mod feed;
mod file;
mod finding;
mod hold;
mod key;
mod prefetch;
mod progress;
mod repository;
pub mod restore;
mod shape;
pub mod source;
mod span;
mod stamp;
mod target;
mod verify;

pub use backend::{Limits, Rest, Storage};
pub use error::{Error, Unread};
pub use finding::{Finding, Read};
pub use key::Key;
pub use progress::Progress;
pub use repository::{Parent, Prune, Pruned, Repository, Save, Snapshot};
pub(crate) use verify::hex;
