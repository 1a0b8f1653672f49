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
    engine::{
        Error, Progress, Read,
        source::{Source, Stream},
    },
    gateway::storage::{Config, Patience, S3, Trouble, build, probe},
};
use world::{World, noise, save};

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
