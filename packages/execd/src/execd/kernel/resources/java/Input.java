package execd.worker;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;

/** Standard input: it asks the daemon for a line where the cell may do so, and is at its end otherwise. */
final class Input extends InputStream {
    private final Channel channel;
    private final LinkedBlockingQueue<Optional<String>> answers = new LinkedBlockingQueue<>();
    private volatile boolean allowed;
    private byte[] line = {};
    private int at;

    Input(Channel channel) {
        this.channel = channel;
    }

    /** Begins a cell: what an earlier one has left is nobody's. */
    void allow(boolean asking) {
        answers.clear();
        line = new byte[0];
        at = 0;
        allowed = asking;
    }

    /** Takes an answer of the daemon, null for the end of the input. */
    void answer(String value) {
        answers.add(Optional.ofNullable(value));
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public synchronized int read(byte[] bytes, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        if (at == line.length && !ask()) {
            return -1;
        }
        int part = Math.min(length, line.length - at);
        System.arraycopy(line, at, bytes, offset, part);
        at += part;
        return part;
    }

    @Override
    public int available() {
        return line.length - at;
    }

    private boolean ask() throws IOException {
        if (!allowed) {
            return false;
        }
        channel.tell("type", "input_request", "content", Channel.map("prompt", "", "password", false));
        try {
            Optional<String> answer = answers.take();
            answer.ifPresent(text -> line = (text + "\n").getBytes(StandardCharsets.UTF_8));
            at = 0;
            return answer.isPresent() || end();
        } catch (InterruptedException interrupt) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
    }

    private boolean end() {
        line = new byte[0];
        return false;
    }
}
