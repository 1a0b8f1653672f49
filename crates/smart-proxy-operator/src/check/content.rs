//! The Pulp whose content is given out: another operator's, known only by what it says in its status.

use reconcile::Fault;

use crate::{checked::Content, crd::SmartProxySpec, read::Observed};

/// Finds it; a fault where it is missing or does not say yet where it is reached.
pub fn find(
    spec: &SmartProxySpec,
    namespace: &str,
    seen: &Observed,
    faults: &mut Vec<Fault>,
) -> Option<Content> {
    let wanted = spec.content.as_ref()?;
    let (field, name) = ("spec.content.pulp", &wanted.pulp.name);
    let Some(status) = &seen.pulp else {
        let there = if seen.pulps.is_empty() { "none".into() } else { seen.pulps.join(", ") };
        faults.push(Fault::new(
            "PulpMissing",
            format!("{field}: there is no Pulp \"{name}\" in namespace {namespace}; there are: {there}"),
        ));
        return None;
    };
    let endpoint = |name: &str| status.endpoints.iter().find(|endpoint| endpoint.name == name);
    let header = endpoint("api").and_then(|api| api.remote_user_secret.as_ref()).and_then(|secret| {
        let header = seen.secrets.get(secret)?.get("header")?;
        // It goes into a configuration file as it is.
        let plain = |header: &String| header.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        String::from_utf8(header.clone()).ok().filter(plain)
    });
    let (Some(api), Some(content), Some(header)) = (endpoint("api"), endpoint("content"), header) else {
        faults.push(Fault::new(
            "PulpNotReady",
            format!("{field}: Pulp \"{name}\" does not say yet where it is reached; this goes on by itself when it does"),
        ));
        return None;
    };
    Some(Content {
        pulp: name.clone(),
        api: api.url.clone(),
        content: content.url.clone(),
        header,
        port: wanted.port,
    })
}
