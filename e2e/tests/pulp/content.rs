//! Content of each kind: made, uploaded, published, and downloaded as it was.

use e2e::{
    PulpStory,
    content::{arrive, file, image, python, rpm},
};

#[tokio::test]
async fn files_packages_wheels_and_images_arrive_as_they_were_made() {
    let pulp = PulpStory::shared().await;
    let (admin, client) = (pulp.admin().await, pulp.visitor().await);
    // Together, so that the workers have something to share.
    let (files, packages, wheels, images) =
        tokio::join!(file(&admin), rpm(&admin), python(&admin), image(&admin));
    for artifacts in [files, packages, wheels, images] {
        println!("{artifacts:?}");
        arrive(&client, &artifacts).await;
        // From the cache, as the next one gets it.
        arrive(&client, &artifacts).await;
    }
}
