import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * A tally as bytes: one big-endian long a counter, the counter in its upper 16 bits and the amount in its lower 48,
 * in two's complement, ascending. It is changed without being taken apart, so that a store of bytes costs no serialization at all.
 */
final class Tally {
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
    private static final long AMOUNT = (1L << 48) - 1;

    private Tally() {}

    /** One change: a counter below 65,536 and an amount that keeps its sum within 48 bits. */
    static long change(int counter, long amount) {
        return (long) counter << 48 | amount & AMOUNT;
    }

    private static long sum(long change, long other) {
        return change & ~AMOUNT | change + other & AMOUNT;
    }

    /** {@code known} (may be null) with the first {@code count} of {@code changes}, ordered by counter. */
    static byte[] with(byte[] known, long[] changes, int count) {
        int length = known == null ? 0 : known.length;
        byte[] merged = new byte[length + count * 8];
        int from = 0;
        int to = 0;
        for (int index = 0; index < count; index++) {
            long change = changes[index];
            long counter = change >>> 48;
            while (index + 1 < count && changes[index + 1] >>> 48 == counter) {
                change = sum(change, changes[++index]);
            }
            while (from < length && (long) LONGS.get(known, from) >>> 48 < counter) {
                LONGS.set(merged, to, (long) LONGS.get(known, from));
                from += 8;
                to += 8;
            }
            if (from < length && (long) LONGS.get(known, from) >>> 48 == counter) {
                change = sum(change, (long) LONGS.get(known, from));
                from += 8;
            }
            if ((change & AMOUNT) != 0) {
                LONGS.set(merged, to, change);
                to += 8;
            }
        }
        if (from < length) {
            System.arraycopy(known, from, merged, to, length - from);
            to += length - from;
        }
        return to == merged.length ? merged : java.util.Arrays.copyOf(merged, to);
    }
}
