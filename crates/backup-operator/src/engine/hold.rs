//! Holds back the snapshot until it is known to be whole.
//!
//! The library writes it before anybody can compare it with what was asked. Deleting a wrong one afterwards would need the right to delete, which a
//! mover has not, and would not happen after a kill.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rustic_core::{BytesList, FileType, Id, ReadBackend, RusticResult, WriteBackend};

pub struct Hold {
    inner: Arc<dyn WriteBackend>,
    held: Mutex<Vec<(Id, BytesList)>>,
}

impl Hold {
    pub fn new(inner: Arc<dyn WriteBackend>) -> Arc<Self> {
        Arc::new(Self { inner, held: Mutex::default() })
    }

    /// What is held back is not wanted any more.
    pub fn discard(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The id of the snapshot that is held back.
    pub fn id(&self) -> Option<Id> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).first().map(|(id, _)| *id)
    }

    /// The snapshot comes into being.
    pub fn release(&self) -> RusticResult<()> {
        let held = std::mem::take(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner));
        for (id, content) in held {
            self.inner.write_bytes(FileType::Snapshot, &id, false, content)?;
        }
        Ok(())
    }
}

impl ReadBackend for Hold {
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

impl WriteBackend for Hold {
    fn create(&self) -> RusticResult<()> {
        self.inner.create()
    }

    fn write_bytes(&self, kind: FileType, id: &Id, cacheable: bool, content: BytesList) -> RusticResult<()> {
        if kind == FileType::Snapshot {
            self.held.lock().unwrap_or_else(PoisonError::into_inner).push((*id, content));
            return Ok(());
        }
        self.inner.write_bytes(kind, id, cacheable, content)
    }

    fn remove(&self, kind: FileType, id: &Id, cacheable: bool) -> RusticResult<()> {
        self.inner.remove(kind, id, cacheable)
    }
}
