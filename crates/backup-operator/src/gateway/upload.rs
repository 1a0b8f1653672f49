//! Takes an upload. It is kept in memory until it is known to be what its name says, so that nothing wrong is ever visible in the storage, and then
//! written in one piece, only if nothing is there.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest::{Context, SHA256};
use axum::body::Body;
use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderMap, header};
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use tokio::time::timeout;

use super::{
    answer::Failed,
    place::{Place, What},
    route::{Shared, slow, within},
};

/// Memory is given out in units, because a semaphore counts to no more than four thousand millions.
pub const UNIT: usize = 64 * 1024;
/// How long a mover may send nothing.
const IDLE: Duration = Duration::from_secs(20);

pub fn units(bytes: usize) -> usize {
    bytes.div_ceil(UNIT).max(1)
}

pub async fn receive(
    shared: &Arc<Shared>,
    store: &dyn ObjectStore,
    place: &Place,
    headers: &HeaderMap,
    body: &mut Option<Body>,
) -> Result<(), Failed> {
    let length =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let length = length.ok_or_else(|| Failed::Wrong("an upload needs a Content-Length".to_owned()))?;
    let all = shared.gateway.memory;
    if length > all {
        return Err(Failed::TooBig(format!(
            "{length} bytes are more than the {all} that the gateway may keep in memory"
        )));
    }
    let needed = u32::try_from(units(length)).unwrap_or(u32::MAX);
    let waiting = timeout(shared.gateway.patience, shared.memory.acquire_many(needed)).await;
    let Ok(Ok(_memory)) = waiting else {
        return Err(Failed::Unavailable("the gateway has too many uploads at the same time".to_owned()));
    };
    let body = body.take().unwrap_or_default();
    let payload = verified(shared, place, body, length).await?;
    put(store, place, payload, shared.gateway.patience).await
}

async fn verified(shared: &Shared, place: &Place, body: Body, length: usize) -> Result<PutPayload, Failed> {
    let mut pieces = body.into_data_stream();
    let mut kept: Vec<Bytes> = Vec::new();
    let mut hash = Context::new(&SHA256);
    let mut received = 0;
    loop {
        let next = timeout(IDLE, pieces.next())
            .await
            .map_err(|_| Failed::Wrong("the upload came to a halt".to_owned()))?;
        let Some(piece) = next else { break };
        let piece = piece.map_err(|error| Failed::Wrong(format!("the upload broke off: {error}")))?;
        received += piece.len();
        if received > length {
            return Err(Failed::Wrong(format!("more than the announced {length} bytes came")));
        }
        shared.gateway.metrics.receive(piece.len());
        hash.update(&piece);
        kept.push(piece);
    }
    if received != length {
        return Err(Failed::Wrong(format!("{received} bytes came, {length} were announced")));
    }
    if let What::File(_, name) = &place.what {
        let found = crate::engine::hex(hash.finish().as_ref());
        if found != *name {
            return Err(Failed::Wrong(format!(
                "the content has the SHA-256 {found}, the name is {name}; nothing was written"
            )));
        }
    }
    Ok(kept.into_iter().collect())
}

async fn put(
    store: &dyn ObjectStore,
    place: &Place,
    payload: PutPayload,
    patience: Duration,
) -> Result<(), Failed> {
    let (key, length) = (place.key(), payload.content_length());
    let create = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    let put =
        timeout(patience, store.put_opts(&key, payload.clone(), create)).await.map_err(|_| slow(patience))?;
    match put {
        Ok(_) => Ok(()),
        Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
            there(store, place, length, patience).await
        }
        // A storage that cannot do it in one step; what has a digest for a name can only be overwritten by itself.
        Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) => {
            match within(patience, store.head(&key)).await {
                Err(Failed::NotFound) => within(patience, store.put(&key, payload)).await.map(drop),
                Err(failed) => Err(failed),
                Ok(_) => there(store, place, length, patience).await,
            }
        }
        Err(error) => Err(error.into()),
    }
}

/// It is there already: fine if it is the same, as after an answer that got lost.
async fn there(
    store: &dyn ObjectStore,
    place: &Place,
    length: usize,
    patience: Duration,
) -> Result<(), Failed> {
    if place.what == What::Config {
        let words = format!("repository {} is there already; nothing is overwritten", place.repository);
        return Err(Failed::Forbidden(words));
    }
    let found = within(patience, store.head(&place.key())).await?;
    if found.size == length as u64 {
        return Ok(());
    }
    Err(Failed::Different(format!(
        "{} is there with {} bytes, not {length}; nothing is overwritten",
        place.key(),
        found.size
    )))
}
