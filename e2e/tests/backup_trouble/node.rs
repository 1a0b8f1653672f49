//! The node that a mover is on is lost, as by a power loss.

use std::time::Instant;

use e2e::{
    LONG,
    backup::{delete, said},
    cluster::command,
    node::{Cordon, NODE, Second},
    wait,
};

use crate::Trouble;

#[tokio::test]
async fn a_node_that_is_lost_in_mid_run_leaves_no_false_set_and_nothing_held() {
    let trouble = Trouble::new("node").await;
    let _node = Second::add(None).await;
    let cordon = Cordon::close(&trouble.client).await;
    let still = trouble.copying("node-1").await;
    let movers = wait(LONG, "the mover runs on the second node", async || {
        let movers = trouble.movers().await;
        let there = |pod: &&k8s_openapi::api::core::v1::Pod| {
            pod.spec.as_ref().is_some_and(|spec| spec.node_name.as_deref() == Some(NODE))
        };
        match movers.iter().filter(there).count() {
            0 => Err(format!("{} movers", movers.len())),
            there => Ok(there),
        }
    })
    .await;
    assert_eq!(movers, 1);
    drop(cordon);
    command("cluster/node-kill", &[NODE]).await;
    let lost = Instant::now();
    drop(still);
    let status = trouble.in_phase("Backup", "node-1", &["Completed", "Failed"]).await;
    println!(
        "{} {:.0?} after the loss, in try {}: {}",
        status["phase"],
        lost.elapsed(),
        status["attempt"],
        said(&status)
    );
    trouble.let_go().await;
    assert_eq!(trouble.sets().await, usize::from(status["phase"] == "Completed"), "{status}");
    trouble.works_again("node-2").await;
    for backup in ["node-1", "node-2"] {
        delete(&trouble.client, "Backup", backup).await;
    }
    delete(&trouble.client, "BackupStorage", "node").await;
}
