package execd.worker;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.Constructor;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/** The two pipes between daemon and worker: one JSON object is one line. */
final class Channel {
    private final InputStream take;
    private final OutputStream tell;

    /** Makes it of the numbers of two descriptors. */
    Channel(int take, int tell) throws ReflectiveOperationException {
        this.take = new BufferedInputStream(new FileInputStream(descriptor(take)), 65536);
        this.tell = new FileOutputStream(descriptor(tell));
    }

    // To open /proc/self/fd/N anew fails for who has changed the user since the pipe was made.
    private static FileDescriptor descriptor(int number) throws ReflectiveOperationException {
        Constructor<FileDescriptor> made = FileDescriptor.class.getDeclaredConstructor(int.class);
        made.setAccessible(true);
        return made.newInstance(number);
    }

    /** Returns the next line, null when there is none any more. */
    Map<?, ?> read() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int c = take.read(); c != '\n'; c = take.read()) {
            if (c < 0) {
                return null;
            }
            line.write(c);
        }
        return (Map<?, ?>) Json.parse(line.toString(StandardCharsets.UTF_8));
    }

    /** Says something: pairs of names and values. */
    void tell(Object... pairs) {
        byte[] line = (Json.write(map(pairs)) + "\n").getBytes(StandardCharsets.UTF_8);
        try {
            synchronized (tell) {
                tell.write(line);
            }
        } catch (IOException error) {
            // Nobody hears: the daemon has gone, and the end of its pipe to us tells the reader.
        }
    }

    /** Returns a map of pairs of names and values, in their order. */
    static Map<String, Object> map(Object... pairs) {
        Map<String, Object> made = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            made.put((String) pairs[i], pairs[i + 1]);
        }
        return made;
    }
}
