//! The protocol's paths.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use object_store::ObjectStore;

use super::{Access, Metrics};

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
    /// Bytes of uploads in memory at the same time; further ones wait.
    pub memory: usize,
}

/// `/{storage}/{repository}/...`
pub fn router(_gateway: Gateway) -> Router {
    todo!()
}
