package org.candlepin.standin;

import ch.qos.logback.classic.LoggerContext;
import jakarta.servlet.ServletContextEvent;
import jakarta.servlet.ServletContextListener;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Everything that must hold before Candlepin answers. */
public final class Startup implements ServletContextListener {
    private static final Logger LOG = LoggerFactory.getLogger(Startup.class);

    @Override
    public void contextInitialized(ServletContextEvent event) {
        try {
            Config config = new Config();
            Authority authority = new Authority(config.need("candlepin.ca_key"), config.need("candlepin.ca_cert"));
            OAuth oauth = new OAuth("katello", config.need("candlepin.auth.oauth.consumer.katello.secret"));
            Database database = new Database(config);
            database.await();
            new Schema(database).manage(config.get("candlepin.db.database_manage_on_startup", "Manage"));
            event.getServletContext().setAttribute(Api.class.getName(), new Api(database, authority, oauth));
            LOG.info("Candlepin stand-in is ready");
        } catch (Exception e) {
            LOG.error("Candlepin does not start: {}", Database.oneLine(e));
            // Upstream's logback.xml logs from another thread: what is queued is written before the end.
            ((LoggerContext) LoggerFactory.getILoggerFactory()).stop();
            // Tomcat would go on without the application, and an orderly exit would write more lines after this one.
            Runtime.getRuntime().halt(1);
        }
    }
}
