//! How a new repository is laid out: sizes of its packs, and how hard what goes into them is compressed.

use rustic_core::ConfigOptions;

use super::Error;

/// Bounds what a mover keeps in memory, and how much one lost pack takes with it.
const PACK: &str = "16MiB";
/// Small, because the whole of it is read where one tree is asked for.
const TREE_PACK: &str = "4MiB";
/// Zstandard's level that is about restic's: most artifacts are compressed already, and what is left of a processor has better to do.
const COMPRESSION: i32 = 1;

/// What the library is told when one is made; it stands in the repository from then on.
pub fn shape() -> Result<ConfigOptions, Error> {
    let size = |text: &str| text.parse().map(Some).map_err(|_| Error::Library(format!("{text} is no size")));
    let mut config = ConfigOptions::default();
    (config.set_datapack_size, config.set_datapack_size_limit) = (size(PACK)?, size(PACK)?);
    (config.set_treepack_size, config.set_treepack_size_limit) = (size(TREE_PACK)?, size(TREE_PACK)?);
    (config.set_datapack_growfactor, config.set_treepack_growfactor) = (Some(0), Some(0));
    config.set_compression = Some(COMPRESSION);
    Ok(config)
}
