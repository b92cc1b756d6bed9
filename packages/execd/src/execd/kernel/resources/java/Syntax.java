package execd.worker;

import com.sun.source.util.JavacTask;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticListener;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/** Tells which pieces of a cell are no code at all, before any of them runs. */
final class Syntax {
    private static final List<UnaryOperator<String>> FRAMES = List.of(
            text -> "class C{void m(){" + text + "\n}}",
            text -> "class C{" + text + "\n}",
            text -> "class C{Object o=" + text + "\n;}",
            text -> text);

    private final JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    private final StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null);

    /** Returns the first piece that is neither statement nor declaration, expression or import; null if all are. */
    Unit firstError(List<Unit> units) {
        List<Unit> left = units;
        for (UnaryOperator<String> frame : FRAMES) {
            left = left.isEmpty() ? left : wrong(left, frame);
        }
        return left.isEmpty() ? null : left.get(0);
    }

    private List<Unit> wrong(List<Unit> units, UnaryOperator<String> frame) {
        Map<JavaFileObject, Unit> sources = new LinkedHashMap<>();
        for (Unit each : units) {
            sources.put(new Text(frame.apply(each.source)), each);
        }
        List<Unit> found = new ArrayList<>();
        DiagnosticListener<JavaFileObject> listener = problem -> {
            Unit unit = sources.get(problem.getSource());
            if (problem.getKind() == Diagnostic.Kind.ERROR && unit != null && !found.contains(unit)) {
                found.add(unit);
            }
        };
        try {
            ((JavacTask) compiler.getTask(null, files, listener, List.of("-proc:none"), null, sources.keySet())).parse();
        } catch (IOException | RuntimeException error) {
            // What cannot be told beforehand is told when it runs.
            return List.of();
        }
        return found;
    }

    private static final class Text extends SimpleJavaFileObject {
        private final String text;

        Text(String text) {
            super(URI.create("string:///C.java"), Kind.SOURCE);
            this.text = text;
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return text;
        }
    }
}
