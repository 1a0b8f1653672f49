//! Writes restored files to a folder or a bucket, and verifies them.

use std::{
    fs::{self, File, FileTimes, Permissions},
    io::{self, BufWriter, Write},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload, path::Path as Key};
use rustic_core::repofile::{Node, NodeType};
use tokio::runtime::Handle;

use super::{
    Error, Progress,
    restore::{Job, Target, Wanted},
    source::Digest,
    verify::hex,
};

/// Bytes of an object that are sent at once; S3 wants 5 MiB at least.
const PART: usize = 8 * 1024 * 1024;
/// Mode bits; the rest says what kind of file it is.
const MODE: u32 = 0o7777;

/// Writes the content of a file.
pub type Content<'a> = dyn FnMut(&mut dyn Write) -> Result<(), Error> + 'a;

pub struct Writer<'a> {
    target: &'a Target,
    digest: fn(&Path) -> Option<Digest>,
    go_on: bool,
    progress: &'a Progress,
    temporary: AtomicU64,
    /// Done last: a folder that may not be written to, or whose time would change with every file.
    folders: Mutex<Vec<(PathBuf, Node)>>,
}

impl<'a> Writer<'a> {
    pub fn new(target: &'a Target, wanted: &Wanted, progress: &'a Progress) -> Result<Self, Error> {
        if let Target::Folder(root) = target {
            fs::create_dir_all(root).map_err(|error| failed(root, &error))?;
        }
        let (digest, go_on) = (wanted.digest, wanted.go_on);
        Ok(Self { target, digest, go_on, progress, temporary: AtomicU64::new(0), folders: Mutex::default() })
    }

    /// Folders and links; a bucket has neither.
    pub fn other(&self, path: &Path, node: &Node) -> Result<(), Error> {
        let Target::Folder(root) = self.target else { return Ok(()) };
        let full = root.join(path);
        match &node.node_type {
            NodeType::Dir => {
                fs::create_dir_all(&full).map_err(|error| failed(&full, &error))?;
                self.folders.lock().unwrap_or_else(PoisonError::into_inner).push((full, node.clone()));
            }
            link @ NodeType::Symlink { .. } => {
                if fs::symlink_metadata(&full).is_ok_and(|found| !found.is_dir()) {
                    fs::remove_file(&full).map_err(|error| failed(&full, &error))?;
                }
                parent(&full)
                    .and_then(|()| symlink(link.to_link(), &full))
                    .map_err(|error| failed(&full, &error))?;
                self.progress.file();
            }
            _ => {}
        }
        Ok(())
    }

    pub fn file(&self, job: &Job, content: &mut Content) -> Result<(), Error> {
        match self.target {
            Target::Folder(root) => self.to_folder(&root.join(&job.to), job, content),
            Target::Bucket { store, prefix, runtime } => {
                let key =
                    prefix.parts().chain(Key::from(job.to.to_string_lossy().as_ref()).parts()).collect();
                self.to_bucket(store, &key, runtime, job, content)
            }
        }
    }

    fn to_folder(&self, full: &Path, job: &Job, content: &mut Content) -> Result<(), Error> {
        if self.go_on
            && fs::symlink_metadata(full).is_ok_and(|found| found.is_file() && found.len() == job.size)
        {
            self.progress.add(job.size);
            return Ok(());
        }
        parent(full).map_err(|error| failed(full, &error))?;
        let number = self.temporary.fetch_add(1, Ordering::Relaxed);
        let temporary = full.with_file_name(format!(".restoring-{number}"));
        let written = self.write(&temporary, job, content);
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written?;
        fs::rename(&temporary, full).map_err(|error| failed(full, &error))
    }

    fn write(&self, temporary: &Path, job: &Job, content: &mut Content) -> Result<(), Error> {
        let file = File::create(temporary).map_err(|error| failed(temporary, &error))?;
        let mut out = Hashed::new(BufWriter::new(file), (self.digest)(&job.to));
        content(&mut out)?;
        let file = out.verified(job)?.into_inner().map_err(|error| failed(temporary, error.error()))?;
        let done = || -> io::Result<()> {
            if let Some(mode) = job.node.meta.mode {
                file.set_permissions(Permissions::from_mode(mode & MODE))?;
            }
            file.set_times(times(&job.node))
        };
        done().map_err(|error| failed(temporary, &error))
    }

    fn to_bucket(
        &self,
        store: &Arc<dyn ObjectStore>,
        key: &Key,
        runtime: &Handle,
        job: &Job,
        content: &mut Content,
    ) -> Result<(), Error> {
        let failed = |error: object_store::Error| Error::Target(format!("{key}: {error}"));
        if self.go_on && runtime.block_on(store.head(key)).is_ok_and(|found| found.size == job.size) {
            self.progress.add(job.size);
            return Ok(());
        }
        let mut out = Hashed::new(
            Upload { store, key, runtime, part: Vec::new(), parts: None },
            (self.digest)(&job.to),
        );
        let written = content(&mut out);
        let aborted = |mut upload: Upload, error| {
            if let Some(parts) = &mut upload.parts {
                let _ = runtime.block_on(parts.abort());
            }
            Err(error)
        };
        if let Err(error) = written {
            return aborted(out.inner, error);
        }
        if let Err(error) = out.compare(job) {
            return aborted(out.inner, error);
        }
        out.inner.complete().map_err(failed)
    }

    pub fn finish(self) -> Result<(), Error> {
        let folders = self.folders.into_inner().unwrap_or_else(PoisonError::into_inner);
        // The deepest first: a folder's mode may forbid to reach what is in it.
        for (full, node) in folders.iter().rev() {
            let done = || -> io::Result<()> {
                File::open(full)?.set_times(times(node))?;
                node.meta
                    .mode
                    .map_or(Ok(()), |mode| fs::set_permissions(full, Permissions::from_mode(mode & MODE)))
            };
            done().map_err(|error| failed(full, &error))?;
        }
        Ok(())
    }
}

/// One object, in parts if it is big.
struct Upload<'a> {
    store: &'a Arc<dyn ObjectStore>,
    key: &'a Key,
    runtime: &'a Handle,
    part: Vec<u8>,
    parts: Option<Box<dyn MultipartUpload>>,
}

impl Upload<'_> {
    fn complete(mut self) -> object_store::Result<()> {
        let last = PutPayload::from(Bytes::from(std::mem::take(&mut self.part)));
        let Some(parts) = &mut self.parts else {
            return self.runtime.block_on(self.store.put(self.key, last)).map(drop);
        };
        if last.content_length() > 0 {
            self.runtime.block_on(parts.put_part(last))?;
        }
        self.runtime.block_on(parts.complete()).map(drop)
    }
}

impl Write for Upload<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.part.extend_from_slice(bytes);
        if self.part.len() >= PART {
            let part = PutPayload::from(Bytes::from(std::mem::take(&mut self.part)));
            if self.parts.is_none() {
                self.parts = Some(self.runtime.block_on(self.store.put_multipart(self.key))?);
            }
            if let Some(parts) = &mut self.parts {
                self.runtime.block_on(parts.put_part(part))?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Counts and hashes what passes.
struct Hashed<W> {
    inner: W,
    written: u64,
    expected: Option<(Digest, Context)>,
}

impl<W: Write> Hashed<W> {
    fn new(inner: W, expected: Option<Digest>) -> Self {
        Self { inner, written: 0, expected: expected.map(|digest| (digest, Context::new(&SHA256))) }
    }

    fn compare(&mut self, job: &Job) -> Result<(), Error> {
        let damaged = |why: String| {
            let pack = job.spans.first().map(|span| span.pack.to_hex().as_str().to_owned());
            Err(Error::Damaged { file: job.path.display().to_string(), pack, why })
        };
        if self.written != job.size {
            return damaged(format!("has {} bytes, not {}", self.written, job.size));
        }
        match self.expected.take() {
            Some((digest, context)) => match context.finish() {
                found if found.as_ref() == digest => Ok(()),
                found => damaged(format!(
                    "its content has the SHA-256 {}, not the one of its name",
                    hex(found.as_ref())
                )),
            },
            None => Ok(()),
        }
    }

    fn verified(mut self, job: &Job) -> Result<W, Error> {
        self.compare(job)?;
        Ok(self.inner)
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.written += count as u64;
        if let Some((_, context)) = &mut self.expected {
            context.update(&bytes[..count]);
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn parent(full: &Path) -> io::Result<()> {
    full.parent().map_or(Ok(()), fs::create_dir_all)
}

fn times(node: &Node) -> FileTimes {
    node.meta.mtime.map_or_else(FileTimes::new, |time| FileTimes::new().set_modified(SystemTime::from(time)))
}

fn failed(path: &Path, error: &io::Error) -> Error {
    let mend = if error.kind() == io::ErrorKind::StorageFull {
        "; make the volume bigger and restore again"
    } else {
        ""
    };
    Error::Target(format!("{}: {error}{mend}", path.display()))
}
