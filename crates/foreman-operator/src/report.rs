//! What a Foreman says of itself beyond its stages.

use reconcile::{Endpoint, Report, Version, What};

use crate::{checked::Checked, hold::Still, names, read::Observed};

/// Endpoints, versions, and whether Katello has a Pulp to keep its content in.
pub fn report(foreman: &Checked, seen: &Observed, ready: bool) -> Report {
    let resting = Still::of(seen).web.then(|| {
        let holders = seen.holds.holders(What::Writes).join(", ");
        format!(
            "writes are held by {holders}: the web servers are stopped until that is over, see status.holds"
        )
    });
    let mut report = Report { resting, ..Report::default() };
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
