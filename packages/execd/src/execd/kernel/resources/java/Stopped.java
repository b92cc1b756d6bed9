package execd.worker;

/** What ends code that was interrupted; nothing that users are likely to catch. */
final class Stopped extends Error {
    private static final long serialVersionUID = 1;

    Stopped() {
        super("interrupted", null, false, false);
    }
}
