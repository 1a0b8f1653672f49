//! Files under a folder as entries.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use rustic_core::repofile::{Metadata, NodeType};

use super::{
    feed::{Entries, Entry, Ledger},
    source::{Folder, Listed},
    verify::{Expected, Verified},
};

pub fn entries(folder: Folder, ledger: &Arc<Ledger>) -> Entries {
    let ledger = ledger.clone();
    let Folder { root, files, .. } = folder;
    Box::new(files.filter_map(move |listed| {
        let full = root.join(&listed.path);
        let found = match fs::symlink_metadata(&full) {
            Ok(found) => found,
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                ledger.unread(&listed.path, error.to_string());
                return None;
            }
            // Nobody says that it must be there: whoever uses the folder has deleted it since it was walked.
            Err(_) if listed.size.is_none() && listed.sha256.is_none() => return None,
            Err(_) => {
                ledger.unread(&listed.path, "is missing");
                return None;
            }
        };
        entry(full, &found, &listed, &ledger).map_err(|why| ledger.unread(&listed.path, why)).ok()
    }))
}

fn entry(
    full: PathBuf,
    found: &fs::Metadata,
    listed: &Listed,
    ledger: &Arc<Ledger>,
) -> Result<Entry, String> {
    let meta = Metadata {
        mode: Some(found.mode()),
        mtime: Timestamp::new(found.mtime(), i32::try_from(found.mtime_nsec()).unwrap_or_default()).ok(),
        uid: Some(found.uid()),
        gid: Some(found.gid()),
        ..Metadata::default()
    };
    if found.is_symlink() {
        let target = fs::read_link(&full).map_err(|error| error.to_string())?;
        return Ok(Entry { path: listed.path.clone(), kind: NodeType::from_link(&target), meta, open: None });
    }
    if found.is_dir() {
        return Ok(Entry { path: listed.path.clone(), kind: NodeType::Dir, meta, open: None });
    }
    if !found.is_file() {
        return Err("is neither a file nor a folder nor a symbolic link".to_owned());
    }
    if let Some(size) = listed.size
        && size != found.len()
    {
        return Err(format!("has {} bytes, not {size}", found.len()));
    }
    let expected = Expected {
        path: listed.path.clone(),
        announced: found.len(),
        size: listed.size,
        sha256: listed.sha256,
    };
    let ledger = ledger.clone();
    Ok(Entry {
        path: listed.path.clone(),
        kind: NodeType::File,
        meta: Metadata { size: found.len(), ..meta },
        open: Some(Box::new(move || {
            let file = File::open(&full).map_err(|error| error.to_string())?;
            Ok(Box::new(Verified::new(file, expected, None, ledger)) as _)
        })),
    })
}

/// Everything under a folder, in the order of the paths.
pub fn walk(root: &Path) -> io::Result<Vec<Listed>> {
    let mut found = Vec::new();
    below(root, &PathBuf::new(), &mut found)?;
    Ok(found)
}

fn below(root: &Path, folder: &Path, found: &mut Vec<Listed>) -> io::Result<()> {
    let children = match fs::read_dir(root.join(folder)) {
        // Deleted since its parent was read.
        Err(error) if error.kind() == io::ErrorKind::NotFound && folder != Path::new("") => return Ok(()),
        children => children?,
    };
    let mut children = children.collect::<io::Result<Vec<_>>>()?;
    children.sort_by_key(fs::DirEntry::file_name);
    for child in children {
        let path = folder.join(child.file_name());
        let kind = child.file_type()?;
        if kind.is_dir() || kind.is_file() || kind.is_symlink() {
            found.push(Listed { path: path.clone(), size: None, sha256: None });
        }
        if kind.is_dir() {
            below(root, &path, found)?;
        }
    }
    Ok(())
}
