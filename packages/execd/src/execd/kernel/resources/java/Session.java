package execd.worker;

import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import jdk.jshell.DeclarationSnippet;
import jdk.jshell.JShell;
import jdk.jshell.MethodSnippet;
import jdk.jshell.Snippet;
import jdk.jshell.SnippetEvent;
import jdk.jshell.UnresolvedReferenceException;
import jdk.jshell.VarSnippet;

/** The state of a context: a shell of the language's own, and what is known of its cells. */
final class Session {
    private static final String[] IMPORTS = {
        "java.io", "java.math", "java.net", "java.nio.file", "java.util", "java.util.concurrent",
        "java.util.function", "java.util.prefs", "java.util.regex", "java.util.stream",
    };

    private final Engine engine;
    private final Runner runner;
    private final JShell shell;
    private final ClassPath classPath = new ClassPath(System.getenv("CLASSPATH"));
    private final Places places = new Places();
    private final Syntax syntax = new Syntax();
    private int count;
    private volatile boolean stopped;

    Session(Runner runner, Loader loader) {
        this.runner = runner;
        engine = new Engine(loader, runner);
        shell = JShell.builder().executionEngine(engine, Map.of()).build();
        keepFromIndexing();
        for (String each : IMPORTS) {
            shell.eval("import " + each + ".*;");
        }
    }

    // The analysis of sources would read all classes there are, for completions that nobody asks for.
    private static void keepFromIndexing() {
        try {
            Field field = Class.forName("jdk.jshell.SourceCodeAnalysisImpl").getDeclaredField("INDEXER");
            field.setAccessible(true);
            ((ExecutorService) field.get(null)).submit(() -> {
                Thread.sleep(Long.MAX_VALUE);
                return null;
            });
        } catch (ReflectiveOperationException | RuntimeException error) {
            // Then it indexes: that costs time, and nothing else.
        }
    }

    /** Takes note that a cell is about to begin. */
    void begin() {
        stopped = false;
        count++;
        runner.mark();
    }

    /** Returns whether the cell was asked to stop. */
    boolean stopped() {
        return stopped;
    }

    /** Returns whether the cell was asked to stop, when all that belongs to it has been. */
    boolean settled() {
        try {
            runner.settle();
        } catch (InterruptedException error) {
            // Nobody interrupts this thread.
        }
        return stopped;
    }

    /** Stops the cell. */
    void stop() {
        stopped = true;
        runner.stop();
    }

    /** Runs a cell; returns the text of its value, null if it has none. */
    String run(String code) throws Failure {
        for (String path : classPath.additions()) {
            shell.addToClasspath(path);
        }
        String cell = Source.withoutPackage(code.replace("\r\n", "\n"));
        places.begin(cell, count);
        List<Unit> units = Unit.cut(cell, shell.sourceCodeAnalysis());
        check(units);
        engine.takeLoaded();
        List<Snippet> snippets = new ArrayList<>();
        String value = null;
        for (Unit each : units) {
            value = run(each, snippets);
        }
        warn(snippets);
        return value != null || snippets.isEmpty() ? value : runMain(snippets);
    }

    /** Fails if a piece is no code, before any other has run. */
    private void check(List<Unit> units) throws Failure {
        Unit last = units.isEmpty() ? null : units.get(units.size() - 1);
        Unit wrong = units.size() < 2 ? null : last.whole ? syntax.firstError(units) : last;
        if (wrong != null) {
            // The shell rejects it, and runs nothing of it.
            run(wrong, new ArrayList<>());
        }
    }

    private String run(Unit unit, List<Snippet> snippets) throws Failure {
        Snippet last = null;
        for (SnippetEvent event : eval(unit.source)) {
            if (event.causeSnippet() == null) {
                last = event.snippet();
                places.note(last, unit.start);
                fail(event);
                snippets.add(last);
            }
        }
        return last == null ? null : value(last, unit.closed);
    }

    private void fail(SnippetEvent event) throws Failure {
        if (event.status() == Snippet.Status.REJECTED) {
            throw places.rejected(shell.diagnostics(event.snippet()).collect(Collectors.toList()), event.snippet());
        }
        if (event.exception() instanceof UnresolvedReferenceException) {
            throw unresolved(((UnresolvedReferenceException) event.exception()));
        }
        if (event.exception() != null) {
            throw places.thrown(event.exception());
        }
    }

    private Failure unresolved(UnresolvedReferenceException error) {
        DeclarationSnippet snippet = error.getSnippet();
        return new Failure("UnresolvedReferenceException", missing(snippet), missing(snippet, "error"));
    }

    private String missing(DeclarationSnippet snippet) {
        String names = shell.unresolvedDependencies(snippet).collect(Collectors.joining(", "));
        return snippet.name() + " cannot be used until there is " + (names.isEmpty() ? "no error in it" : names);
    }

    private List<String> missing(DeclarationSnippet snippet, String kind) {
        String first = shell.unresolvedDependencies(snippet).findFirst().orElse("");
        Matcher name = Pattern.compile("\\b" + first.replaceFirst("^\\w+ ", "").replaceFirst("\\(.*", "") + "\\b")
                .matcher(snippet.source());
        return places.marked(snippet, name.find() ? name.start() : 0, kind + ": " + missing(snippet));
    }

    /** Says which declarations of the cell refer to what nobody has declared: the shell takes them, and waits. */
    private void warn(List<Snippet> snippets) {
        for (Snippet each : snippets) {
            Snippet.Status status = shell.status(each);
            if (status == Snippet.Status.RECOVERABLE_DEFINED || status == Snippet.Status.RECOVERABLE_NOT_DEFINED) {
                missing((DeclarationSnippet) each, "warning").forEach(System.err::println);
            }
        }
    }

    private List<SnippetEvent> eval(String source) throws Failure {
        if (stopped) {
            throw new Failure("Stopped", "", List.of());
        }
        return shell.eval(source);
    }

    private String value(Snippet snippet, boolean unasked) throws Failure {
        Object value = engine.takeValue();
        boolean unnamed = snippet.subKind() == Snippet.SubKind.TEMP_VAR_EXPRESSION_SUBKIND;
        if (unnamed) {
            // Nobody can have meant to keep it.
            engine.forget(((VarSnippet) snippet).name());
            shell.drop(snippet);
        }
        // A stream comes back from a call that prints: nobody asks for it.
        if (unasked || !unnamed && snippet.kind() != Snippet.Kind.EXPRESSION || value instanceof PrintStream) {
            return null;
        }
        try {
            return (String) runner.run(() -> Values.text(value));
        } catch (Throwable error) {
            String said = error.toString();
            throw new Failure("EvalException", said, List.of(said));
        }
    }

    /** Runs the program that a cell is which only declares, as the language does with such a file. */
    private String runMain(List<Snippet> snippets) throws Failure {
        String call = null;
        for (Snippet each : snippets) {
            if (!(each instanceof DeclarationSnippet) || each.kind() == Snippet.Kind.VAR) {
                return null;
            }
            if (each instanceof MethodSnippet && ((MethodSnippet) each).name().equals("main")) {
                String parameters = ((MethodSnippet) each).parameterTypes();
                call = parameters.isEmpty() ? "main();" : parameters.matches("String\\s*(\\[\\]|\\.\\.\\.)")
                        ? "main(new String[0]);" : call;
            }
        }
        if (call == null) {
            call = mainOfClass();
        }
        if (call != null) {
            for (SnippetEvent event : eval(call)) {
                fail(event);
            }
        }
        return null;
    }

    private String mainOfClass() {
        String found = null;
        for (Class<?> each : engine.takeLoaded()) {
            String name = each.getName().replaceFirst("^REPL\\.\\$JShell\\$\\w+\\$", "");
            if (name.indexOf('$') < 0 && !name.startsWith("REPL") && hasMain(each)) {
                if (found != null) {
                    return null;
                }
                found = name;
            }
        }
        return found == null ? null : found + ".main(new String[0]);";
    }

    private static boolean hasMain(Class<?> type) {
        try {
            Method main = type.getDeclaredMethod("main", String[].class);
            return Modifier.isStatic(main.getModifiers()) && Modifier.isPublic(main.getModifiers());
        } catch (NoSuchMethodException | LinkageError error) {
            return false;
        }
    }
}
