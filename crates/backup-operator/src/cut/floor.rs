//! Where movers stand while they are conducted: who is there, and the search for a cut.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, mpsc},
    time::{Instant, timeout_at},
};

use super::wire::{Order, Report};
use crate::crd::{Cut, now};

/// How long one export, or one look, of all databases may take.
const ROUND: Duration = Duration::from_secs(20);

/// All runs that are going on, by the uid of their custom resource and the number of the attempt.
#[derive(Debug, Default)]
pub struct Floor(Mutex<HashMap<(String, i32), Arc<Run>>>);

/// The movers of one run.
#[derive(Debug, Default)]
pub struct Run {
    /// Who may come, and what each is told first.
    expected: Mutex<BTreeMap<String, Order>>,
    members: Mutex<BTreeMap<String, Member>>,
    changed: Notify,
}

/// A mover that has come.
#[derive(Clone, Debug)]
pub struct Member {
    orders: mpsc::UnboundedSender<Order>,
    /// Tells apart the connections of one mover.
    connection: u64,
    /// The cut that it copies.
    pub cut: Option<Cut>,
    /// The cut that its snapshots were exported for.
    exported: Option<String>,
    /// What the last look at that cut gave.
    looked: Option<(String, bool)>,
    /// Bytes done, bytes in all, files done.
    pub progress: (u64, u64, u64),
    /// What it cannot do.
    pub failed: Option<String>,
}

/// Why there is no cut yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Hurdle {
    /// These movers are not connected.
    #[error("waiting for the movers of {}", .0.join(", "))]
    Missing(Vec<String>),
    /// Something was committed in every try.
    #[error("no gap between commits in {tries} tries")]
    Busy {
        /// How many.
        tries: i32,
    },
    /// A mover has failed, or does not answer.
    #[error("{0}")]
    Failed(String),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Floor {
    /// A run; made when it is first asked for.
    pub fn run(&self, uid: &str, attempt: i32) -> Arc<Run> {
        lock(&self.0).entry((uid.to_owned(), attempt)).or_default().clone()
    }

    /// The run that a mover belongs to, and what it is told first. `None`: it is not expected.
    pub fn expected(&self, uid: &str, attempt: i32, name: &str) -> Option<(Arc<Run>, Order)> {
        let run = lock(&self.0).get(&(uid.to_owned(), attempt))?.clone();
        let start = lock(&run.expected).get(name)?.clone();
        Some((run, start))
    }

    /// Forgets all attempts of a run; their connections end.
    pub fn forget(&self, uid: &str) {
        lock(&self.0).retain(|(other, _), _| other != uid);
    }
}

impl Run {
    /// Whether this mover was told of already.
    pub fn expects(&self, name: &str) -> bool {
        lock(&self.expected).contains_key(name)
    }

    /// A mover may come, and is told this first.
    pub fn expect(&self, name: &str, start: Order) {
        lock(&self.expected).insert(name.to_owned(), start);
    }

    /// A mover has come, or come again; what it is to do arrives at the receiver.
    pub fn enter(
        &self,
        name: &str,
        connection: u64,
        cut: Option<Cut>,
        exported: Option<String>,
    ) -> mpsc::UnboundedReceiver<Order> {
        let (orders, receiver) = mpsc::unbounded_channel();
        let member =
            Member { orders, connection, cut, exported, looked: None, progress: (0, 0, 0), failed: None };
        lock(&self.members).insert(name.to_owned(), member);
        self.changed.notify_waiters();
        receiver
    }

    /// A connection has ended.
    pub fn leave(&self, name: &str, connection: u64) {
        let mut members = lock(&self.members);
        if members.get(name).is_some_and(|member| member.connection == connection) {
            members.remove(name);
        }
        drop(members);
        self.changed.notify_waiters();
    }

    /// A mover has come to its end, copying this cut.
    pub fn ended(&self, name: &str, cut: Cut) {
        drop(self.enter(name, u64::MAX, Some(cut), None));
    }

    /// A mover says something.
    pub fn hear(&self, name: &str, report: Report) {
        if let Some(member) = lock(&self.members).get_mut(name) {
            match report {
                Report::Hello { .. } => {}
                Report::Exported { cut } => member.exported = Some(cut),
                Report::Looked { cut, still } => member.looked = Some((cut, still)),
                Report::Progress { bytes, total, files } => member.progress = (bytes, total, files),
                Report::Failed { message } => member.failed = Some(message),
            }
        }
        self.changed.notify_waiters();
    }

    /// Who is there.
    pub fn members(&self) -> BTreeMap<String, Member> {
        lock(&self.members).clone()
    }

    /// A cut that was already made: an operator before us told at least one mover to copy, so all snapshots were one instant. The others,
    /// which kept theirs, are told now.
    pub fn made(&self, names: &[String]) -> Option<Cut> {
        let mut members = lock(&self.members);
        let cut = members.values().find_map(|member| member.cut.clone())?;
        let complete = names.iter().all(|name| {
            members.get(name).is_some_and(|member| match &member.cut {
                Some(other) => other.id == cut.id,
                None => member.exported.as_ref() == Some(&cut.id),
            })
        });
        if !complete {
            return None;
        }
        for member in members.values_mut().filter(|member| member.cut.is_none()) {
            let _ = member.orders.send(Order::Copy { cut: cut.clone() });
            member.cut = Some(cut.clone());
        }
        Some(cut)
    }

    /// Whether a mover copies another cut than these can have: then this attempt cannot become one instant.
    pub fn torn(&self, names: &[String]) -> bool {
        let members = lock(&self.members);
        names.iter().all(|name| members.contains_key(name))
            && members.values().any(|member| member.cut.is_some())
            && {
                drop(members);
                self.made(names).is_none()
            }
    }

    /// Looks for a cut for so long, and tells all movers to copy when there is one.
    pub async fn cut(&self, names: &[String], patience: Duration) -> Result<Cut, Hurdle> {
        self.present(names)?;
        let begun = Instant::now();
        let mut tries = 0;
        while tries == 0 || begun.elapsed() < patience {
            tries += 1;
            let id = format!("{:016x}", rand::random::<u64>());
            self.order(names, || Order::Export { cut: id.clone() })?;
            self.until(names, |member| (member.exported.as_ref() == Some(&id)).then_some(true)).await?;
            let at = now();
            self.order(names, || Order::Look { cut: id.clone() })?;
            let looked = |member: &Member| {
                member.looked.as_ref().and_then(|(cut, still)| (*cut == id).then_some(*still))
            };
            if self.until(names, looked).await? {
                let milliseconds = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
                let cut = Cut { id, at, tries, milliseconds, workers_paused: false };
                let mut members = lock(&self.members);
                for member in members.values_mut() {
                    let _ = member.orders.send(Order::Copy { cut: cut.clone() });
                    member.cut = Some(cut.clone());
                }
                return Ok(cut);
            }
        }
        Err(Hurdle::Busy { tries })
    }

    fn present(&self, names: &[String]) -> Result<(), Hurdle> {
        let members = lock(&self.members);
        let missing: Vec<_> = names.iter().filter(|name| !members.contains_key(*name)).cloned().collect();
        match members.iter().find_map(|(name, member)| Some((name, member.failed.as_ref()?))) {
            Some((name, why)) => Err(Hurdle::Failed(format!("{name}: {why}"))),
            None if missing.is_empty() => Ok(()),
            None => Err(Hurdle::Missing(missing)),
        }
    }

    fn order(&self, names: &[String], order: impl Fn() -> Order) -> Result<(), Hurdle> {
        self.present(names)?;
        for member in lock(&self.members).values() {
            let _ = member.orders.send(order());
        }
        Ok(())
    }

    /// Waits until all have answered; whether all said yes.
    async fn until(
        &self,
        names: &[String],
        answer: impl Fn(&Member) -> Option<bool>,
    ) -> Result<bool, Hurdle> {
        let deadline = Instant::now() + ROUND;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Before looking: what changes in between must not be missed.
            changed.as_mut().enable();
            self.present(names)?;
            let answers: Vec<_> = lock(&self.members).values().map(&answer).collect();
            // One that is in the way is enough to try again at once.
            if answers.contains(&Some(false)) {
                return Ok(false);
            }
            if answers.iter().all(Option::is_some) {
                return Ok(true);
            }
            if timeout_at(deadline, changed).await.is_err() {
                let late = lock(&self.members);
                let late: Vec<_> = late
                    .iter()
                    .filter(|(_, member)| answer(member).is_none())
                    .map(|(name, _)| name.clone())
                    .collect();
                return Err(Hurdle::Failed(format!(
                    "no answer in {} s from {}",
                    ROUND.as_secs(),
                    late.join(", ")
                )));
            }
        }
    }
}
