package execd.worker;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinWorkerThread;

/**
 * Where users' code asks whether it goes on: woven into its loops and the beginnings of its methods.
 *
 * <p>An interrupt is for the thread that runs the cell, the threads that the cell has started, and those of the common
 * pool, which nobody owns. Each is thrown at, then let alone for a moment in which it can clean up; who is still there
 * after a few of these is thrown at whenever it asks, so that code which catches everything comes out of its loops too.
 */
public final class Stops {
    private static final long GRACE_NS = 50_000_000;
    private static final int GRACES = 3;
    private static final CopyOnWriteArrayList<Stops> ALL = new CopyOnWriteArrayList<>();
    private static volatile boolean any;

    private volatile Thread main;
    private volatile Set<Thread> only;
    private final long first;
    private final long last;
    private final ConcurrentHashMap<Long, long[]> thrown = new ConcurrentHashMap<>();

    /** Makes a stop for a thread, and those whose numbers lie between two. */
    Stops(Thread main, long first, long last) {
        this.main = main;
        this.first = first;
        this.last = last;
    }

    /** Lets it begin. */
    void begin() {
        synchronized (ALL) {
            ALL.addIfAbsent(this);
            any = true;
        }
    }

    /** Lets it end. */
    void end() {
        synchronized (ALL) {
            ALL.remove(this);
            any = !ALL.isEmpty();
        }
    }

    /** Lets the main thread go. */
    void release() {
        main = null;
    }

    /** Lets all go but some threads. */
    void only(Set<Thread> threads) {
        only = threads;
    }

    /** Throws if the current thread is to stop. */
    public static void check() {
        if (any) {
            for (Stops each : ALL) {
                each.ask(Thread.currentThread());
            }
        }
    }

    /** Returns whether it is for a thread. */
    boolean concerns(Thread thread) {
        if (only != null) {
            return only.contains(thread);
        }
        long id = thread.getId();
        return thread == main || id > first && id <= last || pooled(thread);
    }

    private static boolean pooled(Thread thread) {
        return thread instanceof ForkJoinWorkerThread
                && ((ForkJoinWorkerThread) thread).getPool() == ForkJoinPool.commonPool();
    }

    private void ask(Thread thread) {
        if (!concerns(thread)) {
            return;
        }
        long now = System.nanoTime();
        long[] times = thrown.computeIfAbsent(thread.getId(), id -> new long[] {0, now});
        if (times[0] >= GRACES || now - times[1] >= 0) {
            times[0]++;
            times[1] = now + GRACE_NS;
            throw new Stopped();
        }
    }

    /** Returns a number that threads made later are above. */
    static long mark() {
        return new Thread(() -> {}).getId();
    }
}
