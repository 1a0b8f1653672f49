//! Looks after a storage: reads a part of all data for damage, and gives back what no set needs.

use super::{Error, Outcome, Spec, blocking, connection::Connection, storage};
use crate::{
    cut::wire::{Order, Report},
    engine::{Key, Progress, Prune, Read, Repository, Rest},
};

/// Damage that is told, of each repository.
const TOLD: usize = 3;

/// Looks after the repositories that the operator names.
pub async fn run(spec: Spec, (part, of): (u32, u32), prune: bool) -> Result<Outcome, Error> {
    let hello = Report::Hello { cut: None, exported: None };
    let mut connection = Connection::open(&spec, &hello).await?;
    let repositories = loop {
        match connection.order().await {
            Some(Order::Start { objects, .. }) => break objects,
            Some(_) => return Err(Error::other("maintenance has no part in a cut")),
            None => {
                connection = Connection::open(&spec, &hello).await?;
            }
        }
    };
    let (mut damage, mut used, mut removed) = (Vec::new(), 0, 0);
    for (name, key) in repositories {
        let (spec, of_this) = (spec.clone(), name.clone());
        let (found, pruned) = blocking(move || {
            let rest = Rest::new(storage(&spec, &of_this))?;
            let repository = Repository::open(&rest, &Key::from_secret(key.as_bytes())?)?;
            let found = repository.check(Read::Part { part, of }, &Progress::default())?;
            // What is damaged is left as it is: somebody may want to save what can be saved.
            let sound = found.iter().all(|finding| !finding.damage);
            let pruned = if sound && prune { Some(repository.prune(Prune::default())?) } else { None };
            Ok((found, pruned))
        })
        .await?;
        damage.extend(
            found.iter().filter(|one| one.damage).take(TOLD).map(|one| format!("{name}: {}", one.what)),
        );
        if let Some(pruned) = pruned {
            used += pruned.used;
            removed += pruned.removed;
        }
        tracing::info!(repository = name, findings = found.len(), ?pruned, "looked after");
    }
    damage.truncate(10);
    for text in &mut damage {
        *text = text.chars().take(300).collect();
    }
    Ok(Outcome::Maintained { damage, used, removed })
}
