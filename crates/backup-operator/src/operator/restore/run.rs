//! The phases of a restore until everything waits for its data.

use std::sync::Arc;

use kube::{Api, ResourceExt, api::PostParams};
use reconcile::{AWAITS, Error, What, call};

use super::super::{
    Term, hold, names, services,
    sets::{self, Set},
};
use crate::crd::{
    Backup, BackupSpec, Instance, Phase, Reference, Restore, RestorePhase, RestoreStatus, Restored,
    Selection, now,
};

/// What one look came to.
pub enum Step {
    /// Later again.
    Wait(String),
    /// Go on with this phase.
    On(RestorePhase),
    /// It has failed for good.
    Fail(String),
    /// It is done.
    Done(String),
}

/// A restore that is going on.
pub struct Run<'a> {
    /// What is asked for.
    pub restore: &'a Restore,
    /// What all reconciles share.
    pub term: &'a Arc<Term>,
    /// Identifies it.
    pub uid: &'a str,
}

impl Run<'_> {
    /// Name of the storage that it comes from.
    pub fn storage(&self) -> &str {
        &self.restore.spec.storage.name
    }

    /// The set that was chosen.
    pub async fn set(&self, name: &str) -> Result<Result<Set, String>, Error> {
        Ok(match sets::one(self.term, self.storage(), name).await? {
            Ok(Some(set)) => Ok(set),
            Ok(None) => Err(format!("set {name} is not in BackupStorage {} any more", self.storage())),
            Err(why) => Err(why.to_string()),
        })
    }

    /// The set that is asked for.
    async fn asked(&self) -> Result<Result<Set, String>, Error> {
        let sets = match sets::list(self.term, self.storage()).await? {
            Ok(sets) => sets,
            Err(why) => return Ok(Err(why.to_string())),
        };
        let (backup, time) = (&self.restore.spec.backup, &self.restore.spec.before);
        let fits = |set: &Set| match (backup, time) {
            (Some(backup), _) => set.backup == backup.name || set.name == backup.name,
            (None, time) => time.as_ref().is_some_and(|time| set.cut.at.0 <= time.0),
        };
        Ok(sets.into_iter().rfind(fits).ok_or_else(|| match (backup, time) {
            (Some(backup), _) => format!(
                "spec.backup: BackupStorage {} has no complete set of a Backup {}",
                self.storage(),
                backup.name
            ),
            (None, time) => format!(
                "spec.before: BackupStorage {} has no complete set from before {:?}",
                self.storage(),
                time.as_ref().map(|time| time.0.to_string()).unwrap_or_default()
            ),
        }))
    }

    /// Chooses the set, and says what of it becomes what.
    pub async fn begin(&self, status: &mut RestoreStatus) -> Result<Step, Error> {
        if self.term.storages.key(self.storage()).is_none() {
            return Ok(Step::Wait(format!("BackupStorage {} is not ready", self.storage())));
        }
        let set = match self.asked().await? {
            Ok(set) => set,
            Err(why) => return Ok(Step::Fail(why)),
        };
        let spec = &self.restore.spec;
        let mut wanted: Vec<&Instance> = set
            .instances
            .iter()
            .filter(|one| spec.instances.is_empty() || spec.instances.contains(&one.of))
            .collect();
        if let Some(missing) = spec.instances.iter().find(|of| set.instances.iter().all(|one| one.of != **of))
        {
            return Ok(Step::Fail(format!("spec.instances: set {} has no {missing}", set.name)));
        }
        wanted.sort_by_key(|one| one.restore_order);
        status.instances = wanted
            .iter()
            .map(|one| {
                let from = one.of.clone();
                let (namespaces, names) = (&spec.mapping.namespaces, &spec.mapping.names);
                let to = Reference {
                    kind: from.kind.clone(),
                    namespace: namespaces.get(&from.namespace).unwrap_or(&from.namespace).clone(),
                    name: names.get(&from.name).unwrap_or(&from.name).clone(),
                };
                Restored { from, to, ..Restored::default() }
            })
            .collect();
        status.set.clone_from(&set.name);
        status.started_at = Some(now());
        for (at, one) in status.instances.iter().enumerate() {
            if status.instances[..at].iter().any(|other| other.to == one.to) {
                return Ok(Step::Fail(format!("spec.mapping: two services would become {}", one.to)));
            }
            if self.drills() && one.to.namespace == one.from.namespace {
                return Ok(Step::Fail(format!(
                    "spec.mapping.namespaces: say into which scratch namespace {} is restored, for example {{{0}: {0}-drill}}; a drill never touches the namespace of what was backed up",
                    one.from.namespace
                )));
            }
            let there = services::one(&self.term.client, &one.to).await?;
            match (there.is_some(), spec.in_place) {
                (true, false) => {
                    return Ok(Step::Fail(format!(
                        "{} is there already; restore elsewhere (spec.mapping.namespaces), delete it first, or replace its data (spec.inPlace)",
                        one.to
                    )));
                }
                (false, true) => return Ok(Step::Fail(format!("spec.inPlace: there is no {}", one.to))),
                _ => {}
            }
        }
        if !spec.in_place
            && let Err(why) = self.buckets(&set, status).await?
        {
            return Ok(Step::Fail(why));
        }
        if spec.dry_run {
            let text: Vec<_> =
                status.instances.iter().map(|one| format!("{} as {}", one.from, one.to)).collect();
            return Ok(Step::Done(format!(
                "nothing was done; it would restore from set {} of {}: {}",
                set.name,
                set.cut.at.0,
                text.join(", ")
            )));
        }
        Ok(Step::On(if spec.in_place { RestorePhase::Saving } else { RestorePhase::Preparing }))
    }

    /// What will be replaced is backed up first.
    pub async fn save(&self) -> Result<Step, Error> {
        let name = format!("{}-before", self.restore.name_any());
        let mut names = Vec::new();
        for one in self.restore.status.iter().flat_map(|status| &status.instances) {
            // What a restore before this one has left half-filled is worth nothing.
            let whole = |service: &services::Service| !service.object.annotations().contains_key(AWAITS);
            if services::one(&self.term.client, &one.to).await?.is_some_and(|service| whole(&service)) {
                names.push(one.to.clone());
            }
        }
        if names.is_empty() {
            return Ok(Step::On(RestorePhase::Preparing));
        }
        let api: Api<Backup> = Api::all(self.term.client.clone());
        let what = format!("Backup {name}");
        let Some(backup) = call("get", &what, api.get_opt(&name)).await? else {
            let spec = BackupSpec {
                storage: self.restore.spec.storage.clone(),
                instances: Selection { names: Some(names), selector: None },
                deadline: self.restore.spec.deadline.clone(),
                ..BackupSpec::default()
            };
            let backup = Backup::new(&name, spec);
            return match call("create", &what, api.create(&PostParams::default(), &backup)).await {
                Ok(_) | Err(Error::Api { code: Some(409), .. }) => {
                    Ok(Step::Wait(format!("waiting for {what}")))
                }
                Err(error) => Err(error),
            };
        };
        let status = backup.status.unwrap_or_default();
        Ok(match status.phase {
            Phase::Completed => Step::On(RestorePhase::Preparing),
            Phase::Failed | Phase::Canceled => Step::Fail(format!(
                "what would be replaced could not be saved first: {what} has failed; nothing was changed"
            )),
            phase => Step::Wait(format!("waiting for {what}, which is {phase:?}")),
        })
    }

    /// Objects come back; then everything waits for databases that nothing uses.
    pub async fn prepare(&self, status: &mut RestoreStatus) -> Result<Step, Error> {
        let set = match self.set(&status.set).await? {
            Ok(set) => set,
            Err(why) => return Ok(Step::Wait(why)),
        };
        let mut waits = Vec::new();
        for one in &mut status.instances {
            if services::one(&self.term.client, &one.to).await?.is_none() {
                let files = match self.state(&set, one).await? {
                    Ok(files) => files,
                    Err(why) => return Ok(Step::Fail(format!("{}: {why}", one.from))),
                };
                match self.make(one, files, !needs(&set, one).is_empty()).await {
                    Err(Error::Forbidden { what, .. }) => {
                        return Ok(Step::Wait(self.term.home.permission(&one.to.namespace, &what)));
                    }
                    Err(Error::Api { code: Some(404), what, .. }) => {
                        return Ok(Step::Wait(format!(
                            "{what}: namespace {} or the kind does not exist; create it and install the operator of the kind",
                            one.to.namespace
                        )));
                    }
                    // A name, for example, that is none.
                    Err(error @ Error::Api { code: Some(422), .. }) => {
                        return Ok(Step::Fail(format!("{} as {}: {error}", one.from, one.to)));
                    }
                    other => other?,
                }
            }
            let Some(service) = services::one(&self.term.client, &one.to).await? else { continue };
            let needed = needs(&set, one);
            if !needed.is_empty() {
                hold::await_data(&self.term.client, &service, self.uid).await?;
            }
            let held = needed
                .iter()
                .map(|what| service.held(&names::holder(self.uid), *what))
                .collect::<Result<Vec<_>, _>>();
            one.message = match held {
                Err(why) => return Ok(Step::Fail(why)),
                Ok(held) if held.contains(&false) => {
                    format!("waiting for {} to hold writes, and to have ready what is to be filled", one.to)
                }
                Ok(_) if service.status.backup.is_none() => {
                    format!("waiting for {} to say what it consists of", one.to)
                }
                Ok(_) => String::new(),
            };
            waits.extend((!one.message.is_empty()).then(|| one.message.clone()));
        }
        Ok(if waits.is_empty() { Step::On(RestorePhase::Filling) } else { Step::Wait(waits.join("; ")) })
    }
}

/// Whether an instance has anything of this kind in the set.
pub fn has(set: &Set, one: &Restored, kind: &str) -> bool {
    let stored = set.instances.iter().find(|other| other.of == one.from);
    stored.is_some_and(|one| one.stored.iter().any(|stored| stored.what.starts_with(kind)))
}

/// What must stand still while an instance is filled.
pub fn needs(set: &Set, one: &Restored) -> Vec<What> {
    let filled = has(set, one, "database/") || has(set, one, "content/");
    if filled { vec![What::Writes] } else { vec![] }
}
