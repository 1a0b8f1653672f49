//! A gateway over a folder, and movers before it, in one process.
#![allow(dead_code, missing_docs, reason = "every test file uses its part of it")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use axum::serve::ListenerExt;
use backup_operator::{
    engine::{Key, Limits, Parent, Progress, Repository, Rest, Save, Snapshot, Storage, source::Source},
    gateway::{
        Gateway, Metrics, Rights, Stores,
        access::Fixed,
        router,
        storage::{Config, Patience, build},
    },
};
use object_store::ObjectStore;
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub const STORAGE_KEY: &[u8] = b"0123456789abcdef0123456789abcdef";
pub const READ: Rights = Rights { read: true, append: false, delete: false };
pub const MOVER: Rights = Rights { read: true, append: true, delete: false };
pub const ALL: Rights = Rights { read: true, append: true, delete: true };

pub struct World {
    pub dir: TempDir,
    pub runtime: Runtime,
    pub address: String,
    pub metrics: Arc<Metrics>,
}

struct One(Arc<dyn ObjectStore>);

#[async_trait]
impl Stores for One {
    async fn named(&self, storage: &str) -> Option<Arc<dyn ObjectStore>> {
        (storage == "here").then(|| self.0.clone())
    }
}

pub fn limits() -> Limits {
    Limits {
        connect: Duration::from_millis(500),
        request: Duration::from_secs(2),
        give_up: Duration::from_secs(4),
        first_pause: Duration::from_millis(50),
        longest_pause: Duration::from_millis(400),
    }
}

impl World {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("storage");
        fs::create_dir(&folder).unwrap();
        Self::over(dir, &Config::Folder(folder))
    }

    pub fn over(dir: TempDir, config: &Config) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let patience = Patience {
            connect: Duration::from_secs(1),
            idle: Duration::from_secs(1),
            // Less than the gateway waits: what the storage says comes before that it says nothing.
            retries: Duration::from_millis(700),
        };
        let store = runtime.block_on(async { build(config, patience) }).unwrap();
        Self::with(dir, runtime, store)
    }

    pub fn with(dir: TempDir, runtime: Runtime, store: Arc<dyn ObjectStore>) -> Self {
        let mut tokens = BTreeMap::new();
        for (token, repository, rights) in [
            ("reader", "tenant", READ),
            ("mover", "tenant", MOVER),
            ("janitor", "tenant", ALL),
            ("stranger", "other", ALL),
        ] {
            tokens.insert((token.to_owned(), "here".to_owned(), repository.to_owned()), rights);
            fs::write(dir.path().join(token), token).unwrap();
        }
        fs::write(dir.path().join("nobody"), "nobody").unwrap();
        let metrics = Arc::new(Metrics::default());
        let gateway = Gateway {
            access: Arc::new(Fixed(tokens)),
            stores: Arc::new(One(store)),
            metrics: metrics.clone(),
            memory: 64 * 1024 * 1024,
            patience: Duration::from_millis(1500),
        };
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let listener = listener.tap_io(|tcp| drop(tcp.set_nodelay(true)));
        runtime.spawn(async move { axum::serve(listener, router(gateway)).await });
        Self { dir, runtime, address, metrics }
    }

    pub fn storage(&self) -> PathBuf {
        self.dir.path().join("storage")
    }

    pub fn packs(&self) -> Vec<PathBuf> {
        files(&self.storage().join("tenant/data"))
    }

    pub fn rest(&self, token: &str) -> Arc<Rest> {
        self.rest_at(token, &format!("http://{}/here/tenant", self.address))
    }

    pub fn rest_at(&self, token: &str, url: &str) -> Arc<Rest> {
        Rest::new(Storage {
            name: "here".to_owned(),
            url: url.to_owned(),
            token: self.dir.path().join(token),
            ca: None,
            limits: limits(),
        })
        .unwrap()
    }

    #[allow(clippy::unused_self)]
    pub fn key(&self) -> Key {
        Key::of(STORAGE_KEY, "tenant").unwrap()
    }

    /// The repository, made if need be.
    pub fn repository(&self, token: &str) -> Repository {
        Repository::init(&self.rest("mover"), &self.key()).unwrap();
        Repository::open(&self.rest(token), &self.key()).unwrap()
    }

    /// A folder beside the storage.
    pub fn folder(&self, name: &str) -> PathBuf {
        let folder = self.dir.path().join(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    }
}

/// All files below, in order.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

pub fn save(repository: &Repository, source: Source) -> Result<Snapshot, backup_operator::engine::Error> {
    repository.save(source, &Save { host: "test".to_owned(), ..Save::default() }, &Progress::default())
}

pub fn save_after(
    repository: &Repository,
    source: Source,
    parent: &Snapshot,
) -> Result<Snapshot, backup_operator::engine::Error> {
    let save =
        Save { host: "test".to_owned(), parent: Parent::Snapshot(parent.id.clone()), ..Save::default() };
    repository.save(source, &save, &Progress::default())
}

/// Bytes that do not compress and are the same every time.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref().try_into().unwrap()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
