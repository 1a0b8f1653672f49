//! Holds: somebody asks a service to stand still in some respect, and it does until the time that was named, whoever dies meanwhile.
//!
//! The holder puts `hold.theforeman.org/<holder>: {"what": ["deletion"], "until": "<RFC 3339>"}` on the custom resource and renews it. What
//! is said of it in `status.holds` is computed from the annotation, the clock and what was seen: nothing has to be remembered, so
//! nothing is stuck.
//!
//! One has no end but by hand: `restore.theforeman.org/awaits: <holder>` says that databases and content are about to be filled. Whoever does
//! that may die half-way, and nothing must ever start on half of its data.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the names of the annotations begin with; the holder's name follows.
const PREFIX: &str = "hold.theforeman.org/";
/// Annotation: its value is the holder that is going to fill databases and content; until it is taken away, nothing writes.
pub const AWAITS: &str = "restore.theforeman.org/awaits";
/// Reason of conditions while a hold keeps the whole service from working; also the name of the stages that stop it.
pub const HELD: &str = "Held";
/// How far ahead a hold may reach.
const MOST: SignedDuration = SignedDuration::from_mins(5);
/// How far the holder's clock may be ahead of ours.
const SLACK: SignedDuration = SignedDuration::from_secs(30);

/// In what a service can be asked to stand still.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "camelCase")]
pub enum What {
    /// Files that the database knows are not deleted.
    Deletion,
    /// No background task runs.
    Workers,
    /// Nothing writes the databases or the content at all, and nothing serves.
    Writes,
}

/// What has become of a hold.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HoldState {
    /// It has been seen, and is not in force yet.
    #[default]
    Pending,
    /// It is in force: since `since`, until `until`.
    Held,
    /// It will not be honoured; `message` says why.
    Refused,
    /// Its time is over; the annotation can go.
    Expired,
}

/// A hold as it is acknowledged.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    /// Whose it is: the annotation's name without `hold.theforeman.org/`.
    pub holder: String,
    /// What is to stand still.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub what: Vec<What>,
    /// Whether it is in force.
    #[serde(default)]
    pub state: HoldState,
    /// Since when all of `what` has stood still without a break.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// Until when it is honoured, whatever becomes of operator and holder; none while data are awaited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// Why it is refused, or what is still waited for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// The value of an annotation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    what: Vec<What>,
    until: Timestamp,
}

/// All holds on a custom resource, as far as can be told without looking at the service: pending until that is done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Holds(Vec<Hold>);

impl Holds {
    /// From the annotations. `before`: what was last acknowledged. `cannot`: why the service cannot hold something, if it cannot.
    pub(crate) fn of(
        annotations: &BTreeMap<String, String>,
        before: &[Hold],
        now: Timestamp,
        cannot: impl Fn(What) -> Option<&'static str>,
    ) -> Self {
        let awaits = annotations.get(AWAITS);
        let awaited = awaits.map(|holder| {
            let hold = Hold { holder: holder.clone(), what: vec![What::Writes], ..Hold::default() };
            match cannot(What::Writes) {
                Some(why) => refused(hold, why.into()),
                None => hold,
            }
        });
        let named = annotations.iter().filter_map(|(key, value)| Some((key.strip_prefix(PREFIX)?, value)));
        let named = named.filter(|(holder, _)| awaits.is_none_or(|other| other != holder));
        let named = named.map(|(holder, value)| {
            let before = before.iter().find(|hold| hold.holder == holder);
            let hold = Hold { holder: holder.into(), ..Hold::default() };
            judge(hold, value, before, now, &cannot)
        });
        Self(awaited.into_iter().chain(named).collect())
    }

    /// Until when this must stand still; `None`: nobody asks for it.
    pub fn until(&self, what: What) -> Option<Timestamp> {
        let asked = self.live().filter(|hold| hold.what.contains(&what));
        asked.map(|hold| hold.end().unwrap_or(Timestamp::MAX)).max()
    }

    /// Who asks for this, and until when, for people; `None`: nobody.
    pub(crate) fn told(&self, what: What) -> Option<String> {
        let asking: Vec<_> = self.live().filter(|hold| hold.what.contains(&what)).collect();
        let who = |hold: &&Hold| match hold.end() {
            Some(end) => format!("{} until {end} (annotation {PREFIX}{0})", hold.holder),
            None => format!("{} until it has filled the data (annotation {AWAITS})", hold.holder),
        };
        let who: Vec<_> = asking.iter().map(who).collect();
        (!who.is_empty())
            .then(|| format!("nothing writes, because somebody asked for that: {}", who.join(", ")))
    }

    /// What must stand still.
    pub(crate) fn asked(&self) -> Vec<What> {
        asked(&self.0)
    }

    /// When the next one ends if nobody renews it.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.live().filter_map(Hold::end).min()
    }

    fn live(&self) -> impl Iterator<Item = &Hold> {
        self.0.iter().filter(|hold| hold.live())
    }

    /// Whether one of them has held this until now without a break.
    pub(crate) fn unbroken(&self, before: &[Hold], now: Timestamp, what: What) -> bool {
        let was = |hold: &Hold| before.iter().any(|old| old.holder == hold.holder && old.holds(now, what));
        self.live().any(|hold| hold.what.contains(&what) && was(hold))
    }

    /// What is to be said of them. `moving`: what still moves of what was asked to stand still.
    pub(crate) fn acknowledged(
        &self,
        before: &[Hold],
        now: Timestamp,
        moving: impl Fn(What) -> Option<String>,
    ) -> Vec<Hold> {
        let mut holds = self.0.clone();
        for hold in holds.iter_mut().filter(|hold| hold.live()) {
            let why: Vec<_> = hold.what.iter().filter_map(|what| moving(*what)).collect();
            if !why.is_empty() {
                hold.message = why.join("; ");
                continue;
            }
            hold.state = HoldState::Held;
            // What lapsed while nobody looked has had a break.
            let unbroken =
                |old: &&Hold| old.holder == hold.holder && hold.what.iter().all(|what| old.holds(now, *what));
            let since = before.iter().find(unbroken).and_then(|old| old.since.clone());
            hold.since = Some(since.unwrap_or_else(|| Time(seconds(now))));
        }
        holds
    }

    /// What is to be said of them while nothing at all is done for them, and why that is.
    pub(crate) fn unanswered(&self, state: HoldState, why: &str) -> Vec<Hold> {
        let mut holds = self.0.clone();
        for hold in holds.iter_mut().filter(|hold| hold.live()) {
            why.clone_into(&mut hold.message);
            hold.state = state;
        }
        holds
    }
}

/// What must stand still for these.
pub(crate) fn asked(holds: &[Hold]) -> Vec<What> {
    let mut asked: Vec<_> =
        holds.iter().filter(|hold| hold.live()).flat_map(|hold| hold.what.clone()).collect();
    asked.sort();
    asked.dedup();
    asked
}

impl Hold {
    fn end(&self) -> Option<Timestamp> {
        self.until.as_ref().map(|until| until.0)
    }

    /// Whether it has been in force for this until now.
    fn holds(&self, now: Timestamp, what: What) -> bool {
        self.state == HoldState::Held && self.end().is_none_or(|end| end >= now) && self.what.contains(&what)
    }

    fn live(&self) -> bool {
        matches!(self.state, HoldState::Pending | HoldState::Held)
    }
}

/// In the API, times have no fractions.
fn seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

fn refused(hold: Hold, message: String) -> Hold {
    Hold { state: HoldState::Refused, message, ..hold }
}

fn judge(
    hold: Hold,
    value: &str,
    before: Option<&Hold>,
    now: Timestamp,
    cannot: impl Fn(What) -> Option<&'static str>,
) -> Hold {
    let mut asked: Asked = match serde_json::from_str(value) {
        Ok(asked) => asked,
        Err(error) => {
            let error: String = error.to_string().chars().take(200).collect();
            let form = r#"{"what": ["deletion"], "until": "2030-01-31T12:00:00Z"}"#;
            return refused(hold, format!("the annotation must look like {form}: {error}"));
        }
    };
    asked.what.sort();
    asked.what.dedup();
    let until = Some(Time(seconds(asked.until)));
    let hold = Hold { what: asked.what, until, ..hold };
    if hold.what.is_empty() {
        return refused(hold, "what is empty; name deletion, workers or writes".into());
    }
    if asked.until <= now {
        return Hold { state: HoldState::Expired, ..hold };
    }
    // A refusal stands until something else is asked: the same words must not begin to count by themselves later.
    let stands = before.is_some_and(|old| {
        old.state == HoldState::Refused && old.until == hold.until && old.message.starts_with(FAR)
    });
    if stands || asked.until > now + MOST + SLACK {
        return refused(
            hold,
            format!("{FAR}; ask for five minutes at most, and renew it before they are over"),
        );
    }
    let why: Vec<_> = hold.what.iter().filter_map(|what| cannot(*what)).collect();
    if why.is_empty() { hold } else { refused(hold, why.join("; ")) }
}

const FAR: &str = "until is too far ahead";

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn ask(holder: &str, what: &str, until: Timestamp) -> BTreeMap<String, String> {
        let value = format!(r#"{{"what": [{what}], "until": "{until}"}}"#);
        [(format!("{PREFIX}{holder}"), value), ("other/annotation".into(), "x".into())].into()
    }

    fn cannot(what: What) -> Option<&'static str> {
        (what == What::Writes).then_some("there is no read-only mode")
    }

    fn answer(annotations: &BTreeMap<String, String>, before: &[Hold], now: Timestamp) -> Vec<Hold> {
        Holds::of(annotations, before, now, cannot).acknowledged(before, now, |_| None)
    }

    #[test]
    fn what_is_asked_is_held_since_then_and_renewed_without_a_break() {
        let asked = answer(&ask("night", r#""workers", "deletion""#, at(300)), &[], at(0));
        assert_eq!(asked[0].state, HoldState::Held);
        assert_eq!(
            (asked[0].what.as_slice(), asked[0].holder.as_str()),
            (&[What::Deletion, What::Workers][..], "night")
        );
        let renewed = answer(&ask("night", r#""deletion""#, at(360)), &asked, at(60));
        assert_eq!(renewed[0].since, asked[0].since);
        assert_eq!(renewed[0].end(), Some(at(360)));
    }

    #[test]
    fn what_lapsed_while_nobody_looked_begins_anew() {
        let asked = answer(&ask("night", r#""deletion""#, at(300)), &[], at(0));
        let late = answer(&ask("night", r#""deletion""#, at(600)), &asked, at(400));
        assert_eq!(late[0].since, Some(Time(at(400))));
        let more = answer(&ask("night", r#""deletion", "workers""#, at(300)), &asked, at(10));
        assert_eq!(more[0].since, Some(Time(at(10))), "workers have only just begun to stand still");
    }

    #[test]
    fn data_are_awaited_until_somebody_has_filled_them_however_long_that_takes() {
        let awaits: BTreeMap<_, _> = [(AWAITS.to_owned(), "night".to_owned())].into();
        let holds = |now| Holds::of(&awaits, &[], now, |_| None);
        let said = holds(at(0)).acknowledged(&[], at(0), |_| None);
        assert_eq!((said[0].state, said[0].what.as_slice()), (HoldState::Held, &[What::Writes][..]));
        let later = holds(at(900_000)).acknowledged(&said, at(900_000), |_| None);
        assert_eq!(later, said, "nothing has happened in ten days");
        assert!(holds(at(900_000)).until(What::Writes).is_some());
        assert_eq!((holds(at(0)).until(What::Deletion), holds(at(0)).next()), (None, None));
        assert!(holds(at(0)).told(What::Writes).is_some_and(|told| told.contains(AWAITS)));
        let both: BTreeMap<_, _> =
            awaits.clone().into_iter().chain(ask("night", r#""deletion""#, at(60))).collect();
        assert_eq!(Holds::of(&both, &[], at(0), |_| None).0.len(), 1, "a holder has one entry");
        let cannot = Holds::of(&awaits, &[], at(0), cannot).acknowledged(&[], at(0), |_| None);
        assert_eq!(cannot[0].state, HoldState::Refused);
    }

    #[test]
    fn what_still_moves_is_named_and_its_time_is_known() {
        let holds = Holds::of(&ask("night", r#""workers""#, at(300)), &[], at(0), cannot);
        assert_eq!((holds.until(What::Workers), holds.until(What::Deletion)), (Some(at(300)), None));
        assert_eq!(holds.next(), Some(at(300)));
        let said = holds.acknowledged(&[], at(0), |_| Some("2 workers end their tasks".into()));
        assert_eq!((said[0].state, said[0].since.as_ref()), (HoldState::Pending, None));
        assert_eq!(said[0].message, "2 workers end their tasks");
    }

    #[test]
    fn what_cannot_be_read_or_done_is_refused_in_words_and_nothing_is_done() {
        let malformed: BTreeMap<_, _> = [(format!("{PREFIX}x"), "soon".into())].into();
        for (annotations, says) in [
            (malformed, "must look like"),
            (ask("x", r#""coffee""#, at(60)), "unknown variant `coffee`"),
            (ask("x", "", at(60)), "what is empty"),
            (ask("x", r#""deletion", "writes""#, at(60)), "no read-only mode"),
            (ask("x", r#""deletion""#, at(331)), "too far ahead"),
        ] {
            let holds = Holds::of(&annotations, &[], at(0), cannot);
            assert_eq!((holds.asked(), holds.next()), (vec![], None));
            let said = holds.acknowledged(&[], at(0), |_| None);
            assert_eq!(said[0].state, HoldState::Refused);
            assert!(said[0].message.contains(says), "{}", said[0].message);
        }
    }

    #[test]
    fn too_far_ahead_does_not_come_into_force_by_waiting() {
        let annotations = ask("x", r#""deletion""#, at(3600));
        let refused = answer(&annotations, &[], at(0));
        assert_eq!(answer(&annotations, &refused, at(3500)), refused);
        assert_eq!(answer(&annotations, &refused, at(3600))[0].state, HoldState::Expired);
        assert_eq!(
            answer(&ask("x", r#""deletion""#, at(3700)), &refused, at(3500))[0].state,
            HoldState::Held
        );
    }

    #[test]
    fn each_holder_has_its_own_end_and_the_last_one_counts() {
        let mut annotations = ask("a", r#""deletion""#, at(100));
        annotations.extend(ask("b", r#""deletion""#, at(200)));
        let holds = Holds::of(&annotations, &[], at(0), cannot);
        assert_eq!((holds.until(What::Deletion), holds.next()), (Some(at(200)), Some(at(100))));
        let later = Holds::of(&annotations, &[], at(150), cannot);
        assert_eq!(
            later.acknowledged(&[], at(150), |_| None).iter().map(|hold| hold.state).collect::<Vec<_>>(),
            [HoldState::Expired, HoldState::Held]
        );
        assert_eq!(Holds::of(&annotations, &[], at(200), cannot).until(What::Deletion), None);
    }
}
