//! What a Smart Proxy says of itself beyond its stages, features and registration.

use reconcile::{Backup, BackupContent, Endpoint, Report, Version};

use crate::{checked::Checked, names, read::Observed, service::proxy};

/// What is known of jobs that are under way, and what `SQLite` keeps beside it: copied while it is written, it may be no database, and Foreman
/// begins its jobs anew.
const JOBS: [&str; 4] =
    ["dynflow.sqlite", "dynflow.sqlite-journal", "dynflow.sqlite-shm", "dynflow.sqlite-wal"];

/// Endpoints, versions, what a backup consists of.
pub fn report(checked: &Checked, seen: &Observed, ready: bool) -> Report {
    let ca_secret = Some(checked.certificates().0.secret);
    let mut endpoints = vec![Endpoint {
        name: "proxy".into(),
        url: checked.url.to_string().trim_end_matches('/').into(),
        ca_secret,
        ..Endpoint::default()
    }];
    if checked.listens_on_http() {
        let url = format!("http://{}:{}", checked.host, checked.spec.http_port);
        endpoints.push(Endpoint { name: "http".into(), url, ..Endpoint::default() });
    }
    if let Some((_, url)) = checked.content_side() {
        endpoints.push(Endpoint { name: "content".into(), url, ..Endpoint::default() });
    }
    let wanted = checked.images.smart_proxy.clone();
    let before = seen.status.versions.iter().find(|version| version.part == "smart-proxy");
    let running =
        if ready { Some(wanted.clone()) } else { before.and_then(|version| version.running.clone()) };
    Report {
        conditions: vec![],
        endpoints,
        versions: vec![Version { part: "smart-proxy".into(), running, wanted }],
        backup: Some(backup(checked, seen)),
        data: if ready { checked.data.id().map(Into::into) } else { seen.status.data.clone() },
    }
}

fn backup(checked: &Checked, seen: &Observed) -> Backup {
    let volumes =
        [(names::BOOT, proxy::boots(checked), &[][..]), (names::STATE, proxy::lasts(checked), &JOBS[..])];
    let content = volumes.into_iter().filter(|(_, there, _)| *there).map(|(name, _, except)| BackupContent {
        name: name.into(),
        volume: Some(checked.part(name).name()),
        user: Some(proxy::USER),
        except: except.iter().map(|file| (*file).to_owned()).collect(),
        ..BackupContent::default()
    });
    // Certificates of its own are issued anew by the Foreman's authority, which is in that one's backup. What was not drawn yet is not missed.
    let drawn = checked.drawn().map(|drawn| drawn.name).filter(|name| seen.secrets.contains_key(name));
    let mut secrets: Vec<_> = checked.spec.secrets().into_iter().chain(drawn).collect();
    secrets.sort();
    secrets.dedup();
    Backup { content: content.collect(), secrets, restore_order: 30, ..Backup::default() }
}
