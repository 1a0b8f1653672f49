//! Whose a database is that a restore fills: nobody's before, the restore's until all of it is there. A mover that follows a lost one goes on only
//! with what is its own; a database that was somebody's is never touched.

use super::database::{Database, Error, Session};

/// Tables and the like that somebody has made in a database.
const MADE: &str = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'";

/// In one transaction: either all of it is gone or nothing. The schema is the server's own where the user may not make it.
const WIPE: &str = "DROP OWNED BY CURRENT_USER CASCADE; CREATE SCHEMA IF NOT EXISTS public";

/// Table that is there while a restore fills a database; its comment is the restore's uid.
const MARK: &str = "public.theforeman_restore";

/// Makes sure that nothing of somebody else's is in the way, and that this restore is known again.
pub async fn claim(database: &Database, run: &str) -> Result<(), Error> {
    let mut session = Session::open(database).await?;
    let owner = format!("SELECT coalesce(obj_description(to_regclass('{MARK}')::oid, 'pg_class'), '')");
    let ours = session.ask(&owner).await? == run;
    if !ours && session.ask(MADE).await? != "0" {
        return Err(database.error(
            "it is not empty; restore in place (spec.inPlace) if what is in it may go, or into an empty one: of a new instance, or on the server that \
             spec.mapping.hosts names",
        ));
    }
    // What a lost mover had loaded is in the way.
    let wipe = if ours { WIPE } else { "" };
    let quoted = run.replace('\'', "''");
    session
        .tell(&format!(
            "BEGIN; {wipe}; CREATE TABLE {MARK} (); COMMENT ON TABLE {MARK} IS '{quoted}'; COMMIT"
        ))
        .await
}

/// Empties the database of an instance whose data are replaced.
pub async fn wipe(database: &Database) -> Result<(), Error> {
    Session::open(database).await?.tell(&format!("BEGIN; {WIPE}; COMMIT")).await
}

/// All of it is there.
pub async fn release(database: &Database) -> Result<(), Error> {
    Session::open(database).await?.tell(&format!("DROP TABLE IF EXISTS {MARK}")).await
}
