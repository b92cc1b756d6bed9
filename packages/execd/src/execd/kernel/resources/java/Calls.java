package execd.worker;

/** Which calls in users' classes are ours instead. */
final class Calls {
    static final String STOPS = "execd/worker/Stops";
    static final String OURS = "execd/worker/Environment";

    private Calls() {}

    /** Returns the type of our method in the place of another one of this owner, name and type; null if there is none. */
    static String instead(String owner, String name, String type) {
        boolean starts = owner.equals("java/lang/ProcessBuilder") && name.equals("start") && type.startsWith("()")
                || owner.equals("java/lang/Runtime") && name.equals("exec");
        return starts ? "(L" + owner + ";" + type.substring(1) : null;
    }
}
