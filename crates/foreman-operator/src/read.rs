//! Every read from the API: what the world around a manifest looks like.

use std::collections::BTreeMap;

use kube::ResourceExt;
use reconcile::{Data, Error, Holds, Status, Values, What, World};

use crate::{
    crd::{Foreman, Images},
    names, pulp_kind,
};

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Values of every Secret that matters: ours, and those that the spec refers to. Absent: there is no such Secret.
    pub secrets: BTreeMap<String, Values>,
    /// Volumes that exist.
    pub volumes: Vec<String>,
    /// Pulps in the namespace.
    pub pulps: Vec<SeenPulp>,
    /// In what it is asked to stand still.
    pub holds: Holds,
    /// Number of pods of each part that runs in the background, as far as they have not ended.
    pub pods: BTreeMap<&'static str, usize>,
    /// What runs or may begin to and could write, where somebody asks that nothing does.
    pub running: Vec<String>,
    /// Which data it is to have.
    pub data: Data,
    /// What was last reported.
    pub status: Status,
    /// Images that the operator's environment gives in place of the built-in defaults.
    pub images: Images,
}

/// A Pulp, as it describes itself to others.
#[derive(Clone, Debug, Default)]
pub struct SeenPulp {
    /// Its name.
    pub name: String,
    /// What it reports.
    pub status: Status,
}

/// Reads the world around a manifest.
pub async fn read(foreman: &Foreman, world: &World) -> Result<Observed, Error> {
    let mut seen = Observed {
        status: world.status().clone(),
        images: related(),
        holds: world.holds().clone(),
        pods: names::BACKGROUND.into_iter().map(|part| (part, world.at_work(part))).collect(),
        data: world.data().clone(),
        ..Observed::default()
    };
    if seen.holds.until(What::Writes).is_some() {
        seen.running = world.running(&names::HARMLESS).await?;
    }
    let referred = foreman.secrets().into_iter().map(|(_, name)| name);
    for name in names::generated(&foreman.name_any()).into_iter().chain(referred) {
        if let Some(values) = world.secret(&name).await? {
            seen.secrets.insert(name, values);
        }
    }
    seen.volumes = world.all("PersistentVolumeClaim").iter().map(|claim| claim.name_any()).collect();
    for name in world.all("Pulp").iter().map(|pulp| pulp.name_any()) {
        let Some(pulp) = world.foreign(&pulp_kind(), &name).await? else { continue };
        // Whoever writes another status than the contract's has none for us.
        let status: Status = serde_json::from_value(pulp.data["status"].clone()).unwrap_or_default();
        for secret in status.endpoints.iter().filter_map(|endpoint| endpoint.remote_user_secret.clone()) {
            if let Some(values) = world.secret(&secret).await? {
                seen.secrets.insert(secret, values);
            }
        }
        seen.pulps.push(SeenPulp { name, status });
    }
    seen.pulps.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(seen)
}

/// Mirrors and disconnected clusters give images by `RELATED_IMAGE_<PART>`.
fn related() -> Images {
    let image =
        |part: &str| std::env::var(format!("RELATED_IMAGE_{part}")).ok().filter(|image| !image.is_empty());
    Images {
        foreman: image("FOREMAN"),
        candlepin: image("CANDLEPIN"),
        postgresql: image("POSTGRESQL"),
        valkey: image("VALKEY"),
        httpd: image("HTTPD"),
    }
}
