package execd.worker;

/** The text of a cell: where its code begins and ends between comments and blanks, and which line is where. */
final class Source {
    private final String text;

    Source(String text) {
        this.text = text;
    }

    /** Returns the last character of code before an offset and after another, 0 where there is only comment. */
    static char lastOfCode(String text, int start, int end) {
        char last = 0;
        for (int at = start; at < end; ) {
            int next = skipComment(text, at);
            if (next == at) {
                char c = text.charAt(at);
                next = c == '"' || c == '\'' ? skipQuoted(text, at) : at + 1;
                last = Character.isWhitespace(c) ? last : c;
            }
            at = next;
        }
        return last;
    }

    /** Returns the text with `package` in front of everything else blanked: classes of a context see each other. */
    static String withoutPackage(String text) {
        int start = firstOfCode(text, 0);
        int end = text.indexOf(';', start);
        if (end < 0 || !text.substring(start, end).matches("package\\s+[\\w.\\s]+")) {
            return text;
        }
        return text.substring(0, start) + text.substring(start, end + 1).replaceAll("[^\\n]", " ")
                + text.substring(end + 1);
    }

    /** Returns the offset of the first character of code from another one on, or of the end. */
    static int firstOfCode(String text, int start) {
        int at = start;
        while (at < text.length()) {
            int next = skipComment(text, at);
            if (next == at && !Character.isWhitespace(text.charAt(at))) {
                return at;
            }
            at = Math.max(next, at + 1);
        }
        return at;
    }

    private static int skipComment(String text, int at) {
        if (text.startsWith("//", at)) {
            int end = text.indexOf('\n', at);
            return end < 0 ? text.length() : end;
        }
        if (text.startsWith("/*", at)) {
            int end = text.indexOf("*/", at + 2);
            return end < 0 ? text.length() : end + 2;
        }
        return at;
    }

    private static int skipQuoted(String text, int at) {
        String quote = text.startsWith("\"\"\"", at) ? "\"\"\"" : text.substring(at, at + 1);
        int i = at + quote.length();
        while (i < text.length() && !text.startsWith(quote, i)) {
            i += text.charAt(i) == '\\' ? 2 : 1;
        }
        return Math.min(i + quote.length(), text.length());
    }

    /** Returns the line of an offset, from 1. */
    int line(int offset) {
        int line = 1;
        for (int i = 0; i < Math.min(offset, text.length()); i++) {
            line += text.charAt(i) == '\n' ? 1 : 0;
        }
        return line;
    }

    /** Returns the column of an offset, from 1. */
    int column(int offset) {
        int at = Math.min(offset, text.length());
        int start = text.lastIndexOf('\n', at - 1) + 1;
        return text.codePointCount(start, at) + 1;
    }

    /** Returns the line in which an offset lies. */
    String lineText(int offset) {
        int at = Math.min(offset, text.length());
        int start = text.lastIndexOf('\n', at - 1) + 1;
        int end = text.indexOf('\n', at);
        return text.substring(start, end < 0 ? text.length() : end);
    }
}
