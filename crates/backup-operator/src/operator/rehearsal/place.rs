//! A storage, and the gateway before it.

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::serve::ListenerExt;
use object_store::ObjectStore;
use tempfile::TempDir;

use super::super::names::SETS;
use crate::{
    engine::{Limits, Rest, Storage},
    gateway::{
        Gateway, Metrics, Rights, Stores,
        access::Fixed,
        router,
        storage::{Config, Patience, build},
    },
};

/// The storage's key.
pub const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";
const ALL: Rights = Rights { read: true, append: true, delete: true };

/// A storage on a volume, and the gateway before it, which outlives operators.
pub struct Place {
    pub dir: TempDir,
    /// Its URL.
    pub gateway: String,
}

impl Place {
    pub async fn new() -> Arc<Self> {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(dir.path().join("claims/backups")).expect("a folder");
        std::fs::write(dir.path().join("token"), "operator").expect("a token");
        Self::over(dir).await
    }

    async fn over(dir: TempDir) -> Arc<Self> {
        let tokens =
            [SETS, "foreman"].map(|repository| (("operator".into(), "main".into(), repository.into()), ALL));
        let folder = Config::Folder(dir.path().join("claims/backups"));
        let gateway = Gateway {
            access: Arc::new(Fixed(tokens.into())),
            stores: Arc::new(One(build(&folder, Patience::default()).expect("a storage"))),
            metrics: Arc::new(Metrics::default()),
            memory: 64 << 20,
            patience: Duration::from_secs(20),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        // As the operator's own server does: otherwise each answer waits for the acknowledgement of its head.
        let listener = listener.tap_io(|tcp| drop(tcp.set_nodelay(true)));
        tokio::spawn(async move { axum::serve(listener, router(gateway)).await });
        Arc::new(Self { dir, gateway: format!("http://{address}") })
    }

    pub fn rest(&self, repository: &str) -> Arc<Rest> {
        let storage = Storage {
            name: "main".into(),
            url: format!("{}/main/{repository}", self.gateway),
            token: self.dir.path().join("token"),
            ca: None,
            limits: Limits::default(),
        };
        Rest::new(storage).expect("a storage")
    }

    pub async fn fork(&self) -> Arc<Self> {
        let dir = tempfile::tempdir().expect("a folder");
        copy(self.dir.path(), dir.path());
        Self::over(dir).await
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            std::fs::create_dir_all(&to).expect("a folder");
            copy(&from, &to);
        } else {
            std::fs::copy(&from, &to).expect("a file");
        }
    }
}

struct One(Arc<dyn ObjectStore>);

#[async_trait]
impl Stores for One {
    async fn named(&self, storage: &str) -> Option<Arc<dyn ObjectStore>> {
        (storage == "main").then(|| self.0.clone())
    }
}
