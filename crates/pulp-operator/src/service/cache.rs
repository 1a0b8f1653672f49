//! The cache of the content server: a Valkey without a volume. Losing it costs a moment of speed and nothing else.

use reconcile::{Object, field::Amounts, service::Valkey};

use super::Instance;
use crate::{checked::Cache, names};

/// Nothing if it is somebody else's, or if there is none.
pub fn objects(pulp: &Instance) -> Vec<Object> {
    if pulp.cache != Cache::Own {
        return vec![];
    }
    let template = &pulp.spec.cache.template;
    let cache = Valkey {
        part: pulp.part("cache"),
        image: &pulp.images.valkey,
        volume: None,
        resources: Amounts::or(template.resources.as_ref(), ["25m", "64Mi"], ["1", "256Mi"]),
        password: &pulp.keys.cache,
        secret: pulp.part(names::CACHE).name(),
        data: &pulp.data,
    };
    cache.objects().into_iter().map(|object| object.templated(template)).collect()
}

/// For the client of Pulp's: whoever waits longer than this (s) is served faster without. Where its node is lost, nobody answers at all.
const PATIENCE: &str = "socket_timeout=2&socket_connect_timeout=2";

/// Its URL, if there is one.
pub fn url(pulp: &Instance) -> Option<String> {
    let url = match &pulp.cache {
        Cache::Off => return None,
        Cache::Own => format!("redis://:{}@{}:6379/0", pulp.keys.cache, pulp.address("cache")),
        Cache::External { url, .. } => url.clone(),
    };
    let more = if url.contains('?') { '&' } else { '?' };
    Some(format!("{url}{more}{PATIENCE}"))
}
