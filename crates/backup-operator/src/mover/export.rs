//! The transactions that show one instant, and looks at whether it is one.

use super::database::{Database, Error, Session};
use crate::cut::Snapshot;

/// One database during a cut.
pub struct Exporter {
    /// Which.
    pub database: Database,
    /// Holds the transaction whose snapshot is exported.
    holding: Session,
    /// Looks; inside of the transaction nothing would ever change.
    looking: Session,
    exported: Option<(String, Snapshot)>,
}

impl Exporter {
    /// Connects twice.
    pub async fn open(database: Database) -> Result<Self, Error> {
        let mut holding = Session::open(&database).await?;
        database.dumpable(&mut holding).await?;
        let looking = Session::open(&database).await?;
        Ok(Self { database, holding, looking, exported: None })
    }

    /// Exports a new snapshot; an earlier one is given up.
    pub async fn export(&mut self) -> Result<(), Error> {
        let end = if self.exported.take().is_some() { "ROLLBACK;\n" } else { "" };
        let answer = self
            .holding
            .ask(&format!(
                "{end}BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\nSELECT pg_export_snapshot(), pg_current_snapshot()"
            ))
            .await?;
        let (id, seen) =
            answer.split_once('\t').ok_or_else(|| self.database.error("no snapshot was exported"))?;
        self.exported = Some((id.to_owned(), self.parsed(seen)?));
        Ok(())
    }

    /// Whether nothing has finished since the export.
    pub async fn still(&mut self) -> Result<bool, Error> {
        let later = self.looking.ask("SELECT pg_current_snapshot()").await?;
        let later = self.parsed(&later)?;
        Ok(self.exported.as_ref().is_some_and(|(_, seen)| seen.still(&later)))
    }

    fn parsed(&self, text: &str) -> Result<Snapshot, Error> {
        text.parse().map_err(|error| self.database.error(format!("{error}")))
    }

    /// The exported snapshot, for `pg_dump --snapshot`.
    pub fn snapshot(&self) -> &str {
        self.exported.as_ref().map_or("", |(id, _)| id)
    }

    /// The session that sees what the dump sees.
    pub fn session(&mut self) -> &mut Session {
        &mut self.holding
    }
}
