package org.candlepin.standin;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The schema and its changes, kept in the tables of Liquibase: each change once, recorded with its rows in one
 * transaction, under a lock that whoever dies in between leaves behind.
 */
final class Schema {
    private static final Logger LOG = LoggerFactory.getLogger(Schema.class);
    private static final int WAIT = 300; // s, Liquibase's own; it looks every 10 s

    private record Change(String id, String sql) {}

    private static final List<Change> CHANGES = List.of(
        new Change("20130101000000-1", """
            CREATE TABLE cp_owner (
              id varchar(32) PRIMARY KEY, account varchar(255) NOT NULL UNIQUE, displayname varchar(255) NOT NULL,
              created timestamptz NOT NULL DEFAULT now(), updated timestamptz NOT NULL DEFAULT now())"""),
        new Change("20130101000000-2", """
            CREATE TABLE cp_consumer (
              id varchar(32) PRIMARY KEY, uuid varchar(255) NOT NULL UNIQUE, consumer_name varchar(255) NOT NULL,
              owner_id varchar(32) NOT NULL REFERENCES cp_owner (id) ON DELETE CASCADE,
              id_cert_serial bigint NOT NULL, id_cert text NOT NULL,
              created timestamptz NOT NULL DEFAULT now(), updated timestamptz NOT NULL DEFAULT now())"""),
        new Change("20250601000000-1", "CREATE INDEX cp_consumer_owner_idx ON cp_consumer (owner_id)"));

    private final Database database;

    Schema(Database database) {
        this.database = database;
    }

    /** @param manage NONE, REPORT, HALT or MANAGE: candlepin.db.database_manage_on_startup */
    void manage(String manage) throws SQLException, InterruptedException {
        List<String> pending;
        switch (manage.toUpperCase()) {
            case "MANAGE" -> migrate();
            case "REPORT" -> {
                if (!(pending = pending()).isEmpty()) {
                    LOG.warn("the database needs changes: {}", pending);
                }
            }
            case "HALT" -> {
                if (!(pending = pending()).isEmpty()) {
                    throw new Refusal("the database needs changes and candlepin.db.database_manage_on_startup is HALT: " + pending);
                }
            }
            case "NONE" -> { }
            default -> throw new Refusal("candlepin.db.database_manage_on_startup: " + manage
                + " is none of NONE, REPORT, HALT, MANAGE");
        }
        for (String table : List.of("cp_owner", "cp_consumer")) { // hibernate.hbm2ddl.auto=validate
            if (!exists(table)) {
                throw new Refusal("Schema-validation: missing table [" + table + "]");
            }
        }
    }

    private void migrate() throws SQLException, InterruptedException {
        database.update("""
            CREATE TABLE IF NOT EXISTS databasechangeloglock (
              id integer PRIMARY KEY, locked boolean NOT NULL, lockgranted timestamp, lockedby varchar(255))""");
        database.update("INSERT INTO databasechangeloglock VALUES (1, false) ON CONFLICT DO NOTHING");
        lock();
        try {
            database.update("""
                CREATE TABLE IF NOT EXISTS databasechangelog (
                  id varchar(255) NOT NULL, author varchar(255) NOT NULL, filename varchar(255) NOT NULL,
                  dateexecuted timestamp NOT NULL, orderexecuted integer NOT NULL, exectype varchar(10) NOT NULL,
                  md5sum varchar(35), description varchar(255), comments varchar(255), tag varchar(255),
                  liquibase varchar(20), contexts varchar(255), labels varchar(255), deployment_id varchar(10))""");
            List<String> pending = pending();
            for (Change change : CHANGES) {
                if (pending.contains(change.id())) {
                    apply(change);
                }
            }
            LOG.info("database schema is up to date, {} of {} changes were new", pending.size(), CHANGES.size());
        } finally {
            database.update("UPDATE databasechangeloglock SET locked = false, lockgranted = NULL, lockedby = NULL");
        }
    }

    private void apply(Change change) throws SQLException {
        LOG.info("database change {}", change.id());
        try (Connection connection = database.open(); Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute(change.sql());
            statement.execute("INSERT INTO databasechangelog (id, author, filename, dateexecuted, orderexecuted, exectype, md5sum)"
                + " SELECT '" + change.id() + "', 'candlepin', 'db/changelog/changelog-create.xml', now(),"
                + " count(*) + 1, 'EXECUTED', '9:" + Integer.toHexString(change.sql().hashCode()) + "' FROM databasechangelog");
            connection.commit();
        }
    }

    private void lock() throws SQLException, InterruptedException {
        for (int waited = 0;; waited += 10) {
            if (database.update("UPDATE databasechangeloglock SET locked = true, lockgranted = now(), lockedby = ? WHERE NOT locked",
                    host()) == 1) {
                return;
            }
            if (waited >= WAIT) {
                Map<String, Object> holder = database.query("SELECT lockedby, lockgranted FROM databasechangeloglock").get(0);
                throw new Refusal("Could not acquire change log lock. Currently locked by " + holder.get("lockedby")
                    + " since " + holder.get("lockgranted"));
            }
            LOG.info("Waiting for changelog lock....");
            Thread.sleep(10_000);
        }
    }

    private List<String> pending() throws SQLException {
        Set<Object> done = !exists("databasechangelog") ? Set.of()
            : database.query("SELECT id FROM databasechangelog").stream().map(row -> row.get("id")).collect(Collectors.toSet());
        return CHANGES.stream().map(Change::id).filter(id -> !done.contains(id)).toList();
    }

    private boolean exists(String table) throws SQLException {
        return database.query("SELECT to_regclass(?)::text AS found", table).get(0).get("found") != null;
    }

    private static String host() {
        try {
            return InetAddress.getLocalHost().toString();
        } catch (UnknownHostException e) {
            return "unknown";
        }
    }
}
