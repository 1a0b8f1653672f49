//! Sets that are in a storage and not in the cluster: each gets its `Backup`, so that an empty cluster sees what can be restored.

use std::sync::Arc;

use kube::{
    Api, ResourceExt,
    api::{ListParams, PostParams},
};
use reconcile::{Error, call};

use super::{Term, controller::report, names::FOUND, progress::size, sets::Set};
use crate::crd::{Backup, BackupSpec, BackupStatus, Named, Phase, Reference, Selection, condition};

/// Makes the `Backup` of each set that has none.
pub async fn tell(term: &Arc<Term>, storage: &str, sets: Vec<Set>) -> Result<(), Error> {
    let api: Api<Backup> = Api::all(term.client.clone());
    let known = call("list", "Backups", api.list(&ListParams::default())).await?.items;
    let here = |set: &Set| {
        known.iter().any(|backup| backup.status.as_ref().is_some_and(|status| status.set == set.name))
    };
    // Two that were sealed under one name, by clusters that did not know of each other.
    let taken = |name: &str| {
        known.iter().any(|backup| backup.name_any() == name && backup.spec.storage.name != storage)
    };
    // One whose run is not over yet tells of its set itself.
    let running = |set: &Set| {
        known.iter().any(|backup| {
            backup.name_any() == set.backup
                && !backup.labels().contains_key(FOUND)
                && !backup.status.as_ref().is_some_and(|status| status.phase.ended())
        })
    };
    for set in sets.iter().filter(|set| !here(set) && !running(set)) {
        let name = if taken(&set.backup) { set.name.to_lowercase() } else { set.backup.clone() };
        let names: Vec<Reference> = set.instances.iter().map(|one| one.of.clone()).collect();
        let spec = BackupSpec {
            storage: Named { name: storage.into() },
            instances: Selection { names: Some(names), selector: None },
            ..BackupSpec::default()
        };
        let mut backup = Backup::new(&name, spec);
        // Whoever sees it before it has a status must not run it.
        backup.metadata.labels = Some([(FOUND.to_owned(), "true".to_owned())].into());
        let made = match known
            .iter()
            .find(|known| known.name_any() == name && known.labels().contains_key(FOUND))
        {
            Some(half) => half.clone(),
            None => {
                match call("create", format!("Backup {name}"), api.create(&PostParams::default(), &backup))
                    .await
                {
                    Ok(made) => made,
                    Err(Error::Api { code: Some(409), .. }) => continue,
                    Err(error) => return Err(error),
                }
            }
        };
        report(term, &made, None::<&BackupStatus>, &status(set)).await?;
        tracing::info!(backup = name, set = set.name, "found in the storage");
    }
    Ok(())
}

fn status(set: &Set) -> BackupStatus {
    let bytes = set.instances.iter().flat_map(|one| &one.stored).map(|stored| stored.bytes).sum();
    let mut status = BackupStatus {
        phase: Phase::Completed,
        set: set.name.clone(),
        attempt: 1,
        started_at: Some(set.cut.at.clone()),
        ended_at: Some(set.ended_at.clone()),
        cut: Some(set.cut.clone()),
        size: size(bytes),
        instances: set.instances.clone(),
        ..BackupStatus::default()
    };
    let words =
        format!("{} services as they were at {}; found in the storage", set.instances.len(), set.cut.at.0);
    condition(&mut status.conditions, None, "Complete", true, "Found", words);
    status
}
