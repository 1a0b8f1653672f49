//! Reads more than is asked where the rest will be asked next: one request per blob makes a distant storage unbearably slow.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use rustic_core::{BytesList, FileType, Id, ReadBackend, RusticResult, WriteBackend};

/// Bytes of packs of trees that are kept. Trees are read about in the order in which they were written; the small packs of many backups, in which
/// what is still in use is spread, all find room.
const TREES: usize = 32 * 1024 * 1024;

/// Filled by the first who asks; the others wait for him.
type Slot = Arc<Mutex<Option<Bytes>>>;

struct Tree {
    pack: Id,
    slot: Slot,
    /// 0 as long as it is being read.
    size: usize,
}

pub struct Ahead {
    inner: Arc<dyn WriteBackend>,
    trees: Mutex<VecDeque<Tree>>,
    windows: Mutex<Vec<(Id, u32, Bytes)>>,
}

/// A part of a pack that is kept in memory as long as this lives.
pub struct Window {
    ahead: Arc<Ahead>,
    pack: Id,
    offset: u32,
}

impl Ahead {
    pub fn new(inner: Arc<dyn WriteBackend>) -> Arc<Self> {
        Arc::new(Self { inner, trees: Mutex::default(), windows: Mutex::default() })
    }

    /// Reads a part of a pack that is about to be asked for in pieces; None if it is in a window already.
    pub fn window(self: &Arc<Self>, pack: Id, offset: u32, length: u32) -> RusticResult<Option<Window>> {
        if self.in_window(&pack, offset, length).is_some() {
            return Ok(None);
        }
        let bytes = self.inner.read_partial(FileType::Pack, &pack, false, offset, length)?;
        self.windows.lock().unwrap_or_else(PoisonError::into_inner).push((pack, offset, bytes));
        Ok(Some(Window { ahead: self.clone(), pack, offset }))
    }

    fn in_window(&self, pack: &Id, offset: u32, length: u32) -> Option<Bytes> {
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows.iter().filter(|(id, ..)| id == pack).find_map(|(_, start, bytes)| {
            let from = offset.checked_sub(*start)? as usize;
            let to = from.checked_add(length as usize)?;
            (to <= bytes.len()).then(|| bytes.slice(from..to))
        })
    }

    fn tree(&self, pack: &Id, offset: u32, length: u32) -> RusticResult<Option<Bytes>> {
        let slot = {
            let mut trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(tree) = trees.iter().find(|tree| tree.pack == *pack) {
                tree.slot.clone()
            } else {
                let slot = Slot::default();
                trees.push_back(Tree { pack: *pack, slot: slot.clone(), size: 0 });
                slot
            }
        };
        let mut content = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if content.is_none() {
            let bytes = self.inner.read_full(FileType::Pack, pack)?;
            self.make_room(pack, bytes.len());
            *content = Some(bytes);
        }
        let (from, to) = (offset as usize, offset as usize + length as usize);
        Ok(content.as_ref().filter(|bytes| to <= bytes.len()).map(|bytes| bytes.slice(from..to)))
    }

    fn make_room(&self, pack: &Id, size: usize) {
        let mut trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tree) = trees.iter_mut().find(|tree| tree.pack == *pack) {
            tree.size = size;
        }
        let mut all: usize = trees.iter().map(|tree| tree.size).sum();
        while all > TREES && trees.front().is_some_and(|tree| tree.pack != *pack) {
            all -= trees.pop_front().map_or(0, |tree| tree.size);
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let mut windows = self.ahead.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) =
            windows.iter().position(|(id, offset, _)| *id == self.pack && *offset == self.offset)
        {
            windows.swap_remove(at);
        }
    }
}

impl ReadBackend for Ahead {
    super::backend::read_through!(inner);

    fn read_partial(
        &self,
        kind: FileType,
        id: &Id,
        cacheable: bool,
        offset: u32,
        length: u32,
    ) -> RusticResult<Bytes> {
        if kind == FileType::Pack {
            // The library calls cacheable what are trees.
            let known =
                if cacheable { self.tree(id, offset, length)? } else { self.in_window(id, offset, length) };
            if let Some(bytes) = known {
                return Ok(bytes);
            }
        }
        self.inner.read_partial(kind, id, cacheable, offset, length)
    }
}

impl WriteBackend for Ahead {
    fn create(&self) -> RusticResult<()> {
        self.inner.create()
    }

    fn write_bytes(&self, kind: FileType, id: &Id, cacheable: bool, content: BytesList) -> RusticResult<()> {
        self.inner.write_bytes(kind, id, cacheable, content)
    }

    fn remove(&self, kind: FileType, id: &Id, cacheable: bool) -> RusticResult<()> {
        self.inner.remove(kind, id, cacheable)
    }
}
