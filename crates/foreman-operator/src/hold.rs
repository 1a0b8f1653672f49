//! What a Foreman can do without for a while, and whether it does.
//!
//! It deletes nothing that a database still knows, so deletion is held at once. Without workers nothing runs in the background; what
//! waits is kept. To hold writes, all that has a database open is stopped: only databases, job queue and reverse proxy stay.

use reconcile::What;

use crate::{checked::Checked, names, read::Observed};

/// Whether nothing is to run in the background.
pub fn workers(seen: &Observed) -> bool {
    seen.holds.until(What::Workers).is_some()
}

/// Whether nothing is to be written.
pub fn writes(seen: &Observed) -> bool {
    seen.holds.until(What::Writes).is_some()
}

/// Parts that run in the background and have not come to rest, by the names of their objects.
pub fn busy(foreman: &Checked, seen: &Observed) -> Vec<String> {
    let number = |part: &str| seen.pods.get(part).copied().unwrap_or_default();
    let busy = names::BACKGROUND.iter().filter(|part| number(part) > 0);
    busy.map(|part| foreman.part(part).name()).collect()
}

/// What still moves.
pub fn moving(foreman: &Checked, seen: &Observed, what: What) -> Option<String> {
    match what {
        What::Deletion => None,
        What::Workers => {
            let busy = busy(foreman, seen);
            (!busy.is_empty()).then(|| format!("pods still end what they are at: {}", busy.join(", ")))
        }
        // It cannot say who writes to a database before there is a way to it.
        What::Writes if foreman.keys.is_none() => Some("its keys are yet to be made".into()),
        What::Writes => {
            let busy = seen.running.join(", ");
            (!busy.is_empty()).then(|| format!("still run, or could begin to: {busy}"))
        }
    }
}
