//! Terms of leadership: each begins with nothing known and ends with nothing left of it, so that a process can lose the Lease and stand for
//! it again.

use std::{
    marker::PhantomData,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use kube::{Client, client::Body};
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;

use crate::{
    context::Context,
    control,
    kind::About,
    lease::Leader,
    managed::Managed,
    places::Places,
    report::{self, Reporter},
};

/// Between two tries to get the Lease.
const AGAIN: Duration = Duration::from_secs(2);
/// How long reconciles that are under way may take to end. Another one leads two seconds after that at the earliest.
const GRACE: Duration = Duration::from_secs(3);
/// How long the remains of a term may take to go; nothing in them waits for anything.
const LEFT: Duration = Duration::from_secs(5);

/// What a process does while it leads. An operator of one namespaced kind is a [`Managed`]; this is for those that are not.
pub trait Operator: Send + Sync + 'static {
    /// What its reconciles share, for one term.
    type Term: Send + Sync + 'static;

    /// Who we are.
    const ABOUT: About;

    /// Works until `stop`; `started` is told what its reconciles share. What runs when this is dropped must end with it, and let go of the term.
    fn lead(
        client: Client,
        places: Places,
        reporter: Arc<Reporter>,
        stop: CancellationToken,
        started: impl FnOnce(&Arc<Self::Term>) + Send,
    ) -> impl Future<Output = ()> + Send;

    /// Whether its custom resources have been read.
    fn current(term: &Self::Term) -> bool;

    /// Adds what it knows of its custom resources; asked whenever Prometheus does, so that what is gone is gone there.
    fn measure(_: &Self::Term, _: &mut Registry) {}
}

/// The operator of one kind.
pub struct Single<K>(PhantomData<K>);

impl<K: Managed> Operator for Single<K> {
    type Term = Context<K>;

    const ABOUT: About = K::ABOUT;

    async fn lead(
        client: Client,
        places: Places,
        reporter: Arc<Reporter>,
        stop: CancellationToken,
        started: impl FnOnce(&Arc<Context<K>>) + Send,
    ) {
        control::run::<K>(client, places, reporter, stop, started).await;
    }

    fn current(context: &Context<K>) -> bool {
        context.current()
    }
}

/// What the probes and Prometheus ask of a process.
pub struct Face<O: Operator> {
    /// Counts for all replicas, leading or not.
    pub reporter: Arc<Reporter>,
    /// There while leading.
    term: RwLock<Option<Arc<O::Term>>>,
    /// The API server has answered.
    connected: AtomicBool,
}

impl<O: Operator> Face<O> {
    /// A process that has not begun.
    pub fn new(reporter: Arc<Reporter>) -> Self {
        Self { reporter, term: RwLock::default(), connected: AtomicBool::new(false) }
    }

    /// Whether it can do its work or stands by to, and what it is at.
    pub fn ready(&self) -> Result<&'static str, &'static str> {
        let term = self.term.read().unwrap_or_else(PoisonError::into_inner);
        match term.as_ref().map(|term| O::current(term)) {
            _ if !self.connected.load(Ordering::Relaxed) => Err("the API server has not answered yet"),
            Some(false) => Err("reading custom resources; is the CRD installed?"),
            Some(true) => Ok("leading"),
            None => Ok("standing by"),
        }
    }

    /// The page that Prometheus reads.
    pub fn metrics(&self) -> String {
        let mut registry = report::registry(&O::ABOUT);
        if let Some(term) = self.term.read().unwrap_or_else(PoisonError::into_inner).as_ref() {
            O::measure(term, &mut registry);
        }
        self.reporter.metrics.page(&registry)
    }

    fn leads(&self, term: Option<Arc<O::Term>>) {
        self.reporter.metrics.leader.set(term.is_some().into());
        *self.term.write().unwrap_or_else(PoisonError::into_inner) = term;
    }
}

/// Leads whenever the Lease can be had, until `stop`; gives it back then.
pub async fn run<O: Operator>(
    client: Client,
    places: Places,
    face: &Face<O>,
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
async fn stand<O: Operator>(face: &Face<O>, leader: &mut Leader, stop: &CancellationToken) -> bool {
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
async fn serve<O: Operator>(
    client: Client,
    places: Places,
    face: &Face<O>,
    leader: &mut Leader,
    stop: &CancellationToken,
) -> bool {
    let (term, over) = (stop.child_token(), CancellationToken::new());
    let client = fenced(client, over.clone());
    let started = |term: &Arc<O::Term>| face.leads(Some(term.clone()));
    tokio::select! {
        () = O::lead(client, places, face.reporter.clone(), term.clone(), started) => {}
        () = async {
            leader.hold(&term).await;
            term.cancel();
            tokio::time::sleep(GRACE).await;
        } => {}
    }
    over.cancel();
    let remains = {
        let term = face.term.read().unwrap_or_else(PoisonError::into_inner);
        term.as_ref().map(Arc::downgrade)
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
