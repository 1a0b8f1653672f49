//! A database that may not start, then has no room, then is given up before it ever served.

use std::{path::PathBuf, process::Command};

use e2e::{Audit, LONG, Operator, Story, cluster::logs, told::QUIET, wait};

use crate::told::{quota, unlimited};

/// A small file system on the folder of a volume; it is gone with this.
struct Small(PathBuf);

impl Small {
    fn mount(folder: PathBuf, size: &str) -> Self {
        let small = Self(folder);
        small.run("mount", &["-t", "tmpfs", "-o", &format!("size={size},mode=0777"), "tmpfs"]);
        small
    }

    fn grow(&self, size: &str) {
        self.run("mount", &["-o", &format!("remount,size={size}")]);
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let status = Command::new(program).args(arguments).arg(&self.0).status();
        assert!(status.is_ok_and(|status| status.success()), "{program} {arguments:?} {}", self.0.display());
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Where the cluster keeps the volume of a claim.
async fn folder(story: &Story, claim: &str) -> PathBuf {
    let title = format!("PersistentVolumeClaim {claim}");
    wait(LONG, "the claim is bound", async || {
        let claimed = story.object(&title).await.ok_or("there is no claim")?;
        let volume = claimed.data["spec"]["volumeName"].as_str().ok_or("it has no volume")?.to_owned();
        let folder = format!("volumes/{volume}_{}_{claim}", story.namespace);
        let folder = logs().with_file_name(folder);
        if folder.is_dir() { Ok(folder) } else { Err(format!("{} does not exist", folder.display())) }
    })
    .await
}

#[tokio::test]
async fn pods_over_the_quota_and_a_full_volume_are_told_and_a_deletion_in_the_middle_leaves_volumes_and_keys()
{
    let (foreman, operator) = (Story::new("bad-volume").await, Operator::installed().await);
    let before = operator.process().await;
    quota(&foreman, "pods").await;
    foreman.state("{storage: {database: {size: 1Gi, storageClassName: at-once}}}").await;
    foreman.told("Database", &["StatefulSet myforeman-database: ", "exceeded quota: small"]).await;

    let volume = Small::mount(folder(&foreman, "myforeman-database").await, "24m");
    unlimited(&foreman).await;
    foreman.told("Database", &["No space left on device"]).await;
    let audit = Audit::begin();
    tokio::time::sleep(QUIET / 2).await;
    let asked = foreman.asked(&audit);
    println!("{asked} requests in {:?}", QUIET / 2);
    assert!(asked <= 15, "{asked} requests in {:?}", QUIET / 2);
    volume.grow("512m");
    foreman.beyond("Database").await;
    assert_eq!(operator.process().await, before, "the operator was not restarted");

    // The migration may be running.
    foreman.beyond("Queue").await;
    let keys = foreman.objects().await;
    foreman.delete().await;
    wait(LONG, "what it owned is gone", async || {
        let (left, pods) = (foreman.objects().await, foreman.pods().await.0.len());
        let other =
            left.only(|title| !title.starts_with("PersistentVolumeClaim ") && !title.starts_with("Secret "));
        if other.0.is_empty() && pods == 0 {
            Ok(())
        } else {
            Err(format!("{pods} pods, {:?}", other.titles()))
        }
    })
    .await;
    let left = foreman.objects().await;
    let name = |title: &str| title.split_once("myforeman-").map(|(kind, part)| format!("{kind}{part}"));
    let names: Vec<_> = left.titles().into_iter().filter_map(name).collect();
    let expected =
        ["database", "queue", "shared"].map(|part| format!("PersistentVolumeClaim {part}")).into_iter();
    let secrets =
        ["admin", "ca", "database", "encryption", "oauth", "queue"].map(|part| format!("Secret {part}"));
    assert_eq!(names, expected.chain(secrets).collect::<Vec<_>>());
    for (title, seen) in &left.0 {
        assert_eq!(
            (&seen.uid, &seen.data),
            (&keys.0[title].uid, &keys.0[title].data),
            "{title} is as it was"
        );
    }
    assert_eq!(operator.process().await, before, "the operator was not restarted");
}
