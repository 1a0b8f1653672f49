//! What a path of the protocol stands for, and where it is kept: restic's default layout, so that restic opens the storage directly too.

use object_store::path::Path as Key;

/// A path of the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub storage: String,
    pub repository: String,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Repository,
    Config,
    List(Kind),
    File(Kind, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Data,
    Index,
    Keys,
    Locks,
    Snapshots,
}

impl Kind {
    fn named(name: &str) -> Option<Self> {
        [Self::Data, Self::Index, Self::Keys, Self::Locks, Self::Snapshots]
            .into_iter()
            .find(|kind| kind.folder() == name)
    }

    pub fn folder(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Index => "index",
            Self::Keys => "keys",
            Self::Locks => "locks",
            Self::Snapshots => "snapshots",
        }
    }
}

impl Place {
    pub fn of(path: &str) -> Option<Self> {
        let mut parts = path.strip_prefix('/')?.splitn(3, '/');
        let (storage, repository) = (parts.next()?, parts.next()?);
        if !is_name(storage) || !is_name(repository) {
            return None;
        }
        let what = match parts.next()? {
            "" => What::Repository,
            "config" => What::Config,
            rest => {
                let (kind, name) = rest.split_once('/')?;
                let kind = Kind::named(kind)?;
                match name {
                    "" => What::List(kind),
                    name if is_digest(name) => What::File(kind, name.to_owned()),
                    _ => return None,
                }
            }
        };
        Some(Self { storage: storage.to_owned(), repository: repository.to_owned(), what })
    }

    /// Where it is kept.
    pub fn key(&self) -> Key {
        let repository = &self.repository;
        Key::from(match &self.what {
            What::Repository => repository.clone(),
            What::Config => format!("{repository}/config"),
            What::List(kind) => format!("{repository}/{}", kind.folder()),
            What::File(Kind::Data, name) => format!("{repository}/data/{}/{name}", &name[..2]),
            What::File(kind, name) => format!("{repository}/{}/{name}", kind.folder()),
        })
    }
}

/// A name as Kubernetes has them; keeps everybody in his own folder.
fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    !text.is_empty() && text.len() <= 253 && text.bytes().all(plain) && !text.starts_with('.')
}

pub fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_kept_where_restic_looks() {
        let id = "ab".repeat(32);
        let key = |path: &str| Place::of(path).map(|place| place.key().to_string());
        assert_eq!(key(&format!("/s3/tenant/data/{id}")), Some(format!("tenant/data/ab/{id}")));
        assert_eq!(key(&format!("/s3/tenant/keys/{id}")), Some(format!("tenant/keys/{id}")));
        assert_eq!(key("/s3/tenant/config").as_deref(), Some("tenant/config"));
        assert_eq!(key("/s3/tenant/index/").as_deref(), Some("tenant/index"));
    }

    #[test]
    fn nothing_else_is_a_path() {
        for path in [
            "/",
            "/s3",
            "/s3/tenant",
            "/s3/../other/config",
            "/s3/./config",
            "/s3/tenant/data/x",
            "/s3/tenant/secrets/",
            "/s3/tenant/config/",
        ] {
            assert_eq!(Place::of(path), None, "{path}");
        }
    }
}
