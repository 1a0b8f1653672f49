//! Making a proxy known to Foreman, and taking it out again.

use super::{
    decide::{Memory, Step, Wanted, decide},
    foreman::{Api, Known, Trouble},
    process::Running,
};
use crate::crd::Registering;

/// A proxy as Foreman is to know it; one with content is two, of one host.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// Name.
    pub name: &'a str,
    /// URL.
    pub url: &'a str,
}

impl Side<'_> {
    /// Looks for it in Foreman, and makes it what it should be.
    pub async fn register(
        self,
        api: &Api<'_>,
        spec: &Registering,
        before: Option<&Memory>,
        running: &Running,
    ) -> Result<(Known, Memory), Trouble> {
        let Self { name, url } = self;
        let mut found = api.named(name).await?;
        if found.is_none()
            && let Some(before) = before
        {
            // It may have had another name: ours, or somebody's in Foreman.
            found =
                api.numbered(before.id).await?.filter(|known| known.url == before.url || known.url == url);
        }
        let (fingerprint, names) = (running.fingerprint(), running.names());
        let wanted =
            Wanted { name, url, take_over: spec.take_over, fingerprint: &fingerprint, running: &names };
        let known = match decide(found, before, &wanted) {
            Step::Keep(known) => known,
            Step::Create => api.create(name, url, &spec.organizations, &spec.locations).await?,
            Step::Change(id) => api.change(id, name, url).await?,
            Step::Refresh(id) => api.refresh(id).await?,
            Step::Stranger(known) => return Err(Trouble::Stranger(known.name, known.url, url.to_owned())),
        };
        // What it has read of another pod is to be read again.
        let fingerprint = if known.outdated(&names) { "outdated".to_owned() } else { fingerprint };
        let memory = Memory { id: known.id, url: url.to_owned(), fingerprint };
        Ok((known, memory))
    }

    /// Takes it out, if it is there and ours.
    pub async fn withdraw(self, api: &Api<'_>, before: Option<&Memory>) -> Result<bool, Trouble> {
        let mut found = api.named(self.name).await?;
        if found.is_none()
            && let Some(before) = before
        {
            found = api.numbered(before.id).await?;
        }
        let ours =
            |known: &Known| known.url == self.url || before.is_some_and(|before| before.id == known.id);
        match found {
            Some(known) if ours(&known) => api.destroy(known.id).await.map(|()| true),
            _ => Ok(false),
        }
    }
}
