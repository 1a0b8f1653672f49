//! The embedded `PostgreSQL`.

use reconcile::{Object, field::Amounts, service::Postgresql};

use super::Instance;
use crate::names;

/// Nothing if the database is somebody else's.
pub fn objects(pulp: &Instance) -> Vec<Object> {
    let Some(embedded) = pulp.spec.database.own() else { return vec![] };
    let template = &embedded.template;
    let database = Postgresql {
        part: pulp.part("database"),
        image: &pulp.images.postgresql,
        volume: &embedded.volume,
        keep: pulp.keep,
        max_connections: embedded.server.max_connections,
        resources: Amounts::or(template.resources.as_ref(), ["100m", "256Mi"], ["2", "1Gi"]),
        databases: vec![("pulp", pulp.part(names::DATABASE).name())],
    };
    database.objects().into_iter().map(|object| object.templated(template)).collect()
}
