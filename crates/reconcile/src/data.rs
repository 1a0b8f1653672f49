//! Data that was replaced from outside: what an instance has achieved on the data before is achieved anew.
//!
//! Whoever fills or replaces the databases (and content) of an instance, a restore for example, puts `restore.theforeman.org/data: <id>` on
//! the custom resource while it holds `writes` (see `hold`), and lets go of the hold afterwards. The id is any DNS label that was not there
//! before. Migrations and all else whose result lies in the data then run once more, whatever was remembered of it, and nothing serves
//! until the database is migrated; `status.data` says the id from then on. The annotation may stay; to take it away changes nothing that
//! was achieved.

use std::collections::BTreeMap;

use crate::status::{Fault, Status};

/// Name of the annotation on the custom resource, and on pods whose work depends on it.
pub const DATA: &str = "restore.theforeman.org/data";
/// Stands between what was achieved and the data that it was achieved on.
const MARK: &str = " on data ";

/// Which data an instance has: other data whenever somebody says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data(Option<String>);

impl Data {
    /// From the annotations of a custom resource.
    pub(crate) fn of(annotations: &BTreeMap<String, String>) -> Result<Self, Fault> {
        match annotations.get(DATA) {
            Some(id) if !label(id) => Err(Fault::new(
                "Invalid",
                format!(
                    "metadata.annotations: {DATA} is \"{}\"; it must be lower-case letters, digits and dashes, at most 63, with a letter \
                     or digit at both ends, or be taken away",
                    id.chars().take(80).collect::<String>()
                ),
            )),
            id => Ok(Self(id.cloned())),
        }
    }

    /// For tests: data of this id.
    #[cfg(feature = "rehearsal")]
    pub fn new(id: &str) -> Self {
        Self(Some(id.into()))
    }

    /// What it is called; `None`: nobody has ever replaced it.
    pub fn id(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// What is remembered of something that was achieved on it.
    pub(crate) fn mark(&self, what: &str) -> String {
        self.id().map_or_else(|| what.into(), |id| format!("{what}{MARK}{id}"))
    }

    /// Whether what was achieved is this, and on this data.
    pub fn counts(&self, achieved: &str, what: &str) -> bool {
        let (done, on) = split(achieved);
        done == what && (self.0.is_none() || self.id() == on)
    }

    /// Whether the instance has taken it in: `migration`, by its name without the hash, has run on it in some release.
    pub fn taken(&self, status: &Status, migration: &str) -> bool {
        let Some(id) = self.id() else { return true };
        let on = status.achieved(migration).and_then(|achieved| split(achieved).1);
        on == Some(id) || status.data.as_deref() == Some(id)
    }

    /// What is to be said of it: its id once it was taken in, until then that of the data before.
    pub fn told(&self, status: &Status, migration: &str) -> Option<String> {
        if self.taken(status, migration) { self.0.clone() } else { status.data.clone() }
    }
}

fn split(achieved: &str) -> (&str, Option<&str>) {
    achieved.rsplit_once(MARK).map_or((achieved, None), |(what, id)| (what, Some(id)))
}

fn label(id: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=63).contains(&id.len())
        && id.chars().all(|c| plain(c) || c == '-')
        && id.starts_with(plain)
        && id.ends_with(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::Achieved;

    fn status(achieved: &str, data: Option<&str>) -> Status {
        let done = Achieved { job: "p-migrate".into(), what: achieved.into(), said: None };
        Status { achieved: vec![done], data: data.map(Into::into), ..Status::default() }
    }

    #[test]
    fn an_id_is_a_dns_label_and_anything_else_is_a_fault_with_the_mend() {
        let of = |id: &str| Data::of(&[(DATA.to_owned(), id.to_owned())].into());
        assert_eq!(of("night-1"), Ok(Data::new("night-1")));
        assert_eq!(Data::of(&BTreeMap::new()), Ok(Data::default()));
        for wrong in ["", "-a", "a-", "A", "a b", "a.b", "ä", &"a".repeat(64)] {
            let said = of(wrong).unwrap_err();
            assert!(said.message.contains("restore.theforeman.org/data"), "{wrong}: {}", said.message);
        }
    }

    #[test]
    fn what_was_achieved_counts_on_the_data_it_was_achieved_on_and_for_whoever_names_none() {
        let (none, one, two) = (Data::default(), Data::new("one"), Data::new("two"));
        assert_eq!(none.mark("image a b"), "image a b", "nothing changes where nobody restores");
        let done = one.mark("image a b");
        assert!(one.counts(&done, "image a b") && none.counts(&done, "image a b"));
        assert!(!two.counts(&done, "image a b") && !one.counts(&done, "image a"));
        assert!(!one.counts("image a b", "image a b"), "that was before it was replaced");
    }

    #[test]
    fn data_is_taken_in_once_in_whatever_release_and_stays_so_while_the_next_migration_runs() {
        let (none, one) = (Data::default(), Data::new("one"));
        assert!(none.taken(&status("old", None), "p-migrate"));
        assert!(!one.taken(&status("old", None), "p-migrate"));
        assert!(one.taken(&status("old on data one", None), "p-migrate"));
        assert!(one.taken(&status("", Some("one")), "p-migrate"));
        assert!(!one.taken(&status("old on data zero", Some("zero")), "p-migrate"));
        assert_eq!(one.told(&status("old", Some("zero")), "p-migrate").as_deref(), Some("zero"));
        assert_eq!(one.told(&status("old on data one", Some("zero")), "p-migrate").as_deref(), Some("one"));
    }
}
