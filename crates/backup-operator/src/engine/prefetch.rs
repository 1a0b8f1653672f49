//! Objects of a bucket as entries, fetched before the library asks: it reads as many files at once as there are processors, which is far too few for
//! a distant storage.

use std::{
    collections::VecDeque,
    io::{self, Read},
    path::PathBuf,
    sync::{Arc, mpsc::Receiver},
};

use bytes::{Buf, Bytes};
use futures::TryStreamExt;
use object_store::{Error, ObjectStore, ObjectStoreExt, path::Path as Key};
use rustic_core::repofile::{Metadata, NodeType};
use tokio::sync::mpsc;

use super::{
    feed::{Entries, Entry, Ledger},
    source::{Bucket, Listed},
    verify::{Expected, Verified},
};

/// Pieces of an object, of some dozens of kilobytes each, that wait to be read.
const PIECES: usize = 8;

/// What the parent has, in order: path and size.
pub type Known = Receiver<(PathBuf, u64)>;

pub fn entries(bucket: Bucket, known: Option<Known>, ledger: &Arc<Ledger>) -> Entries {
    Box::new(Fetched {
        ahead: VecDeque::new(),
        parent: Parent { known, next: None },
        bucket,
        ledger: ledger.clone(),
    })
}

struct Fetched {
    bucket: Bucket,
    parent: Parent,
    ahead: VecDeque<Entry>,
    ledger: Arc<Ledger>,
}

impl Iterator for Fetched {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        while self.ahead.len() < self.bucket.parallel.max(1) {
            let Some(listed) = self.bucket.files.next() else { break };
            let entry = self.entry(listed);
            self.ahead.push_back(entry);
        }
        self.ahead.pop_front()
    }
}

impl Fetched {
    fn entry(&mut self, listed: Listed) -> Entry {
        let expected = Expected {
            path: listed.path.clone(),
            announced: listed.size.unwrap_or(0),
            size: listed.size,
            sha256: listed.sha256,
        };
        let key = self
            .bucket
            .prefix
            .parts()
            .chain(Key::from(listed.path.to_string_lossy().as_ref()).parts())
            .collect();
        // The library decides alike, so it asks for nothing that was not fetched; if it did, it would be fetched then.
        let unchanged = !self.bucket.reread && self.parent.has(&listed);
        let (store, runtime, ledger) =
            (self.bucket.store.clone(), self.bucket.runtime.clone(), self.ledger.clone());
        let fetch = move || {
            let (to, pieces) = mpsc::channel(PIECES);
            runtime.spawn(fetch(store, key, to));
            Pieces { pieces, piece: Bytes::new() }
        };
        let open: Box<dyn FnOnce() -> Result<_, String> + Send> = if unchanged {
            Box::new(move || Ok(Box::new(Verified::new(fetch(), expected, None, ledger)) as _))
        } else {
            let pieces = fetch();
            Box::new(move || Ok(Box::new(Verified::new(pieces, expected, None, ledger)) as _))
        };
        let meta = Metadata { size: listed.size.unwrap_or(0), mode: Some(0o644), ..Metadata::default() };
        Entry { path: listed.path, kind: NodeType::File, meta, open: Some(open) }
    }
}

/// Goes along the parent's list as we go along ours; both are in order.
struct Parent {
    known: Option<Known>,
    next: Option<(PathBuf, u64)>,
}

impl Parent {
    fn has(&mut self, listed: &Listed) -> bool {
        let Some(known) = &self.known else { return false };
        while self.next.as_ref().is_none_or(|(path, _)| path.as_path() < listed.path.as_path()) {
            match known.recv() {
                Ok(next) => self.next = Some(next),
                Err(_) => return false,
            }
        }
        self.next.as_ref().is_some_and(|(path, size)| *path == listed.path && Some(*size) == listed.size)
    }
}

async fn fetch(store: Arc<dyn ObjectStore>, key: Key, to: mpsc::Sender<Result<Bytes, String>>) {
    let why = |error: &Error| match error {
        Error::NotFound { .. } => "is missing".to_owned(),
        _ => error.to_string(),
    };
    let mut pieces = match store.get(&key).await {
        Ok(object) => object.into_stream(),
        Err(error) => return drop(to.send(Err(why(&error))).await),
    };
    loop {
        let piece = match pieces.try_next().await {
            Ok(None) => return,
            Ok(Some(piece)) => Ok(piece),
            Err(error) => Err(why(&error)),
        };
        let last = piece.is_err();
        // Nobody reads any more: the backup ended.
        if to.send(piece).await.is_err() || last {
            return;
        }
    }
}

struct Pieces {
    pieces: mpsc::Receiver<Result<Bytes, String>>,
    piece: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.piece.has_remaining() {
            match self.pieces.blocking_recv() {
                None => return Ok(0),
                Some(piece) => self.piece = piece.map_err(io::Error::other)?,
            }
        }
        let count = self.piece.len().min(out.len());
        self.piece.copy_to_slice(&mut out[..count]);
        Ok(count)
    }
}
