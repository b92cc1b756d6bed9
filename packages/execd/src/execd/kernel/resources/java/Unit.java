package execd.worker;

import java.util.ArrayList;
import java.util.List;
import jdk.jshell.SourceCodeAnalysis;
import jdk.jshell.SourceCodeAnalysis.CompletionInfo;

/** A piece of a cell that the shell takes as one: an import, a declaration, a statement or an expression. */
final class Unit {
    /** What the shell gets. */
    final String source;
    /** Where it begins in the cell. */
    final int start;
    /** Whether a semicolon says that its value is not asked for. */
    final boolean closed;
    /** Whether it is known to be whole. */
    final boolean whole;

    private Unit(String source, int start, boolean closed, boolean whole) {
        this.source = source;
        this.start = start;
        this.closed = closed;
        this.whole = whole;
    }

    /** Cuts a cell; the last piece is all from where it goes wrong, if it does. */
    static List<Unit> cut(String cell, SourceCodeAnalysis analysis) {
        List<Unit> units = new ArrayList<>();
        String rest = cell;
        while (true) {
            // The shell counts lines from the first that has code.
            int start = Source.firstOfCode(cell, cell.length() - rest.length());
            rest = cell.substring(start);
            if (rest.isEmpty()) {
                return units;
            }
            CompletionInfo found = analysis.analyzeCompletion(rest);
            switch (found.completeness()) {
                case EMPTY:
                    return units;
                case COMPLETE:
                case COMPLETE_WITH_SEMI:
                case CONSIDERED_INCOMPLETE:
                    String source = found.source();
                    rest = found.completeness() == SourceCodeAnalysis.Completeness.COMPLETE ? found.remaining() : "";
                    char last = Source.lastOfCode(cell, start, cell.length() - rest.length());
                    units.add(new Unit(source, start, last == ';', true));
                    break;
                default:
                    units.add(new Unit(rest, start, true, false));
                    return units;
            }
        }
    }
}
