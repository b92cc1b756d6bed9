package execd.worker;

import java.util.List;
import java.util.Map;

/** How a cell fails: the name of its error, what it says, and lines that tell where. */
final class Failure extends Exception {
    private static final long serialVersionUID = 1;
    private final transient Map<String, Object> content;

    Failure(String name, String value, List<String> traceback) {
        super(name, null, false, false);
        content = Channel.map("status", "error", "ename", name, "evalue", value, "traceback", traceback);
    }

    /** Returns the content of the reply. */
    Map<String, Object> content() {
        return content;
    }
}
