//! Terms of leadership: each begins with nothing known and ends with nothing left of it, so that a process can lose the Lease and stand for
//! it again.

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use kube::{Client, client::Body};
use tokio_util::sync::CancellationToken;

use crate::{
    control::{self, Context, Places},
    lease::Leader,
    managed::Managed,
    report::Reporter,
};

/// Between two tries to get the Lease.
const AGAIN: Duration = Duration::from_secs(2);
/// How long reconciles that are under way may take to end. Another one leads two seconds after that at the earliest.
const GRACE: Duration = Duration::from_secs(3);
/// How long the remains of a term may take to go; nothing in them waits for anything.
const LEFT: Duration = Duration::from_secs(5);

/// What the probes and Prometheus ask of a process.
pub struct Face<K: Managed> {
    /// Counts for all replicas, leading or not.
    pub reporter: Arc<Reporter>,
    /// There while leading.
    context: RwLock<Option<Arc<Context<K>>>>,
    /// The API server has answered.
    connected: AtomicBool,
}

impl<K: Managed> Face<K> {
    /// A process that has not begun.
    pub fn new(reporter: Arc<Reporter>) -> Self {
        Self { reporter, context: RwLock::default(), connected: AtomicBool::new(false) }
    }

    /// Whether it can do its work or stands by to, and what it is at.
    pub fn ready(&self) -> Result<&'static str, &'static str> {
        let context = self.context.read().unwrap_or_else(PoisonError::into_inner);
        match context.as_ref().map(|context| context.current()) {
            _ if !self.connected.load(Ordering::Relaxed) => Err("the API server has not answered yet"),
            Some(false) => Err("reading custom resources; is the CRD installed?"),
            Some(true) => Ok("leading"),
            None => Ok("standing by"),
        }
    }

    fn leads(&self, context: Option<Arc<Context<K>>>) {
        self.reporter.metrics.leader.set(context.is_some().into());
        *self.context.write().unwrap_or_else(PoisonError::into_inner) = context;
    }
}

/// Leads whenever the Lease can be had, until `stop`; gives it back then.
pub async fn run<K: Managed>(
    client: Client,
    places: Places,
    face: &Face<K>,
    leader: &mut Leader,
    stop: &CancellationToken,
) {
    while stand(face, leader, stop).await {
        tracing::info!("leading");
        let left = serve(client.clone(), places.clone(), face, leader, stop).await;
        if left {
            // A write of it could still come: better no process than two that lead.
            tracing::error!("what was under way while leading does not end; the process does");
            return;
        }
        if !stop.is_cancelled() {
            tracing::info!("standing for the Lease again");
        }
    }
    if let Err(error) = leader.release().await {
        tracing::warn!(%error, "cannot release the Lease");
    }
}

/// Waits for the Lease; `false`: the process is to end.
async fn stand<K: Managed>(face: &Face<K>, leader: &mut Leader, stop: &CancellationToken) -> bool {
    while !stop.is_cancelled() {
        match leader.lead().await {
            Ok(won) => {
                face.connected.store(true, Ordering::Relaxed);
                if won {
                    return true;
                }
            }
            Err(error) => tracing::warn!(%error, "cannot contend for the Lease"),
        }
        stop.run_until_cancelled(tokio::time::sleep(AGAIN)).await;
    }
    false
}

/// One term. `true`: something of it is left.
async fn serve<K: Managed>(
    client: Client,
    places: Places,
    face: &Face<K>,
    leader: &mut Leader,
    stop: &CancellationToken,
) -> bool {
    let (term, over) = (stop.child_token(), CancellationToken::new());
    let client = fenced(client, over.clone());
    let started = |context: &Arc<Context<K>>| face.leads(Some(context.clone()));
    tokio::select! {
        () = control::run::<K>(client, places, face.reporter.clone(), term.clone(), started) => {}
        () = async {
            leader.hold(&term).await;
            term.cancel();
            tokio::time::sleep(GRACE).await;
        } => {}
    }
    over.cancel();
    let remains = {
        let context = face.context.read().unwrap_or_else(PoisonError::into_inner);
        context.as_ref().map(Arc::downgrade)
    };
    face.leads(None);
    face.reporter.forget();
    // What was dropped ends when it is polled next. With the last reconcile goes the context, and with it all caches and watches.
    let gone = async {
        while remains.as_ref().is_some_and(|remains| remains.strong_count() > 0) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LEFT, gone).await.is_err()
}

/// The same client, until the term is over: then it refuses everything.
fn fenced(client: Client, over: CancellationToken) -> Client {
    let namespace = client.default_namespace().to_owned();
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let (client, over) = (client.clone(), over.clone());
        async move {
            match over.run_until_cancelled_owned(client.send(request)).await {
                Some(answer) => answer.map_err(tower::BoxError::from),
                None => Err("leadership is over".into()),
            }
        }
    });
    Client::new(service, namespace)
}
