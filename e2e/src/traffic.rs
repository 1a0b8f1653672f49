//! Clients that ask for the same all the while, and what became of it.

use std::{
    fmt::{self, Display},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use reqwest::Method;
use tokio::{sync::watch, task::JoinSet};

use crate::{
    Visitor,
    content::{Artifact, sha256},
    http::causes,
};

/// How long a client rests after an answer.
const PAUSE: Duration = Duration::from_millis(200);

/// Clients that go on asking until somebody wants to know how it went.
pub struct Traffic {
    stop: watch::Sender<bool>,
    clients: JoinSet<Record>,
}

/// How it went for one client.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// What it asked for.
    pub path: String,
    /// How often that came as it should.
    pub answers: u32,
    /// How often it did not, each time with what came instead and how many seconds after the beginning.
    pub failures: Vec<String>,
    /// The longest time in which no answer came as it should.
    pub silence: Duration,
    /// When it first and last failed.
    pub failing: Option<(Timestamp, Timestamp)>,
}

impl Default for Traffic {
    fn default() -> Self {
        Self { stop: watch::channel(false).0, clients: JoinSet::new() }
    }
}

impl Traffic {
    /// One more client, who wants every byte of an artifact.
    #[must_use]
    pub fn downloads(mut self, visitor: Visitor, artifact: &Artifact) -> Self {
        self.clients.spawn(ask(
            visitor,
            artifact.path.clone(),
            artifact.sha256.clone(),
            self.stop.subscribe(),
        ));
        self
    }

    /// One more client, who is content with any answer that is a success.
    #[must_use]
    pub fn reads(mut self, visitor: Visitor, path: &str) -> Self {
        self.clients.spawn(ask(visitor, path.to_owned(), String::new(), self.stop.subscribe()));
        self
    }

    /// Sends the clients home; prints and returns how it went for each.
    pub async fn end(self) -> Vec<Record> {
        self.stop.send_replace(true);
        let records = self.clients.join_all().await;
        for record in &records {
            println!("{record}");
        }
        records
    }
}

impl Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, answers, failures, silence, .. } = self;
        write!(f, "{path}: {answers} answers, {} failures, longest silence {silence:.1?}", failures.len())?;
        failures.iter().take(5).try_for_each(|failure| write!(f, "\n    {failure}"))
    }
}

async fn ask(visitor: Visitor, path: String, wanted: String, stop: watch::Receiver<bool>) -> Record {
    let mut record = Record { path, ..Record::default() };
    let (start, mut last) = (Instant::now(), Instant::now());
    while !*stop.borrow() {
        match once(&visitor, &record.path, &wanted).await {
            Ok(()) => {
                record.answers += 1;
                record.silence = record.silence.max(last.elapsed());
                last = Instant::now();
            }
            Err(why) => {
                record.failures.push(format!("{:.1?}: {why}", start.elapsed()));
                let now = Timestamp::now();
                record.failing = Some((record.failing.map_or(now, |(first, _)| first), now));
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    record.silence = record.silence.max(last.elapsed());
    record
}

async fn once(visitor: &Visitor, path: &str, wanted: &str) -> Result<(), String> {
    let answer = visitor.request(Method::GET, path).send().await.map_err(causes)?;
    let status = answer.status();
    let bytes = answer.bytes().await.map_err(causes)?;
    if !status.is_success() {
        return Err(format!("{status}: {}", String::from_utf8_lossy(&bytes[..bytes.len().min(200)])));
    }
    if wanted.is_empty() || sha256(&bytes) == wanted {
        Ok(())
    } else {
        Err(format!("other bytes, {} of them", bytes.len()))
    }
}
