//! What goes in comes out, and what cannot go in leaves nothing.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it must be")]

mod world;

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use backup_operator::engine::{
    Error, Progress, Save,
    restore::{Target, Wanted},
    source::{Bucket, Folder, Listed, Source, Stream, artifact, walk},
};
use object_store::{ObjectStore, ObjectStoreExt, memory::InMemory, path::Path as Key};
use world::{World, files, hex, noise, save, save_after, sha256};

fn folder(root: &Path, files: Vec<Listed>) -> Source {
    Source::Folder(Folder {
        root: root.to_owned(),
        total: (files.len() as u64, 0),
        files: Box::new(files.into_iter()),
        reread: false,
    })
}

fn stream(content: impl Read + Send + 'static, finish: Result<(), String>) -> Source {
    Source::Stream(Stream { name: "pulp.dump".into(), read: Box::new(content), finish: Box::new(|| finish) })
}

/// Artifacts as Pulp keeps them, by their digest.
fn artifacts(root: &Path, count: u64) -> Vec<Listed> {
    let mut listed: Vec<Listed> = (0..count)
        .map(|seed| {
            let content = noise(seed, 1000 + usize::try_from(seed).unwrap() * 700);
            let name = hex(&sha256(&content));
            let path = Path::new("artifact").join(&name[..2]).join(&name[2..]);
            fs::create_dir_all(root.join(&path).parent().unwrap()).unwrap();
            fs::write(root.join(&path), &content).unwrap();
            Listed { path, size: Some(content.len() as u64), sha256: Some(sha256(&content)) }
        })
        .collect();
    listed.sort_by(|a, b| a.path.cmp(&b.path));
    listed
}

fn unread(error: Error) -> (u64, String) {
    match error {
        Error::Unread { count, first } => (count, first[0].to_string()),
        other => panic!("{other}"),
    }
}

#[test]
fn a_folder_comes_back_as_it_was() {
    let world = World::new();
    let root = world.folder("source");
    fs::create_dir(root.join("empty")).unwrap();
    fs::create_dir_all(root.join("a/b")).unwrap();
    fs::write(root.join("a/b/small"), b"small").unwrap();
    fs::write(root.join("a-b"), b"").unwrap();
    fs::write(root.join("big"), noise(1, 9_000_000)).unwrap();
    std::os::unix::fs::symlink("b/small", root.join("a/link")).unwrap();
    fs::set_permissions(root.join("a/b"), std::os::unix::fs::PermissionsExt::from_mode(0o500)).unwrap();
    let repository = world.repository("mover");
    let progress = Progress::default();
    let saved = repository.save(folder(&root, walk(&root).unwrap()), &Save::default(), &progress).unwrap();
    assert_eq!((saved.files, saved.bytes, progress.bytes(), progress.files()), (4, 9_000_005, 9_000_005, 4));

    let target = world.dir.path().join("target");
    let progress = Progress::default();
    let restored = world.repository("reader").reader().unwrap();
    restored.restore(&saved.id, &Target::Folder(target.clone()), &Wanted::default(), &progress).unwrap();
    let same = Command::new("diff").args(["-r", "--no-dereference"]).args([&root, &target]).output().unwrap();
    assert!(same.status.success(), "{}", String::from_utf8_lossy(&same.stdout));
    for path in ["a/b", "a/b/small", "big"] {
        let (was, is) = (fs::metadata(root.join(path)).unwrap(), fs::metadata(target.join(path)).unwrap());
        assert_eq!(
            (was.permissions(), was.modified().unwrap()),
            (is.permissions(), is.modified().unwrap()),
            "{path}"
        );
    }
    assert_eq!((progress.files(), progress.bytes(), progress.bytes_total()), (4, 9_000_005, 9_000_005));
    fs::set_permissions(root.join("a/b"), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    fs::set_permissions(target.join("a/b"), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
}

#[test]
fn an_unchanged_folder_adds_nothing() {
    let world = World::new();
    let root = world.folder("source");
    let listed = artifacts(&root, 60);
    let repository = world.repository("mover");
    let first = save(&repository, folder(&root, listed.clone())).unwrap();
    let packs = world.packs();
    let second = save_after(&repository, folder(&root, listed), &first).unwrap();
    assert_eq!((second.files, second.bytes, second.added), (first.files, first.bytes, 0));
    assert_eq!(world.packs(), packs);
    assert_eq!(repository.snapshots().unwrap().len(), 2);
}

#[test]
fn artifacts_are_verified_on_the_way_in_and_out() {
    let world = World::new();
    let root = world.folder("source");
    let mut listed = artifacts(&root, 30);
    assert!(listed.iter().all(|file| artifact(&file.path) == file.sha256));
    let repository = world.repository("mover");
    let saved = save(&repository, folder(&root, listed.clone())).unwrap();
    let target = world.dir.path().join("target");
    let wanted = Wanted { digest: artifact, ..Wanted::default() };
    repository
        .reader()
        .unwrap()
        .restore(&saved.id, &Target::Folder(target.clone()), &wanted, &Progress::default())
        .unwrap();
    assert_eq!(files(&target).len(), 30);

    // Same size, other content: only its digest tells.
    let damaged = root.join(&listed[7].path);
    let mut content = fs::read(&damaged).unwrap();
    content[500] ^= 1;
    fs::write(&damaged, content).unwrap();
    let (count, first) = unread(save(&repository, folder(&root, listed.clone())).unwrap_err());
    assert_eq!(count, 1);
    assert!(first.contains(listed[7].path.to_str().unwrap()) && first.contains("SHA-256"), "{first}");

    // One that is gone, and one that the list has in the wrong place.
    fs::remove_file(root.join(&listed[3].path)).unwrap();
    listed.swap(10, 11);
    let (count, first) = unread(save(&repository, folder(&root, listed.clone())).unwrap_err());
    assert_eq!(count, 3);
    assert_eq!(first, format!("{}: is missing", listed[3].path.display()));
    assert_eq!(repository.snapshots().unwrap().len(), 1);
}

#[test]
fn a_wrong_file_in_the_repository_is_found_when_restored() {
    let world = World::new();
    let repository = world.repository("mover");
    let content = noise(5, 5000);
    let name = hex(&sha256(b"something else"));
    let path = PathBuf::from(format!("artifact/{}/{}", &name[..2], &name[2..]));
    let saved = save(&repository, Source::Memory(vec![(path.clone(), content)])).unwrap();
    let target = Target::Folder(world.dir.path().join("target"));
    let wanted = Wanted { digest: artifact, ..Wanted::default() };
    let error =
        repository.reader().unwrap().restore(&saved.id, &target, &wanted, &Progress::default()).unwrap_err();
    assert!(matches!(&error, Error::Damaged { file, .. } if *file == path.display().to_string()), "{error}");
    assert!(files(&world.dir.path().join("target")).is_empty());
}

#[test]
fn a_failed_dump_leaves_no_snapshot() {
    let world = World::new();
    let repository = world.repository("mover");
    let mut command = Command::new("sh");
    command.args(["-c", "head -c 3000000 /dev/urandom; echo 'server closed the connection' >&2; exit 3"]);
    let dump = Source::Stream(Stream::of_command("pulp.dump", command).unwrap());
    let (_, why) = unread(save(&repository, dump).unwrap_err());
    assert!(why.contains("exit status: 3") && why.contains("server closed the connection"), "{why}");
    assert_eq!(repository.snapshots().unwrap(), []);
    // Not even for a moment: the storage never saw one.
    assert_eq!(files(&world.storage().join("tenant/snapshots")), Vec::<PathBuf>::new());
}

#[test]
fn a_dump_that_breaks_off_leaves_no_snapshot() {
    struct Breaks(usize);
    impl Read for Breaks {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::Error::other("connection reset"));
            }
            let count = out.len().min(self.0);
            self.0 -= count;
            Ok(count)
        }
    }
    let world = World::new();
    let repository = world.repository("mover");
    let (_, why) = unread(save(&repository, stream(Breaks(2_000_000), Ok(()))).unwrap_err());
    assert!(why.contains("connection reset"), "{why}");
    assert_eq!(repository.snapshots().unwrap(), []);
}

#[test]
fn short_reads_change_nothing() {
    struct Short<R>(R);
    impl<R: Read> Read for Short<R> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let length = out.len().min(1 + out.len() % 97);
            self.0.read(&mut out[..length])
        }
    }
    let world = World::new();
    let repository = world.repository("mover");
    let content = noise(9, 3_000_000);
    let first = save(&repository, stream(Short(io::Cursor::new(content.clone())), Ok(()))).unwrap();
    let again = save(&repository, stream(io::Cursor::new(content.clone()), Ok(()))).unwrap();
    assert_eq!((first.bytes, again.bytes), (3_000_000, 3_000_000));
    assert!(again.added < 2000, "the same chunks, so only the tree is new: {}", again.added);
    let mut back = Vec::new();
    repository
        .reader()
        .unwrap()
        .file(&first.id, Path::new("pulp.dump"), &mut back, &Progress::default())
        .unwrap();
    assert!(back == content);
}

#[test]
fn the_second_dump_of_a_name_is_the_second_dump() {
    let world = World::new();
    let repository = world.repository("mover");
    let first = save(&repository, stream(io::Cursor::new(b"version one".to_vec()), Ok(()))).unwrap();
    let second =
        save_after(&repository, stream(io::Cursor::new(b"version two".to_vec()), Ok(())), &first).unwrap();
    let reader = repository.reader().unwrap();
    for (snapshot, content) in [(&first, "version one"), (&second, "version two")] {
        let mut back = Vec::new();
        reader.file(&snapshot.id, Path::new("pulp.dump"), &mut back, &Progress::default()).unwrap();
        assert_eq!(String::from_utf8(back).unwrap(), content);
    }
    let files: Vec<(PathBuf, Vec<u8>)> = vec![("b/two".into(), b"2".to_vec()), ("a".into(), b"1".to_vec())];
    let third = save_after(&repository, Source::Memory(files), &second).unwrap();
    let mut listed = Vec::new();
    repository
        .reader()
        .unwrap()
        .list(&third.id, &mut |entry| listed.push((entry.path, entry.size, entry.file)))
        .unwrap();
    assert_eq!(listed, [("a".into(), 1, true), ("b".into(), 0, false), ("b/two".into(), 1, true)]);
}

#[test]
fn a_file_that_changes_while_it_is_read_is_an_error() {
    let world = World::new();
    let root = world.folder("source");
    fs::write(root.join("lease"), b"0123456789").unwrap();
    let listed = vec![Listed { path: "lease".into(), size: Some(9), sha256: None }];
    let (_, why) = unread(save(&world.repository("mover"), folder(&root, listed)).unwrap_err());
    assert_eq!(why, "lease: has 10 bytes, not 9");
}

/// Whoever uses a folder goes on: a report that was sent, a lease that is over.
#[test]
fn a_file_that_went_since_its_folder_was_walked_is_not_missed() {
    let world = World::new();
    let root = world.folder("source");
    fs::create_dir(root.join("reports")).unwrap();
    fs::write(root.join("reports/sent"), b"1").unwrap();
    fs::write(root.join("stays"), b"2").unwrap();
    let listed = walk(&root).unwrap();
    fs::remove_dir_all(root.join("reports")).unwrap();
    let saved = save(&world.repository("mover"), folder(&root, listed)).unwrap();
    assert_eq!((saved.files, saved.bytes), (1, 1));
}

#[test]
fn what_cannot_be_read_fails_the_backup() {
    let world = World::new();
    let repository = world.repository("mover");
    // Nobody may read it from the start, not even root.
    let listed = vec![Listed { path: "mem".into(), size: None, sha256: None }];
    let (_, why) = unread(save(&repository, folder(Path::new("/proc/self"), listed)).unwrap_err());
    assert!(why.starts_with("mem: "), "{why}");
    let root = world.folder("source");
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    let listed = vec![Listed { path: "socket".into(), size: None, sha256: None }];
    let (_, why) = unread(save(&repository, folder(&root, listed)).unwrap_err());
    assert_eq!(why, "socket: is neither a file nor a folder nor a symbolic link");
    assert_eq!(repository.snapshots().unwrap(), []);
}

#[test]
fn a_folder_cannot_be_left() {
    let world = World::new();
    let root = world.folder("source");
    let listed = vec![Listed { path: "../mover".into(), size: None, sha256: None }];
    let (_, why) = unread(save(&world.repository("mover"), folder(&root, listed)).unwrap_err());
    assert!(why.contains("is not a relative path"), "{why}");
}

#[test]
fn a_bucket_goes_in_and_comes_out() {
    let world = World::new();
    let store = Arc::new(InMemory::new());
    let mut listed: Vec<Listed> = (0..40u64)
        .map(|seed| {
            let content = noise(seed, 300_000);
            let name = hex(&sha256(&content));
            let path = format!("artifact/{}/{}", &name[..2], &name[2..]);
            let key = Key::from(format!("media/{path}"));
            world.runtime.block_on(store.put(&key, content.clone().into())).unwrap();
            Listed { path: path.into(), size: Some(300_000), sha256: Some(sha256(&content)) }
        })
        .collect();
    listed.sort_by(|a, b| a.path.cmp(&b.path));
    let bucket = |listed: &[Listed]| {
        let files = Box::new(Vec::from(listed).into_iter());
        let (store, runtime): (Arc<dyn ObjectStore>, _) = (store.clone(), world.runtime.handle().clone());
        Source::Bucket(Bucket {
            store,
            prefix: "media".into(),
            files,
            total: (40, 12_000_000),
            reread: false,
            parallel: 8,
            runtime,
        })
    };
    let repository = world.repository("mover");
    let first = save(&repository, bucket(&listed[..30])).unwrap();
    assert_eq!((first.files, first.bytes), (30, 9_000_000));
    // What the parent has is not even asked for.
    for file in &listed[..30] {
        world.runtime.block_on(store.delete(&Key::from(format!("media/{}", file.path.display())))).unwrap();
    }
    let second = save_after(&repository, bucket(&listed), &first).unwrap();
    assert_eq!((second.files, second.bytes), (40, 12_000_000));

    let target = Arc::new(InMemory::new());
    let to = Target::Bucket {
        store: target.clone(),
        prefix: "new".into(),
        runtime: world.runtime.handle().clone(),
    };
    let wanted = Wanted { digest: artifact, ..Wanted::default() };
    repository.reader().unwrap().restore(&second.id, &to, &wanted, &Progress::default()).unwrap();
    for file in &listed {
        let found =
            world.runtime.block_on(target.head(&Key::from(format!("new/{}", file.path.display())))).unwrap();
        assert_eq!(found.size, 300_000);
    }

    let (count, why) = unread(save(&repository, bucket(&listed)).unwrap_err());
    assert_eq!(count, 30);
    assert!(why.ends_with("is missing"), "{why}");
}

#[test]
fn a_restore_goes_on_and_stops_on_request() {
    let world = World::new();
    let root = world.folder("source");
    let repository = world.repository("mover");
    let saved = save(&repository, folder(&root, artifacts(&root, 30))).unwrap();
    let target = world.dir.path().join("target");
    let stopped = Progress::default();
    stopped.stop();
    let reader = repository.reader().unwrap();
    let error =
        reader.restore(&saved.id, &Target::Folder(target.clone()), &Wanted::default(), &stopped).unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
    let under = Wanted { under: "artifact".into(), go_on: true, ..Wanted::default() };
    for _ in 0..2 {
        reader.restore(&saved.id, &Target::Folder(target.clone()), &under, &Progress::default()).unwrap();
    }
    assert_eq!(files(&target).len(), 30);
    let error = repository.save(folder(&root, artifacts(&root, 30)), &Save::default(), &stopped).unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
    assert_eq!(repository.snapshots().unwrap().len(), 1);
}
