//! restic reads what we write, and we read what restic writes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it must be")]

mod world;

use std::{
    fs, io,
    path::Path,
    process::{Command, Output},
};

use backup_operator::engine::{
    Progress, Read, Repository,
    restore::{Target, Wanted},
    source::{Folder, Source, Stream, walk},
};
use world::{World, noise, save};

/// What Debian's restic says; it must succeed.
fn restic(world: &World, repository: &str, password: &str, arguments: &[&str]) -> Output {
    let output = Command::new("restic")
        .args(["--no-cache", "-r", repository])
        .args(arguments)
        .env("RESTIC_PASSWORD", password)
        .env("HOME", world.dir.path())
        .output()
        .expect("restic: install it; e2e/cluster/packages does on Debian");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "restic {arguments:?}: {out}{err}");
    output
}

fn same(a: &Path, b: &Path) {
    let compared = Command::new("diff").arg("-r").args([a, b]).output().unwrap();
    assert!(compared.status.success(), "{}", String::from_utf8_lossy(&compared.stdout));
}

fn some_files(world: &World) -> std::path::PathBuf {
    let root = world.folder("source");
    for number in 0..20u64 {
        let folder = root.join(format!("{}", number % 3));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{number}")), noise(number, 200_000)).unwrap();
    }
    root
}

#[test]
fn restic_lists_checks_and_restores_ours() {
    let world = World::new();
    let root = some_files(&world);
    let repository = world.repository("mover");
    let files = walk(&root).unwrap();
    let folder =
        Folder { root: root.clone(), total: (20, 0), files: Box::new(files.into_iter()), reread: false };
    let content = save(&repository, Source::Folder(folder)).unwrap();
    let dump = Stream {
        name: "pulp.dump".into(),
        read: Box::new(io::Cursor::new(noise(1, 5_000_000))),
        finish: Box::new(|| Ok(())),
    };
    let dump = save(&repository, Source::Stream(dump)).unwrap();
    let key = world.key();
    let storage = world.storage().join("tenant");
    let gateway = format!("rest:http://any:janitor@{}/here/tenant", world.address);
    for (number, place) in [storage.to_str().unwrap(), &gateway].into_iter().enumerate() {
        let listed = restic(&world, place, key.password(), &["snapshots", "--json"]);
        let listed = String::from_utf8(listed.stdout).unwrap();
        assert!(listed.contains(&content.id) && listed.contains(&dump.id), "{listed}");
        restic(&world, place, key.password(), &["check", "--read-data"]);
        let target = world.dir.path().join(format!("restored-{number}"));
        for id in [&content.id, &dump.id] {
            restic(&world, place, key.password(), &["restore", id, "--target", target.to_str().unwrap()]);
        }
        assert!(fs::read(target.join("pulp.dump")).unwrap() == noise(1, 5_000_000));
        fs::remove_file(target.join("pulp.dump")).unwrap();
        same(&root, &target);
    }
}

#[test]
fn ours_reads_what_restic_wrote() {
    let world = World::new();
    let root = some_files(&world);
    let gateway = format!("rest:http://any:mover@{}/here/tenant", world.address);
    restic(&world, &gateway, "a password", &["init", "--repository-version", "2"]);
    restic(&world, &gateway, "a password", &["backup", root.to_str().unwrap()]);
    let repository = Repository::open_with_password(&world.rest("reader"), "a password").unwrap();
    let found = repository.snapshots().unwrap();
    assert_eq!(found.len(), 1);
    let damage: Vec<_> = repository
        .check(Read::Everything, &Progress::default())
        .unwrap()
        .into_iter()
        .filter(|finding| finding.damage)
        .collect();
    assert_eq!(damage, []);
    let target = world.dir.path().join("target");
    let wanted = Wanted { under: root.strip_prefix("/").unwrap().to_owned(), ..Wanted::default() };
    repository
        .reader()
        .unwrap()
        .restore(&found[0].id, &Target::Folder(target.clone()), &wanted, &Progress::default())
        .unwrap();
    same(&root, &target);
    assert!(Repository::open_with_password(&world.rest("reader"), "wrong").is_err());
}
