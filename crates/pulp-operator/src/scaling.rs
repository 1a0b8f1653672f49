//! How many workers there are to be where their number follows the tasks: decided anew at each look from what the database knows of
//! the last minutes, so an operator that was restarted decides as the one before it.

use std::time::Duration;

use reconcile::{News, What};
use serde::Deserialize;

use crate::{checked::Checked, crd::Worker, read::Observed, upgrade::Step};

/// How often the tasks are looked at.
pub const INTERVAL: Duration = Duration::from_secs(15);

/// What was seen of the tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Demand {
    /// Nobody needs to know.
    #[default]
    Unasked,
    /// So many could have run at once at the busiest moment of the time after which workers go; that time ends now.
    Tasks(i64),
    /// The pod that knows does not say.
    Unknown {
        /// Why not.
        why: String,
        /// How many workers there are to be at present; `None`: there were none yet.
        workers: Option<i32>,
    },
}

/// What the pod that knows says.
#[derive(Deserialize)]
struct Answer {
    most: i64,
}

/// Reads what the pod that knows says.
pub fn read(answer: &[u8]) -> Result<i64, String> {
    let answer: Answer =
        serde_json::from_slice(answer).map_err(|_| "its answer is not understood".to_owned())?;
    Ok(answer.most)
}

/// How many workers there are to be.
pub fn workers(spec: &Worker, demand: &Demand) -> i32 {
    let Some(wanted) = &spec.autoscaling else { return spec.replicas };
    let (least, most) = (wanted.min_replicas, wanted.max_replicas.max(wanted.min_replicas));
    match demand {
        Demand::Tasks(tasks) => i32::try_from(*tasks).unwrap_or(most).clamp(least, most),
        // Where nothing is known, nothing changes.
        Demand::Unknown { workers: Some(now), .. } => (*now).clamp(least, most),
        Demand::Unknown { workers: None, .. } | Demand::Unasked => least,
    }
}

/// Whether the number of workers follows the tasks.
pub fn told(pulp: &Checked, seen: &Observed, step: &Step) -> Option<News> {
    let wanted = pulp.spec.worker.autoscaling.as_ref()?;
    let news = |status, reason, message| Some(News { type_: "WorkersFollow", status, reason, message });
    match (step, &seen.demand) {
        _ if [What::Workers, What::Writes].iter().any(|what| seen.holds.until(*what).is_some()) => {
            news(false, "Held", "a hold keeps all workers away until it ends".into())
        }
        (Step::Drain(_) | Step::Restore, _) => {
            news(false, "Draining", "all workers are stopped until the database is migrated".into())
        }
        (_, Demand::Unknown { why, .. }) => {
            news(false, "DemandUnknown", format!("the number of workers stays as it is: {why}"))
        }
        _ => news(
            true,
            "FollowsTasks",
            format!(
                "there are as many workers as tasks can run at once, from {} to {}",
                wanted.min_replicas, wanted.max_replicas
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crd::WorkerAutoscaling;

    fn unknown(workers: Option<i32>) -> Demand {
        Demand::Unknown { why: String::new(), workers }
    }

    #[test]
    fn workers_follow_the_tasks_between_their_bounds_and_stay_where_nothing_is_known() {
        let cases = [
            // least, most, what was seen, how many there are to be
            (1, 4, Demand::Tasks(0), 1),
            (1, 4, Demand::Tasks(1), 1),
            (1, 4, Demand::Tasks(3), 3),
            (1, 4, Demand::Tasks(4), 4),
            (1, 4, Demand::Tasks(5000), 4),
            (1, 4, Demand::Tasks(i64::MAX), 4),
            (1, 4, Demand::Tasks(-1), 1),
            (0, 4, Demand::Tasks(0), 0),
            (0, 4, Demand::Tasks(1), 1),
            (3, 3, Demand::Tasks(1), 3),
            (1, 4, unknown(Some(3)), 3),
            // Bounds that were changed meanwhile hold all the same, and so after a drain.
            (1, 4, unknown(Some(9)), 4),
            (1, 4, unknown(Some(0)), 1),
            (0, 4, unknown(Some(0)), 0),
            // The first workers of a Pulp.
            (2, 4, unknown(None), 2),
            (2, 4, Demand::Unasked, 2),
        ];
        for (least, most, demand, wanted) in cases {
            let autoscaling =
                WorkerAutoscaling { min_replicas: least, max_replicas: most, scale_down_after_seconds: 60 };
            let spec = Worker { replicas: 7, autoscaling: Some(autoscaling), ..Worker::default() };
            assert_eq!(workers(&spec, &demand), wanted, "{least} to {most}, {demand:?}");
        }
    }

    #[test]
    fn without_bounds_their_number_is_the_specs() {
        let spec = Worker { replicas: 7, ..Worker::default() };
        assert_eq!(workers(&spec, &Demand::Tasks(3)), 7);
    }

    #[test]
    fn an_answer_of_another_kind_is_no_number() {
        assert_eq!(read(br#"{"now": 1, "most": 5, "other": true}"#), Ok(5));
        assert_eq!(read(b"<html>"), Err("its answer is not understood".into()));
        assert_eq!(read(br#"{"now": 1}"#), Err("its answer is not understood".into()));
    }
}
