import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/** The job of bench/job.py: register, duplicates, and tallies of the whole service and its three slices. */
final class CaseProcessor implements Processor<byte[], byte[], Void, Void> {
    static final String REGISTER = "register";
    static final String TALLIES = "tallies";

    private static final int OPENED = 1;
    private static final int COMPLETED = 10;
    private static final int KEPT = 15;
    private static final int LATE = 16;
    private static final int FIRST_TIME_RIGHT = 17;
    private static final int ELAPSED_MS = 20;
    private static final int COMPLETED_DIGITAL = 22;
    private static final int COMPLETED_ASSISTED = 23;
    private static final int DUE = 30;
    private static final int DUE_KEPT = 31;
    private static final int BACKLOG_ENTERED = 40;
    private static final int BACKLOG_LEFT = 41;
    private static final int RISK_ENTERED = 44;
    private static final int RISK_LEFT = 45;
    private static final int OVERDUE_ENTERED = 46;
    private static final int OVERDUE_LEFT = 47;
    private static final int FAMILY_SIZE = 4096;
    private static final int COMPLETION_TIME = FAMILY_SIZE;
    private static final int CLOSED_TIME = 3 * FAMILY_SIZE;
    private static final int WHOLE_ONLY = 5 * FAMILY_SIZE;
    private static final int MARGIN = WHOLE_ONLY;
    private static final int BANDS_A_SIDE = 5;
    private static final int BANDS_IN_PROMISE = 20;
    private static final int RISK_SHARE_DIVISOR = 5;
    private static final int REJECTED = 2;
    private static final double BINS_PER_E_FOLD = 1.0 / Math.log(1.01);
    private static final Map<String, Integer> OUTCOMES =
        Map.of("intended", 0, "not_intended", 1, "rejected", 2, "duplicate", 3, "withdrawn", 4);
    private static final int MOST_ENTRIES = 16;
    private static final int FINE = 0;
    private static final int HOUR = 1;

    private final Map<String, Long> targets;
    private final Stopwatch watch;
    private final Event event = new Event();
    private final long[] times = new long[MOST_ENTRIES];
    private final int[] counters = new int[MOST_ENTRIES];
    private final long[] amounts = new long[MOST_ENTRIES];
    private final long[] changes = new long[MOST_ENTRIES];
    private int entries;
    private KeyValueStore<String, byte[]> register;
    private KeyValueStore<String, byte[]> tallies;

    CaseProcessor(Map<String, Long> targets, Stopwatch watch) {
        this.targets = targets;
        this.watch = watch;
    }

    @Override
    public void init(ProcessorContext<Void, Void> context) {
        register = context.getStateStore(REGISTER);
        tallies = context.getStateStore(TALLIES);
        // What came last is committed at once, so that nobody waits for the end of a commit interval.
        context.schedule(Duration.ofMillis(20), PunctuationType.WALL_CLOCK_TIME, now -> {
            if (watch.allSeen()) {
                context.commit();
            }
        });
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        try {
            event.read(record.value());
        } catch (IOException error) {
            throw new IllegalArgumentException("an event that is no JSON", error);
        }
        apply();
        watch.seen();
    }

    private void apply() {
        byte[] known = register.get(event.subject);
        long identity = identity(event.source, event.id);
        if (known != null && isApplied(known, identity)) {
            return;
        }
        if (event.opening) {
            long due = event.timeMs + targets.get(event.service);
            register.put(event.subject, opened(event, due, identity));
            entries = 0;
            add(event.timeMs, OPENED, 1);
            add(event.timeMs, BACKLOG_ENTERED, 1);
            add(risk(event.timeMs, due), RISK_ENTERED, 1);
            add(due, RISK_LEFT, 1);
            add(due, OVERDUE_ENTERED, 1);
            add(due, DUE, 1);
            count(event.area, event.category, event.channel);
        } else {
            ByteBuffer packed = ByteBuffer.wrap(known);
            long opened = packed.getLong();
            long due = packed.getLong();
            String area = text(packed);
            String category = text(packed);
            String channel = text(packed);
            byte[] grown = Arrays.copyOf(known, known.length + 8);
            ByteBuffer.wrap(grown).putLong(known.length, identity);
            register.put(event.subject, grown);
            complete(opened, due, channel);
            count(area, category, channel);
        }
    }

    private void complete(long opened, long due, String channel) {
        long at = event.timeMs;
        long elapsed = at - opened;
        int bin = elapsed > 0 ? 1 + (int) (Math.log(elapsed) * BINS_PER_E_FOLD) : 0;
        boolean kept = at <= due;
        int outcome = OUTCOMES.get(event.outcome);
        entries = 0;
        add(at, COMPLETED + outcome, 1);
        add(at, kept ? KEPT : LATE, 1);
        add(at, ELAPSED_MS, elapsed);
        add(at, CLOSED_TIME + bin, 1);
        add(opened, COMPLETION_TIME + bin, 1);
        add(at, BACKLOG_LEFT, 1);
        add(at, MARGIN + band(opened, due, at), 1);
        if (channel != null) {
            boolean digital = channel.equals("Website") || channel.equals("App");
            add(at, digital ? COMPLETED_DIGITAL : COMPLETED_ASSISTED, 1);
        }
        if (outcome != REJECTED) {
            add(at, FIRST_TIME_RIGHT, 1);
        }
        if (!kept) {
            add(at, OVERDUE_LEFT, 1);
            return;
        }
        add(due, DUE_KEPT, 1);
        add(due, OVERDUE_ENTERED, -1);
        long risk = risk(opened, due);
        if (at <= risk) {
            add(risk, RISK_ENTERED, -1);
            add(due, RISK_LEFT, -1);
        } else if (at < due) {
            add(at, RISK_LEFT, 1);
            add(due, RISK_LEFT, -1);
        }
    }

    private static long risk(long opened, long due) {
        return due - (due - opened) / RISK_SHARE_DIVISOR + 1;
    }

    private static int band(long opened, long due, long at) {
        long promised = due - opened;
        if (at <= due) {
            return (int) Math.max(0, BANDS_A_SIDE - (due - at) * BANDS_IN_PROMISE / promised);
        }
        return (int) Math.min(2 * BANDS_A_SIDE + 1, BANDS_A_SIDE + 1 + (at - due - 1) * BANDS_IN_PROMISE / promised);
    }

    private void add(long timeMs, int counter, long amount) {
        times[entries] = timeMs;
        counters[entries] = counter;
        amounts[entries++] = amount;
    }

    /** The whole service by 5 minutes, its histograms and all of each slice by the hour: one put a bucket touched. */
    private void count(String area, String category, String channel) {
        put(event.service + "|||", true);
        slice("area", area);
        slice("category", category);
        slice("channel", channel);
    }

    private void slice(String dimension, String value) {
        if (value != null) {
            put(event.service + '|' + dimension + '|' + value + '|', false);
        }
    }

    private void put(String series, boolean whole) {
        int done = 0;
        for (int first = 0; first < entries; first++) {
            if ((done & 1 << first) != 0 || !whole && counters[first] >= WHOLE_ONLY) {
                continue;
            }
            int size = whole && counters[first] < FAMILY_SIZE ? FINE : HOUR;
            long end = end(times[first], size);
            int count = 0;
            for (int other = first; other < entries; other++) {
                boolean same = (whole && counters[other] < FAMILY_SIZE ? FINE : HOUR) == size
                    && end(times[other], size) == end
                    && (whole || counters[other] < WHOLE_ONLY);
                if (same) {
                    done |= 1 << other;
                    changes[count++] = Tally.change(counters[other], amounts[other]);
                }
            }
            Arrays.sort(changes, 0, count);
            String key = series + size + '|' + end;
            tallies.put(key, Tally.with(tallies.get(key), changes, count));
        }
    }

    /** End (s) of the bucket that holds a moment (ms); a bucket is (start, end]. */
    private static long end(long timeMs, int size) {
        long width = size == FINE ? 300_000 : 3_600_000;
        return -Math.floorDiv(-timeMs, width) * (width / 1000);
    }

    private static byte[] opened(Event event, long due, long identity) {
        byte[] area = bytes(event.area);
        byte[] category = bytes(event.category);
        byte[] channel = bytes(event.channel);
        ByteBuffer packed = ByteBuffer.allocate(27 + area.length + category.length + channel.length);
        packed.putLong(event.timeMs).putLong(due);
        packed.put((byte) area.length).put(area);
        packed.put((byte) category.length).put(category);
        packed.put((byte) channel.length).put(channel);
        return packed.putLong(identity).array();
    }

    private static boolean isApplied(byte[] known, long identity) {
        ByteBuffer packed = ByteBuffer.wrap(known);
        int place = 16;
        for (int label = 0; label < 3; label++) {
            place += 1 + known[place];
        }
        for (; place < known.length; place += 8) {
            if (packed.getLong(place) == identity) {
                return true;
            }
        }
        return false;
    }

    private static byte[] bytes(String label) {
        return label == null ? new byte[0] : label.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(ByteBuffer packed) {
        byte[] label = new byte[packed.get()];
        packed.get(label);
        return label.length == 0 ? null : new String(label, StandardCharsets.UTF_8);
    }

    /** A 64-bit hash of what makes an event distinct (two rounds of 64-bit FNV-1a, mixed). */
    private static long identity(String source, String id) {
        long hash = 0xcbf29ce484222325L;
        for (int place = 0; place < source.length(); place++) {
            hash = (hash ^ source.charAt(place)) * 0x100000001b3L;
        }
        hash *= 0x100000001b3L;
        for (int place = 0; place < id.length(); place++) {
            hash = (hash ^ id.charAt(place)) * 0x100000001b3L;
        }
        hash ^= hash >>> 32;
        hash *= 0x9e3779b97f4a7c15L;
        return hash ^ hash >>> 29;
    }
}
