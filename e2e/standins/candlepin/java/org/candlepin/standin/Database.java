package org.candlepin.standin;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** PostgreSQL over JDBC. One connection per call: little is asked, and a database that went away is noticed at once. */
final class Database {
    private static final Logger LOG = LoggerFactory.getLogger(Database.class);

    private final String url;
    private final Properties properties = new Properties();
    private final int attempts;
    private final int interval; // s

    Database(Config config) {
        url = config.need("jpa.config.hibernate.connection.url");
        properties.setProperty("user", config.need("jpa.config.hibernate.connection.username"));
        properties.setProperty("password", config.get("jpa.config.hibernate.connection.password", ""));
        properties.setProperty("ApplicationName", "candlepin");
        properties.setProperty("connectTimeout", "5");
        properties.setProperty("socketTimeout", "30");
        attempts = Integer.parseInt(config.get("candlepin.db.max_connection_attempts", "3"));
        interval = Integer.parseInt(config.get("candlepin.db.retry_interval", "5"));
        try {
            Class.forName(config.get("jpa.config.hibernate.connection.driver_class", "org.postgresql.Driver"));
        } catch (ClassNotFoundException e) {
            throw new Refusal("no JDBC driver " + e.getMessage());
        }
    }

    Connection open() throws SQLException {
        return DriverManager.getConnection(url, properties);
    }

    /** At start: the database may come up a little later, but whoever starts Candlepin must not wait for long. */
    void await() throws InterruptedException {
        for (int attempt = 1;; attempt++) {
            try {
                open().close();
                return;
            } catch (SQLException e) {
                if (attempt >= attempts) {
                    throw new Refusal(oneLine(e));
                }
                LOG.warn("database connection attempt {} of {} failed, next in {} s: {}", attempt, attempts, interval, oneLine(e));
                Thread.sleep(interval * 1000L);
            }
        }
    }

    List<Map<String, Object>> query(String sql, Object... arguments) throws SQLException {
        try (Connection connection = open(); PreparedStatement statement = prepare(connection, sql, arguments);
                ResultSet rows = statement.executeQuery()) {
            ResultSetMetaData columns = rows.getMetaData();
            List<Map<String, Object>> found = new ArrayList<>();
            while (rows.next()) {
                Map<String, Object> row = new LinkedHashMap<>();
                for (int i = 1; i <= columns.getColumnCount(); i++) {
                    row.put(columns.getColumnLabel(i), rows.getObject(i));
                }
                found.add(row);
            }
            return found;
        }
    }

    int update(String sql, Object... arguments) throws SQLException {
        try (Connection connection = open(); PreparedStatement statement = prepare(connection, sql, arguments)) {
            return statement.executeUpdate();
        }
    }

    private static PreparedStatement prepare(Connection connection, String sql, Object... arguments) throws SQLException {
        PreparedStatement statement = connection.prepareStatement(sql);
        for (int i = 0; i < arguments.length; i++) {
            statement.setObject(i + 1, arguments[i]);
        }
        return statement;
    }

    static String oneLine(Throwable e) {
        String message = e.getMessage() == null ? e.toString() : e.getMessage();
        return message.replaceAll("\\s*\\n\\s*", " ");
    }
}
