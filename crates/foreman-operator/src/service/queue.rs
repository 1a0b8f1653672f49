//! Valkey: the job queue of Dynflow (database 6, kept on a volume) and Foreman's cache (database 4).

use reconcile::{Object, field::Amounts, service::Valkey};

use super::Instance;
use crate::names;

/// All of it.
pub fn objects(foreman: &Instance) -> Vec<Object> {
    Valkey {
        part: foreman.part("queue"),
        image: &foreman.images.valkey,
        volume: Some((&foreman.spec.storage.queue, foreman.keep)),
        resources: Amounts::or(foreman.spec.resources.queue.as_ref(), ["25m", "64Mi"], ["1", "512Mi"]),
        password: &foreman.keys.queue,
        secret: foreman.part(names::QUEUE).name(),
        data: &foreman.data,
    }
    .objects()
}

/// URL of one of its databases.
pub fn url(foreman: &Instance, database: u8) -> String {
    format!("redis://:{}@{}:6379/{database}", foreman.keys.queue, foreman.address("queue"))
}
