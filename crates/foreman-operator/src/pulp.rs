//! The Pulp that Katello keeps its content in: it belongs to another operator, and is known only by what it says in its status.

use reconcile::News;

use crate::{
    crd::Foreman,
    read::{Observed, SeenPulp},
};

/// A Pulp that this Foreman's reverse proxy leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulp {
    /// Its name.
    pub name: String,
    /// URL of its REST API.
    pub api: String,
    /// URL of its content server.
    pub content: String,
    /// The header in which it is told who the user is.
    pub header: String,
}

/// Which Pulp it is to be: the one that is named, or the only one there is.
fn chosen<'a>(foreman: &Foreman, seen: &'a Observed) -> Result<&'a SeenPulp, News> {
    let namespace = foreman.metadata.namespace.as_deref().unwrap_or_default();
    let missing = |message| News { type_: "ContentReady", status: false, reason: "PulpMissing", message };
    match (&foreman.spec.katello.pulp, seen.pulps.as_slice()) {
        (Some(wanted), all) => all.iter().find(|pulp| pulp.name == wanted.name).ok_or_else(|| {
            missing(format!(
                "spec.katello.pulp: there is no Pulp \"{}\" in namespace {namespace}; create it, or name another one. All else works without it",
                wanted.name
            ))
        }),
        (None, [only]) => Ok(only),
        (None, []) => Err(missing(format!(
            "Katello keeps content in a Pulp, and there is none in namespace {namespace}; create one (kind Pulp, app.theforeman.org/v1alpha1). All else works without it"
        ))),
        (None, several) => {
            let names: Vec<_> = several.iter().map(|pulp| pulp.name.as_str()).collect();
            Err(News {
                type_: "ContentReady",
                status: false,
                reason: "PulpAmbiguous",
                message: format!(
                    "there are several Pulps in namespace {namespace} ({}); say in spec.katello.pulp which one is Katello's",
                    names.join(", ")
                ),
            })
        }
    }
}

/// The Pulp, as far as it can be led to, and what is to be said of it.
pub fn find(foreman: &Foreman, seen: &Observed) -> (Option<Pulp>, News) {
    let pulp = match chosen(foreman, seen) {
        Ok(pulp) => pulp,
        Err(news) => return (None, news),
    };
    let news = |status, reason, message| News { type_: "ContentReady", status, reason, message };
    let endpoint = |name: &str| pulp.status.endpoints.iter().find(|endpoint| endpoint.name == name);
    let header = endpoint("api").and_then(|api| api.remote_user_secret.as_ref()).and_then(|secret| {
        let header = seen.secrets.get(secret)?.get("header")?;
        // It goes into a configuration file as it is.
        String::from_utf8(header.clone())
            .ok()
            .filter(|header| header.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
    });
    let (Some(api), Some(content), Some(header)) = (endpoint("api"), endpoint("content"), header) else {
        let message = format!("Pulp {} does not say yet where it is reached; see its conditions", pulp.name);
        return (None, news(false, "PulpNotReady", message));
    };
    let found = Pulp { name: pulp.name.clone(), api: api.url.clone(), content: content.url.clone(), header };
    let news = if pulp.status.is("Available") {
        news(true, "PulpReady", format!("Katello keeps its content in Pulp {}", pulp.name))
    } else {
        let why = pulp.status.conditions.iter().find(|condition| condition.type_ == "Ready");
        let why = why.map(|why| format!(": {}", why.message)).unwrap_or_default();
        news(false, "PulpNotReady", format!("Pulp {} is not ready{why}", pulp.name))
    };
    (Some(found), news)
}
