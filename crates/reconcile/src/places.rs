//! Where an operator works.

use kube::{ResourceExt, runtime::watcher};

use crate::managed::Managed;

/// Where the operator works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places(pub Vec<String>);

impl Places {
    /// From `WATCH_NAMESPACE`: names with commas between them; empty for all.
    pub fn parse(text: &str) -> Self {
        Self(text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect())
    }

    /// Whether an event is about one of them.
    pub(crate) fn has<K: Managed>(&self, event: &watcher::Event<K>) -> bool {
        match event {
            watcher::Event::Apply(object)
            | watcher::Event::Delete(object)
            | watcher::Event::InitApply(object) => {
                self.0.is_empty() || object.namespace().is_some_and(|namespace| self.0.contains(&namespace))
            }
            watcher::Event::Init | watcher::Event::InitDone => true,
        }
    }
}
