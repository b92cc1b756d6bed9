package execd.worker;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import jdk.jshell.Diag;
import jdk.jshell.EvalException;
import jdk.jshell.JShellException;
import jdk.jshell.Snippet;

/** Where the shell's snippets stand in cells, and errors with places of these. */
final class Places {
    private final Map<String, Place> known = new HashMap<>();
    private Source cell = new Source("");
    private int number;

    /** Begins a cell. */
    void begin(String text, int count) {
        cell = new Source(text);
        number = count;
    }

    /** Takes note of a snippet that begins at an offset of the cell. */
    void note(Snippet snippet, int start) {
        known.put(snippet.id(), new Place(cell, number, start));
    }

    /** Returns the failure of code that does not compile. */
    Failure rejected(List<Diag> diagnostics, Snippet snippet) {
        String first = diagnostics.stream().filter(Diag::isError).findFirst().map(Places::message).orElse("");
        return new Failure("CompilationException", first, errors(diagnostics, snippet));
    }

    /** Returns what is wrong, and where: line and column, the line itself, and a mark below. */
    List<String> errors(List<Diag> diagnostics, Snippet snippet) {
        List<String> lines = new ArrayList<>();
        for (Diag each : diagnostics) {
            if (each.isError()) {
                String[] message = message(each).split("\n");
                lines.addAll(marked(snippet, (int) Math.max(0, each.getPosition()), "error: " + message[0]));
                lines.addAll(List.of(message).subList(1, message.length));
            }
        }
        return lines;
    }

    /** Returns something said of a place in a snippet, the line there, and a mark below. */
    List<String> marked(Snippet snippet, int offset, String said) {
        Place place = known.getOrDefault(snippet.id(), new Place(cell, number, 0));
        int at = place.start + offset;
        String where = place.source.line(at) + ":" + place.source.column(at);
        return List.of(
                (place.number == number ? "" : "cell " + place.number + ", ") + where + ": " + said,
                place.source.lineText(at),
                " ".repeat(place.source.column(at) - 1) + "^");
    }

    // The class around it is the shell's, and no user has heard of it.
    private static String message(Diag diagnostic) {
        return diagnostic.getMessage(Locale.ENGLISH).replaceAll("\\R\\s*location:\\s+class\\s*(REPL\\S*)?(?=\\R|$)", "")
                .replaceAll("REPL\\.\\$JShell\\$\\w+\\.", "").stripTrailing();
    }

    /** Returns the failure of code that has thrown. */
    Failure thrown(JShellException error) {
        boolean user = error instanceof EvalException;
        String value = user ? said((EvalException) error) : String.valueOf(error.getMessage());
        List<String> lines = new ArrayList<>();
        Throwable each = error;
        for (int depth = 0; each != null && depth < 20; depth++, each = each.getCause()) {
            String text = each instanceof EvalException ? said((EvalException) each) : each.toString();
            lines.add(depth == 0 ? user ? text : value : "Caused by: " + text);
            frames(each.getStackTrace(), lines);
        }
        return new Failure(error.getClass().getSimpleName(), value, lines);
    }

    private static String said(EvalException error) {
        String name = error.getExceptionClassName().replaceFirst("^REPL\\.\\$JShell\\$\\w+\\$", "");
        return error.getMessage() == null ? name : name + ": " + error.getMessage();
    }

    private void frames(StackTraceElement[] stack, List<String> lines) {
        for (StackTraceElement each : stack) {
            String place = place(each);
            if (place != null) {
                lines.add(place);
            }
        }
        cutMiddle(lines);
    }

    private String place(StackTraceElement frame) {
        String file = frame.getFileName();
        if (file != null && file.startsWith("#")) {
            Place place = known.get(file.substring(1));
            if (place == null) {
                return null;
            }
            String owner = frame.getClassName().replace('$', '.');
            String name = owner.isEmpty() ? frame.getMethodName() : owner + "." + frame.getMethodName();
            int before = place.source.line(place.start) - 1;
            String line = (place.number == number ? "" : "cell " + place.number + ", ")
                    + "line " + (before + frame.getLineNumber());
            return "    at " + (frame.getMethodName().isEmpty() ? line : name + " (" + line + ")");
        }
        String owner = frame.getClassName();
        boolean inner = owner.startsWith("execd.worker.") || owner.startsWith("jdk.internal.")
                || owner.startsWith("java.lang.reflect.") || owner.startsWith("java.lang.invoke.");
        return inner ? null : "    at " + frame;
    }

    // A stack that overflowed has thousands that say the same.
    private static void cutMiddle(List<String> lines) {
        if (lines.size() > 30) {
            List<String> middle = lines.subList(20, lines.size() - 5);
            int count = middle.size();
            middle.clear();
            lines.add(20, "    ... " + count + " more");
        }
    }

    /** Where a snippet begins. */
    private static final class Place {
        final Source source;
        final int number;
        final int start;

        Place(Source source, int number, int start) {
            this.source = source;
            this.number = number;
            this.start = start;
        }
    }
}
