package execd.worker;

import java.io.File;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Where users' libraries lie: CLASSPATH as java itself reads it, else the directory and the jars in it and in its lib.
 *
 * <p>It is looked at again before each cell, since a cell or a command may have put a jar there.
 */
final class ClassPath {
    private static final List<String> USUAL = List.of(".", "./*", "./lib/*");
    private final List<String> entries;
    private final Set<String> known = new LinkedHashSet<>();
    private long[] looked = {};

    ClassPath(String variable) {
        entries = variable == null || variable.isEmpty() ? USUAL : List.of(variable.split(File.pathSeparator));
    }

    /** Returns what has come since the last time. */
    List<String> additions() {
        long[] now = entries.stream().mapToLong(each -> directory(each).lastModified()).toArray();
        List<String> found = new ArrayList<>();
        if (!Arrays.equals(now, looked)) {
            looked = now;
            for (String entry : entries) {
                for (String path : paths(entry)) {
                    if (known.add(path)) {
                        found.add(path);
                    }
                }
            }
        }
        return found;
    }

    private static File directory(String entry) {
        return new File(entry.endsWith("*") ? entry.substring(0, entry.length() - 1) : entry.isEmpty() ? "." : entry);
    }

    private static List<String> paths(String entry) {
        File directory = directory(entry);
        if (!entry.endsWith("*")) {
            return directory.exists() ? List.of(directory.getPath()) : List.of();
        }
        String[] jars = directory.list((in, name) -> name.toLowerCase().endsWith(".jar"));
        List<String> found = new ArrayList<>();
        if (jars != null) {
            Arrays.sort(jars);
            for (String jar : jars) {
                found.add(new File(directory, jar).getPath());
            }
        }
        return found;
    }
}
