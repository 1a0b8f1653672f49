//! Who may do what at the gateway: a mover by the namespace of its token, a restore by what an administrator of the cluster asked for.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use kube::{Api, Client, api::PostParams};
use reconcile::call;

use super::names::AUDIENCE;
use crate::gateway::{Access, Refusal, Rights};

/// How long an answer is remembered. A token that is revoked works that much longer.
const REMEMBERED: Duration = Duration::from_mins(1);

/// Tokens as the API server knows them.
pub struct Reviewed {
    client: Client,
    /// Our own service account: it may do everything.
    own: String,
    known: Mutex<HashMap<String, (Instant, String)>>,
    /// Restores that are going on: uid to (storage, repository, namespace that may read it).
    granted: Mutex<BTreeMap<String, Vec<Grant>>>,
}

/// Storage, repository, and the namespace that may read it.
pub type Grant = (String, String, String);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Reviewed {
    /// Knows nobody yet.
    pub fn new(client: Client, own: String) -> Self {
        Self { client, own, known: Mutex::default(), granted: Mutex::default() }
    }

    /// A restore lets namespaces read repositories until it is over.
    pub fn grant(&self, restore: &str, what: Vec<Grant>) {
        let mut granted = lock(&self.granted);
        if what.is_empty() {
            granted.remove(restore)
        } else {
            granted.insert(restore.to_owned(), what)
        };
    }

    /// The name of the holder of a token.
    pub async fn who(&self, token: &str) -> Result<String, Refusal> {
        let key = reconcile::hash(&token);
        {
            let mut known = lock(&self.known);
            known.retain(|_, (since, _)| since.elapsed() < REMEMBERED);
            if let Some((_, who)) = known.get(&key) {
                return Ok(who.clone());
            }
        }
        let spec = TokenReviewSpec { token: Some(token.into()), audiences: Some(vec![AUDIENCE.into()]) };
        let review = TokenReview { spec, ..Default::default() };
        let api: Api<TokenReview> = Api::all(self.client.clone());
        let answer = call("create", "a TokenReview", api.create(&PostParams::default(), &review)).await;
        let status = answer.map_err(|error| Refusal::Unclear(error.to_string()))?.status.unwrap_or_default();
        let ours = status.audiences.is_some_and(|audiences| audiences.iter().any(|one| one == AUDIENCE));
        match status.user.and_then(|user| user.username) {
            Some(who) if status.authenticated == Some(true) && ours => {
                lock(&self.known).insert(key, (Instant::now(), who.clone()));
                Ok(who)
            }
            _ => Err(Refusal::Unknown(format!(
                "the token is not one of a service account for the audience {AUDIENCE}{}",
                status.error.map(|error| format!(": {error}")).unwrap_or_default()
            ))),
        }
    }

    /// The namespace of a service account.
    pub async fn namespace(&self, token: &str) -> Result<String, Refusal> {
        let who = self.who(token).await?;
        let namespace = who.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split(':').next());
        namespace.map(str::to_owned).ok_or_else(|| Refusal::Forbidden(format!("{who} is no service account")))
    }
}

#[async_trait]
impl Access for Reviewed {
    async fn of(&self, token: &str, storage: &str, repository: &str) -> Result<Rights, Refusal> {
        if self.who(token).await? == self.own {
            return Ok(Rights { read: true, append: true, delete: true });
        }
        let namespace = self.namespace(token).await?;
        let granted = lock(&self.granted).values().flatten().any(|(of, from, to)| {
            (of.as_str(), from.as_str(), to.as_str()) == (storage, repository, namespace.as_str())
        });
        // One of its own it may add to and read: what has not changed is not stored again. Nothing is ever deleted by it.
        match namespace == repository {
            true => Ok(Rights { read: true, append: true, delete: false }),
            false if granted => Ok(Rights { read: true, append: false, delete: false }),
            false => Err(Refusal::Forbidden(format!(
                "namespace {namespace} has nothing to do with the backups of {repository}; a Restore with a mapping to {namespace} would let it read them"
            ))),
        }
    }
}
