//! What is to be done in Foreman: from what is there, what is wanted, and what we remember. Nothing is asked here.

use std::fmt;

use super::foreman::Known;

/// What we remember of our last success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// The proxy's number in Foreman.
    pub id: i64,
    /// The URL that we gave it.
    pub url: String,
    /// Of the features that Foreman has read.
    pub fingerprint: String,
}

impl Memory {
    /// Of the proxy itself and of the Pulp beside it, from the text that was kept; nothing from one that cannot be read.
    pub fn parse(text: Option<&str>) -> [Option<Self>; 2] {
        let mut words = text.unwrap_or_default().split(' ');
        let mut next = || {
            let id = words.next()?.parse().ok()?;
            Some(Self { id, url: words.next()?.to_owned(), fingerprint: words.next()?.to_owned() })
        };
        [next(), next()]
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "{} {} {}", self.id, self.url, self.fingerprint)
    }
}

/// What is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Name in Foreman.
    pub name: &'a str,
    /// URL.
    pub url: &'a str,
    /// Takes over somebody else's of that name.
    pub take_over: bool,
    /// Of the features that run.
    pub fingerprint: &'a str,
    /// Their names.
    pub running: &'a [String],
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Nothing.
    Keep(Known),
    /// It is not there, or no more.
    Create,
    /// It is ours, and its name or URL is another one.
    Change(i64),
    /// Foreman has to read its features again.
    Refresh(i64),
    /// One of that name is somebody else's.
    Stranger(Known),
}

/// Decides.
pub fn decide(found: Option<Known>, before: Option<&Memory>, wanted: &Wanted) -> Step {
    let Some(known) = found else { return Step::Create };
    let remembered = before.is_some_and(|before| before.id == known.id);
    if known.url != wanted.url && !remembered && !wanted.take_over {
        return Step::Stranger(known);
    }
    if known.url != wanted.url || known.name != wanted.name {
        return Step::Change(known.id);
    }
    let read = before.is_some_and(|before| remembered && before.fingerprint == wanted.fingerprint);
    // A Foreman that was restored from a backup knows what was.
    if read && !known.outdated(wanted.running) { Step::Keep(known) } else { Step::Refresh(known.id) }
}

#[cfg(test)]
mod tests {
    use super::{super::foreman::Named, *};

    fn known(id: i64, url: &str) -> Known {
        Known { id, name: "p".into(), url: url.into(), ..Known::default() }
    }

    #[test]
    fn what_is_done_follows_from_what_is_there_and_what_is_remembered() {
        let before = Memory { id: 7, url: "https://p:8443".into(), fingerprint: "f".into() };
        assert_eq!(Memory::parse(Some(&before.to_string())), [Some(before.clone()), None]);
        let both = format!("{before} {before}");
        assert_eq!(Memory::parse(Some(&both)), [Some(before.clone()), Some(before.clone())]);
        assert_eq!(Memory::parse(None), [None, None]);
        let running = ["logs".to_owned()];
        let wanted = Wanted {
            name: "p",
            url: "https://p:8443",
            take_over: false,
            fingerprint: "f",
            running: &running,
        };
        let decide =
            |found: Option<Known>, before: Option<&Memory>, wanted| super::decide(found, before, &wanted);
        let (here, there) = (known(7, "https://p:8443"), known(7, "https://other:8443"));

        assert_eq!(decide(None, None, wanted), Step::Create);
        assert_eq!(decide(None, Some(&before), wanted), Step::Create, "deleted by hand");
        assert_eq!(decide(Some(here.clone()), Some(&before), wanted), Step::Keep(here.clone()));
        let others = Wanted { fingerprint: "g", ..wanted };
        assert_eq!(
            decide(Some(here.clone()), Some(&before), others),
            Step::Refresh(7),
            "features have changed"
        );
        assert_eq!(
            decide(Some(here.clone()), None, wanted),
            Step::Refresh(7),
            "registered, and then we died"
        );
        let outdated = Known { features: vec![Named { name: "Puppet CA".into() }], ..here.clone() };
        assert_eq!(decide(Some(outdated.clone()), Some(&before), wanted), Step::Refresh(7), "restored");
        let runs = ["puppetca".to_owned()];
        let both = Wanted { running: &runs, ..wanted };
        assert_eq!(decide(Some(outdated.clone()), Some(&before), both), Step::Keep(outdated));
        let again = known(8, "https://p:8443");
        assert_eq!(decide(Some(again), Some(&before), wanted), Step::Refresh(8), "deleted and made by hand");

        assert_eq!(decide(Some(there.clone()), None, wanted), Step::Stranger(there.clone()));
        assert_eq!(
            decide(Some(there.clone()), Some(&before), wanted),
            Step::Change(7),
            "edited by hand, or moved"
        );
        assert_eq!(decide(Some(there), None, Wanted { take_over: true, ..wanted }), Step::Change(7));
        let renamed = Wanted { name: "q", ..wanted };
        assert_eq!(decide(Some(here), Some(&before), renamed), Step::Change(7));
    }
}
