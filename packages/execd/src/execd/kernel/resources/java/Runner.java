package execd.worker;

import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;

/**
 * The thread in which all cells run, one after another, and how it is stopped.
 *
 * <p>It stays the same from cell to cell, so that what belongs to a thread is kept. One that stands in the system and
 * hears no interrupt (a read of a socket, a lock that nobody gives back) is left standing there, and another takes its
 * place: whatever users' code it comes back to throws at once.
 */
final class Runner {
    private static final long STEP_MS = 10;
    private static final int FORCE_STEP = 20;
    private static final int ABANDON_SYSTEM_STEP = 9;
    private static final int ABANDON_STEP = 35;
    private static final int FAREWELL_STEPS = 12;
    private static final int PURSUIT_STEPS = 500;
    private static final boolean CAN_FORCE = Runtime.version().feature() < 20;

    private final Set<Thread> ours;
    private final ClassLoader loader;
    private Lane lane;
    private long mark;
    private boolean stopping;
    private CountDownLatch settled = new CountDownLatch(0);

    /** Makes it; `ours` are threads that are no user's. */
    Runner(Set<Thread> ours, ClassLoader loader) {
        this.ours = ours;
        this.loader = loader;
    }

    /** Takes note that a cell begins: threads that are made from now on are its own. */
    synchronized void mark() {
        mark = Stops.mark();
        stopping = false;
    }

    /** Waits until an interrupt has reached all that it is for, so that none of it hits the next cell. */
    void settle() throws InterruptedException {
        settled.await();
    }

    /** Returns what code returns, or throws what it throws; `Stopped` where it had to be left behind. */
    Object run(Callable<Object> code) throws Throwable {
        Work work = new Work(code);
        Lane taken;
        synchronized (this) {
            if (stopping) {
                throw new Stopped();
            }
            if (lane == null) {
                lane = new Lane();
                // Threads are what those are that start them, and users' programs count on theirs to be no daemons.
                lane.thread.setDaemon(false);
                lane.thread.start();
            }
            taken = lane;
            taken.work = work;
        }
        taken.queue.put(work);
        work.over.await();
        if (work.thrown != null) {
            throw work.thrown;
        }
        return work.value;
    }

    /** Stops what runs, and what is about to, within half a second if that can be; returns at once. */
    synchronized void stop() {
        if (stopping) {
            return;
        }
        stopping = true;
        if (lane != null && lane.work != null && lane.work.over.getCount() > 0) {
            Lane stopped = lane;
            Work work = lane.work;
            settled = new CountDownLatch(1);
            Thread stopper = new Thread(() -> stop(stopped, work), "execd stop");
            stopper.setDaemon(true);
            ours.add(stopper);
            stopper.start();
        }
    }

    private void stop(Lane stopped, Work work) {
        Stops stops = new Stops(stopped.thread, mark, Stops.mark());
        stops.begin();
        try {
            for (int step = 0; work.over.getCount() > 0; step++) {
                synchronized (this) {
                    if (work.over.getCount() > 0) {
                        press(stopped, work, stops, step);
                    }
                }
                work.over.await(STEP_MS, TimeUnit.MILLISECONDS);
            }
            if (!stopped.left) {
                stops.release();
            }
            for (int step = 0; step < FAREWELL_STEPS && !busy(stops, stopped).isEmpty(); step++) {
                Thread.sleep(STEP_MS);
            }
            pursue(stops, stopped);
        } catch (InterruptedException error) {
            // Nobody interrupts this thread.
        } finally {
            settled.countDown();
            stops.end();
            ours.remove(Thread.currentThread());
        }
    }

    /** Goes on with those alone who are still at it: in a long call of a library, or left standing in the system. */
    private void pursue(Stops stops, Lane stopped) throws InterruptedException {
        Set<Thread> left = ConcurrentHashMap.newKeySet();
        left.addAll(busy(stops, stopped));
        if (stopped.left) {
            left.add(stopped.thread);
        }
        stops.only(left);
        settled.countDown();
        for (int step = 0; step < PURSUIT_STEPS || stopped.left; step++) {
            left.removeIf(each -> !each.isAlive());
            if (left.isEmpty()) {
                return;
            }
            // Others pay for it while it is on, so it is off while there is nothing to throw at.
            if (left.stream().allMatch(Runner::stands)) {
                stops.end();
            } else {
                stops.begin();
            }
            Thread.sleep(STEP_MS * (step < PURSUIT_STEPS ? 1 : 10));
        }
    }

    private void press(Lane stopped, Work work, Stops stops, int step) {
        Thread thread = stopped.thread;
        if (step % 5 == 0) {
            thread.interrupt();
            others(stops, stopped).forEach(Thread::interrupt);
        }
        if (step >= ABANDON_SYSTEM_STEP && stands(thread) && (step >= ABANDON_STEP || inSystem(thread))) {
            lane = null;
            stopped.left = true;
            work.end(null, new Stopped());
        } else if (step >= FORCE_STEP && CAN_FORCE) {
            force(thread);
        }
    }

    private List<Thread> others(Stops stops, Lane stopped) {
        Thread[] threads = new Thread[Thread.activeCount() * 2 + 16];
        Thread.currentThread().getThreadGroup().enumerate(threads);
        List<Thread> found = new ArrayList<>();
        for (Thread each : threads) {
            if (each != null && each != stopped.thread && !ours.contains(each) && stops.concerns(each)) {
                found.add(each);
            }
        }
        return found;
    }

    private List<Thread> busy(Stops stops, Lane stopped) {
        List<Thread> found = others(stops, stopped);
        found.removeIf(each -> each.getState() != Thread.State.RUNNABLE && !each.isInterrupted());
        return found;
    }

    /** Returns whether a thread does nothing that could be stopped: it is in the system, or waits for a lock. */
    private static boolean stands(Thread thread) {
        return thread.getState() != Thread.State.RUNNABLE || inSystem(thread);
    }

    private static boolean inSystem(Thread thread) {
        StackTraceElement[] stack = thread.getStackTrace();
        return thread.getState() == Thread.State.RUNNABLE && stack.length > 0 && stack[0].isNativeMethod();
    }

    // Up to Java 19: it ends loops in classes that are not woven, as those of libraries.
    private static void force(Thread thread) {
        try {
            Thread.class.getMethod("stop").invoke(thread);
        } catch (ReflectiveOperationException error) {
            throw new IllegalStateException(error);
        }
    }

    /** A piece of code, and what has become of it. */
    private static final class Work {
        final Callable<Object> code;
        final CountDownLatch over = new CountDownLatch(1);
        Object value;
        Throwable thrown;

        Work(Callable<Object> code) {
            this.code = code;
        }

        void end(Object result, Throwable error) {
            value = result;
            thrown = error;
            over.countDown();
        }
    }

    /** A thread that takes code. */
    private final class Lane {
        final SynchronousQueue<Work> queue = new SynchronousQueue<>();
        final Thread thread = new Thread(this::serve, "main");
        Work work;
        volatile boolean left;

        void serve() {
            while (!left) {
                try {
                    perform(queue.take());
                } catch (Throwable late) {
                    // A stop that came when the code was over.
                }
            }
        }

        private void perform(Work taken) {
            Object value = null;
            Throwable thrown = null;
            Thread.currentThread().setContextClassLoader(loader);
            try {
                value = taken.code.call();
            } catch (Throwable error) {
                Reserve.release(error instanceof InvocationTargetException ? error.getCause() : error);
                thrown = error;
            }
            finish(taken, value, thrown);
        }

        private void finish(Work taken, Object value, Throwable thrown) {
            while (true) {
                try {
                    synchronized (Runner.this) {
                        if (!left && taken.over.getCount() > 0) {
                            taken.end(value, thrown);
                        }
                        Thread.interrupted();
                        return;
                    }
                } catch (Throwable late) {
                    // A forced stop hits once more: from here on it is told that the code is over.
                }
            }
        }
    }
}
