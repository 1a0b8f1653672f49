//! restic's REST protocol towards the gateway.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use rustic_core::{BytesList, ErrorKind, FileType, Id, ReadBackend, RusticError, RusticResult, WriteBackend};
use ureq::{
    Agent, SendBody,
    tls::{Certificate, PemItem, RootCerts, TlsConfig},
};

use super::{Error, error::Failure};

/// Where a repository is and how to get there.
#[derive(Clone, Debug)]
pub struct Storage {
    /// For errors: the name of the `BackupStorage`.
    pub name: String,
    /// The repository at the gateway: `https://gateway:8443/{storage}/{repository}`.
    pub url: String,
    /// File with the bearer token; read again for every request, because projected tokens rotate.
    pub token: PathBuf,
    /// The authority that signed the gateway's certificate, PEM; without it, `url` must be http.
    pub ca: Option<Vec<u8>>,
    /// How long to wait for what.
    pub limits: Limits,
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For a connection.
    pub connect: Duration,
    /// For one request with its answer.
    pub request: Duration,
    /// Without any success since the last one: then the storage is given up for good.
    pub give_up: Duration,
    /// Before the first retry; doubled after each.
    pub first_pause: Duration,
    /// At most between retries.
    pub longest_pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            request: Duration::from_secs(30),
            give_up: Duration::from_secs(55),
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(4),
        }
    }
}

/// A repository at the gateway.
#[derive(Debug)]
pub struct Rest {
    storage: Storage,
    agent: Agent,
    /// Why the storage was given up; from then on nothing is tried any more.
    given_up: Mutex<Option<Failure>>,
}

/// Why a request did not succeed.
enum Trouble {
    /// May be better in a moment.
    Passing(String),
    /// Stays so.
    Lasting(Failure),
}

/// Everything of a request but where it goes.
#[derive(Clone, Copy)]
struct Request<'a> {
    method: &'a str,
    path: &'a str,
    range: Option<(u32, u32)>,
    body: Option<&'a BytesList>,
}

impl<'a> Request<'a> {
    fn new(method: &'a str, path: &'a str) -> Self {
        Self { method, path, range: None, body: None }
    }
}

impl Rest {
    /// Does not connect yet.
    pub fn new(storage: Storage) -> Result<Arc<Self>, Error> {
        if storage.ca.is_none() && !storage.url.starts_with("http://") {
            return Err(Error::Storage(format!("{}: https needs the gateway's authority", storage.url)));
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut tls = TlsConfig::builder().unversioned_rustls_crypto_provider(provider);
        if let Some(pem) = &storage.ca {
            tls = tls.root_certs(RootCerts::from(authorities(pem)?));
        }
        let agent = Agent::config_builder()
            .tls_config(tls.build())
            .timeout_connect(Some(storage.limits.connect))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections_per_host(32)
            .proxy(None)
            .build()
            .new_agent();
        Ok(Arc::new(Self { storage, agent, given_up: Mutex::default() }))
    }

    /// Why nothing is tried any more, if that is so; the library may have swallowed it.
    pub fn given_up(&self) -> Option<Error> {
        self.gave_up().map(|failure| Error::Storage(failure.text))
    }

    /// For errors.
    pub(super) fn name(&self) -> &str {
        &self.storage.name
    }

    fn gave_up(&self) -> Option<Failure> {
        self.given_up.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tries until it succeeds, it is clear that it will not, or the time is over.
    fn run(&self, what: &str, request: Request) -> Result<Bytes, Failure> {
        let limits = self.storage.limits;
        let begun = Instant::now();
        let mut pause = limits.first_pause;
        let mut last = String::new();
        loop {
            if let Some(failure) = self.gave_up() {
                return Err(failure);
            }
            let left = limits.give_up.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Err(self.give_up(what, &last));
            }
            match self.once(what, request, left.min(limits.request)) {
                Ok(answer) => return Ok(answer),
                Err(Trouble::Lasting(failure)) => return Err(failure),
                // That the last try was cut short says nothing.
                Err(Trouble::Passing(_)) if left < limits.request && !last.is_empty() => {}
                Err(Trouble::Passing(why)) => last = why,
            }
            thread::sleep(pause.min(limits.give_up.saturating_sub(begun.elapsed())));
            pause = (pause * 2).min(limits.longest_pause);
        }
    }

    fn give_up(&self, what: &str, last: &str) -> Failure {
        let name = &self.storage.name;
        let seconds = self.storage.limits.give_up.as_secs_f32();
        let text = format!(
            "storage {name}: {what} did not succeed within {seconds:.0} s: {last}; look at the conditions of BackupStorage {name} and whether the \
             backup-operator's gateway runs"
        );
        let failure = Failure { missing: false, text };
        self.given_up.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure).clone()
    }

    fn once(&self, what: &str, request: Request, within: Duration) -> Result<Bytes, Trouble> {
        let file = &self.storage.token;
        let token = std::fs::read_to_string(file).map_err(|error| {
            Trouble::Passing(format!("the token {} cannot be read: {error}", file.display()))
        })?;
        let mut call = http::Request::builder()
            .method(request.method)
            .uri(format!("{}/{}", self.storage.url.trim_end_matches('/'), request.path))
            .header("Authorization", format!("Bearer {}", token.trim()))
            .header("Accept", "application/vnd.x.restic.rest.v2");
        if let Some((offset, length)) = request.range {
            call =
                call.header("Range", format!("bytes={offset}-{}", u64::from(offset) + u64::from(length) - 1));
        }
        let size = request.body.map_or(0, BytesList::size);
        let reader = request.body.cloned().unwrap_or_default().reader();
        let body = if request.method == "POST" {
            call = call.header("Content-Length", size);
            SendBody::from_owned_reader(reader)
        } else {
            SendBody::none()
        };
        let call = call.body(body).map_err(|error| self.lasting(what, &error.to_string()))?;
        let call = self.agent.configure_request(call).timeout_global(Some(within)).build();
        let mut answer = self.agent.run(call).map_err(|error| Trouble::Passing(error.to_string()))?;
        let body = answer.body_mut().with_config().limit(u64::from(u32::MAX)).read_to_vec();
        let body =
            Bytes::from(body.map_err(|error| Trouble::Passing(format!("the answer broke off: {error}")))?);
        match answer.status().as_u16() {
            200..=299 => match request.range {
                Some((_, length)) if body.len() != length as usize => {
                    let text = format!(
                        "storage {}: {what}: asked for {length} bytes, got {}",
                        self.storage.name,
                        body.len()
                    );
                    Err(Trouble::Lasting(Failure { missing: false, text }))
                }
                _ => Ok(body),
            },
            status => Err(self.refused(what, status, String::from_utf8_lossy(&body).trim())),
        }
    }

    fn refused(&self, what: &str, status: u16, why: &str) -> Trouble {
        match status {
            404 => Trouble::Lasting(Failure {
                missing: true,
                text: format!("storage {}: {what}: it is not there", self.storage.name),
            }),
            // No space does not come back by waiting a minute.
            507 => self.lasting(what, why),
            408 | 429 | 500.. => {
                Trouble::Passing(if why.is_empty() { format!("status {status}") } else { why.to_owned() })
            }
            _ if why.is_empty() => self.lasting(what, &format!("status {status}")),
            _ => self.lasting(what, why),
        }
    }

    fn lasting(&self, what: &str, why: &str) -> Trouble {
        Trouble::Lasting(Failure {
            missing: false,
            text: format!("storage {}: {what}: {why}", self.storage.name),
        })
    }

    fn path(kind: FileType, id: &Id) -> String {
        match kind {
            FileType::Config => "config".to_owned(),
            _ => format!("{}/{}", kind.dirname(), id.to_hex().as_str()),
        }
    }

    fn list_of(&self, kind: FileType) -> Result<Vec<(Id, u32)>, Failure> {
        if kind == FileType::Config {
            // Not HEAD: an answer to that has no room for the reason of a refusal.
            return match self.run("looking for the repository", Request::new("GET", "config")) {
                Ok(answer) => Ok(vec![(Id::default(), u32::try_from(answer.len()).unwrap_or(u32::MAX))]),
                Err(failure) if failure.missing => Ok(Vec::new()),
                Err(failure) => Err(failure),
            };
        }
        let what = format!("listing {}", kind.dirname());
        let answer = self.run(&what, Request::new("GET", &format!("{}/", kind.dirname())))?;
        let listed: Vec<Listed> = serde_json::from_slice(&answer).map_err(|error| Failure {
            missing: false,
            text: format!(
                "storage {}: {what}: the gateway did not answer in restic's protocol, version 2: {error}",
                self.storage.name
            ),
        })?;
        Ok(listed.into_iter().filter_map(|file| Some((file.name.parse().ok()?, file.size))).collect())
    }
}

#[derive(serde::Deserialize)]
struct Listed {
    name: String,
    size: u32,
}

fn authorities(pem: &[u8]) -> Result<Vec<Certificate<'static>>, Error> {
    let mut found = Vec::new();
    for item in ureq::tls::parse_pem(pem) {
        if let PemItem::Certificate(certificate) =
            item.map_err(|error| Error::Storage(format!("the gateway's authority: {error}")))?
        {
            found.push(certificate);
        }
    }
    if found.is_empty() {
        return Err(Error::Storage("the gateway's authority holds no certificate in PEM".to_owned()));
    }
    Ok(found)
}

fn describe(verb: &str, kind: FileType, id: &Id) -> String {
    match kind {
        FileType::Config => format!("{verb} the configuration"),
        _ => format!("{verb} {kind} {}", id.to_hex().as_str()),
    }
}

fn wrap(failure: Failure) -> Box<RusticError> {
    RusticError::with_source(ErrorKind::Backend, "the storage", failure)
}

impl ReadBackend for Rest {
    fn location(&self) -> String {
        self.storage.url.clone()
    }

    fn list_with_size(&self, kind: FileType) -> RusticResult<Vec<(Id, u32)>> {
        self.list_of(kind).map_err(wrap)
    }

    fn read_full(&self, kind: FileType, id: &Id) -> RusticResult<Bytes> {
        let answer = self.run(&describe("reading", kind, id), Request::new("GET", &Self::path(kind, id)));
        answer.map_err(wrap)
    }

    fn read_partial(
        &self,
        kind: FileType,
        id: &Id,
        _cacheable: bool,
        offset: u32,
        length: u32,
    ) -> RusticResult<Bytes> {
        if length == 0 {
            return Ok(Bytes::new());
        }
        let path = Self::path(kind, id);
        let request = Request { range: Some((offset, length)), ..Request::new("GET", &path) };
        self.run(&describe("reading", kind, id), request).map_err(wrap)
    }

    fn warmup_path(&self, kind: FileType, id: &Id) -> String {
        Self::path(kind, id)
    }
}

impl WriteBackend for Rest {
    fn create(&self) -> RusticResult<()> {
        self.run("making the repository", Request::new("POST", "?create=true")).map(drop).map_err(wrap)
    }

    fn write_bytes(&self, kind: FileType, id: &Id, _cacheable: bool, content: BytesList) -> RusticResult<()> {
        let path = Self::path(kind, id);
        let request = Request { body: Some(&content), ..Request::new("POST", &path) };
        self.run(&describe("writing", kind, id), request).map(drop).map_err(wrap)
    }

    fn remove(&self, kind: FileType, id: &Id, _cacheable: bool) -> RusticResult<()> {
        match self.run(&describe("deleting", kind, id), Request::new("DELETE", &Self::path(kind, id))) {
            // A retry after an answer that got lost.
            Err(failure) if failure.missing => Ok(()),
            other => other.map(drop).map_err(wrap),
        }
    }
}

/// What a wrapper of a backend does not change about reading.
macro_rules! read_through {
    ($inner:ident) => {
        fn location(&self) -> String {
            self.$inner.location()
        }

        fn list_with_size(
            &self,
            kind: rustic_core::FileType,
        ) -> rustic_core::RusticResult<Vec<(rustic_core::Id, u32)>> {
            self.$inner.list_with_size(kind)
        }

        fn read_full(
            &self,
            kind: rustic_core::FileType,
            id: &rustic_core::Id,
        ) -> rustic_core::RusticResult<bytes::Bytes> {
            self.$inner.read_full(kind, id)
        }

        fn warmup_path(&self, kind: rustic_core::FileType, id: &rustic_core::Id) -> String {
            self.$inner.warmup_path(kind, id)
        }
    };
}
pub(super) use read_through;
