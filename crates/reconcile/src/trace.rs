//! Traces: a span for each reconcile, its five steps and each request in them, sent to a collector by OTLP where the environment names one.
//!
//! Variables are OpenTelemetry's own (`OTEL_EXPORTER_OTLP_ENDPOINT` and its like). Without an endpoint there are no spans at all.

use std::{
    env, fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use http::{Request, Response};
use kube::{Client, Config, client::Body};
use opentelemetry::{
    Context, KeyValue,
    trace::{TraceContextExt, TracerProvider},
};
use opentelemetry_http::{Bytes, HttpClient, HttpError};
#[cfg(test)]
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_otlp::{SpanExporter, WithHttpConfig};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use tokio::{runtime::Handle, time::Instant};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::{
    Layer,
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    layer::Filter,
    registry::LookupSpan,
};

use crate::kind::About;

/// Between two complaints about a collector.
const QUIET: Duration = Duration::from_mins(10);
/// How long one attempt may take, where the environment does not say.
const ATTEMPT: Duration = Duration::from_secs(10);
/// How long the end of the process may wait for the collector.
const LAST: Duration = Duration::from_secs(3);

/// Why there are no traces although somebody asked for them.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The protocol that was asked for.
    #[error("OTEL_EXPORTER_OTLP_PROTOCOL: only http/protobuf is spoken here, not {0}")]
    Protocol(String),
    /// What the exporter says.
    #[error("OTEL_EXPORTER_OTLP_*: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The address is none.
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT: {0}")]
    Address(#[from] http::uri::InvalidUri),
    /// The collector's authority cannot be read.
    #[error("OTEL_EXPORTER_OTLP_CERTIFICATE: {0}")]
    Authority(#[from] rustls::pki_types::pem::Error),
    /// Whatever else keeps us from speaking to it.
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT: {0}")]
    Client(#[from] kube::Error),
}

/// What sends spans to a collector.
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// As the environment says; `None`: nobody wants any.
    pub fn from_env(about: &About) -> Result<Option<Self>, Error> {
        let of = |name: &str| env::var(format!("OTEL_{name}")).ok().filter(|value| !value.is_empty());
        let traces = |name: &str| {
            of(&format!("EXPORTER_OTLP_TRACES_{name}")).or_else(|| of(&format!("EXPORTER_OTLP_{name}")))
        };
        let off = of("SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
            || of("TRACES_EXPORTER").is_some_and(|value| value != "otlp");
        let Some(endpoint) = traces("ENDPOINT").filter(|_| !off) else { return Ok(None) };
        if let Some(other) = traces("PROTOCOL").filter(|value| value != "http/protobuf") {
            return Err(Error::Protocol(other));
        }
        let mut config = Config::new(endpoint.parse()?);
        if let Some(file) = traces("CERTIFICATE") {
            let certificates = CertificateDer::pem_file_iter(file)?.map(|one| one.map(|one| one.to_vec()));
            config.root_cert = Some(certificates.collect::<Result<_, _>>()?);
        }
        config.auth_info.client_certificate = traces("CLIENT_CERTIFICATE");
        config.auth_info.client_key = traces("CLIENT_KEY");
        let attempt =
            traces("TIMEOUT").and_then(|value| value.parse().ok()).map_or(ATTEMPT, Duration::from_millis);
        let collector = Collector::new(config, attempt)?;
        let exporter = SpanExporter::builder().with_http().with_http_client(collector).build()?;
        Ok(Some(Self::of(exporter, about)))
    }

    /// To this very address, for rehearsals.
    #[cfg(test)]
    pub fn to(endpoint: &str, about: &About) -> Result<Self, Error> {
        let collector = Collector::new(Config::new(endpoint.parse()?), ATTEMPT)?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(collector)
            .with_endpoint(endpoint)
            .build()?;
        Ok(Self::of(exporter, about))
    }

    fn of(exporter: SpanExporter, about: &About) -> Self {
        // What the environment says of us wins.
        let own =
            [KeyValue::new("service.name", about.operator), KeyValue::new("service.version", about.version)];
        let given = Resource::builder().build();
        let said = env::var("OTEL_SERVICE_NAME").is_ok()
            || env::var("OTEL_RESOURCE_ATTRIBUTES").is_ok_and(|all| all.contains("service.name="));
        let own = own.into_iter().skip(usize::from(said));
        let given = given.iter().filter(|(key, _)| said || key.as_str() != "service.name");
        let given = given.map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
        let resource = Resource::builder_empty().with_attributes(given.chain(own)).build();
        Self(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
    }

    /// Where spans of ours go, whatever is logged.
    pub fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(&self, about: &About) -> impl Layer<S> + use<S> {
        let tracer = self.0.tracer(about.operator);
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        layer
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_target(false)
            .with_level(false)
            .with_filter(Ours)
    }

    /// Sends what is left; blocks for seconds if nobody takes it.
    pub fn flush(&self) {
        // Spans that nobody takes are no reason to live on.
        let _ = self.0.shutdown_with_timeout(LAST);
    }
}

/// Spans of this library, and no events.
struct Ours;

impl<S> Filter<S> for Ours {
    fn enabled(&self, metadata: &Metadata<'_>, _: &tracing_subscriber::layer::Context<'_, S>) -> bool {
        metadata.is_span() && metadata.target().starts_with("reconcile")
    }
}

/// A log line that says to which trace it belongs, if to any.
pub struct Traced<F>(pub F);

impl<S, N, F> FormatEvent<S, N> for Traced<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let trace = Context::map_current(|context| {
            let span = context.span();
            span.span_context().is_valid().then(|| span.span_context().trace_id())
        });
        let Some(trace) = trace else { return self.0.format_event(context, writer, event) };
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        write!(writer, "{{\"trace_id\":\"{trace}\",{}", line.strip_prefix('{').unwrap_or_default())
    }
}

/// A collector. It is spoken to by the client that speaks to the API server: one for any server, with its own limits in time, and TLS as
/// it is anyway.
struct Collector {
    client: Client,
    /// Spans are sent from a thread that has none.
    runtime: Handle,
    attempt: Duration,
    complained: Mutex<Option<Instant>>,
}

impl Collector {
    fn new(mut config: Config, attempt: Duration) -> Result<Self, Error> {
        // Paths are the exporter's.
        let address = config.cluster_url.clone().into_parts();
        let mut root = http::uri::Parts::default();
        (root.scheme, root.authority) = (address.scheme, address.authority);
        root.path_and_query = Some(http::uri::PathAndQuery::from_static("/"));
        if let Ok(root) = http::Uri::from_parts(root) {
            config.cluster_url = root;
        }
        let client = Client::try_from(config)?;
        Ok(Self { client, runtime: Handle::current(), attempt, complained: Mutex::default() })
    }

    /// Once in a while: who looks after the log need not be told of every batch.
    fn complain(&self, why: &str) {
        let mut complained = self.complained.lock().unwrap_or_else(PoisonError::into_inner);
        if complained.is_none_or(|at| at.elapsed() > QUIET) {
            *complained = Some(Instant::now());
            tracing::warn!(
                why,
                "traces are lost: the collector does not take them; not said again for ten minutes"
            );
        }
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Collector")
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (client, attempt) = (self.client.clone(), self.attempt);
        let sending = self.runtime.spawn(async move {
            let send = async {
                let answer = client.send(request.map(|body| Body::from(body.to_vec()))).await?;
                let (parts, body) = answer.into_parts();
                Ok::<_, HttpError>(Response::from_parts(parts, body.collect_bytes().await?))
            };
            tokio::time::timeout(attempt, send).await?
        });
        let answer = sending.await.map_err(HttpError::from).flatten();
        match &answer {
            Ok(answer) if answer.status().is_success() => {}
            Ok(answer) => self.complain(answer.status().as_str()),
            Err(error) => self.complain(&error.to_string()),
        }
        answer
    }
}
