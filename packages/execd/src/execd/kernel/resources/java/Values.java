package execd.worker;

import java.util.Arrays;

/** How values are shown. */
final class Values {
    private Values() {}

    /** Returns a value's text; what an array holds instead of its address. */
    static String text(Object value) {
        if (value == null || !value.getClass().isArray()) {
            return String.valueOf(value);
        }
        String within = Arrays.deepToString(new Object[] {value});
        return within.substring(1, within.length() - 1);
    }
}
