//! What a check looks at and what it finds.

use rustic_core::RusticError;

use super::error::{failure, one_line};

/// How much a check reads beyond the lists and trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// No data: finds missing and truncated packs, not flipped bits.
    Nothing,
    /// The `part`-th of `of` equal parts: over `of` checks everything.
    Part {
        /// From 0.
        part: u32,
        /// At least 1.
        of: u32,
    },
    /// All data.
    Everything,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Data are lost or damaged; otherwise only space is wasted.
    pub damage: bool,
    /// The pack that is concerned, if it is one.
    pub pack: Option<String>,
    /// In words.
    pub what: String,
}

impl Finding {
    pub(super) fn of(level: &impl std::fmt::Debug, error: &(impl std::error::Error + 'static)) -> Self {
        // The library's types of errors and levels have no name outside of it; what they say of themselves does.
        let said = format!("{error:?}");
        let pack = if said.split(' ').next().unwrap_or_default().contains("Pack") {
            named_pack(&said)
        } else {
            None
        };
        let mut what = error.to_string().lines().next().unwrap_or_default().to_owned();
        if let Some(source) = error.source() {
            let storage = failure(source).map(|failure| failure.text.clone());
            let library = source.downcast_ref::<Box<RusticError>>().map(|source| one_line(source));
            what.truncate(what.find(" : ").unwrap_or(what.len()));
            what = format!("{what}: {}", storage.or(library).unwrap_or_else(|| source.to_string()));
        }
        if let Some(pack) = &pack {
            // Ids are shortened for people; somebody may look for the file.
            what = what.replacen(&pack[..8], pack, 1);
        }
        Self { damage: format!("{level:?}") != "Warn", pack, what }
    }
}

/// The first id in a text.
fn named_pack(text: &str) -> Option<String> {
    let mut words = text.split(|character: char| !character.is_ascii_hexdigit());
    words.find(|word| word.len() == 64).map(str::to_owned)
}
