package org.candlepin.standin;

/** Why Candlepin does not start, or does not do what is asked: words for the person who reads the log or the answer. */
final class Refusal extends RuntimeException {
    /** HTTP status; only for what a request asks. */
    final int status;

    Refusal(String message) {
        this(500, message);
    }

    Refusal(int status, String message) {
        super(message);
        this.status = status;
    }
}
