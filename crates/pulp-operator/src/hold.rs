//! What a Pulp can do without for a while, and whether it does.
//!
//! It has no read-only mode: to hold writes, all that serves and works is stopped. Web server, database and cache stay, so that clients are
//! told to come back, and whoever holds can look at the database or fill it.

use reconcile::What;

use crate::{checked::Checked, names, read::Observed};

/// Whether nothing is to be written.
pub fn writes(seen: &Observed) -> bool {
    seen.holds.until(What::Writes).is_some()
}

/// Whether nothing runs that could write, or delete anything.
pub fn still(seen: &Observed) -> bool {
    writes(seen) && seen.running.is_empty()
}

/// What still moves.
pub fn moving(pulp: &Checked, seen: &Observed, what: What) -> Option<String> {
    let job = || pulp.part(names::HOLD).name();
    match what {
        // It cannot say who writes to a database before there is a way to it.
        _ if pulp.keys.is_none() => Some("its keys are yet to be made".into()),
        What::Deletion if !seen.holding && !still(seen) => Some(format!(
            "Job {}: it has not said yet that the database deletes no artifacts; if that lasts, its log says why",
            job()
        )),
        What::Workers if seen.workers > 0 => Some(format!(
            "Deployment {}: {} pods still end what they are at",
            pulp.part("worker").name(),
            seen.workers
        )),
        What::Writes if !seen.running.is_empty() => {
            Some(format!("still run, or could begin to: {}", seen.running.join(", ")))
        }
        // It writes to the database that it holds.
        What::Writes if seen.beating => Some(format!("Job {} still ends", job())),
        What::Deletion | What::Workers | What::Writes => None,
    }
}
