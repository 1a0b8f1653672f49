//! Names and labels of what the operator makes.

use std::collections::BTreeMap;

use crate::crd::Reference;

/// Label: the uid of the `Backup` or `Restore` that an object was made for.
pub const RUN: &str = "backup.theforeman.org/run";
/// Label: which try of it.
pub const ATTEMPT: &str = "backup.theforeman.org/attempt";
/// Label of a `Restore` whose services are taken away again, volumes and all.
pub const DRILL: &str = "backup.theforeman.org/drill";
/// Label of a `Backup` that was not run here: its set was found in a storage.
pub const FOUND: &str = "backup.theforeman.org/found";
/// Finalizer of a `Backup` or `Restore`: holds are released, movers end, and what was half made is taken away before it goes.
pub const FINALIZER: &str = "backup.theforeman.org/run";
/// Audience of the tokens that the gateway takes.
pub const AUDIENCE: &str = "backup.theforeman.org";
/// The repository with the lists of the sets; no namespace has a dot in its name.
pub const SETS: &str = "sets.cluster";

/// The first digits of a uid tell runs apart.
pub fn short(uid: &str) -> String {
    uid.chars().filter(char::is_ascii_alphanumeric).take(8).collect()
}

/// Annotation by which a run holds a service.
pub fn hold(uid: &str) -> String {
    format!("hold.theforeman.org/{}", holder(uid))
}

/// The holder's name in `status.holds`.
pub fn holder(uid: &str) -> String {
    format!("backup-{}", short(uid))
}

/// Name of a mover's Job.
pub fn job(task: &str, uid: &str, attempt: i32, of: &Reference) -> String {
    let name = format!("{task}-{}-{attempt}-{}-{}", short(uid), of.kind.to_lowercase(), of.name);
    if name.len() <= 63 {
        return name;
    }
    let hash = reconcile::hash(&name);
    format!("{}-{}", &name[..54 - 8], &hash[..8])
}

/// Labels of what belongs to a run.
pub fn labels(uid: &str, attempt: i32) -> BTreeMap<String, String> {
    [
        ("app.kubernetes.io/name", "backup-mover"),
        ("app.kubernetes.io/managed-by", "backup-operator"),
        (RUN, uid),
        (ATTEMPT, &attempt.to_string()),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}
