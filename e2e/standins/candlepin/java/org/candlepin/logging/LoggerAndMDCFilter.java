package org.candlepin.logging;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.turbo.MatchingFilter;
import ch.qos.logback.core.spi.FilterReply;
import org.slf4j.Marker;

/** Upstream's logback.xml names this class; here it decides nothing. */
public final class LoggerAndMDCFilter extends MatchingFilter {
    public void setKey(String key) { }

    public void setTopLogger(String logger) { }

    @Override
    public FilterReply decide(Marker marker, Logger logger, Level level, String format, Object[] params, Throwable t) {
        return FilterReply.NEUTRAL;
    }
}
