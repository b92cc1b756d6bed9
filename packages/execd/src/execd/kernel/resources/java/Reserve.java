package execd.worker;

/** Memory that is held back, and let go when there is none left: what follows has to tell of it, and to clean up. */
final class Reserve {
    private static final int WANTED = 8 << 20;
    private static volatile byte[] held;

    private Reserve() {}

    /** Holds it again, where there is room for it and much more. */
    static void hold() {
        Runtime java = Runtime.getRuntime();
        int size = (int) Math.min(WANTED, java.maxMemory() / 16);
        if (held == null && java.maxMemory() - java.totalMemory() + java.freeMemory() > 4L * size) {
            held = new byte[size];
        }
    }

    /** Lets it go if an error says that memory has run out. */
    static void release(Throwable error) {
        if (error instanceof OutOfMemoryError) {
            held = null;
        }
    }
}
