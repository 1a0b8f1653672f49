//! Where the content of files lies in packs, in runs that one request can fetch.

use rustic_core::{
    BlobId, DataId, Id, IndexedFullStatus, Repository,
    repofile::{BlobType, Node},
};

use super::error::one_line;

/// Bytes of a pack that are read at once.
const LONGEST: u32 = 4 * 1024 * 1024;
/// Bytes between two runs that are rather read than asked around.
const GAP: u32 = 256 * 1024;

/// A run of blobs in one pack.
#[derive(Clone, Debug)]
pub struct Span {
    pub pack: Id,
    pub offset: u32,
    pub length: u32,
    pub blobs: Vec<BlobId>,
}

impl Span {
    pub fn end(&self) -> u32 {
        self.offset + self.length
    }

    /// Whether the part of a pack can be read together with this one.
    pub fn reaches(&self, pack: &Id, offset: u32, end: u32) -> bool {
        self.pack == *pack
            && offset >= self.end()
            && offset - self.end() <= GAP
            && end - self.offset <= LONGEST
    }
}

/// The runs of a file, in the order of its content, and its size. An error says what the index misses.
pub fn spans(repository: &Repository<IndexedFullStatus>, node: &Node) -> Result<(Vec<Span>, u64), String> {
    let mut spans: Vec<Span> = Vec::new();
    let mut size = 0;
    for blob in node.content.iter().flatten() {
        let entry = repository.get_index_entry::<DataId>(blob).map_err(|error| one_line(&error))?;
        let (pack, offset, length) = (*entry.pack, entry.location.offset, entry.location.length);
        size += u64::from(entry.data_length());
        let blob = BlobId::from(**blob);
        match spans.last_mut() {
            Some(last) if last.reaches(&pack, offset, offset + length) => {
                last.length = offset + length - last.offset;
                last.blobs.push(blob);
            }
            _ => spans.push(Span { pack, offset, length, blobs: vec![blob] }),
        }
    }
    Ok((spans, size))
}

/// The content of a blob, decrypted, from a window if there is one.
pub fn read(
    repository: &Repository<IndexedFullStatus>,
    blob: &BlobId,
) -> Result<bytes::Bytes, Box<rustic_core::RusticError>> {
    repository.get_blob_cached(blob, BlobType::Data)
}
