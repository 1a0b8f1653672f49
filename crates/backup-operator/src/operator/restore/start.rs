//! Services start on what was filled, one after the other.

use kube::ResourceExt;
use reconcile::{AWAITS, DATA, Error};

use super::{
    super::{hold, names, services},
    run::{Run, Step},
};
use crate::crd::{RestoreStatus, Restored};

impl Run<'_> {
    /// The services start in order; each must be ready before the next.
    pub async fn start(&self, status: &mut RestoreStatus) -> Result<Step, Error> {
        let set = match self.set(&status.set).await? {
            Ok(set) => set,
            Err(why) => return Ok(Step::Wait(why)),
        };
        for one in &mut status.instances {
            let Some(service) = services::one(&self.term.client, &one.to).await? else {
                return Ok(Step::Fail(format!("{} was deleted meanwhile", one.to)));
            };
            if !one.released {
                self.release(one).await?;
                return Ok(Step::Wait(one.message.clone()));
            }
            if service.object.annotations().contains_key(AWAITS) || !settled(&service) {
                let ready = service.status.conditions.iter().find(|one| one.type_ == "Ready");
                let why = ready.map(|one| format!("{}: {}", one.reason, one.message)).unwrap_or_default();
                one.message = format!("waiting for {} to be ready: {why}", one.to);
                return Ok(Step::Wait(one.message.clone()));
            }
            one.message.clear();
        }
        Ok(Step::Done(format!("{} services as they were at {}", status.instances.len(), set.cut.at.0)))
    }

    /// Lets a service start on what it was filled with. In one write: it must not start before it knows that its data are other ones.
    async fn release(&self, one: &mut Restored) -> Result<(), Error> {
        let data = (!one.job.is_empty()).then(|| (DATA, Some(names::short(self.uid))));
        let changes: Vec<_> = data.into_iter().chain([(AWAITS, None)]).collect();
        hold::annotate(&self.term.client, &one.to, &changes).await?;
        one.released = true;
        one.message = format!("{} starts", one.to);
        Ok(())
    }

    /// What was filled waits for nothing, whatever has become of the others.
    pub async fn release_filled(&self, status: &mut RestoreStatus) -> Result<(), Error> {
        for one in status.instances.iter_mut().filter(|one| one.filled && !one.released) {
            self.release(one).await?;
        }
        Ok(())
    }
}

/// Whether a service says that it is ready, of what it is asked for now.
fn settled(service: &services::Service) -> bool {
    let current = service.status.observed_generation == service.object.metadata.generation;
    let data = service.object.annotations().get(DATA);
    let taken = data.is_none_or(|id| service.status.data.as_ref() == Some(id));
    current && taken && service.status.holds.is_empty() && service.status.is("Ready")
}
