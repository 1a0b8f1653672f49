//! Compares what is generated with what is committed, or writes it.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use super::{Entry, catalog, reference};
use crate::kind::About;

/// Fails where a committed file differs from what the operator's lists give; with `GENERATE` in the environment it writes the
/// files instead, and removes those that no longer belong.
///
/// # Panics
/// If a file differs, or cannot be read or written.
pub fn check(entry: &Entry) {
    let root = root();
    let mut files: BTreeMap<String, String> = entry.files().into_iter().collect();
    files.extend(catalog::files(entry, &root, &files));
    let stale: Vec<String> =
        owned(entry, &root).into_iter().filter(|path| !files.contains_key(path)).collect();
    if std::env::var_os("GENERATE").is_some() {
        for path in &stale {
            fs::remove_file(root.join(path)).expect("a generated file can be removed");
        }
        for (path, text) in &files {
            write(&root.join(path), text).unwrap_or_else(|error| fail(path, &error));
        }
        return;
    }
    let mut report = String::new();
    for (path, text) in &files {
        match fs::read_to_string(root.join(path)) {
            Ok(old) if old == *text => {}
            Ok(old) => _ = write!(report, "\n{path} differs:\n{}", difference(&old, text)),
            Err(error) => _ = writeln!(report, "\n{path}: {error}"),
        }
    }
    for path in stale {
        _ = writeln!(report, "\n{path}: nothing generates this file any more");
    }
    assert!(report.is_empty(), "{report}\nrun `make generate`, look at the diff, and commit it");
}

fn fail(path: &str, error: &std::io::Error) {
    assert!(path.is_empty(), "{path}: {error}");
}

/// Where the repository is: cargo tells tests where their crate is.
fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    package.ancestors().nth(2).map(Path::to_path_buf).unwrap_or_default()
}

/// Every file that is there and that only we write.
fn owned(entry: &Entry, root: &Path) -> Vec<String> {
    let About { operator, version } = entry.about;
    let folders = [
        format!("charts/{operator}"),
        format!("charts/{operator}-crds"),
        format!("bundles/{operator}/{version}"),
        format!("bundles/catalog/{operator}"),
    ];
    let mut found: Vec<String> = folders.iter().flat_map(|folder| below(root, folder)).collect();
    let mine: Vec<_> =
        entry.serves.iter().map(|served| reference::examples(&served.crd.spec.names.kind)).collect();
    let examples = below(root, "docs/reference/examples").into_iter();
    found.extend(examples.filter(|path| mine.iter().any(|mine| path.starts_with(mine))));
    found
}

fn below(root: &Path, folder: &str) -> Vec<String> {
    let mut found = vec![];
    for file in fs::read_dir(root.join(folder)).into_iter().flatten().flatten() {
        let path = format!("{folder}/{}", file.file_name().to_string_lossy());
        if file.path().is_dir() {
            found.extend(below(root, &path));
        } else {
            found.push(path);
        }
    }
    found
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    fs::write(path, text)
}

/// What lies between the common beginning and the common end, at most some lines of it.
fn difference(old: &str, new: &str) -> String {
    let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
    let first = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let rest = old.len().min(new.len()) - first;
    let same = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(old, new)| old == new).count();
    let mut text = format!("  line {}\n", first + 1);
    for (sign, lines) in [("-", &old[first..old.len() - same]), ("+", &new[first..new.len() - same])] {
        for line in lines.iter().take(SHOWN) {
            _ = writeln!(text, "  {sign} {line}");
        }
        if lines.len() > SHOWN {
            _ = writeln!(text, "  {sign} ... and {} lines more", lines.len() - SHOWN);
        }
    }
    text
}

const SHOWN: usize = 12;

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn a_difference_shows_the_lines_between_what_is_common() {
        assert_eq!(difference("a\nb\nc\n", "a\nx\ny\nc\n"), "  line 2\n  - b\n  + x\n  + y\n");
        assert_eq!(difference("a\n", "a\na\n"), "  line 2\n  + a\n");
    }
}
