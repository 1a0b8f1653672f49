//! A reader for the library: in full, counted, and compared with what the file should be.

use std::{
    io::{self, Read},
    path::PathBuf,
    sync::Arc,
};

use aws_lc_rs::digest::{Context, SHA256};

use super::{feed::Ledger, source::Digest};

/// The library reads in pieces of 4 KiB.
const BUFFER: usize = 256 * 1024;

/// What a file should be.
pub struct Expected {
    pub path: PathBuf,
    /// As it was announced to the library.
    pub announced: u64,
    pub size: Option<u64>,
    pub sha256: Option<Digest>,
}

/// Asked when the end is reached: whether all of it came.
pub type Finish = Box<dyn FnOnce() -> Result<(), String> + Send>;

pub struct Verified<R> {
    inner: R,
    expected: Expected,
    finish: Option<Finish>,
    ledger: Arc<Ledger>,
    hash: Option<Context>,
    read: u64,
    buffer: Vec<u8>,
    at: usize,
    filled: usize,
    ended: bool,
}

impl<R: Read> Verified<R> {
    pub fn new(inner: R, expected: Expected, finish: Option<Finish>, ledger: Arc<Ledger>) -> Self {
        // One byte more than there should be, so that a small file is known to end with its first read.
        let size = usize::try_from(expected.announced).unwrap_or(BUFFER);
        let size = if size == 0 { BUFFER } else { (size + 1).min(BUFFER) };
        let hash = expected.sha256.map(|_| Context::new(&SHA256));
        Self {
            inner,
            expected,
            finish,
            ledger,
            hash,
            read: 0,
            buffer: vec![0; size],
            at: 0,
            filled: 0,
            ended: false,
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.ledger.progress.stopped() {
            return Err(self.complain("stopped on request".to_owned()));
        }
        (self.at, self.filled) = (0, 0);
        while self.filled < self.buffer.len() && !self.ended {
            match self.inner.read(&mut self.buffer[self.filled..]) {
                Ok(0) => self.ended = true,
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.complain(error.to_string())),
            }
        }
        self.read += self.filled as u64;
        if let Some(hash) = &mut self.hash {
            hash.update(&self.buffer[..self.filled]);
        }
        if self.ended { self.end().map_err(|why| self.complain(why)) } else { Ok(()) }
    }

    fn end(&mut self) -> Result<(), String> {
        if let Some(finish) = self.finish.take() {
            finish()?;
        }
        if let Some(size) = self.expected.size
            && size != self.read
        {
            return Err(format!("has {} bytes, not {size}", self.read));
        }
        if let (Some(hash), Some(sha256)) = (self.hash.take(), self.expected.sha256)
            && hash.clone().finish().as_ref() != sha256
        {
            return Err(format!(
                "its content has the SHA-256 {}, not the one of its name",
                hex(hash.finish().as_ref())
            ));
        }
        self.ledger.read(self.expected.announced, self.read);
        Ok(())
    }

    fn complain(&self, why: String) -> io::Error {
        self.ledger.unread(&self.expected.path, why.clone());
        io::Error::other(why)
    }
}

impl<R: Read> Read for Verified<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut given = 0;
        // Never short before the end: the library shrinks its buffer to what a read gave, for good.
        while given < out.len() {
            if self.at == self.filled {
                if self.ended {
                    break;
                }
                self.fill()?;
                continue;
            }
            let count = (self.filled - self.at).min(out.len() - given);
            out[given..given + count].copy_from_slice(&self.buffer[self.at..self.at + count]);
            self.at += count;
            given += count;
        }
        Ok(given)
    }
}

pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
