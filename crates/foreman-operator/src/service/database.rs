//! The embedded `PostgreSQL`: databases and users of Foreman and Candlepin.

use reconcile::{Object, field::Amounts, service::Postgresql};

use super::Instance;
use crate::names;

/// Nothing if the database is somebody else's.
pub fn objects(foreman: &Instance) -> Vec<Object> {
    if foreman.external.is_some() {
        return vec![];
    }
    let mut databases = vec![("foreman", foreman.part(names::DATABASE).name())];
    if foreman.katello() {
        databases.push(("candlepin", foreman.part(names::DATABASE_CANDLEPIN).name()));
    }
    let spec = &foreman.spec;
    Postgresql {
        part: foreman.part("database"),
        image: &foreman.images.postgresql,
        volume: &spec.storage.database,
        keep: foreman.keep,
        max_connections: spec.database.embedded.clone().unwrap_or_default().max_connections,
        resources: Amounts::or(spec.resources.database.as_ref(), ["100m", "256Mi"], ["2", "1Gi"]),
        databases,
    }
    .objects()
}
