package execd.worker;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** Standard output or error: bytes are in the pipe when a write returns, so that nothing has to be flushed. */
final class Output extends OutputStream {
    /** What the system writes whole or not at all, should another program have made the pipe non-blocking. */
    private static final int WHOLE = 4096;

    private final FileOutputStream file;

    private Output(FileDescriptor descriptor) {
        file = new FileOutputStream(descriptor);
    }

    /** Puts both in the place of the streams that the language made. */
    static void install() {
        System.setOut(stream(FileDescriptor.out));
        System.setErr(stream(FileDescriptor.err));
    }

    // The class itself: it writes a line as one, where a subclass writes the text and its end apart.
    private static PrintStream stream(FileDescriptor descriptor) {
        return new PrintStream(new Output(descriptor), false, StandardCharsets.UTF_8);
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        for (int done = 0; done < length; ) {
            int part = Math.min(WHOLE, length - done);
            if (written(bytes, offset + done, part)) {
                done += part;
            }
        }
    }

    private boolean written(byte[] bytes, int offset, int length) throws IOException {
        try {
            file.write(bytes, offset, length);
            return true;
        } catch (IOException error) {
            if (!"Resource temporarily unavailable".equals(error.getMessage())) {
                throw error;
            }
        }
        try {
            Thread.sleep(1);
        } catch (InterruptedException interrupt) {
            Thread.currentThread().interrupt();
            Thread.yield();
        }
        return false;
    }
}
