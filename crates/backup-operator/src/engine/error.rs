//! What can go wrong, in words for the status of a backup.

use std::fmt;

use rustic_core::RusticError;

/// A file that could not be backed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Relative to what was backed up.
    pub path: String,
    /// What stood in the way.
    pub why: String,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.why)
    }
}

/// Why a backup, restore or check did not succeed. Each text is complete: what, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The storage, or the gateway before it, does not do what was asked.
    #[error("{0}")]
    Storage(String),
    /// There is no repository yet.
    #[error("{0} has no repository yet; the first backup makes it")]
    NoRepository(String),
    /// The repository was made with another key.
    #[error(
        "the key does not fit the repository {0}: it was made with another key; put back the key of the storage that it was made with"
    )]
    Key(String),
    /// The key's Secret cannot be one.
    #[error("{0}")]
    BadKey(String),
    /// Files that should be in the backup are missing, unreadable or not what their names say. No snapshot was made.
    #[error(
        "{count} of what was to be backed up could not be read, so there is no snapshot; first: {}",
        list(first)
    )]
    Unread {
        /// All of them.
        count: u64,
        /// The first hundred.
        first: Vec<Unread>,
    },
    /// What was stored is not what was asked. No snapshot was made.
    #[error(
        "asked for {asked_files} files and {asked_bytes} bytes, stored {stored_files} files and {stored_bytes} bytes, so there is no snapshot"
    )]
    Mismatch {
        /// Files that the source offered.
        asked_files: u64,
        /// Bytes that were read from it, or taken over from the parent.
        asked_bytes: u64,
        /// Files in the snapshot.
        stored_files: u64,
        /// Bytes in the snapshot.
        stored_bytes: u64,
    },
    /// A stored file cannot be given back.
    #[error("{file}: {why}")]
    Damaged {
        /// In the snapshot.
        file: String,
        /// The pack that holds it, as far as it is known.
        pack: Option<String>,
        /// What is wrong; names the pack.
        why: String,
    },
    /// A snapshot or a file in it that is not there.
    #[error("{0}")]
    NotFound(String),
    /// What a restore writes to does not take it.
    #[error("{0}")]
    Target(String),
    /// Somebody asked to stop.
    #[error("stopped on request")]
    Cancelled,
    /// The library failed in a way that none of the others describes.
    #[error("{0}")]
    Library(String),
}

/// What the backend says, found again inside of what the library makes of it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{text}")]
pub(super) struct Failure {
    pub missing: bool,
    pub text: String,
}

impl From<Box<RusticError>> for Error {
    fn from(error: Box<RusticError>) -> Self {
        if let Some(failure) = failure(&*error) {
            return Self::Storage(failure.text.clone());
        }
        Self::Library(one_line(&error))
    }
}

/// The backend's own words in an error of the library.
pub(super) fn failure<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Failure> {
    let mut next = Some(error);
    while let Some(error) = next {
        // A boxed error is not the error that it boxes.
        let inside = error
            .downcast_ref::<Box<RusticError>>()
            .map(|boxed| &**boxed as &(dyn std::error::Error + 'static));
        let error = inside.unwrap_or(error);
        if let Some(failure) = error.downcast_ref::<Failure>() {
            return Some(failure);
        }
        next = error.source();
    }
    None
}

/// The library's errors are a page each; a status has room for a line.
pub(super) fn one_line(error: &RusticError) -> String {
    error.display_log().trim_start_matches("Error: ").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn list(first: &[Unread]) -> String {
    let shown: Vec<String> = first.iter().take(3).map(ToString::to_string).collect();
    shown.join("; ")
}
