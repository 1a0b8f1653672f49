//! What a Pulp says of itself beyond its stages.

use reconcile::{ArtifactQuery, Backup, BackupContent, BackupDatabase, Endpoint, News, Report, Version};

use crate::{
    checked::{Artifacts, Checked},
    crd::IngressType,
    hold, names,
    read::Observed,
    scaling,
    service::process::USER,
    signing,
    upgrade::{Step, found, step},
};

/// Lists what Pulp's database knows of its artifacts: path, SHA-256, size.
const ARTIFACTS: &str = "SELECT file, sha256, size FROM core_artifact";

/// Endpoints, versions, what a backup consists of, and whether it is down on purpose.
pub fn report(pulp: &Checked, seen: &Observed, ready: bool) -> Report {
    Report {
        conditions: [
            Some(available(pulp, seen)),
            addressed(pulp, seen),
            signing::news(pulp, seen),
            scaling::told(pulp, seen, &step(pulp, seen)),
        ]
        .into_iter()
        .flatten()
        .collect(),
        endpoints: endpoints(pulp),
        versions: versions(pulp, seen, ready),
        backup: pulp.keys.as_ref().map(|_| backup(pulp)),
        data: pulp.data.told(&seen.status, &pulp.part("migrate").name()),
    }
}

fn endpoints(pulp: &Checked) -> Vec<Endpoint> {
    let inside = |part: &str, port| Endpoint {
        name: part.into(),
        url: format!("http://{}:{port}", pulp.address(part)),
        ..Endpoint::default()
    };
    let own = pulp.certificate().is_some() && pulp.spec.ingress.tls.secret_name.is_none();
    let web = Endpoint {
        name: "web".into(),
        url: pulp.origin.clone(),
        ca_secret: own.then(|| pulp.part(names::CERTIFICATE).name()),
        ..Endpoint::default()
    };
    let remote_user_secret = Some(pulp.part(names::REMOTE_USER).name());
    vec![web, Endpoint { remote_user_secret, ..inside("api", 24817) }, inside("content", 24816)]
}

fn versions(pulp: &Checked, seen: &Observed, ready: bool) -> Vec<Version> {
    let before = |part: &str| seen.status.versions.iter().find(|version| version.part == part);
    let running = before("pulp").and_then(|version| version.running.clone());
    let wanted = pulp.images.pulp.clone();
    let mut versions = vec![Version {
        part: "pulp".into(),
        running: if ready { Some(wanted.clone()) } else { running },
        wanted,
    }];
    // The image says what is in it once its migration has run.
    for (part, version) in found(Some(pulp), seen, "migrate").unwrap_or_default().versions {
        let running =
            if ready { Some(version.clone()) } else { before(&part).and_then(|old| old.running.clone()) };
        versions.push(Version { part, running, wanted: version });
    }
    if versions.len() == 1 {
        versions.extend(seen.status.versions.iter().filter(|version| version.part != "pulp").cloned());
    }
    versions
}

fn available(pulp: &Checked, seen: &Observed) -> News {
    let news = |status, reason, message: String| News { type_: "Available", status, reason, message };
    let (lived, image) =
        (seen.status.versions.iter().any(|version| version.running.is_some()), &pulp.images.pulp);
    let other =
        |version: &Version| version.part == "pulp" && version.running.as_ref().is_some_and(|it| it != image);
    match step(pulp, seen) {
        _ if hold::writes(seen) && seen.silent.is_empty() => news(
            true,
            "Serving",
            "API and content are served until the workers have ended their tasks".into(),
        ),
        _ if hold::writes(seen) => {
            news(false, "Held", "API and content are stopped until nobody holds writes any more".into())
        }
        Step::Restore => news(
            false,
            "Restoring",
            "the data was replaced: API, content and workers are stopped until the database is migrated"
                .into(),
        ),
        Step::Drain(gates) if seen.silent.is_empty() => news(
            true,
            "Serving",
            format!(
                "API and content are served until the workers have ended their tasks; a migration to {image} needs {gates} everywhere before it runs"
            ),
        ),
        Step::Drain(gates) => news(
            false,
            "Upgrading",
            format!(
                "a migration to {image} needs {gates} everywhere before it runs: API, content and workers are stopped until it is done. No data is touched before they are gone"
            ),
        ),
        _ if seen.silent.is_empty() => news(true, "Serving", "API and content are served".into()),
        _ if seen.status.versions.iter().any(other) => {
            news(false, "Upgrading", format!("no pod is ready yet of {image}: {}", seen.silent.join(", ")))
        }
        _ if lived => news(false, "Interrupted", format!("no pod is ready of: {}", seen.silent.join(", "))),
        _ => news(false, "Installing", "it is being installed".into()),
    }
}

/// Whether somebody has taken our Ingress. No gate: many controllers never write an address into one, and serve it all the same.
fn addressed(pulp: &Checked, seen: &Observed) -> Option<News> {
    let news = |status, reason, message| News { type_: "Addressed", status, reason, message };
    match (pulp.spec.ingress.type_, pulp.spec.ingress.class_name.as_deref()) {
        (IngressType::Ingress, _) if !seen.addresses.is_empty() => {
            Some(news(true, "Address", format!("clients are served at {}", seen.addresses.join(", "))))
        }
        (IngressType::Ingress, class) => {
            let class =
                class.map_or("the cluster's default class".into(), |class| format!("class \"{class}\""));
            let what = format!(
                "no controller has written an address into Ingress {}; some never do. If clients do not get through, see that one serves {class}, or name another in spec.ingress.className",
                pulp.name
            );
            Some(news(false, "NoAddress", what))
        }
        _ => None,
    }
}

fn backup(pulp: &Checked) -> Backup {
    let (volume, place) = match &pulp.artifacts {
        Artifacts::Volume(claim) => (Some(claim.clone()), None),
        Artifacts::Bucket { place, .. } => (None, Some(place)),
    };
    let identity = place.filter(|place| place.by_identity());
    let secrets =
        [names::SECRET_KEY, names::FIELDS, names::ADMIN, names::CONTAINER, names::REMOTE_USER, names::CA];
    let mut secrets: Vec<_> = secrets.map(|part| pulp.part(part).name()).into();
    secrets.retain(|name| {
        *name != pulp.part(names::CA).name()
            || pulp.keys.as_ref().is_some_and(|keys| !keys.authority.1.is_empty())
    });
    secrets.extend(pulp.spec.secrets());
    Backup {
        databases: vec![BackupDatabase { name: "pulp".into(), secret: pulp.part(names::LIBPQ).name() }],
        content: vec![BackupContent {
            name: "artifacts".into(),
            user: volume.is_some().then_some(USER),
            path: if volume.is_some() { "media".into() } else { String::new() },
            volume,
            bucket_secret: place.map(|_| pulp.part(names::BUCKET).name()),
            service_account_name: identity.and_then(|_| pulp.spec.service_account_name.clone()),
            artifacts: Some(ArtifactQuery { database: "pulp".into(), sql: ARTIFACTS.into() }),
            ..BackupContent::default()
        }],
        secrets: once(secrets),
        config_maps: once(pulp.spec.config_maps()),
        restore_order: 10,
    }
}

/// What the spec names twice is one object.
fn once(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names.dedup();
    names
}
