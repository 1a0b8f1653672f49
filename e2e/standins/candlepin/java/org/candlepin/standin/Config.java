package org.candlepin.standin;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;

/** What the operator mounts as candlepin.conf. */
final class Config {
    private static final Path FILE = Path.of("/etc/candlepin/candlepin.conf");

    private final Properties values = new Properties();

    Config() {
        try (Reader reader = Files.newBufferedReader(FILE)) {
            values.load(reader);
        } catch (IOException e) {
            throw new Refusal("cannot read " + e.getMessage() + ": " + e.getClass().getSimpleName());
        }
    }

    String get(String key, String otherwise) {
        return values.getProperty(key, otherwise).trim();
    }

    /** Refuses to start rather than to run on a default that no installation should have. */
    String need(String key) {
        String value = get(key, "");
        if (value.isEmpty()) {
            throw new Refusal(FILE + " has no " + key);
        }
        return value;
    }
}
