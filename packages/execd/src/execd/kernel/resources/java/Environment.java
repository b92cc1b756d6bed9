package execd.worker;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.HashMap;
import java.util.Map;

/**
 * Variables of a single run: put into what System.getenv reads, and put back.
 *
 * <p>A program that is started without variables of its own gets those of the process, which nothing can change here;
 * calls that start programs are woven so that they come here, and name them.
 */
public final class Environment {
    private static final Map<Object, Object> VARIABLES = variables();
    private final Map<Object, Object> before = new HashMap<>();

    /** Sets variables until they are returned. */
    void lend(Map<?, ?> values) throws ReflectiveOperationException {
        for (Map.Entry<?, ?> entry : values.entrySet()) {
            Object name = wrapped("Variable", entry.getKey());
            before.putIfAbsent(name, VARIABLES.get(name) == null ? "" : VARIABLES.get(name));
            VARIABLES.put(name, wrapped("Value", entry.getValue()));
        }
    }

    /** Puts back what was there. */
    void giveBack() {
        before.forEach((name, value) -> {
            if (value instanceof String) {
                VARIABLES.remove(name);
            } else {
                VARIABLES.put(name, value);
            }
        });
        before.clear();
    }

    private static Object wrapped(String kind, Object text) throws ReflectiveOperationException {
        Method made = Class.forName("java.lang.ProcessEnvironment$" + kind).getMethod("valueOf", String.class);
        made.setAccessible(true);
        return made.invoke(null, text);
    }

    @SuppressWarnings("unchecked")
    private static Map<Object, Object> variables() {
        try {
            Field field = Class.forName("java.lang.ProcessEnvironment").getDeclaredField("theEnvironment");
            field.setAccessible(true);
            return (Map<Object, Object>) field.get(null);
        } catch (ReflectiveOperationException error) {
            throw new IllegalStateException(error);
        }
    }

    /** Stands for ProcessBuilder.start. */
    public static Process start(ProcessBuilder builder) throws IOException {
        builder.environment();
        return builder.start();
    }

    /** Stands for Runtime.exec. */
    public static Process exec(Runtime runtime, String command) throws IOException {
        return exec(runtime, command, null, null);
    }

    /** Stands for Runtime.exec. */
    public static Process exec(Runtime runtime, String command, String[] variables) throws IOException {
        return exec(runtime, command, variables, null);
    }

    /** Stands for Runtime.exec. */
    @SuppressWarnings("deprecation")
    public static Process exec(Runtime runtime, String command, String[] variables, File directory)
            throws IOException {
        return runtime.exec(command, variables == null ? named() : variables, directory);
    }

    /** Stands for Runtime.exec. */
    public static Process exec(Runtime runtime, String[] command) throws IOException {
        return exec(runtime, command, null, null);
    }

    /** Stands for Runtime.exec. */
    public static Process exec(Runtime runtime, String[] command, String[] variables) throws IOException {
        return exec(runtime, command, variables, null);
    }

    /** Stands for Runtime.exec. */
    public static Process exec(Runtime runtime, String[] command, String[] variables, File directory)
            throws IOException {
        return runtime.exec(command, variables == null ? named() : variables, directory);
    }

    private static String[] named() {
        return System.getenv().entrySet().stream().map(each -> each.getKey() + "=" + each.getValue())
                .toArray(String[]::new);
    }
}
