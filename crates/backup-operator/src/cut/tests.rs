//! Movers on a floor: what they are told, and what comes of what they say.

use std::{sync::Arc, time::Duration};

use super::{
    Floor, Hurdle,
    floor::Run,
    wire::{Order, Report},
};
use crate::crd::Cut;

fn names() -> Vec<String> {
    ["Foreman a/b", "Pulp a/c"].map(str::to_owned).into()
}

/// A mover that answers as it is told to; gives back the cut that it copies.
fn mover(run: &Arc<Run>, name: &str, looks: Vec<bool>) -> tokio::task::JoinHandle<Option<Cut>> {
    let mut orders = run.enter(name, 1, None, None);
    let (run, name) = (run.clone(), name.to_owned());
    tokio::spawn(async move {
        let mut looks = looks.into_iter();
        while let Some(order) = orders.recv().await {
            match order {
                Order::Start { .. } => {}
                Order::Export { cut } => run.hear(&name, Report::Exported { cut }),
                Order::Look { cut } => {
                    run.hear(&name, Report::Looked { cut, still: looks.next().unwrap_or(false) });
                }
                Order::Copy { cut } => return Some(cut),
            }
        }
        None
    })
}

fn cut(id: &str) -> Cut {
    Cut { id: id.into(), ..Cut::default() }
}

#[tokio::test]
async fn all_are_told_to_copy_once_nothing_has_finished_anywhere() {
    let run = Floor::default().run("uid", 1);
    let one = mover(&run, &names()[0], vec![false, true, true]);
    let other = mover(&run, &names()[1], vec![true, false, true]);
    let found = run.cut(&names(), Duration::from_mins(1)).await.unwrap();
    assert!((2..=3).contains(&found.tries), "{found:?}");
    assert_eq!(one.await.unwrap().unwrap().id, found.id);
    assert_eq!(other.await.unwrap().unwrap().id, found.id);
}

#[tokio::test]
async fn where_something_finishes_in_every_try_that_is_said_and_nobody_copies() {
    let run = Floor::default().run("uid", 1);
    let one = mover(&run, &names()[0], vec![]);
    let other = mover(&run, &names()[1], vec![]);
    let busy = run.cut(&names(), Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(busy, Hurdle::Busy { tries } if tries > 0), "{busy:?}");
    drop(run);
    one.abort();
    other.abort();
}

#[tokio::test]
async fn who_is_not_there_is_waited_for_and_who_cannot_is_heard() {
    let run = Floor::default().run("uid", 1);
    let _orders = run.enter(&names()[0], 1, None, None);
    let missing = run.cut(&names(), Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(missing, Hurdle::Missing(vec![names()[1].clone()]));
    let _others = run.enter(&names()[1], 2, None, None);
    run.hear(&names()[1], Report::Failed { message: "no such database".into() });
    let failed = run.cut(&names(), Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(failed, Hurdle::Failed("Pulp a/c: no such database".into()));
}

#[tokio::test]
async fn a_cut_that_the_operator_before_has_made_is_finished_and_not_made_anew() {
    let run = Floor::default().run("uid", 1);
    let _copying = run.enter(&names()[0], 1, Some(cut("x")), None);
    assert!(!run.torn(&names()), "the other may come yet");
    let mut waiting = run.enter(&names()[1], 2, None, Some("x".into()));
    assert_eq!(run.made(&names()), Some(cut("x")));
    assert_eq!(waiting.recv().await, Some(Order::Copy { cut: cut("x") }));
}

#[tokio::test]
async fn snapshots_of_another_try_are_no_part_of_a_cut_that_was_made() {
    let run = Floor::default().run("uid", 1);
    let _copying = run.enter(&names()[0], 1, Some(cut("x")), None);
    let _waiting = run.enter(&names()[1], 2, None, Some("y".into()));
    assert_eq!(run.made(&names()), None);
    assert!(run.torn(&names()));
}

#[tokio::test]
async fn a_connection_that_ends_late_does_not_take_the_new_one_with_it() {
    let run = Floor::default().run("uid", 1);
    let _old = run.enter(&names()[0], 1, None, None);
    let _new = run.enter(&names()[0], 2, None, None);
    run.leave(&names()[0], 1);
    assert_eq!(run.members().len(), 1);
    run.leave(&names()[0], 2);
    assert!(run.members().is_empty());
}
