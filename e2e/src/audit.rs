//! What was asked of the API server, from its audit log.

use std::fs;

use jiff::Timestamp;
use serde_json::Value;

use crate::cluster::logs;

/// The requests since a moment.
#[derive(Clone, Copy, Debug)]
pub struct Audit {
    since: Timestamp,
}

/// One answered request.
#[derive(Clone, Debug)]
pub struct Request {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`.
    pub verb: String,
    /// Plural of the kind, with the subresource: `foremans/status`.
    pub resource: String,
    /// Its namespace, empty if it has none.
    pub namespace: String,
    /// Name of the object, empty for a list.
    pub name: String,
    /// The HTTP status of the answer.
    pub code: i64,
}

impl Audit {
    /// From now on.
    pub fn begin() -> Self {
        Self { since: Timestamp::now() }
    }

    /// What the user has asked since; an operator is [`crate::story::Life::user`].
    pub fn requests(&self, user: &str) -> Vec<Request> {
        let mut found = vec![];
        for entry in fs::read_dir(logs()).expect("the folder of the cluster's logs").flatten() {
            let rotated_before = || {
                let changed = entry.metadata().and_then(|metadata| metadata.modified()).ok();
                changed.and_then(|at| Timestamp::try_from(at).ok()).is_some_and(|at| at < self.since)
            };
            if !entry.file_name().to_string_lossy().starts_with("audit") || rotated_before() {
                continue;
            }
            let text = fs::read_to_string(entry.path()).expect("the audit log");
            found.extend(text.lines().filter_map(|line| self.request(user, line)));
        }
        found
    }

    /// The same, but only those of one verb on one kind in one namespace.
    pub fn count(&self, user: &str, verb: &str, resource: &str, namespace: &str) -> usize {
        let asked = |request: &Request| {
            request.verb == verb && request.resource == resource && request.namespace == namespace
        };
        self.requests(user).into_iter().filter(asked).count()
    }

    fn request(&self, user: &str, line: &str) -> Option<Request> {
        if !line.contains(user) {
            return None;
        }
        let event: Value = serde_json::from_str(line).ok()?;
        let received: Timestamp = event["requestReceivedTimestamp"].as_str()?.parse().ok()?;
        if received < self.since || event["user"]["username"] != user || event["stage"] != "ResponseComplete"
        {
            return None;
        }
        let of = |key: &str| event["objectRef"][key].as_str().unwrap_or_default().to_owned();
        let subresource = of("subresource");
        let slash = if subresource.is_empty() { "" } else { "/" };
        Some(Request {
            verb: event["verb"].as_str()?.to_owned(),
            resource: format!("{}{slash}{subresource}", of("resource")),
            namespace: of("namespace"),
            name: of("name"),
            code: event["responseStatus"]["code"].as_i64().unwrap_or_default(),
        })
    }
}
