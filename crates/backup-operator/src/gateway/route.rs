//! Who asks for what, whether he may, and who answers.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures::StreamExt;
use http::{HeaderMap, Method, header};
use object_store::ObjectStore;
use tokio::{sync::Semaphore, time::timeout};

use super::{
    Access, Metrics, Rights,
    answer::{Failed, empty},
    download,
    place::{Kind, Place, What},
    upload,
};

/// Finds the storages that the gateway stands before.
#[async_trait]
pub trait Stores: Send + Sync + 'static {
    /// The storage of that name; None if there is none. Called for every request.
    async fn named(&self, storage: &str) -> Option<Arc<dyn ObjectStore>>;
}

/// What the routes need.
#[derive(Clone)]
pub struct Gateway {
    /// Who may do what.
    pub access: Arc<dyn Access>,
    /// Where it goes.
    pub stores: Arc<dyn Stores>,
    /// What happened.
    pub metrics: Arc<Metrics>,
    /// Bytes of uploads in memory at the same time; further ones wait. One upload cannot be bigger.
    pub memory: usize,
    /// For an operation of a storage; below what the engine waits for a request ([`crate::engine::Limits`]), so that the mover learns the reason.
    pub patience: Duration,
}

/// The gateway with what it keeps between requests.
pub(super) struct Shared {
    pub gateway: Gateway,
    /// In units of [`upload::UNIT`] bytes.
    pub memory: Arc<Semaphore>,
}

/// `/{storage}/{repository}/...`
pub fn router(gateway: Gateway) -> Router {
    let memory = Arc::new(Semaphore::new(upload::units(gateway.memory)));
    Router::new().fallback(answer).with_state(Arc::new(Shared { gateway, memory }))
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let metrics = &shared.gateway.metrics;
    metrics.request();
    let (head, body) = request.into_parts();
    let mut body = Some(body);
    let place = Place::of(head.uri.path());
    let failed = match place {
        None => Failed::NotFound,
        Some(place) => match serve(&shared, &head.method, &head.headers, &place, &mut body).await {
            Ok(response) => return response,
            Err(failed) => failed,
        },
    };
    match failed {
        Failed::Unknown(_) | Failed::Forbidden(_) => metrics.refuse(),
        Failed::Unavailable(_) | Failed::Full(_) => metrics.fail(),
        _ => {}
    }
    if let Some(body) = body {
        drain(body).await;
    }
    failed.into_response()
}

async fn serve(
    shared: &Arc<Shared>,
    method: &Method,
    headers: &HeaderMap,
    place: &Place,
    body: &mut Option<Body>,
) -> Result<Response, Failed> {
    let token =
        token(headers).ok_or_else(|| Failed::Unknown("the request has no bearer token".to_owned()))?;
    let rights = shared.gateway.access.of(&token, &place.storage, &place.repository).await?;
    let needed = Needed::of(method, &place.what).ok_or(Failed::NoSuchMethod)?;
    needed.check(rights, place)?;
    let store = shared.gateway.stores.named(&place.storage).await;
    let store =
        store.ok_or_else(|| Failed::Unavailable(format!("there is no BackupStorage {}", place.storage)))?;
    let patience = shared.gateway.patience;
    match (method, &place.what) {
        // A folder or bucket needs no preparation.
        (&Method::POST, What::Repository) => Ok(empty()),
        (&Method::POST, _) => upload::receive(shared, &*store, place, headers, body).await.map(|()| empty()),
        (&Method::DELETE, _) => within(patience, object_store::ObjectStoreExt::delete(&*store, &place.key()))
            .await
            .map(|()| empty()),
        (&Method::HEAD, _) => download::head(&*store, place, patience).await,
        (_, What::List(_)) => download::list(&*store, place, headers, patience).await,
        _ => download::get(&*store, place, headers, shared).await,
    }
}

/// Which right a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needed {
    Read,
    Append,
    Delete,
}

impl Needed {
    fn of(method: &Method, what: &What) -> Option<Self> {
        match (method, what) {
            (&Method::GET, What::Config | What::List(_) | What::File(..))
            | (&Method::HEAD, What::Config | What::File(..)) => Some(Self::Read),
            // A lock is deleted by who made it; it protects nothing that is ours.
            (&Method::POST, What::Repository | What::Config | What::File(..))
            | (&Method::DELETE, What::File(Kind::Locks, _)) => Some(Self::Append),
            (&Method::DELETE, What::Config | What::File(..)) => Some(Self::Delete),
            _ => None,
        }
    }

    fn check(self, rights: Rights, place: &Place) -> Result<(), Failed> {
        let (has, verb) = match self {
            Self::Read => (rights.read, "read"),
            Self::Append => (rights.append, "append to"),
            Self::Delete => (rights.delete, "delete from"),
        };
        if has {
            return Ok(());
        }
        Err(Failed::Forbidden(format!(
            "may not {verb} repository {} of storage {}",
            place.repository, place.storage
        )))
    }
}

/// A bearer token; or as the password of basic authentication, for restic.
fn token(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    if let Some(token) = value.strip_prefix("Bearer ") {
        return Some(token.trim().to_owned());
    }
    let pair = String::from_utf8(STANDARD.decode(value.strip_prefix("Basic ")?.trim()).ok()?).ok()?;
    pair.split_once(':').map(|(_, password)| password.to_owned())
}

/// A client that still sends would see a broken connection instead of the reason.
async fn drain(body: Body) {
    let read = async {
        let mut left = 64 * 1024 * 1024_usize;
        let mut pieces = body.into_data_stream();
        while let Some(Ok(piece)) = pieces.next().await {
            left = left.saturating_sub(piece.len());
            if left == 0 {
                return;
            }
        }
    };
    let _ = timeout(Duration::from_secs(10), read).await;
}

/// An operation of a storage, as long as there is patience for it.
pub(super) async fn within<T>(
    patience: Duration,
    operation: impl Future<Output = object_store::Result<T>>,
) -> Result<T, Failed> {
    match timeout(patience, operation).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(slow(patience)),
    }
}

pub(super) fn slow(patience: Duration) -> Failed {
    Failed::Unavailable(format!("the storage did not answer within {:.0} s", patience.as_secs_f32()))
}
