//! Who may do what, and what a mover learns when it does not work.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it must be")]

mod world;

use std::{
    fs,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use backup_operator::{
    engine::{Error, Key, Prune, Repository, source::Source},
    gateway::storage::{Config, Patience, S3, Trouble, build, probe},
};
use world::{World, hex, noise, save, sha256};

/// A request as a mover could forge it; gives the status and the body.
fn ask(world: &World, method: &str, path: &str, token: &str, body: &[u8]) -> (u16, String) {
    let mut connection = TcpStream::connect(&world.address).unwrap();
    let length = body.len();
    write!(
        connection,
        "{method} {path} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    connection.write_all(body).unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

fn small(content: &[u8]) -> Source {
    Source::Memory(vec![("file".into(), content.to_vec())])
}

#[test]
fn a_mover_can_neither_delete_nor_overwrite() {
    let world = World::new();
    let repository = world.repository("mover");
    let saved = save(&repository, small(b"content")).unwrap();
    let error = repository.forget(std::slice::from_ref(&saved.id)).unwrap_err();
    assert!(error.to_string().contains("may not delete from repository tenant of storage here"), "{error}");
    assert!(
        repository.prune(Prune { unused: 0, at_once: true, ..Prune::default() }).is_ok(),
        "nothing to delete"
    );

    let config = fs::read(world.storage().join("tenant/config")).unwrap();
    let (status, why) = ask(&world, "POST", "/here/tenant/config", "mover", b"another repository");
    assert_eq!((status, why.as_str()), (403, "repository tenant is there already; nothing is overwritten"));
    assert_eq!(fs::read(world.storage().join("tenant/config")).unwrap(), config);
    for what in ["config", &format!("snapshots/{}", saved.id)] {
        assert_eq!(ask(&world, "DELETE", &format!("/here/tenant/{what}"), "mover", b"").0, 403, "{what}");
    }
    // The same again is fine: an answer may get lost.
    let content = noise(1, 1000);
    let path = format!("/here/tenant/index/{}", hex(&sha256(&content)));
    assert_eq!(ask(&world, "POST", &path, "mover", &content).0, 200);
    assert_eq!(ask(&world, "POST", &path, "mover", &content).0, 200);
    assert_eq!(ask(&world, "DELETE", &path, "janitor", b"").0, 200);
    assert_eq!(world.repository("janitor").snapshots().unwrap(), [saved]);
}

#[test]
fn what_is_not_what_its_name_says_is_refused() {
    let world = World::new();
    world.repository("mover");
    let name = hex(&sha256(b"promised"));
    for kind in ["data", "index", "snapshots", "keys"] {
        let (status, why) =
            ask(&world, "POST", &format!("/here/tenant/{kind}/{name}"), "mover", b"delivered");
        assert_eq!(status, 400);
        assert!(why.contains(&format!("the name is {name}; nothing was written")), "{why}");
    }
    assert!(world::files(&world.storage()).iter().all(|file| !file.ends_with(&name)));
}

#[test]
fn nobody_gets_at_the_repository_of_another() {
    let world = World::new();
    let saved = save(&world.repository("mover"), small(b"content")).unwrap();
    let refused = |token: &str, method: &str, path: &str| ask(&world, method, path, token, b"");
    let snapshot = format!("/here/tenant/snapshots/{}", saved.id);
    for (method, path) in [
        ("GET", "/here/tenant/config"),
        ("GET", "/here/tenant/snapshots/"),
        ("GET", &snapshot),
        ("DELETE", &snapshot),
        ("POST", "/here/tenant/config"),
    ] {
        let (status, why) = refused("stranger", method, path);
        assert_eq!(
            (status, why.as_str()),
            (403, "the token does not give access to repository tenant of storage here"),
            "{method} {path}"
        );
        assert_eq!(refused("nobody", method, path).0, 401, "{method} {path}");
    }
    for path in [
        "/here/other/../tenant/config",
        "/here/other/%2e%2e/tenant/config",
        "/here/other%2f..%2ftenant/config",
    ] {
        assert_ne!(refused("stranger", "GET", path).0, 200, "{path}");
    }
    let error = Repository::open(&world.rest("stranger"), &world.key()).err().unwrap();
    assert!(matches!(error, Error::Storage(_)), "{error}");
    let error = Repository::open(&world.rest("nobody"), &world.key()).err().unwrap();
    assert!(error.to_string().contains("token"), "{error}");
    assert!(world.metrics.refused() >= 10);
    assert_eq!(ask(&world, "POST", "/here/tenant/locks/x", "reader", b"").0, 404);
    assert_eq!(ask(&world, "POST", "/here/tenant/config", "reader", b"x").0, 403);
}

#[test]
fn two_who_make_a_repository_get_the_same_one() {
    let world = World::new();
    std::thread::scope(|scope| {
        let both: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| Repository::init(&world.rest("mover"), &world.key()).map(drop)))
            .collect();
        for one in both {
            one.join().unwrap().unwrap();
        }
    });
    save(&world.repository("mover"), small(b"content")).unwrap();
    // An interruption before the password was stored is made good.
    fs::remove_dir_all(world.storage().join("tenant/keys")).unwrap();
    Repository::init(&world.rest("mover"), &world.key()).unwrap();
    assert_eq!(world::files(&world.storage().join("tenant/keys")).len(), 1);
}

#[test]
fn another_key_opens_nothing() {
    let world = World::new();
    world.repository("mover");
    let other = Key::of(&[7; 32], "tenant").unwrap();
    let error = Repository::open(&world.rest("mover"), &other).err().unwrap();
    assert!(matches!(error, Error::Key(_)), "{error}");
    let error = Repository::init(&world.rest("mover"), &other).err().unwrap();
    assert!(matches!(error, Error::Key(_)), "{error}");
    let other = Key::of(world::STORAGE_KEY, "other").unwrap();
    assert!(matches!(Repository::open(&world.rest("mover"), &other).err().unwrap(), Error::Key(_)));
    let again = Key::from_secret(&world.key().to_secret()).unwrap();
    assert!(Repository::open(&world.rest("mover"), &again).is_ok());
    assert!(Key::of(b"short", "tenant").unwrap_err().to_string().contains("has 5 bytes, needs 32"));
    let none =
        Repository::open(&world.rest_at("stranger", &format!("http://{}/here/other", world.address)), &other);
    assert!(matches!(none.err().unwrap(), Error::NoRepository(_)));
}

#[test]
fn a_gateway_that_hangs_or_refuses_is_given_up_in_time() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let hung = listener.local_addr().unwrap().to_string();
    let refused = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    for address in [hung, refused] {
        let rest = world.rest_at("mover", &format!("http://{address}/here/tenant"));
        let begun = Instant::now();
        let error = Repository::open(&rest, &world.key()).err().unwrap();
        assert!(
            matches!(&error, Error::Storage(text) if text.starts_with("storage here: looking for the repository did not succeed")),
            "{error}"
        );
        assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
        // Given up for good: the next one does not wait again.
        let begun = Instant::now();
        assert!(Repository::open(&rest, &world.key()).is_err());
        assert!(begun.elapsed() < Duration::from_millis(100), "{:?}", begun.elapsed());
    }
}

#[test]
fn an_outage_is_survived_and_a_backup_of_a_dead_storage_ends_in_time() {
    let mut world = World::new();
    let repository = world.repository("mover");
    let address = world.address.clone();
    let stop = |world: &mut World| {
        let runtime = std::mem::replace(
            &mut world.runtime,
            tokio::runtime::Builder::new_current_thread().build().unwrap(),
        );
        runtime.shutdown_timeout(Duration::from_secs(1));
    };
    stop(&mut world);
    let begun = Instant::now();
    let error = save(&repository, small(&noise(3, 100_000))).unwrap_err();
    assert!(matches!(error, Error::Storage(_)), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(7), "{:?}", begun.elapsed());

    // Back on the same address after two seconds: a new mover waits for it.
    let rest = world.rest_at("mover", &format!("http://{address}/here/tenant"));
    let storage = world.storage();
    let back = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(2));
        let listener = TcpListener::bind(address).unwrap();
        let config = fs::read(storage.join("tenant/config")).unwrap();
        // Asked whether there is one, by us and by the library, and then read.
        for _ in 0..3 {
            let (mut connection, _) = listener.accept().unwrap();
            let mut request = [0; 1000];
            let _ = connection.read(&mut request).unwrap();
            write!(
                connection,
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                config.len()
            )
            .unwrap();
            connection.write_all(&config).unwrap();
        }
    });
    Repository::open(&rest, &world.key()).unwrap();
    back.join().unwrap();
}

fn s3(endpoint: &str) -> Config {
    Config::S3(S3 {
        endpoint: Some(endpoint.to_owned()),
        bucket: "backup".to_owned(),
        key: Some(("id".to_owned(), "secret".to_owned())),
        path_style: true,
        ..S3::default()
    })
}

#[test]
fn a_storage_that_hangs_behind_the_gateway_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let world = World::over(tempfile::tempdir().unwrap(), &s3(&endpoint));
    let begun = Instant::now();
    let error = Repository::open(&world.rest("mover"), &world.key()).err().unwrap();
    assert!(error.to_string().contains("the storage d"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    assert!(world.metrics.failed() > 0);

    let patience = Patience {
        connect: Duration::from_secs(1),
        idle: Duration::from_secs(1),
        retries: Duration::from_secs(2),
    };
    let probed = world.runtime.block_on(async { probe(&*build(&s3(&endpoint), patience).unwrap()).await });
    assert!(matches!(probed, Err(Trouble::Hung(_))), "{probed:?}");
    drop(listener);
    let probed = world.runtime.block_on(async { probe(&*build(&s3(&endpoint), patience).unwrap()).await });
    assert!(matches!(probed, Err(Trouble::Refused(_))), "{probed:?}");
}

#[test]
fn what_a_storage_says_is_understood() {
    let world = World::new();
    let says = |status: &'static str, code: &'static str| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let _ = answer(connection, status, code);
            }
        });
        let patience = Patience {
            connect: Duration::from_secs(1),
            idle: Duration::from_secs(1),
            retries: Duration::from_secs(1),
        };
        world.runtime.block_on(async { probe(&*build(&s3(&endpoint), patience).unwrap()).await.unwrap_err() })
    };
    assert!(matches!(says("403 Forbidden", "SignatureDoesNotMatch"), Trouble::WrongKey(_)));
    assert!(matches!(says("403 Forbidden", "AccessDenied"), Trouble::Forbidden(_)));
    assert!(matches!(says("403 Forbidden", "RequestTimeTooSkewed"), Trouble::Skew(_)));
    assert!(matches!(says("404 Not Found", "NoSuchBucket"), Trouble::NoBucket(_)));
    assert!(matches!(says("507 Insufficient Storage", "XMinioStorageFull"), Trouble::Full(_)));
    let folder = Arc::new(object_store::local::LocalFileSystem::new_with_prefix(world.storage()).unwrap());
    world.runtime.block_on(async { probe(&*folder).await }).unwrap();
}

fn answer(mut connection: TcpStream, status: &str, code: &str) -> io::Result<()> {
    let mut request = [0; 4096];
    let _ = connection.read(&mut request)?;
    let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>no</Message></Error>");
    write!(
        connection,
        "HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
