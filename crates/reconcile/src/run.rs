//! The life of an operator process: telemetry, HTTP, leadership, the controller, and an orderly end.

use std::{process::ExitCode, sync::Arc};

use axum::{Router, http::StatusCode, routing::get};
use kube::{Api, Client, Config};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::{
    EnvFilter, Layer, filter::filter_fn, fmt::format::JsonFields, layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::{
    lease::Leader,
    managed::Managed,
    places::Places,
    report::Reporter,
    term::{self, Face, Operator, Single},
    trace::{Traced, Traces},
};

/// What ends a process before its time.
#[derive(Debug, thiserror::Error)]
enum Fatal {
    #[error("RUST_LOG: {0}")]
    Filter(#[from] tracing_subscriber::filter::FromEnvError),
    #[error("cannot find the API server: {0}")]
    Config(#[from] kube::config::InferConfigError),
    #[error("cannot use the API server's address or certificates: {0}")]
    Client(#[from] kube::Error),
    #[error("cannot listen on {0}: {1}")]
    Listen(String, std::io::Error),
    #[error("cannot handle signals: {0}")]
    Signal(std::io::Error),
}

/// Runs the operator of `K` until SIGTERM; it leads whenever it can.
pub async fn run<K: Managed>() -> ExitCode {
    operate::<Single<K>>().await
}

/// Runs an operator until SIGTERM; it leads whenever it can.
pub async fn operate<O: Operator>() -> ExitCode {
    match life::<O>().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "cannot start");
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn life<O: Operator>() -> Result<(), Fatal> {
    let filter = EnvFilter::builder().with_default_directive(tracing::Level::INFO.into()).from_env()?;
    // What interrupts a watch we log ourselves, in words.
    let quiet = "kube_runtime::watcher=error".parse().map(|quiet| filter.clone().add_directive(quiet));
    let filter = quiet.unwrap_or(filter);
    let form = tracing_subscriber::fmt::format().json().flatten_event(true);
    let form = Traced(form.with_current_span(false).with_span_list(false));
    let lines = tracing_subscriber::fmt::layer().fmt_fields(JsonFields::new()).event_format(form);
    // A span is nothing that is logged: without a collector there are none.
    let lines = lines.with_filter(filter).with_filter(filter_fn(event));
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let about = O::ABOUT;
    let (traces, untraced) = match Traces::from_env(&about) {
        Ok(traces) => (traces, None),
        Err(error) => (None, Some(error)),
    };
    let spans = traces.as_ref().map(|traces| traces.layer(&about));
    // A second subscriber in one process is a test's business, not a reason to stop.
    let _ = tracing_subscriber::registry().with(spans).with(lines).try_init();
    let places = Places::parse(&std::env::var("WATCH_NAMESPACE").unwrap_or_default());
    tracing::info!(
        operator = about.operator,
        version = about.version,
        namespaces = places.0.join(","),
        traces = traces.is_some(),
        "starting"
    );
    if let Some(error) = untraced {
        tracing::warn!(%error, "there are no traces");
    }
    let client = Client::try_from(Config::infer().await?)?;
    let stop = CancellationToken::new();
    let mut term = signal(SignalKind::terminate()).map_err(Fatal::Signal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Fatal::Signal)?;
    let stopping = stop.clone();
    tokio::spawn(async move {
        tokio::select! { _ = term.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("stopping");
        stopping.cancel();
    });
    let face = Arc::new(Face::<O>::new(Reporter::new(&about).into()));
    let address = std::env::var("LISTEN").unwrap_or_else(|_| "0.0.0.0:8080".into());
    let listener =
        tokio::net::TcpListener::bind(&address).await.map_err(|error| Fatal::Listen(address, error))?;
    let server = tokio::spawn(serve(listener, face.clone(), stop.clone()));

    let me =
        std::env::var("POD_NAME").unwrap_or_else(|_| format!("{}-{}", about.operator, std::process::id()));
    let mut leader = Leader::new(Api::default_namespaced(client.clone()), about.operator, me);
    term::run(client, places, &face, &mut leader, &stop).await;
    stop.cancel();
    let _ = server.await;
    if let Some(traces) = traces {
        let _ = tokio::task::spawn_blocking(move || traces.flush()).await;
    }
    Ok(())
}

/// What is logged; spans are not.
fn event(metadata: &tracing::Metadata<'_>) -> bool {
    metadata.is_event()
}

/// Liveness says that the process runs; readiness that it can do its work, or stands by to.
async fn serve<O: Operator>(listener: tokio::net::TcpListener, face: Arc<Face<O>>, stop: CancellationToken) {
    let (ready, metrics) = (face.clone(), face);
    let app = Router::new()
        .route("/healthz", get(async || "ok"))
        .route(
            "/readyz",
            get(async move || match ready.ready() {
                Ok(what) => (StatusCode::OK, what),
                Err(why) => (StatusCode::SERVICE_UNAVAILABLE, why),
            }),
        )
        .route(
            "/metrics",
            get(async move || {
                let kind = [("content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8")];
                (kind, metrics.metrics())
            }),
        );
    if let Err(error) = axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await {
        tracing::error!(%error, "the HTTP server ended");
    }
}
