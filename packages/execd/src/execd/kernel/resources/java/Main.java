package execd.worker;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import sun.misc.Signal;

/** A worker of the daemon's: it takes cells as lines of JSON, and runs them one after another in one shell. */
public final class Main {
    /** Deep expressions are deep recursions of the compiler. */
    private static final long COMPILER_STACK_BYTES = 64L << 20;

    private final Channel channel;
    private final Input input;
    private final Environment environment = new Environment();
    private final LinkedBlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();
    private final Set<Thread> ours = ConcurrentHashMap.newKeySet();
    private Session session;
    private String running = "";

    private Main(Channel channel) {
        this.channel = channel;
        input = new Input(channel);
    }

    /** Serves the descriptors whose numbers are given: the one that is read, and the one that is written. */
    public static void main(String[] arguments) throws Exception {
        // A handler, since what is ignored would be ignored by programs that cells start.
        Signal.handle(new Signal("INT"), number -> {});
        new Main(new Channel(Integer.parseInt(arguments[0]), Integer.parseInt(arguments[1]))).serve();
    }

    private void serve() throws IOException {
        Output.install();
        System.setIn(input);
        Thread.setDefaultUncaughtExceptionHandler(Main::report);
        Thread.currentThread().setName("execd reader");
        ours.add(Thread.currentThread());
        Thread worker = new Thread(Thread.currentThread().getThreadGroup(), this::work, "execd cells", COMPILER_STACK_BYTES);
        worker.setDaemon(true);
        ours.add(worker);
        worker.start();
        while (true) {
            try {
                Map<?, ?> line = channel.read();
                if (line == null) {
                    System.exit(0);
                }
                hear(line);
            } catch (OutOfMemoryError error) {
                Reserve.release(error);
            }
        }
    }

    private static void report(Thread thread, Throwable error) {
        try {
            print(thread, error);
        } catch (OutOfMemoryError none) {
            Reserve.release(none);
        }
    }

    private static void print(Thread thread, Throwable error) {
        if (!(error instanceof Stopped) && !(error instanceof ThreadDeath)) {
            synchronized (System.err) {
                System.err.print("Exception in thread \"" + thread.getName() + "\" ");
                error.printStackTrace();
            }
        }
    }

    private void work() {
        Loader loader = new Loader();
        session = new Session(new Runner(ours, loader), loader);
        channel.tell("type", "ready", "version", System.getProperty("java.version"));
        while (true) {
            try {
                tasks.take().run();
            } catch (Throwable error) {
                Reserve.release(error);
                report(Thread.currentThread(), error);
            }
        }
    }

    private void hear(Map<?, ?> line) {
        switch (String.valueOf(line.get("type"))) {
            case "execute":
                tasks.add(() -> execute((String) line.get("id"), (String) line.get("code"),
                        Boolean.TRUE.equals(line.get("allow_stdin"))));
                break;
            case "interrupt":
                interrupt((String) line.get("id"));
                break;
            case "lend_envs":
                tasks.add(() -> lend((Map<?, ?>) line.get("envs")));
                break;
            case "return_envs":
                tasks.add(environment::giveBack);
                break;
            case "input":
                input.answer((String) line.get("value"));
                break;
            default:
                break;
        }
    }

    private void lend(Map<?, ?> values) {
        try {
            environment.lend(values);
        } catch (ReflectiveOperationException error) {
            throw new IllegalStateException(error);
        }
    }

    private synchronized void interrupt(String id) {
        if (running.equals(id)) {
            session.stop();
        }
    }

    private void execute(String id, String code, boolean allowStdin) {
        Reserve.hold();
        input.allow(allowStdin);
        synchronized (this) {
            session.begin();
            running = id;
        }
        channel.tell("type", "begun", "id", id);
        Map<String, Object> reply = reply(code);
        synchronized (this) {
            running = "";
        }
        if (session.settled()) {
            reply = Channel.map("status", "abort");
        }
        input.allow(false);
        channel.tell("type", "reply", "id", id, "content", reply);
    }

    private Map<String, Object> reply(String code) {
        try {
            String value = session.run(code);
            if (value != null && !session.stopped()) {
                channel.tell("type", "execute_result", "content",
                        Channel.map("data", Channel.map("text/plain", value), "metadata", Channel.map()));
            }
            return Channel.map("status", "ok");
        } catch (Failure failure) {
            return failure.content();
        } catch (Throwable error) {
            Reserve.release(error);
            return new Failure("EvalException", error.toString(), List.of(error.toString())).content();
        }
    }
}
