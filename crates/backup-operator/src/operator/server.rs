//! The gateway's HTTPS server, and the sockets on which movers are conducted.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use jiff::Timestamp;
use reconcile::Error;
use tokio::{io::BufReader, net::TcpListener, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{Term, home::PORT, tls::Renewed};
use crate::{
    crd::Reference,
    cut::wire::{self, Report, UPGRADE},
    gateway::{self, Gateway, Refusal},
};

/// Bytes of uploads in memory at the same time.
const MEMORY: usize = 96 << 20;
/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Serves until `stop`.
pub async fn serve(term: Arc<Term>, stop: CancellationToken) -> Result<(), Error> {
    let failed = |what: String| Error::Slow { what };
    let mut certificate = Renewed::new(term.home.certificate.clone())?;
    let listener = TcpListener::bind(("0.0.0.0", PORT))
        .await
        .map_err(|error| failed(format!("port {PORT}: {error}")))?;
    let gateway = Gateway {
        access: term.access.clone(),
        stores: term.storages.clone(),
        metrics: term.metrics.clone(),
        memory: MEMORY,
        patience: std::time::Duration::from_secs(25),
    };
    let app = Router::new()
        .route("/runs/{run}/{attempt}/{kind}/{namespace}/{name}", get(conduct))
        .with_state(Arc::downgrade(&term))
        .merge(gateway::router(gateway));
    drop(term);
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            () = stop.cancelled() => return Ok(()),
        };
        let Ok((tcp, _)) = accepted else {
            // Out of file descriptors, most likely: those in use will end.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (acceptor, app) = (certificate.acceptor(Timestamp::now()), app.clone());
        connections.spawn(async move {
            let _ = tcp.set_nodelay(true);
            let Ok(Ok(tls)) = timeout(HANDSHAKE, acceptor.accept(tcp)).await else { return };
            let served = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(tls), TowerToHyperService::new(app))
                .with_upgrades();
            if let Err(error) = served.await {
                tracing::debug!(%error, "a connection ended");
            }
        });
    }
}

static CONNECTIONS: AtomicU64 = AtomicU64::new(0);

fn refuse(status: StatusCode, why: String) -> Response {
    (status, why).into_response()
}

/// A mover comes to be conducted.
async fn conduct(
    State(term): State<std::sync::Weak<Term>>,
    Path((run, attempt, kind, namespace, name)): Path<(String, i32, String, String, String)>,
    mut request: Request<Body>,
) -> Response {
    let Some(term) = term.upgrade() else {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "leadership is over".into());
    };
    let bearer = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(token) = bearer.and_then(|value| value.strip_prefix("Bearer ")) else {
        return refuse(StatusCode::UNAUTHORIZED, "a bearer token is missing".into());
    };
    match term.access.namespace(token).await {
        Ok(own) if own == namespace => {}
        Ok(own) => {
            return refuse(StatusCode::FORBIDDEN, format!("a mover of {own} cannot speak for {namespace}"));
        }
        Err(Refusal::Unknown(why)) => return refuse(StatusCode::UNAUTHORIZED, why),
        Err(Refusal::Forbidden(why)) => return refuse(StatusCode::FORBIDDEN, why),
        Err(Refusal::Unclear(why)) => return refuse(StatusCode::SERVICE_UNAVAILABLE, why),
    }
    let of = Reference { kind, namespace, name }.to_string();
    let Some((floor, start)) = term.floor.expected(&run, attempt, &of) else {
        return refuse(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("no mover is expected for {of} in this run, or not yet"),
        );
    };
    drop(term);
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let connection = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        let (read, mut write) = tokio::io::split(TokioIo::new(upgraded));
        let mut read = BufReader::new(read);
        let Ok(Some(Report::Hello { cut, exported })) = wire::read(&mut read).await else { return };
        let mut orders = floor.enter(&of, connection, cut, exported);
        let hearing = async {
            while let Ok(Some(report)) = wire::read::<Report>(&mut read).await {
                floor.hear(&of, report);
            }
        };
        let telling = async {
            if wire::write(&mut write, &start).await.is_err() {
                return;
            }
            while let Some(order) = orders.recv().await {
                if wire::write(&mut write, &order).await.is_err() {
                    return;
                }
            }
        };
        tokio::select! { () = hearing => {}, () = telling => {} }
        floor.leave(&of, connection);
    });
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    answer.headers_mut().insert(header::UPGRADE, HeaderValue::from_static(UPGRADE));
    answer
}
