//! What an instance consists of, in the order in which it comes up.

use std::time::Duration;

use kube::{Resource, api::ApiResource};

use crate::object::Object;

/// What must hold of a stage before the next one is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Its objects exist as stated.
    Applied,
    /// Its workloads serve, all pods of them in the release that is wanted.
    Ready,
    /// Its Jobs have succeeded.
    Succeeded,
    /// No pod of its workloads is at work any more; one that is to end may take its time.
    Idle,
}

/// Objects that come up together.
#[derive(Clone, Debug)]
pub struct Stage {
    /// `CamelCase`: it is the reason in conditions, Events and metrics.
    pub name: &'static str,
    /// What must hold before the next stage.
    pub gate: Gate,
    /// In the order in which they are applied.
    pub objects: Vec<Object>,
    /// Nothing of it may begin or move to another revision before another plan says so; what runs is still repaired.
    pub held: bool,
}

/// Stages in order.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The first comes first.
    pub stages: Vec<Stage>,
    /// More will follow once these hold: what the plan does not name must not be pruned.
    pub partial: bool,
    /// It was made from something that no watch tells of: after this time, look again.
    pub again: Option<Duration>,
    /// Kind and name of what must not be, whatever gates hold.
    pub gone: Vec<(ApiResource, String)>,
}

impl Plan {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a stage; one without objects holds at once.
    #[must_use]
    pub fn stage(mut self, name: &'static str, gate: Gate, objects: Vec<Object>) -> Self {
        self.stages.push(Stage { name, gate, objects, held: self.partial });
        self
    }

    /// Says that another plan follows once the stages so far hold; those that are added after this are only kept as they are.
    #[must_use]
    pub fn to_be_continued(self) -> Self {
        Self { partial: true, ..self }
    }

    /// Says that it was made from something that no watch tells of, and when to look again.
    #[must_use]
    pub fn again_in(self, time: Duration) -> Self {
        Self { again: Some(time), ..self }
    }

    /// Says that an object of ours must go at once, and not only when every gate holds.
    #[must_use]
    pub fn without<K: Resource<DynamicType = ()>>(mut self, name: String) -> Self {
        self.gone.push((ApiResource::erase::<K>(&()), name));
        self
    }

    /// All objects, in order.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.stages.iter().flat_map(|stage| &stage.objects)
    }
}
