//! One instant over several databases, without stopping anybody.
//!
//! Every database exports a snapshot; when all have, each is looked at once more. If nothing that a snapshot did not see has finished in any
//! database meanwhile, then at the moment between the last export and the first look every database's committed state was its snapshot: the
//! snapshots are one instant. Otherwise it is tried again; that costs some milliseconds and nobody waits.
//!
//! Movers ([`crate::mover`]) hold the transactions, each with the credentials of its own namespace. The operator drives them over one socket
//! per mover ([`Floor`]): through the API server it would take far longer than a gap between two commits lasts.

mod floor;
mod snapshot;
#[cfg(test)]
mod tests;
pub mod wire;

pub use floor::{Floor, Hurdle, Member, Run};
pub use snapshot::Snapshot;
