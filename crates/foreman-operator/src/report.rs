//! What a Foreman says of itself beyond its stages.

use reconcile::{Backup, BackupDatabase, Endpoint, Report, Version};

use crate::{checked::Checked, names, read::Observed};

/// Endpoints, versions, what a backup consists of, and whether Katello has a Pulp to keep its content in.
pub fn report(foreman: &Checked, seen: &Observed, ready: bool) -> Report {
    let mut report = Report {
        backup: foreman.keys.as_ref().map(|_| backup(foreman)),
        data: foreman.data.told(&seen.status, &foreman.migration()),
        ..Report::default()
    };
    report.endpoints.push(Endpoint {
        name: "web".into(),
        url: format!("https://{}", foreman.host),
        ca_secret: Some(foreman.part("server-tls").name()),
        authority_secret: Some(foreman.part(names::CA).name()),
        oauth_secret: Some(foreman.part(names::OAUTH).name()),
        ..Endpoint::default()
    });
    let mut version = |part: &str, wanted: &str| {
        let before =
            seen.status.versions.iter().find(|version| version.part == part).and_then(|v| v.running.clone());
        let running = if ready { Some(wanted.to_owned()) } else { before };
        report.versions.push(Version { part: part.into(), running, wanted: wanted.into() });
    };
    version("foreman", &foreman.images.foreman);
    if foreman.katello() {
        version("candlepin", &foreman.images.candlepin);
        report.conditions.extend(foreman.content.iter().map(|(_, news)| news.clone()));
    }
    report
}

/// The files that web hands to workers belong to tasks that are under way; whoever restores a backup begins those anew.
fn backup(foreman: &Checked) -> Backup {
    let name = |part: &str| foreman.part(part).name();
    let database = |of: &str, secret| BackupDatabase { name: of.into(), secret: name(secret) };
    let mut backup = Backup {
        databases: vec![database("foreman", names::LIBPQ)],
        secrets: [names::ENCRYPTION, names::ADMIN, names::OAUTH, names::CA].map(name).into(),
        restore_order: 20,
        ..Backup::default()
    };
    if foreman.katello() {
        backup.databases.push(database("candlepin", names::LIBPQ_CANDLEPIN));
        backup.secrets.push(name(names::CANDLEPIN));
    }
    backup.secrets.extend(foreman.spec.secrets().into_iter().map(|(_, name)| name));
    backup.secrets.sort();
    backup.secrets.dedup();
    backup
}
