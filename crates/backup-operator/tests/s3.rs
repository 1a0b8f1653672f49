//! Over S3 as versitygw speaks it: `cargo test -p backup-operator --test s3 -- --ignored`, with the program in PATH (`e2e/images/s3` builds it).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it must be")]

mod world;

use std::{
    io,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use backup_operator::{
    crd::Reference,
    engine::{
        Error, Progress, Read,
        restore::{Target, Wanted},
        source::{self, Listed, Source, Stream, artifact},
    },
    gateway::storage::{Config, Patience, S3, Trouble, build, probe},
    mover::{Mark, Spec, Task, bucket::Bucket},
};
use object_store::{ObjectStoreExt, path::Path as Key};
use reconcile::{
    BackupContent,
    bucket::{self, Bucket as Secret},
};
use world::{World, hex, noise, save, sha256};

/// Ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn server(folder: &Path) -> (Server, String) {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let started = Command::new("versitygw")
        .args(["--access", "id", "--secret", "secret", "--port", &address, "posix"])
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let server = Server(started.expect("versitygw in PATH"));
    for _ in 0..200 {
        if TcpStream::connect(&address).is_ok() {
            return (server, format!("http://{address}"));
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("versitygw does not listen");
}

fn s3(endpoint: &str, bucket: &str, secret: &str) -> Config {
    Config::S3(S3 {
        endpoint: Some(endpoint.to_owned()),
        bucket: bucket.to_owned(),
        prefix: "cluster/one".to_owned(),
        key: Some(("id".to_owned(), secret.to_owned())),
        path_style: true,
        ..S3::default()
    })
}

#[test]
#[ignore = "needs versitygw in PATH"]
fn a_bucket_holds_a_repository() {
    let dir = tempfile::tempdir().unwrap();
    let buckets = dir.path().join("buckets");
    std::fs::create_dir_all(buckets.join("backup")).unwrap();
    let (server, endpoint) = server(&buckets);
    let world = World::over(dir, &s3(&endpoint, "backup", "secret"));
    let patience = Patience {
        connect: Duration::from_secs(1),
        idle: Duration::from_secs(2),
        retries: Duration::from_secs(4),
    };
    let probed = |bucket: &str, secret: &str| {
        world
            .runtime
            .block_on(async { probe(&*build(&s3(&endpoint, bucket, secret), patience).unwrap()).await })
    };
    assert_eq!(probed("backup", "secret"), Ok(()));
    assert!(
        matches!(probed("backup", "wrong"), Err(Trouble::WrongKey(_))),
        "{:?}",
        probed("backup", "wrong")
    );
    assert!(matches!(probed("none", "secret"), Err(Trouble::NoBucket(_))), "{:?}", probed("none", "secret"));

    let repository = world.repository("mover");
    let content = noise(1, 6_000_000);
    let dump = |content: Vec<u8>| {
        Source::Stream(Stream {
            name: "pulp.dump".into(),
            read: Box::new(io::Cursor::new(content)),
            finish: Box::new(|| Ok(())),
        })
    };
    let saved = save(&repository, dump(content.clone())).unwrap();
    assert!(buckets.join("backup/cluster/one/tenant/config").is_file());
    assert_eq!(repository.check(Read::Everything, &Progress::default()).unwrap(), []);
    let mut back = Vec::new();
    repository
        .reader()
        .unwrap()
        .file(&saved.id, Path::new("pulp.dump"), &mut back, &Progress::default())
        .unwrap();
    assert!(back == content);
    let error = repository.forget(std::slice::from_ref(&saved.id)).unwrap_err();
    assert!(matches!(error, Error::Storage(_)), "{error}");

    drop(server);
    let error = save(&repository, dump(noise(2, 1_000_000))).unwrap_err();
    assert!(error.to_string().contains("cannot be reached"), "{error}");
    assert!(matches!(probed("backup", "secret"), Err(Trouble::Refused(_))));
}

fn content(name: &str) -> BackupContent {
    BackupContent {
        name: name.into(),
        bucket_secret: Some(format!("{name}-bucket")),
        ..BackupContent::default()
    }
}

/// As a mover that runs in the namespace `n` is told.
fn spec(run: &str) -> Spec {
    Spec {
        task: Task::Restore { stored: vec![], replace: false, mark: Some(Mark::Restore) },
        run: run.into(),
        attempt: 1,
        instance: Reference { kind: "Pulp".into(), namespace: "n".into(), name: "p".into() },
        storage: "here".into(),
        repository: "tenant".into(),
        gateway: String::new(),
        ca: String::new(),
        databases: vec![],
        content: vec![],
        secrets: vec![],
        config_maps: vec![],
    }
}

#[test]
#[ignore = "needs versitygw in PATH"]
fn artifacts_go_from_a_bucket_into_another_one_that_is_empty() {
    let dir = tempfile::tempdir().unwrap();
    let (buckets, mounts) = (dir.path().join("buckets"), dir.path().join("mounts"));
    for name in ["backup", "old", "new"] {
        std::fs::create_dir_all(buckets.join(name)).unwrap();
    }
    let (_server, endpoint) = server(&buckets);
    let mounted = |name: &str, bucket: &str| {
        let secret = Secret::S3(bucket::S3 {
            bucket: bucket.into(),
            endpoint: Some(endpoint.clone()),
            access_key_id: Some("id".into()),
            secret_access_key: Some("secret".into()),
            ..bucket::S3::default()
        });
        std::fs::create_dir_all(mounts.join(name)).unwrap();
        for (key, value) in secret.values() {
            std::fs::write(mounts.join(name).join(key), value).unwrap();
        }
        Bucket::mounted(&content(name), &mounts).unwrap().unwrap()
    };
    let (old, new) = (mounted("from", "old"), mounted("to", "new"));
    let world = World::over(dir, &s3(&endpoint, "backup", "secret"));

    // One of them is big enough to be sent in parts.
    let mut listed: Vec<Listed> = [300_000, 20_000_000, 0, 70_000]
        .into_iter()
        .enumerate()
        .map(|(seed, size)| {
            let bytes = noise(seed as u64, size);
            let (name, digest) = (hex(&sha256(&bytes)), sha256(&bytes));
            let path = format!("artifact/{}/{}", &name[..2], &name[2..]);
            world.runtime.block_on(old.store.put(&Key::from(path.as_str()), bytes.into())).unwrap();
            Listed { path: path.into(), size: Some(size as u64), sha256: Some(digest) }
        })
        .collect();
    listed.sort_by(|one, other| one.path.cmp(&other.path));
    let paths = |files: &[Listed]| files.iter().map(|file| file.path.clone()).collect::<Vec<_>>();
    assert_eq!(paths(&world.runtime.block_on(old.walk()).unwrap()), paths(&listed));

    let repository = world.repository("mover");
    let saved = save(
        &repository,
        Source::Bucket(source::Bucket {
            store: old.store.clone(),
            prefix: old.prefix.clone(),
            files: Box::new(listed.clone().into_iter()),
            total: (4, 20_370_000),
            reread: false,
            parallel: 16,
            runtime: world.runtime.handle().clone(),
        }),
    )
    .unwrap();
    assert_eq!((saved.files, saved.bytes), (4, 20_370_000));

    let living = world.runtime.block_on(old.claim(&spec("one"), &Mark::Restore)).unwrap_err();
    assert!(living.to_string().contains("bucket \"old\" is not empty"), "{living}");
    let target = || Target::Bucket {
        store: new.store.clone(),
        prefix: new.prefix.clone(),
        runtime: world.runtime.handle().clone(),
    };
    let fill = |mark: &Mark| {
        world.runtime.block_on(new.claim(&spec("one"), mark)).unwrap();
        let wanted = Wanted { digest: artifact, go_on: true, ..Wanted::default() };
        repository.reader().unwrap().restore(&saved.id, &target(), &wanted, &Progress::default()).unwrap();
        world.runtime.block_on(new.release(&spec("one"), mark)).unwrap();
        world.runtime.block_on(new.walk()).unwrap()
    };
    // A drill's bucket is emptied by the next one; what is in it then is what the set has.
    let drill = Mark::Drill("weekly".into());
    assert_eq!(fill(&drill).len(), 5);
    world.runtime.block_on(new.store.put(&Key::from("stray"), "x".into())).unwrap();
    assert_eq!(fill(&drill).len(), 5);
    for file in world.runtime.block_on(new.walk()).unwrap() {
        world.runtime.block_on(new.store.delete(&Key::from(file.path.to_str().unwrap()))).unwrap();
    }
    assert_eq!(paths(&fill(&Mark::Restore)), paths(&listed));
    for file in &listed {
        let key = Key::from(file.path.to_str().unwrap());
        let bytes =
            world.runtime.block_on(async { new.store.get(&key).await.unwrap().bytes().await.unwrap() });
        assert_eq!(Some(sha256(&bytes)), file.sha256);
    }
}
