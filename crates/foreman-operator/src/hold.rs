//! What a Foreman can do without for a while, and whether it does.
//!
//! It deletes nothing that a database still knows, so deletion is held at once. Without workers nothing runs in the background; what
//! waits is kept. To hold writes, the web servers go as well: then three databases that are dumped one after the other are of one time.

use reconcile::What;

use crate::{checked::Checked, read::Observed};

/// Parts that run in the background, then those that take requests.
pub const PARTS: [&str; 8] = [
    "worker",
    "worker-hosts-queue",
    "cron-hourly",
    "cron-daily",
    "cron-weekly",
    "cron-monthly",
    "web",
    "web-events",
];
/// So many of them run in the background.
const BACKGROUND: usize = 6;

/// What is to stand still.
#[derive(Clone, Copy, Debug, Default)]
pub struct Still {
    /// Whatever runs in the background.
    pub workers: bool,
    /// The web servers.
    pub web: bool,
}

impl Still {
    /// As it is asked for.
    pub fn of(seen: &Observed) -> Self {
        let asked = |what| seen.holds.until(what).is_some();
        Self { workers: asked(What::Workers) || asked(What::Writes), web: asked(What::Writes) }
    }
}

/// What still moves.
pub fn moving(foreman: &Checked, seen: &Observed, what: What) -> Option<String> {
    let parts = match what {
        What::Deletion => &[],
        What::Workers => &PARTS[..BACKGROUND],
        What::Writes => &PARTS[..],
    };
    let number = |part: &str| seen.pods.get(part).copied().unwrap_or_default();
    let busy = parts.iter().filter(|part| number(part) > 0);
    let busy: Vec<_> = busy.map(|part| foreman.part(part).name()).collect();
    (!busy.is_empty()).then(|| format!("pods still end what they are at: {}", busy.join(", ")))
}
