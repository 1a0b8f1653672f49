package org.candlepin.standin;

import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.sql.SQLException;
import java.util.Map;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** HTTP around {@link Api}: JSON out, every refusal with its status and its words. */
public final class Servlet extends HttpServlet {
    private static final Logger LOG = LoggerFactory.getLogger(Servlet.class);

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Api api = (Api) getServletContext().getAttribute(Api.class.getName());
        Object body;
        int status = 200;
        try {
            body = api.answer(request);
        } catch (Refusal e) {
            status = e.status;
            body = displayed(e.getMessage());
        } catch (SQLException e) {
            // SUSPEND mode: everything but the status waits for the database.
            LOG.error("{} {}: {}", request.getMethod(), request.getRequestURI(), Database.oneLine(e));
            status = 503;
            body = displayed("Candlepin is in Suspend mode, please check /status resource to get more details");
        } catch (Exception e) {
            LOG.error("{} {}", request.getMethod(), request.getRequestURI(), e);
            status = 500;
            body = displayed("Runtime Error " + Database.oneLine(e));
        }
        response.setStatus(status);
        response.setContentType("application/json");
        response.setCharacterEncoding("UTF-8");
        response.getWriter().print(Api.JSON.toJson(body));
    }

    private static Map<String, String> displayed(String message) {
        return Map.of("displayMessage", message, "requestUuid", UUID.randomUUID().toString());
    }
}
