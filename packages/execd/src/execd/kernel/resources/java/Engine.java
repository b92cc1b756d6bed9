package execd.worker;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import jdk.jshell.execution.DirectExecutionControl;
import jdk.jshell.spi.ExecutionControl;
import jdk.jshell.spi.ExecutionControlProvider;
import jdk.jshell.spi.ExecutionEnv;
import java.util.Map;

/** Runs what the shell has compiled, in the thread of the cells, and keeps the value itself instead of its text. */
final class Engine extends DirectExecutionControl implements ExecutionControlProvider {
    private final Runner runner;
    private final Loader loader;
    private final List<String> loaded = new ArrayList<>();
    private Method last;
    private Object value;

    Engine(Loader loader, Runner runner) {
        super(loader);
        this.loader = loader;
        this.runner = runner;
    }

    @Override
    public String name() {
        return "execd";
    }

    @Override
    public ExecutionControl generate(ExecutionEnv environment, Map<String, String> parameters) {
        return this;
    }

    @Override
    public void load(ClassBytecodes[] classes)
            throws ClassInstallException, NotImplementedException, EngineTerminationException {
        for (ClassBytecodes each : classes) {
            loaded.add(each.name());
        }
        super.load(classes);
    }

    @Override
    protected String invoke(Method code) throws Exception {
        last = code;
        value = null;
        try {
            value = runner.run(() -> code.invoke(null));
        } catch (InvocationTargetException error) {
            throw error;
        } catch (Stopped stopped) {
            throw new StoppedException();
        } catch (Throwable error) {
            throw new InvocationTargetException(error);
        }
        return "";
    }

    /** Returns the value of the last expression, and forgets it. */
    Object takeValue() {
        Object taken = value;
        value = null;
        return taken;
    }

    /** Empties the variable in which the shell keeps the value of an expression that has no name. */
    void forget(String variable) {
        try {
            java.lang.reflect.Field field = last.getDeclaringClass().getDeclaredField(variable);
            field.setAccessible(true);
            if (!field.getType().isPrimitive()) {
                field.set(null, null);
            }
        } catch (ReflectiveOperationException error) {
            // It lies elsewhere: it is kept a while longer.
        }
    }

    /** Returns the classes loaded since the last time. */
    List<Class<?>> takeLoaded() {
        List<Class<?>> found = new ArrayList<>();
        for (String name : loaded) {
            try {
                found.add(Class.forName(name, false, loader));
            } catch (ClassNotFoundException | LinkageError error) {
                // One that cannot be linked has been told of.
            }
        }
        loaded.clear();
        return found;
    }
}
