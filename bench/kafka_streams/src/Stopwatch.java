import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;

/** As bench/stopwatch.py: times from the end of the warm-up until all events are committed. */
final class Stopwatch {
    private static final OperatingSystemMXBean SYSTEM =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    private record Reading(long events, long nanos, long cpuNanos) {
        static Reading at(long events) {
            return new Reading(events, System.nanoTime(), SYSTEM.getProcessCpuTime());
        }
    }

    private final long all;
    private final long warmUp;
    private final long middle;
    private final AtomicLong count = new AtomicLong();
    private final CountDownLatch last = new CountDownLatch(1);
    private volatile Reading begun;
    private volatile Reading halfway;
    private volatile Reading lastSeen;

    Stopwatch(long all, long warmUp) {
        this.all = all;
        this.warmUp = warmUp;
        this.middle = warmUp + (all - warmUp) / 2;
    }

    void seen() {
        long now = count.incrementAndGet();
        if (now == warmUp) {
            begun = Reading.at(now);
        } else if (now == middle) {
            halfway = Reading.at(now);
        }
        if (now == all) {
            lastSeen = Reading.at(now);
            last.countDown();
        }
    }

    boolean allSeen() {
        return last.getCount() == 0;
    }

    void awaitLast() throws InterruptedException {
        last.await();
    }

    /** All is committed now: write the result. */
    void finish(Path file) throws IOException {
        Reading end = Reading.at(all);
        double seconds = (end.nanos - begun.nanos) / 1e9;
        String result = String.format(
            Locale.ROOT,
            "{\"events\": %d, \"seconds\": %.6f, \"cpu_seconds\": %.6f, \"peak_mib\": %d, "
                + "\"first_half_rate\": %.3f, \"second_half_rate\": %.3f}",
            all - begun.events, seconds, (end.cpuNanos - begun.cpuNanos) / 1e9, peakMib(),
            rate(begun, halfway), rate(halfway, lastSeen));
        Path written = file.resolveSibling(file.getFileName() + ".new");
        Files.writeString(written, result);
        Files.move(written, file, StandardCopyOption.ATOMIC_MOVE);
    }

    private static double rate(Reading begun, Reading end) {
        return (end.events - begun.events) * 1e9 / (end.nanos - begun.nanos);
    }

    private static long peakMib() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmHWM:")) {
                return Long.parseLong(line.replaceAll("\\D", "")) / 1024;
            }
        }
        throw new IOException("/proc/self/status does not tell VmHWM");
    }
}
