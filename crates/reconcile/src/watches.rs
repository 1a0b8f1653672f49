//! A watch that goes on whatever becomes of the API server, of a permission, or of the kind itself.

use std::time::Duration;

use futures::{Stream, StreamExt, TryStreamExt};
use kube::{
    Api, Resource,
    runtime::{WatchStreamExt, reflector, watcher},
};
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::error::{Error, said};

/// How often we look whether an optional kind has been installed meanwhile.
const ABSENT: Duration = Duration::from_mins(5);

/// A watch that keeps a store current and gives what was touched.
pub(crate) fn follow<K>(
    api: Api<K>,
    config: watcher::Config,
    writer: reflector::store::Writer<K>,
    trim: impl FnMut(&mut K) + Send + 'static,
    anew: impl Fn() + Send + 'static,
) -> impl Stream<Item = Result<K, watcher::Error>> + Send + 'static
where
    K: Resource + Clone + std::fmt::Debug + DeserializeOwned + Send + Sync + 'static,
    K::DynamicType: Eq + std::hash::Hash + Clone + Send + Sync,
{
    let events = watcher(api, config).default_backoff();
    let current = move |event: &watcher::Result<watcher::Event<K>>| {
        if matches!(event, Ok(watcher::Event::InitDone)) {
            anew();
        }
    };
    events.modify(trim).reflect(writer).inspect(current).touched_objects()
}

/// Drives a watch for ever; tells what was touched, and the first trouble. `absent`: the cluster need not have the kind.
pub(crate) async fn run<K>(
    stream: impl Stream<Item = Result<K, watcher::Error>> + Send + 'static,
    tell: impl Fn(&K) + Send + 'static,
    plural: String,
    trouble: watch::Sender<Option<Error>>,
    absent: Option<watch::Sender<Option<bool>>>,
) {
    let mut stream = std::pin::pin!(stream.into_stream());
    while let Some(event) = stream.next().await {
        match event {
            Ok(object) => tell(&object),
            Err(error) => {
                let source = match &error {
                    watcher::Error::InitialListFailed(source) | watcher::Error::WatchStartFailed(source) => {
                        Some(source)
                    }
                    _ => None,
                };
                match (source, &absent) {
                    (Some(kube::Error::Api(status)), Some(absent)) if matches!(status.code, 403 | 404) => {
                        absent.send_replace(Some(false));
                        tokio::time::sleep(ABSENT).await;
                    }
                    (Some(kube::Error::Api(status)), _) if status.code == 403 => {
                        let error =
                            Error::Forbidden { what: format!("list {plural}"), said: status.message.clone() };
                        // Nobody waits for the start any more: the permission was there and has been taken away.
                        if let Err(unheard) = trouble.send(Some(error)) {
                            let error = unheard.0.map(|error| error.to_string());
                            tracing::warn!(%plural, error, "watch interrupted");
                        }
                    }
                    _ => {
                        if let Some(absent) = &absent {
                            // Nobody waits for a kind that may as well not be there.
                            absent
                                .send_if_modified(|known| known.is_none() && known.replace(false).is_none());
                        }
                        tracing::warn!(%plural, error = source.map_or_else(|| error.to_string(), said), "watch interrupted");
                    }
                }
            }
        }
    }
}
