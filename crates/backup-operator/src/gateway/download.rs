//! Gives out what is kept.

use std::{io, ops::Range, os::unix::fs::FileExt, sync::Arc, time::Duration};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use http::{HeaderMap, StatusCode, header};
use object_store::{GetOptions, GetRange, GetResult, GetResultPayload, ObjectStore, ObjectStoreExt};
use serde::Serialize;
use tokio::{task::spawn_blocking, time::timeout};

use super::{
    answer::Failed,
    place::{Place, is_digest},
    route::{Shared, within},
};

/// Bytes of a file that are read at once.
const PIECE: usize = 512 * 1024;
const VERSION_2: &str = "application/vnd.x.restic.rest.v2";

pub async fn head(store: &dyn ObjectStore, place: &Place, patience: Duration) -> Result<Response, Failed> {
    let found = within(patience, store.head(&place.key())).await?;
    response(StatusCode::OK, &[(header::CONTENT_LENGTH, found.size.to_string())], Body::empty())
}

#[derive(Serialize)]
struct Listed {
    name: String,
    size: u64,
}

pub async fn list(
    store: &dyn ObjectStore,
    place: &Place,
    headers: &HeaderMap,
    patience: Duration,
) -> Result<Response, Failed> {
    let key = place.key();
    let mut found = store.list(Some(&key));
    let mut listed = Vec::new();
    // Each page in time, not all of them: a list may be long.
    while let Some(object) = within(patience, async { found.try_next().await }).await? {
        let name = object.location.filename().unwrap_or_default();
        if is_digest(name) {
            listed.push(Listed { name: name.to_owned(), size: object.size });
        }
    }
    let second = headers.get(header::ACCEPT).is_some_and(|accept| accept == VERSION_2);
    let (kind, body) = if second {
        (VERSION_2, serde_json::to_vec(&listed))
    } else {
        let names: Vec<&String> = listed.iter().map(|file| &file.name).collect();
        ("application/vnd.x.restic.rest.v1", serde_json::to_vec(&names))
    };
    let body = body.map_err(|error| Failed::Unavailable(error.to_string()))?;
    response(StatusCode::OK, &[(header::CONTENT_TYPE, kind.to_owned())], Body::from(body))
}

pub async fn get(
    store: &dyn ObjectStore,
    place: &Place,
    headers: &HeaderMap,
    shared: &Arc<Shared>,
) -> Result<Response, Failed> {
    let patience = shared.gateway.patience;
    let range = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let range = range
        .map(|text| asked(text).ok_or_else(|| Failed::Range(format!("range `{text}` is not understood"))))
        .transpose()?;
    let partial = range.is_some();
    let options = GetOptions { range, ..GetOptions::default() };
    let found = within(patience, store.get_opts(&place.key(), options)).await?;
    let (Range { start, end }, size) = (found.range.clone(), found.meta.size);
    let metrics = shared.gateway.metrics.clone();
    // An error ends the connection before the announced length: the mover sees that it was not all.
    let pieces = stream::unfold(Some(pieces(found)), move |pieces| async move {
        let mut pieces = pieces?;
        match timeout(patience, pieces.next()).await {
            Ok(None) => None,
            Ok(Some(Ok(piece))) => Some((Ok(piece), Some(pieces))),
            Ok(Some(Err(error))) => Some((Err(io::Error::other(error)), None)),
            Err(_) => Some((Err(io::Error::from(io::ErrorKind::TimedOut)), None)),
        }
    });
    let pieces = pieces.inspect_ok(move |piece| metrics.send(piece.len()));
    let mut said = vec![(header::CONTENT_LENGTH, (end - start).to_string())];
    let mut status = StatusCode::OK;
    if partial {
        status = StatusCode::PARTIAL_CONTENT;
        said.push((header::CONTENT_RANGE, format!("bytes {start}-{}/{size}", end.saturating_sub(1))));
    }
    response(status, &said, Body::from_stream(pieces))
}

/// The content as it comes; of a file in pieces that are worth the way to a thread that may block.
fn pieces(found: GetResult) -> BoxStream<'static, object_store::Result<Bytes>> {
    let Range { start, end } = found.range.clone();
    let GetResultPayload::File(file, _) = found.payload else { return found.into_stream() };
    let file = Arc::new(file);
    let rest = stream::try_unfold(start, move |at| {
        let file = file.clone();
        async move {
            if at >= end {
                return Ok(None);
            }
            let length = usize::try_from(end - at).unwrap_or(PIECE).min(PIECE);
            let read = spawn_blocking(move || {
                let mut piece = vec![0; length];
                file.read_exact_at(&mut piece, at).map(|()| Bytes::from(piece))
            });
            let source =
                |error: io::Error| object_store::Error::Generic { store: "folder", source: Box::new(error) };
            Ok(Some((read.await?.map_err(source)?, at + length as u64)))
        }
    });
    rest.boxed()
}

fn asked(range: &str) -> Option<GetRange> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    match (from, to) {
        ("", last) => last.parse().ok().map(GetRange::Suffix),
        (from, "") => from.parse().ok().map(GetRange::Offset),
        (from, to) => {
            let (from, to) = (from.parse().ok()?, to.parse::<u64>().ok()?.checked_add(1)?);
            (from < to).then_some(GetRange::Bounded(from..to))
        }
    }
}

fn response(status: StatusCode, said: &[(http::HeaderName, String)], body: Body) -> Result<Response, Failed> {
    let mut response = Response::builder().status(status);
    for (name, value) in said {
        response = response.header(name, value);
    }
    response.body(body).map_err(|error| Failed::Unavailable(error.to_string()))
}
