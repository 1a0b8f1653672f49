//! Writes packs behind the library's back, some at a time: it writes one after another and computes nothing meanwhile, so a distant storage would
//! set the pace. Everything that refers to packs waits for them.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use bytes::Bytes;
use rustic_core::{BytesList, ErrorKind, FileType, Id, ReadBackend, RusticError, RusticResult, WriteBackend};

use super::error::{Failure, failure, one_line};

/// Each costs the memory of a pack.
const PACKS: usize = 2;

pub struct Behind {
    inner: Arc<dyn WriteBackend>,
    under_way: Arc<UnderWay>,
}

#[derive(Default)]
struct UnderWay {
    packs: Mutex<Packs>,
    fewer: Condvar,
}

#[derive(Default)]
struct Packs {
    count: usize,
    /// The first one stays: what was to be written is not all there.
    failed: Option<Failure>,
}

impl UnderWay {
    fn below(&self, limit: usize) -> RusticResult<MutexGuard<'_, Packs>> {
        let mut packs = self.packs.lock().unwrap_or_else(PoisonError::into_inner);
        while packs.count >= limit {
            packs = self.fewer.wait(packs).unwrap_or_else(PoisonError::into_inner);
        }
        match &packs.failed {
            None => Ok(packs),
            Some(failure) => {
                Err(RusticError::with_source(ErrorKind::Backend, "a pack was not written", failure.clone()))
            }
        }
    }

    fn done(&self, result: RusticResult<()>) {
        let mut packs = self.packs.lock().unwrap_or_else(PoisonError::into_inner);
        packs.count -= 1;
        if let (Err(error), None) = (result, &packs.failed) {
            let found = failure(&*error).cloned();
            packs.failed = Some(found.unwrap_or_else(|| Failure { missing: false, text: one_line(&error) }));
        }
        self.fewer.notify_all();
    }
}

impl Behind {
    pub fn new(inner: Arc<dyn WriteBackend>) -> Arc<Self> {
        Arc::new(Self { inner, under_way: Arc::default() })
    }

    fn all_written(&self) -> RusticResult<()> {
        self.under_way.below(1).map(drop)
    }
}

impl ReadBackend for Behind {
    super::backend::read_through!(inner);

    fn read_partial(
        &self,
        kind: FileType,
        id: &Id,
        cacheable: bool,
        offset: u32,
        length: u32,
    ) -> RusticResult<Bytes> {
        self.inner.read_partial(kind, id, cacheable, offset, length)
    }
}

impl WriteBackend for Behind {
    fn create(&self) -> RusticResult<()> {
        self.inner.create()
    }

    fn write_bytes(&self, kind: FileType, id: &Id, cacheable: bool, content: BytesList) -> RusticResult<()> {
        if kind != FileType::Pack {
            self.all_written()?;
            return self.inner.write_bytes(kind, id, cacheable, content);
        }
        self.under_way.below(PACKS)?.count += 1;
        let (inner, under_way, id) = (self.inner.clone(), self.under_way.clone(), *id);
        let writer = thread::Builder::new().name("pack".to_owned()).spawn(move || {
            under_way.done(inner.write_bytes(kind, &id, cacheable, content));
        });
        if let Err(error) = writer {
            self.under_way.done(Err(RusticError::with_source(
                ErrorKind::Internal,
                "no thread to write a pack",
                error,
            )));
        }
        Ok(())
    }

    fn remove(&self, kind: FileType, id: &Id, cacheable: bool) -> RusticResult<()> {
        self.all_written()?;
        self.inner.remove(kind, id, cacheable)
    }
}
