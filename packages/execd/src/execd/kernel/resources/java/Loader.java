package execd.worker;

import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.security.CodeSource;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import jdk.jshell.execution.LoaderDelegate;
import jdk.jshell.spi.ExecutionControl.ClassBytecodes;
import jdk.jshell.spi.ExecutionControl.ClassInstallException;
import jdk.jshell.spi.ExecutionControl.InternalException;

/** Loads what the shell has compiled, woven, and what lies on the class path, as it is. */
final class Loader extends URLClassLoader implements LoaderDelegate {
    private final Map<String, byte[]> compiled = new ConcurrentHashMap<>();

    Loader() {
        super(new URL[0], ClassLoader.getSystemClassLoader());
    }

    @Override
    public void load(ClassBytecodes[] classes) throws ClassInstallException {
        boolean[] installed = new boolean[classes.length];
        Map<String, byte[]> batch = new HashMap<>();
        for (ClassBytecodes each : classes) {
            batch.put(each.name(), each.bytecodes());
        }
        compiled.putAll(batch);
        try {
            for (int i = 0; i < classes.length; i++) {
                loadClass(classes[i].name());
                installed[i] = true;
            }
        } catch (Throwable error) {
            throw new ClassInstallException("load: " + error, installed);
        }
    }

    @Override
    public Class<?> findClass(String name) throws ClassNotFoundException {
        // The shell asks here too, for what has been loaded.
        Class<?> loaded = findLoadedClass(name);
        if (loaded != null) {
            return loaded;
        }
        byte[] code = compiled.get(name);
        if (code == null) {
            return super.findClass(name);
        }
        byte[] woven = woven(code);
        return defineClass(name, woven, 0, woven.length, (CodeSource) null);
    }

    private byte[] woven(byte[] code) {
        try {
            return Weaver.woven(code, compiled, this);
        } catch (RuntimeException | LinkageError error) {
            // A class that cannot be stopped is better than none.
            return code;
        }
    }

    @Override
    public void classesRedefined(ClassBytecodes[] classes) {
        // Who asks for this is told before that classes cannot be redefined.
    }

    @Override
    public void addToClasspath(String path) throws InternalException {
        try {
            for (String each : path.split(File.pathSeparator)) {
                addURL(new File(each).toURI().toURL());
            }
        } catch (MalformedURLException error) {
            throw new InternalException(error.toString());
        }
    }
}
