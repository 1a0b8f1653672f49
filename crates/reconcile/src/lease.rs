//! Leadership: one Lease; every write names the version that was read, so two replicas can never both win.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api,
    api::{ObjectMeta, PostParams},
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, call};

const TERM: Duration = Duration::from_secs(15);

/// One contender.
pub struct Leader {
    api: Api<Lease>,
    name: &'static str,
    me: String,
    /// What the Lease said when we last looked, and when that was: another machine's clock may be wrong, ours measures spans.
    seen: Option<(Option<String>, Instant)>,
}

impl Leader {
    /// A contender called `me` for the Lease `name`.
    pub fn new(api: Api<Lease>, name: &'static str, me: String) -> Self {
        Self { api, name, me, seen: None }
    }

    /// Tries once; whether we lead now.
    pub async fn lead(&mut self) -> Result<bool, Error> {
        let Some(mut lease) = call("get", "the Lease", self.api.get_opt(self.name)).await? else {
            let metadata = ObjectMeta { name: Some(self.name.into()), ..Default::default() };
            let lease = Lease { metadata, spec: Some(self.claim(None)) };
            return won(call("create", "the Lease", self.api.create(&PostParams::default(), &lease)).await);
        };
        let spec = lease.spec.take();
        let holder = spec.as_ref().and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default();
        let version = lease.metadata.resource_version.clone();
        if self.seen.as_ref().is_none_or(|(seen, _)| *seen != version) {
            self.seen = Some((version, Instant::now()));
        }
        let expired = self.seen.as_ref().is_some_and(|(_, since)| since.elapsed() > TERM);
        if !(holder.is_empty() || holder == self.me || expired) {
            return Ok(false);
        }
        lease.spec = Some(self.claim(spec));
        won(call("take", "the Lease", self.api.replace(self.name, &PostParams::default(), &lease)).await)
    }

    fn claim(&self, old: Option<LeaseSpec>) -> LeaseSpec {
        let old = old.unwrap_or_default();
        let mine = old.holder_identity.as_ref() == Some(&self.me);
        let now = MicroTime(Timestamp::now());
        LeaseSpec {
            holder_identity: Some(self.me.clone()),
            lease_duration_seconds: i32::try_from(TERM.as_secs()).ok(),
            acquire_time: if mine { old.acquire_time } else { Some(now.clone()) },
            renew_time: Some(now),
            lease_transitions: Some(old.lease_transitions.unwrap_or(0) + i32::from(!mine)),
            ..Default::default()
        }
    }

    /// Renews every third of the term; returns at `stop`, or once the Lease is lost or may have been.
    pub async fn hold(&mut self, stop: &CancellationToken) {
        let mut renewed = Instant::now();
        while stop.run_until_cancelled(tokio::time::sleep(TERM / 3)).await.is_some() {
            let asked = Instant::now();
            // Five seconds are left for writes under way to end before another one may lead.
            match tokio::time::timeout_at(renewed + TERM * 2 / 3, self.lead()).await {
                Ok(Ok(true)) => renewed = asked,
                Ok(Ok(false)) | Err(_) => {
                    tracing::error!("the Lease is lost");
                    return;
                }
                Ok(Err(error)) => tracing::warn!(%error, "cannot renew the Lease"),
            }
        }
    }

    /// Gives the Lease back, so that the next one need not wait for it to run out.
    pub async fn release(&self) -> Result<(), Error> {
        let mut lease = call("get", "the Lease", self.api.get(self.name)).await?;
        if let Some(spec) = lease.spec.as_mut().filter(|spec| spec.holder_identity.as_ref() == Some(&self.me))
        {
            spec.holder_identity = None;
            call("release", "the Lease", self.api.replace(self.name, &PostParams::default(), &lease)).await?;
        }
        Ok(())
    }
}

/// Whether a write was ours: a conflict means that another one was faster.
fn won<T>(result: Result<T, Error>) -> Result<bool, Error> {
    match result {
        Ok(_) => Ok(true),
        Err(Error::Api { code: Some(409), .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
