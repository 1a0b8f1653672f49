//! Lost and damaged packs are found and named, and never taken for a restore that worked.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where something is not as it must be")]

mod world;

use std::{fs, io, path::Path};

use backup_operator::engine::{
    Error, Progress, Prune, Read,
    restore::{Target, Wanted},
    source::{Source, Stream},
};
use world::{World, noise, save};

fn dump(content: Vec<u8>) -> Source {
    Source::Stream(Stream {
        name: "pulp.dump".into(),
        read: Box::new(io::Cursor::new(content)),
        finish: Box::new(|| Ok(())),
    })
}

/// The pack with the dump in it, not the one with the tree.
fn biggest(world: &World) -> std::path::PathBuf {
    world.packs().into_iter().max_by_key(|pack| fs::metadata(pack).unwrap().len()).unwrap()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn a_flipped_bit_is_found_by_a_check_that_reads_and_by_a_restore() {
    let world = World::new();
    let repository = world.repository("mover");
    let saved = save(&repository, dump(noise(1, 3_000_000))).unwrap();
    let reader = world.repository("reader");
    assert_eq!(reader.check(Read::Everything, &Progress::default()).unwrap(), []);
    let pack = biggest(&world);
    let mut content = fs::read(&pack).unwrap();
    content[1_000_000] ^= 1;
    fs::write(&pack, content).unwrap();

    assert_eq!(reader.check(Read::Nothing, &Progress::default()).unwrap(), []);
    let found = reader.check(Read::Everything, &Progress::default()).unwrap();
    assert!(
        found.iter().any(|finding| finding.damage && finding.pack.as_deref() == Some(&name(&pack))),
        "{found:?}"
    );
    let part = |part| reader.check(Read::Part { part, of: 2 }, &Progress::default()).unwrap().len();
    assert_eq!(usize::from(part(0) > 0) + usize::from(part(1) > 0), 1);

    let mut back = Vec::new();
    let error = reader
        .reader()
        .unwrap()
        .file(&saved.id, Path::new("pulp.dump"), &mut back, &Progress::default())
        .unwrap_err();
    let Error::Damaged { file, pack: Some(named), why } = error else { panic!("{error}") };
    assert_eq!((file.as_str(), &named), ("pulp.dump", &name(&pack)));
    assert!(why.contains(&named), "{why}");
}

#[test]
fn a_missing_pack_is_found_by_every_check_and_named_by_a_restore() {
    let world = World::new();
    let repository = world.repository("mover");
    let saved = save(&repository, dump(noise(2, 3_000_000))).unwrap();
    let pack = biggest(&world);
    fs::remove_file(&pack).unwrap();
    let found = repository.check(Read::Nothing, &Progress::default()).unwrap();
    assert!(
        found.iter().any(|finding| finding.damage && finding.pack.as_deref() == Some(&name(&pack))),
        "{found:?}"
    );
    let target = world.dir.path().join("target");
    let restored = repository.reader().unwrap().restore(
        &saved.id,
        &Target::Folder(target.clone()),
        &Wanted::default(),
        &Progress::default(),
    );
    let error = restored.unwrap_err();
    assert!(
        matches!(&error, Error::Damaged { file, pack: Some(named), .. } if file == "pulp.dump" && *named == name(&pack)),
        "{error}"
    );
    assert!(world::files(&target).is_empty(), "no half of a file under its name");
}

#[test]
fn an_unreadable_index_is_a_finding() {
    let world = World::new();
    let repository = world.repository("mover");
    save(&repository, dump(noise(3, 100_000))).unwrap();
    let index = world::files(&world.storage().join("tenant/index")).remove(0);
    let mut content = fs::read(&index).unwrap();
    content[40] ^= 1;
    fs::write(&index, content).unwrap();
    let found = repository.check(Read::Nothing, &Progress::default()).unwrap();
    assert!(found.iter().any(|finding| finding.damage), "{found:?}");
}

#[test]
fn forgotten_data_go_and_the_rest_stays() {
    let world = World::new();
    let repository = world.repository("janitor");
    let first = save(&repository, dump(noise(4, 4_000_000))).unwrap();
    let second = save(&repository, dump(noise(5, 2_000_000))).unwrap();
    repository.forget(std::slice::from_ref(&first.id)).unwrap();
    let before: u64 = world.packs().iter().map(|pack| fs::metadata(pack).unwrap().len()).sum();
    let pruned = repository.prune(Prune { unused: 0, at_once: true, ..Prune::default() }).unwrap();
    let after: u64 = world.packs().iter().map(|pack| fs::metadata(pack).unwrap().len()).sum();
    assert!(pruned.unused >= 4_000_000 && pruned.removed >= 4_000_000, "{pruned:?}");
    assert!(before - after >= 4_000_000, "{before} {after}");
    assert_eq!(repository.check(Read::Everything, &Progress::default()).unwrap(), []);
    let mut back = Vec::new();
    repository
        .reader()
        .unwrap()
        .file(&second.id, Path::new("pulp.dump"), &mut back, &Progress::default())
        .unwrap();
    assert!(back == noise(5, 2_000_000));
    let gone = repository
        .reader()
        .unwrap()
        .file(&first.id, Path::new("pulp.dump"), &mut back, &Progress::default())
        .unwrap_err();
    assert!(matches!(gone, Error::NotFound(_)), "{gone}");
}
