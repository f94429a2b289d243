import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsOptions;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsSpec;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/** Kafka Streams over the topic of a measurement. Told all in the environment, as the contenders in Python are. */
public final class Contender {
    private Contender() {}

    public static void main(String[] arguments) throws Exception {
        Map<String, String> told = System.getenv();
        String topic = told.get("KEPT_BENCH_TOPIC");
        String application = told.get("KEPT_BENCH_APPLICATION");
        String brokers = told.get("KEPT_BENCH_BROKERS");
        long all = Long.parseLong(told.get("KEPT_BENCH_EVENTS"));
        Stopwatch watch = new Stopwatch(all, Long.parseLong(told.get("KEPT_BENCH_WARM_UP")));
        Map<String, Long> targets = targets(told.get("KEPT_BENCH_TARGETS_MS"));

        Topology topology = new Topology();
        topology.addSource("events", new ByteArrayDeserializer(), new ByteArrayDeserializer(), topic);
        topology.addProcessor("cases", () -> new CaseProcessor(targets, watch), "events");
        // A case comes back seldom within a commit, a tally nearly always: the record cache would slow the register down.
        topology.addStateStore(store(CaseProcessor.REGISTER), "cases");
        topology.addStateStore(store(CaseProcessor.TALLIES).withCachingEnabled(), "cases");

        KafkaStreams streams = new KafkaStreams(topology, settings(told, application, brokers));
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
            return StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.SHUTDOWN_APPLICATION;
        });
        streams.start();
        watch.awaitLast();
        try (Admin admin = Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, brokers))) {
            while (committed(admin, application) < all) {
                Thread.sleep(5);
            }
        }
        watch.finish(Path.of(told.get("KEPT_BENCH_RESULT")));
        streams.close();
    }

    /** In memory (its fastest), logged to a changelog topic. */
    private static StoreBuilder<KeyValueStore<String, byte[]>> store(String name) {
        return Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore(name), Serdes.String(), Serdes.ByteArray())
            .withLoggingEnabled(Map.of());
    }

    private static Properties settings(Map<String, String> told, String application, String brokers) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, application);
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, told.get("KEPT_BENCH_FOLDER"));
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, told.get("KEPT_BENCH_THREADS"));
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        // Exactly once commits ten times a second by default; Kept's batches are a second apart when it is behind.
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, told.get("KEPT_BENCH_COMMIT_MS"));
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 512L * 1024 * 1024);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 5_000);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 8 * 1024 * 1024);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 * 1024);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 20);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 256L * 1024 * 1024);
        return settings;
    }

    private static long committed(Admin admin, String group) throws Exception {
        var answer = admin.listConsumerGroupOffsets(
            Map.of(group, new ListConsumerGroupOffsetsSpec()), new ListConsumerGroupOffsetsOptions().requireStable(true));
        long sum = 0;
        for (OffsetAndMetadata offset : answer.partitionsToOffsetAndMetadata(group).get().values()) {
            sum += offset == null ? 0 : offset.offset();
        }
        return sum;
    }

    /** From "service=milliseconds,service=milliseconds". */
    private static Map<String, Long> targets(String text) {
        Map<String, Long> targets = new HashMap<>();
        for (String pair : text.split(",")) {
            String[] parts = pair.split("=");
            targets.put(parts[0], Long.parseLong(parts[1]));
        }
        return targets;
    }
}
