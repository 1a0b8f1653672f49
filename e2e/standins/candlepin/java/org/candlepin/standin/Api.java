package org.candlepin.standin;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.security.cert.X509Certificate;
import java.sql.SQLException;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;

/** The resources, each with who may ask. */
final class Api {
    static final Gson JSON = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();
    private static final String VERSION = "5.0.3";
    private static final String OWNERS =
        "SELECT id, account AS key, displayname AS \"displayName\", created::text, updated::text FROM cp_owner";

    private final Database database;
    private final Authority authority;
    private final OAuth oauth;

    Api(Database database, Authority authority, OAuth oauth) {
        this.database = database;
        this.authority = authority;
        this.oauth = oauth;
    }

    Object answer(HttpServletRequest request) throws Exception {
        String path = request.getPathInfo() == null ? "/" : request.getPathInfo();
        String last = path.substring(path.lastIndexOf('/') + 1);
        String call = request.getMethod() + " "
            + (path.matches("/(owners|consumers)/[^/]+") ? path.substring(0, path.length() - last.length()) + "*" : path);
        switch (call) {
            case "GET /status":
                return status();
            case "GET /consumers/*":
                return consumer(last, request);
            case "GET /owners":
                oauth.check(request);
                return database.query(OWNERS + " ORDER BY account");
            case "GET /owners/*":
                oauth.check(request);
                return owner(last);
            case "POST /owners":
                oauth.check(request);
                return createOwner(body(request));
            case "POST /consumers":
                oauth.check(request);
                return createConsumer(request.getParameter("owner"), body(request));
            default:
                throw new Refusal(404, "Could not find resource for full path: " + request.getRequestURL());
        }
    }

    private Map<String, Object> status() {
        String reason = null;
        try {
            database.query("SELECT 1");
        } catch (SQLException e) {
            reason = Database.oneLine(e);
        }
        Map<String, Object> status = new LinkedHashMap<>();
        status.put("result", reason == null);
        status.put("version", VERSION);
        status.put("release", "standin");
        status.put("standalone", true);
        status.put("mode", reason == null ? "NORMAL" : "SUSPEND");
        status.put("modeReason", reason);
        status.put("rulesVersion", "5.44");
        status.put("timeUTC", Instant.now().toString());
        status.put("managerCapabilities", List.of("cores", "ram", "instance_multiplier"));
        return status;
    }

    private Map<String, Object> owner(String key) throws SQLException {
        return database.query(OWNERS + " WHERE account = ?", key).stream().findFirst()
            .orElseThrow(() -> new Refusal(404, "Organization with id " + key + " could not be found."));
    }

    private Map<String, Object> createOwner(JsonObject body) throws SQLException {
        String key = text(body, "key");
        String name = body.has("displayName") ? text(body, "displayName") : key;
        int created = database.update(
            "INSERT INTO cp_owner (id, account, displayname) VALUES (?, ?, ?) ON CONFLICT (account) DO NOTHING", id(), key, name);
        if (created == 0) {
            throw new Refusal(400, "Organization with key \"" + key + "\" already exists.");
        }
        return owner(key);
    }

    private Map<String, Object> createConsumer(String ownerKey, JsonObject body) throws Exception {
        if (ownerKey == null) {
            throw new Refusal(400, "The query parameter \"owner\" is missing.");
        }
        Map<String, Object> owner = owner(ownerKey);
        String uuid = UUID.randomUUID().toString();
        Authority.Identity identity = authority.issue(uuid, ownerKey);
        database.update("INSERT INTO cp_consumer (id, uuid, consumer_name, owner_id, id_cert_serial, id_cert) VALUES (?, ?, ?, ?, ?, ?)",
            id(), uuid, text(body, "name"), owner.get("id"), identity.serial().longValueExact(), identity.certificate());
        Map<String, Object> consumer = consumer(uuid);
        consumer.put("idCert", Map.of(
            "key", identity.key(), // given once and kept nowhere
            "cert", identity.certificate(),
            "serial", Map.of("serial", identity.serial(), "created", identity.created().toString(),
                "expiration", identity.expires().toString(), "revoked", false)));
        return consumer;
    }

    private Map<String, Object> consumer(String uuid, HttpServletRequest request) throws SQLException, InvalidNameException {
        // Tomcat lets only certificates of the CA through; whose it is, is asked here.
        var chain = (X509Certificate[]) request.getAttribute("jakarta.servlet.request.X509Certificate");
        if (chain == null) {
            throw new Refusal(401, "Invalid credentials: no client certificate");
        }
        String subject = new LdapName(chain[0].getSubjectX500Principal().getName()).getRdns().stream()
            .filter(part -> part.getType().equalsIgnoreCase("CN")).map(part -> part.getValue().toString()).findFirst().orElse("");
        List<Map<String, Object>> serials = database.query("SELECT id_cert_serial FROM cp_consumer WHERE uuid = ?", subject);
        boolean known = serials.size() == 1 && chain[0].getSerialNumber().equals(
            java.math.BigInteger.valueOf((Long) serials.get(0).get("id_cert_serial")));
        if (!known) {
            throw new Refusal(401, "Invalid credentials: the certificate is of no registered consumer");
        }
        if (!subject.equals(uuid)) {
            throw new Refusal(403, "Insufficient permissions");
        }
        return consumer(uuid);
    }

    private Map<String, Object> consumer(String uuid) throws SQLException {
        Map<String, Object> consumer = database.query("""
            SELECT c.id, c.uuid, c.consumer_name AS name, o.account AS owner, c.created::text, c.updated::text
            FROM cp_consumer c JOIN cp_owner o ON o.id = c.owner_id WHERE c.uuid = ?""", uuid).get(0);
        consumer.put("owner", Map.of("key", consumer.get("owner")));
        consumer.put("type", Map.of("label", "system"));
        return consumer;
    }

    private static JsonObject body(HttpServletRequest request) throws IOException {
        try {
            JsonObject body = JSON.fromJson(request.getReader(), JsonObject.class);
            return body == null ? new JsonObject() : body;
        } catch (JsonParseException e) {
            throw new Refusal(400, "The body is not a JSON object.");
        }
    }

    private static String text(JsonObject body, String key) {
        if (!body.has(key) || !body.get(key).isJsonPrimitive() || body.get(key).getAsString().isBlank()) {
            throw new Refusal(400, key + ": may not be null");
        }
        return body.get(key).getAsString();
    }

    private static String id() {
        return UUID.randomUUID().toString().replace("-", "");
    }
}
