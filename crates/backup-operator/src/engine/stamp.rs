//! Gives a stream its size. The library writes the entry of a file before it is read and leaves the size as it was announced; of a dump nobody knows
//! it, and restic restores a file of size 0 as an empty one. So the tree is written once more, by hand: it is a few hundred bytes.

use std::path::{Component, Path};

use aes256ctr_poly1305aes::{Aes256CtrPoly1305Aes, Key, aead::AeadInPlace};
use aws_lc_rs::digest::{SHA256, digest};
use rustic_core::{FileType, Id, IndexedTree, Repository, TreeId, WriteBackend, repofile::MasterKey};
use serde_json::json;

use super::{Error, verify::hex};

const NONCE: usize = 16;
/// What the header of a pack calls a tree that is not compressed.
const TREE: u8 = 1;

/// A tree as it is to be stored.
struct Blob {
    id: TreeId,
    content: Vec<u8>,
}

/// The tree in which the file has its size; its pack and index are written.
pub fn sized<S: IndexedTree>(
    repository: &Repository<S>,
    over: &dyn WriteBackend,
    root: TreeId,
    path: &Path,
    size: u64,
) -> Result<TreeId, Error> {
    let mut blobs = Vec::new();
    let names: Vec<Component> = path.components().collect();
    let root = resize(repository, root, &names, size, &mut blobs)?;
    let key = repository.key();
    let (mut pack, mut header, mut listed) = (Vec::new(), Vec::new(), Vec::new());
    for blob in blobs {
        let sealed = seal(&key, &blob.content)?;
        let length = u32::try_from(sealed.len()).map_err(|_| odd("is too big"))?;
        header.push(TREE);
        header.extend_from_slice(&length.to_le_bytes());
        header.extend_from_slice(&raw(&blob.id)?);
        let id = blob.id.to_hex().as_str().to_owned();
        listed.push(json!({ "id": id, "type": "tree", "offset": pack.len(), "length": length }));
        pack.extend(sealed);
    }
    let header = seal(&key, &header)?;
    let length = u32::try_from(header.len()).map_err(|_| odd("is too big"))?;
    pack.extend(header);
    pack.extend_from_slice(&length.to_le_bytes());
    let id = write(over, FileType::Pack, pack)?;
    let index = json!({ "packs": [{ "id": id, "blobs": listed }] });
    write(over, FileType::Index, seal(&key, index.to_string().as_bytes())?)?;
    Ok(root)
}

fn resize<S: IndexedTree>(
    repository: &Repository<S>,
    tree: TreeId,
    names: &[Component],
    size: u64,
    blobs: &mut Vec<Blob>,
) -> Result<TreeId, Error> {
    let [first, rest @ ..] = names else { return Err(odd("has no name")) };
    let mut tree = repository.get_tree(&tree)?;
    let node = tree.nodes.iter_mut().find(|node| node.name() == first.as_os_str());
    let node = node.ok_or_else(|| odd("is not in its own snapshot"))?;
    match (rest, node.subtree) {
        ([], _) => node.meta.size = size,
        (_, Some(below)) => node.subtree = Some(resize(repository, below, rest, size, blobs)?),
        (_, None) => return Err(odd("is not in its own snapshot")),
    }
    let (content, id) = tree.serialize().map_err(|error| Error::Library(error.to_string()))?;
    blobs.push(Blob { id, content });
    Ok(id)
}

fn odd(what: &str) -> Error {
    Error::Library(format!("the stream {what}"))
}

fn write(over: &dyn WriteBackend, kind: FileType, content: Vec<u8>) -> Result<String, Error> {
    let name = hex(digest(&SHA256, &content).as_ref());
    let id: Id = name.parse()?;
    over.write_bytes(kind, &id, kind == FileType::Pack, content.into())?;
    Ok(name)
}

fn raw(id: &TreeId) -> Result<[u8; 32], Error> {
    let text = id.to_hex();
    let mut bytes = [0; 32];
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| odd("has no id"))?;
    }
    Ok(bytes)
}

/// As restic encrypts: nonce, ciphertext, MAC.
fn seal(key: &MasterKey, plain: &[u8]) -> Result<Vec<u8>, Error> {
    let whole = [&key.encrypt[..], &key.mac.k, &key.mac.r].concat();
    let cipher = Aes256CtrPoly1305Aes::new(Key::from_slice(&whole));
    let nonce = rand::random::<[u8; NONCE]>();
    let mut sealed = [&nonce[..], plain].concat();
    let tag = cipher.encrypt_in_place_detached(&nonce.into(), &[], &mut sealed[NONCE..]);
    sealed.extend_from_slice(&tag.map_err(|_| odd("cannot be encrypted"))?);
    Ok(sealed)
}
