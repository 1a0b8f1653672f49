//! What the operator and a mover say to each other: one JSON object per line, over one connection that the mover opens.

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt};

use crate::crd::Cut;

/// The protocol of the HTTP upgrade.
pub const UPGRADE: &str = "theforeman-backup";
/// Longest line (bytes): the state of an instance comes in one.
const LONGEST: u64 = 4 << 20;

/// From a mover.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "camelCase")]
pub enum Report {
    /// It is there, with its databases open; `cut` is set if it was told to copy before the connection was lost.
    Hello {
        /// The cut whose data it copies.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cut: Option<Cut>,
        /// Snapshots are exported for this one and have been looked at, but it was not told to copy.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exported: Option<String>,
    },
    /// Every database has exported a snapshot for this cut.
    Exported {
        /// Its id.
        cut: String,
    },
    /// Every database was looked at once more.
    Looked {
        /// The cut's id.
        cut: String,
        /// Nothing has finished in between.
        still: bool,
    },
    /// How far it is.
    Progress {
        /// Bytes that are done.
        bytes: u64,
        /// Bytes that there are, as far as is known.
        total: u64,
        /// Files that are done.
        files: u64,
    },
    /// It cannot do it, for people.
    Failed {
        /// What is wrong and how to mend it.
        message: String,
    },
}

/// To a mover.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "camelCase")]
pub enum Order {
    /// The first: what it needs to know and must not be readable in its Job.
    Start {
        /// What [`crate::engine::Key::to_secret`] made.
        key: String,
        /// Objects of the instance that no volume can show it: path and text.
        objects: Vec<(String, String)>,
    },
    /// Export snapshots; those of an earlier cut are given up.
    Export {
        /// The cut's id.
        cut: String,
    },
    /// Look whether something has finished.
    Look {
        /// The cut's id.
        cut: String,
    },
    /// The snapshots are one instant: copy what they show.
    Copy {
        /// The cut.
        cut: Cut,
    },
}

/// Writes one line.
pub async fn write(into: &mut (impl AsyncWrite + Unpin), what: &impl Serialize) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    into.write_all(&line).await?;
    into.flush().await
}

/// Reads one line; `None`: the other side has ended.
pub async fn read<T: serde::de::DeserializeOwned>(
    from: &mut (impl AsyncBufRead + Unpin),
) -> std::io::Result<Option<T>> {
    let mut line = String::new();
    let mut limited = tokio::io::AsyncReadExt::take(from, LONGEST);
    if limited.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    Ok(Some(serde_json::from_str(&line)?))
}
