//! What a collector sees of a reconcile.

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Bytes, extract::State, routing::post};
use kube::runtime::reflector;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::any_value::Value,
    trace::v1::{Span, status::StatusCode},
};
use prost::Message;
use tokio::sync::Mutex;
use tracing::instrument::WithSubscriber;
use tracing_subscriber::layer::SubscriberExt;

use super::note::{Note, PATH, note};
use crate::{
    Managed,
    context::Context,
    control::reconcile,
    rehearsal::Memory,
    report::Reporter,
    trace::{Traced, Traces},
};

type Received = Arc<Mutex<Vec<ExportTraceServiceRequest>>>;

/// A collector on this machine: its address, and what it has got.
async fn collector() -> (String, Received) {
    let received = Received::default();
    let take = async |State(received): State<Received>, body: Bytes| {
        received.lock().await.push(ExportTraceServiceRequest::decode(body).unwrap());
    };
    let app = Router::new().route("/v1/traces", post(take)).with_state(received.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, received)
}

/// One reconcile of a note that is to be written, traced to this address; the lines that were logged.
async fn reconciled(memory: &Memory, address: &str) -> String {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let traces = Traces::to(address, &Note::ABOUT).unwrap();
    let log = Log::default();
    let form = Traced(
        tracing_subscriber::fmt::format()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false),
    );
    let lines = tracing_subscriber::fmt::layer()
        .fmt_fields(tracing_subscriber::fmt::format::JsonFields::new())
        .event_format(form)
        .with_writer(log.clone());
    let subscriber = tracing_subscriber::registry().with(traces.layer(&Note::ABOUT)).with(lines);
    let (triggers, _woken) = tokio::sync::mpsc::unbounded_channel();
    let (store, _writer) = reflector::store();
    let context = Context::<Note>::new(memory.client(), Reporter::new(&Note::ABOUT).into(), store, triggers);
    let object: Note = serde_json::from_value(memory.object(PATH).unwrap()).unwrap();
    let _ = reconcile(Arc::new(object), Arc::new(context)).with_subscriber(subscriber).await;
    tokio::task::spawn_blocking(move || traces.flush()).await.unwrap();
    log.text()
}

#[derive(Clone, Default)]
struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl tracing_subscriber::fmt::MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

fn attribute(span: &Span, key: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|found| found.value.as_ref()?.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

/// Names of the spans below one, in the order in which they began.
fn below(spans: &[Span], parent: &Span) -> Vec<String> {
    let mut children: Vec<_> = spans.iter().filter(|span| span.parent_span_id == parent.span_id).collect();
    children.sort_by_key(|span| span.start_time_unix_nano);
    children.into_iter().map(|span| span.name.clone()).collect()
}

async fn spans(received: &Received) -> Vec<Span> {
    let all = received.lock().await.clone();
    let resources = all.into_iter().flat_map(|request| request.resource_spans);
    resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reconcile_is_a_tree_of_its_steps_and_requests_and_its_log_says_which() {
    let (address, received) = collector().await;
    let memory = Memory::default();
    memory.add(PATH, note());
    let log = reconciled(&memory, &address).await;
    let spans = spans(&received).await;
    let root = spans.iter().find(|span| span.name == "reconcile").unwrap();
    let of = |key: &str| attribute(root, key);
    assert_eq!((of("kind").as_str(), of("namespace").as_str(), of("name").as_str()), ("Note", "n", "note"));
    assert_eq!((of("result").as_str(), of("stage").as_str(), of("writes").as_str()), ("success", "", "1"));
    assert_eq!(below(&spans, root)[..5], ["read", "check", "plan", "apply", "report"]);
    let step = |name: &str| {
        spans.iter().find(|span| span.name == name && span.parent_span_id == root.span_id).unwrap()
    };
    let applying: Vec<_> = spans.iter().filter(|span| span.parent_span_id == step("apply").span_id).collect();
    assert!(
        applying.iter().any(|span| span.name == "apply" && attribute(span, "object") == "ConfigMap note")
    );
    assert_eq!(below(&spans, step("report")), ["update the status of"]);
    let trace = root.trace_id.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    assert!(spans.iter().all(|span| span.trace_id == root.trace_id));
    let line: serde_json::Value = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .find(|line: &serde_json::Value| line["message"] == "reconciled")
        .unwrap();
    assert_eq!(line["trace_id"], trace);
    let resource = received.lock().await[0].resource_spans[0].resource.clone().unwrap();
    assert!(resource.attributes.iter().any(|attribute| attribute.key == "service.name"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_an_error_with_its_words() {
    let (address, received) = collector().await;
    let memory = Memory::default();
    memory.add(PATH, note());
    memory.die_after(Some(0));
    reconciled(&memory, &address).await;
    let spans = spans(&received).await;
    let root = spans.iter().find(|span| span.name == "reconcile").unwrap();
    assert_eq!(attribute(root, "result"), "error");
    let status = root.status.clone().unwrap();
    assert_eq!((status.code(), status.message.contains("the operator is dead")), (StatusCode::Error, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_never_answers_holds_up_neither_a_reconcile_nor_the_end() {
    let memory = Memory::default();
    memory.add(PATH, note());
    // Taken and never answered: worse than nobody there.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let begun = std::time::Instant::now();
    let log = reconciled(&memory, &address).await;
    assert!(log.contains("\"reconciled\""), "{log}");
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}
