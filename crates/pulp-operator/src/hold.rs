//! What a Pulp can do without for a while, and whether it does.

use reconcile::What;

use crate::{checked::Checked, names, read::Observed};

/// Why it cannot, if it cannot.
pub fn cannot(what: What) -> Option<&'static str> {
    match what {
        What::Deletion | What::Workers => None,
        What::Writes => {
            Some("a Pulp cannot hold writes: it has no read-only mode; ask for deletion and workers instead")
        }
    }
}

/// What still moves.
pub fn moving(pulp: &Checked, seen: &Observed, what: What) -> Option<String> {
    match what {
        What::Deletion if !seen.holding => Some(format!(
            "Job {}: it has not said yet that the database deletes no artifacts; if that lasts, its log says why",
            pulp.part(names::HOLD).name()
        )),
        What::Workers if seen.workers > 0 => Some(format!(
            "Deployment {}: {} pods still end what they are at",
            pulp.part("worker").name(),
            seen.workers
        )),
        What::Deletion | What::Workers | What::Writes => None,
    }
}
