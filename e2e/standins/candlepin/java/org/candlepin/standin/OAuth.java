package org.candlepin.standin;

import jakarta.servlet.http.HttpServletRequest;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** OAuth 1.0 with two legs and HMAC-SHA1 (RFC 5849): how Katello proves that it is Katello. */
final class OAuth {
    private static final Pattern PAIR = Pattern.compile("(\\w+)=\"([^\"]*)\"");
    private static final long WINDOW = 300; // s, as the validator of the real one

    private final String consumer;
    private final String secret;
    private final Map<String, Long> seen = new HashMap<>();

    OAuth(String consumer, String secret) {
        this.consumer = consumer;
        this.secret = secret;
    }

    void check(HttpServletRequest request) {
        String header = request.getHeader("Authorization");
        if (header == null || !header.startsWith("OAuth ")) {
            throw new Refusal(401, "Invalid credentials: no OAuth header");
        }
        Map<String, String> oauth = new HashMap<>();
        Matcher matcher = PAIR.matcher(header);
        while (matcher.find()) {
            oauth.put(matcher.group(1), decode(matcher.group(2)));
        }
        if (!consumer.equals(oauth.get("oauth_consumer_key"))) {
            throw new Refusal(401, "Invalid oauth user or secret");
        }
        if (!"HMAC-SHA1".equals(oauth.get("oauth_signature_method"))) {
            throw new Refusal(401, "OAuth: signature_method_rejected");
        }
        byte[] expected = sign(base(request, oauth));
        byte[] given = oauth.getOrDefault("oauth_signature", "").getBytes(StandardCharsets.UTF_8);
        if (!MessageDigest.isEqual(expected, given)) {
            throw new Refusal(401, "Invalid oauth user or secret");
        }
        once(oauth.getOrDefault("oauth_timestamp", "0"), oauth.getOrDefault("oauth_nonce", ""));
    }

    /** After the signature only, so that a stranger cannot fill the memory. */
    private synchronized void once(String timestamp, String nonce) {
        long now = System.currentTimeMillis() / 1000;
        long time = timestamp.matches("\\d{1,18}") ? Long.parseLong(timestamp) : 0;
        if (Math.abs(now - time) > WINDOW) {
            throw new Refusal(401, "OAuth: timestamp_refused");
        }
        seen.values().removeIf(old -> old < now - 2 * WINDOW);
        if (seen.putIfAbsent(time + " " + nonce, now) != null) {
            throw new Refusal(401, "OAuth: nonce_used");
        }
    }

    private byte[] sign(String base) {
        try {
            Mac mac = Mac.getInstance("HmacSHA1");
            mac.init(new SecretKeySpec((encode(secret) + "&").getBytes(StandardCharsets.UTF_8), "HmacSHA1"));
            return Base64.getEncoder().encode(mac.doFinal(base.getBytes(StandardCharsets.UTF_8)));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String base(HttpServletRequest request, Map<String, String> oauth) {
        List<String> parameters = new ArrayList<>();
        Set<String> outside = new HashSet<>(Set.of("oauth_signature", "realm"));
        oauth.forEach((name, value) -> {
            if (!outside.contains(name)) {
                parameters.add(encode(name) + "=" + encode(value));
            }
        });
        String query = request.getQueryString();
        for (String pair : query == null || query.isEmpty() ? new String[0] : query.split("&")) {
            String[] parts = pair.split("=", 2);
            parameters.add(encode(decode(parts[0])) + "=" + (parts.length > 1 ? encode(decode(parts[1])) : ""));
        }
        Collections.sort(parameters);
        int port = request.getServerPort();
        String url = request.getScheme() + "://" + request.getServerName().toLowerCase()
            + (port == 443 || port == 80 ? "" : ":" + port) + request.getRequestURI();
        return List.of(request.getMethod(), url, String.join("&", parameters)).stream()
            .map(OAuth::encode).collect(Collectors.joining("&"));
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8)
            .replace("+", "%20").replace("*", "%2A").replace("%7E", "~");
    }

    private static String decode(String text) {
        return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }
}
