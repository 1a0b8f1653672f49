//! What a proxy does changes, and Foreman knows.

use std::time::Instant;

use e2e::{LONG, ProxyStory, smart_proxy::features, wait};

#[tokio::test]
async fn a_feature_that_is_added_or_removed_is_known_to_foreman_seconds_after_the_pod_was_replaced() {
    let (foreman, proxy) = ProxyStory::shared("changing").await;
    let admin = foreman.admin().await;
    proxy.with("{bmc: {}}", "").await;
    proxy.ready().await;
    for on in [true, false] {
        let before = proxy.settled().await;
        proxy.edit(|spec| spec.modules.templates = on.then(Default::default)).await;
        let (edited, mut replaced) = (Instant::now(), None);
        wait(LONG, "Foreman knows what has changed", async || {
            if replaced.is_none() && !proxy.pods().await.gone_or_restarted_since(&before).is_empty() {
                replaced = Some(edited.elapsed());
            }
            let known = features(&proxy.known(&admin).await.ok_or("Foreman does not know it")?);
            if known.iter().any(|name| name == "Templates") == on { Ok(()) } else { Err(known.join(", ")) }
        })
        .await;
        println!(
            "templates {on}: the old pod went {replaced:.1?} after the edit, Foreman knew after {:.1?}",
            edited.elapsed()
        );
        // Whoever waits for Ready may rely on Foreman.
        proxy.ready().await;
    }
    proxy.delete().await;
}
