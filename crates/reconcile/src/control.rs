//! Runs a controller: what wakes it, what it does for one custom resource, and how long it waits after a failure.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use kube::{
    Api, Client, ResourceExt,
    runtime::{
        Controller, Predicate, WatchStreamExt,
        controller::{self, Action},
        predicates,
        reflector::{self, ObjectRef, Store},
        watcher,
    },
};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span, field::Empty, info_span};

use crate::{
    apply::{Outcome, apply},
    context::Context,
    data::Data,
    error::Error,
    hold::{Holds, What},
    managed::Managed,
    namespace::{Namespace, Trigger},
    outside::{Leave, finalizer},
    owner::Owner,
    places::Places,
    report::{Done, Reporter},
    status::{Fault, Status},
    verdict::{Applied, Verdict, permission, write},
    world::World,
};

/// Between two tries of what the API server refused: whoever mends a quota or a permission looks whether it helped.
const REFUSED: Duration = Duration::from_secs(20);
/// Between two tries of what failed otherwise.
const FAILED: Duration = Duration::from_mins(5);

/// How long one that is being deleted waits for rights that are missing. In a namespace that is being deleted they go first, and never
/// come back.
const RIGHTLESS: SignedDuration = SignedDuration::from_mins(2);

pub(crate) async fn reconcile<K: Managed>(object: Arc<K>, context: Arc<Context<K>>) -> Result<Action, Error> {
    let ours = K::FINALIZER.is_some_and(|ours| object.finalizers().iter().any(|name| name == ours));
    if object.meta().deletion_timestamp.is_some() && !ours {
        return Ok(Action::await_change());
    }
    let span = info_span!(
        "reconcile",
        kind = %K::kind(&()),
        namespace = object.namespace(),
        name = object.name_any(),
        result = Empty,
        stage = Empty,
        writes = Empty,
        otel.status_code = Empty,
        otel.status_description = Empty,
    );
    let result = told(&*object, &context).instrument(span).await;
    let reference = ObjectRef::from_obj(&*object);
    let done = result?;
    if done.outcome.refused {
        return Ok(Action::requeue(context.back_off(&reference, REFUSED)));
    }
    context.succeeded(&reference);
    Ok(match done.outcome.next {
        Some(at) => {
            let wait = at.duration_since(Timestamp::now()).max(jiff::SignedDuration::from_secs(1));
            Action::requeue(wait.unsigned_abs())
        }
        None => Action::await_change(),
    })
}

/// One pass, and what is told of it: in the log, in metrics, and by the span around it.
pub(crate) async fn told<K: Managed>(object: &K, context: &Context<K>) -> Result<Done, Error> {
    let start = Instant::now();
    let result = if object.meta().deletion_timestamp.is_none() {
        pass(object, context).await
    } else {
        end(object, context).await
    };
    context.reporter.tell(&context.client, object, start.elapsed(), &result).await;
    let span = Span::current();
    match &result {
        Ok(done) => {
            span.record("result", done.result());
            span.record("stage", done.outcome.waiting.as_ref().map_or("", |(stage, _)| *stage));
            span.record("writes", done.outcome.written.len());
        }
        Err(error) => {
            span.record("result", "error");
            span.record("otel.status_code", "ERROR");
            span.record("otel.status_description", error.to_string());
        }
    }
    result
}

/// Read, check, plan, apply, report.
pub(crate) async fn pass<K: Managed>(object: &K, context: &Context<K>) -> Result<Done, Error> {
    let before = context.before(object);
    let namespace = object.namespace().unwrap_or_default();
    let known = before.as_ref().map(|before| before.holds.as_slice()).unwrap_or_default();
    let holds = Holds::of(object.annotations(), known, Timestamp::now(), K::cannot_hold);
    if object.paused() {
        return write(object, context, before, holds, Verdict::Paused).await;
    }
    let caches = match context.namespace(&namespace).await {
        Ok(caches) => caches,
        Err(Error::Forbidden { what, .. }) => {
            let fault = Fault::new("PermissionMissing", permission::<K>(&namespace, &what));
            return write(object, context, before, holds, Verdict::Faulty(vec![fault], true)).await;
        }
        Err(error) => return Err(error),
    };
    let data = match Data::of(object.annotations()) {
        Ok(data) => data,
        Err(fault) => {
            return write(object, context, before, holds, Verdict::Faulty(vec![fault], false)).await;
        }
    };
    let world = World { data, ..world(object, caches, before.as_ref(), holds)? };
    if world.fresh() {
        world.ahead(object.references()).await;
    }
    let seen = object.read(&world).instrument(info_span!("read")).await?;
    let verdict = match info_span!("check").in_scope(|| object.check(&seen)) {
        Err(faults) => Verdict::Faulty(faults, false),
        Ok(checked) => {
            let plan = info_span!("plan").in_scope(|| K::plan(&checked, &seen));
            let settled = before.as_ref().is_some_and(|before| {
                before.is("Ready")
                    && before.observed_generation == object.meta().generation
                    && before.asked() == world.holds.asked()
            });
            let applying = apply(&plan, &world, before.as_ref(), settled);
            let mut outcome = applying.instrument(info_span!("apply")).await?;
            let held = world.holds.told(What::Writes);
            let mut ready = outcome.waiting.is_none() && !plan.partial && held.is_none();
            let mut outside = None;
            if ready {
                // Before anything out there can know of it: otherwise it could go without being taken out.
                finalizer(object, &context.client, K::known_outside(&checked)).await?;
                outside = K::reach(&checked, &seen).await;
                if let Some(outside) = &mut outside {
                    outcome.take(outside);
                    ready = outcome.waiting.is_none();
                }
            }
            let report = K::report(&checked, &seen, ready);
            let last = plan.stages.iter().rfind(|stage| !stage.held).map_or("Starting", |stage| stage.name);
            let now = Timestamp::now();
            let was = world.holds.unbroken(known, now, What::Writes);
            let still = world.holds.acknowledged(known, now, |what| {
                // What this very pass has stopped is not seen to move yet, nor is what it waits for; later on, whether the database
                // answers is no longer a matter of the hold.
                let waits = || outcome.waiting.as_ref().filter(|_| what == What::Writes && !was);
                K::moving(&checked, &seen, what).or_else(|| waits().map(|(_, why)| why.clone()))
            });
            let applied = Applied { outcome, report, outside, ready, last, held, holds: still };
            Verdict::Applied(Box::new(applied))
        }
    };
    write(object, context, before, world.holds, verdict).instrument(info_span!("report")).await
}

/// An instance that is being deleted: goes when nothing outside the API server knows of it any more.
async fn end<K: Managed>(object: &K, context: &Context<K>) -> Result<Done, Error> {
    let before = context.before(object);
    let namespace = object.namespace().unwrap_or_default();
    let look = async {
        let world = world(object, context.namespace(&namespace).await?, before.as_ref(), Holds::default())?;
        object.leave(&world).await
    };
    let since = object.meta().deletion_timestamp.as_ref().map(|time| time.0);
    let leave = match look.await {
        Err(Error::Forbidden { said, .. })
            if since.is_some_and(|since| Timestamp::now() > since + RIGHTLESS) =>
        {
            Leave::Gone(format!("left as it is outside, because nobody may look any more: {said}"))
        }
        other => other?,
    };
    match leave {
        Leave::Gone(what) => {
            finalizer(object, &context.client, false).await?;
            tracing::info!(%namespace, name = object.name_any(), what, "gone");
            let status = before.clone().unwrap_or_default();
            Ok(Done { status: (before, status), outcome: Outcome::default(), faulty: false })
        }
        Leave::Blocked(news, again) => {
            write(object, context, before, Holds::default(), Verdict::Leaving(news, again)).await
        }
    }
}

/// The world as this instance sees it.
fn world<K: Managed>(
    object: &K,
    namespace: Arc<Namespace>,
    before: Option<&Status>,
    holds: Holds,
) -> Result<World, Error> {
    let name = object.name_any();
    let reference =
        object.controller_owner_ref(&()).ok_or_else(|| Error::Slow { what: format!("{name} has no uid") })?;
    let owner = Owner {
        namespace: object.namespace().unwrap_or_default(),
        name,
        reference,
        manager: K::ABOUT.operator,
    };
    Ok(World { namespace, owner, status: before.cloned().unwrap_or_default(), holds, data: Data::default() })
}

/// Runs the controller until `stop`; `started` is told what its reconciles share. What runs when this is dropped is dropped with it.
pub async fn run<K: Managed>(
    client: Client,
    places: Places,
    reporter: Arc<Reporter>,
    stop: CancellationToken,
    started: impl FnOnce(&Arc<Context<K>>),
) {
    let (store, writer) = reflector::store();
    let (triggers, woken) = mpsc::unbounded_channel();
    let context = Arc::new(Context::new(client.clone(), reporter, store.clone(), triggers));
    started(&context);
    let (reading, read) = (context.clone(), store.clone());
    let read = async move {
        if read.wait_until_ready().await.is_ok() {
            reading.is_current();
        }
    };
    let api = match places.0.as_slice() {
        [one] => Api::namespaced(client, one),
        _ => Api::all(client),
    };
    let forgetful = context.clone();
    let mut ahead = JoinSet::new();
    let objects = watcher(api, watcher::Config::default().page_size(50))
        .default_backoff()
        .try_filter(move |event| futures::future::ready(places.has(event)))
        .modify(|object: &mut K| object.managed_fields_mut().clear())
        .reflect(writer)
        .inspect(move |event| match event {
            Ok(watcher::Event::Delete(object)) => forgetful.forget(object),
            Ok(watcher::Event::InitApply(object)) => forgetful.expect(object, &mut ahead),
            _ => {}
        })
        .applied_objects()
        .predicate_filter(predicates::generation.combine(predicates::annotations), Default::default());
    let instances = store.clone();
    let woken = stream::unfold(woken, async |mut woken| woken.recv().await.map(|trigger| (trigger, woken)))
        .flat_map(move |trigger| stream::iter(meant(&trigger, &instances)));
    let policy = context.clone();
    let controller = Controller::for_stream(objects, store)
        .with_config(controller::Config::default().concurrency(8).debounce(Duration::from_millis(100)))
        .reconcile_on(woken)
        .graceful_shutdown_on(stop.cancelled_owned())
        .run(
            reconcile,
            move |object, _, _| Action::requeue(policy.back_off(&ObjectRef::from_obj(&*object), FAILED)),
            context,
        )
        .for_each(async |result| {
            // All else the reporter has told already.
            if let Err(controller::Error::QueueError(error)) = result {
                tracing::warn!(error = error.to_string(), "watch interrupted");
            }
        });
    tokio::join!(controller, read);
}

/// Which custom resources a trigger means.
fn meant<K: Managed>(trigger: &Trigger, store: &Store<K>) -> Vec<ObjectRef<K>> {
    match trigger {
        Trigger::Instance { namespace, name } => {
            let reference = ObjectRef::new(name).within(namespace);
            if store.get(&reference).is_some() { vec![reference] } else { vec![] }
        }
        Trigger::Namespace(namespace) => {
            let inside = store.state_filter(|object| object.namespace().as_ref() == Some(namespace));
            inside.iter().map(|object| ObjectRef::from_obj(&**object)).collect()
        }
        Trigger::Reference { namespace, kind, name } => {
            let refers = |object: &K| {
                object.namespace().as_ref() == Some(namespace)
                    && object.references().iter().any(|(k, n)| k == kind && (n == name || n.is_empty()))
            };
            store.state_filter(refers).iter().map(|object| ObjectRef::from_obj(&**object)).collect()
        }
    }
}
