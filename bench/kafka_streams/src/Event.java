import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.time.OffsetDateTime;

/** What the job needs of an event, read with Jackson's streaming parser (its fastest), reused from event to event. */
final class Event {
    private static final JsonFactory JSON = new JsonFactory();

    String id;
    String source;
    boolean opening;
    long timeMs;
    String subject;
    String service;
    String area;
    String category;
    String channel;
    String outcome;

    void read(byte[] value) throws IOException {
        id = source = subject = service = area = category = channel = null;
        outcome = "intended";
        String type = null;
        try (JsonParser json = JSON.createParser(value)) {
            expect(json.nextToken() == JsonToken.START_OBJECT, "an event is a JSON object");
            for (String name = json.nextFieldName(); name != null; name = json.nextFieldName()) {
                switch (name) {
                    case "id" -> id = json.nextTextValue();
                    case "source" -> source = json.nextTextValue();
                    case "type" -> type = json.nextTextValue();
                    case "time" -> timeMs = milliseconds(json.nextTextValue());
                    case "subject" -> subject = json.nextTextValue();
                    case "data" -> readData(json);
                    default -> {
                        json.nextToken();
                        json.skipChildren();
                    }
                }
            }
        }
        opening = "case.opened".equals(type);
        expect(opening || "case.completed".equals(type), "the job knows openings and completions only");
        expect(id != null && source != null && subject != null && service != null, "an event without its name");
    }

    private void readData(JsonParser json) throws IOException {
        expect(json.nextToken() == JsonToken.START_OBJECT, "data is a JSON object");
        for (String name = json.nextFieldName(); name != null; name = json.nextFieldName()) {
            switch (name) {
                case "service" -> service = json.nextTextValue();
                case "area" -> area = json.nextTextValue();
                case "category" -> category = json.nextTextValue();
                case "channel" -> channel = json.nextTextValue();
                case "outcome" -> outcome = json.nextTextValue();
                default -> {
                    json.nextToken();
                    json.skipChildren();
                }
            }
        }
    }

    /** RFC 3339 to milliseconds; the form in UTC by hand, because java.time needs several times as long. */
    static long milliseconds(String text) {
        int length = text.length();
        if (length < 20 || text.charAt(length - 1) != 'Z' || text.charAt(10) != 'T') {
            return OffsetDateTime.parse(text).toInstant().toEpochMilli();
        }
        int year = digits(text, 0, 4);
        int month = digits(text, 5, 2);
        int day = digits(text, 8, 2);
        long seconds = days(year, month, day) * 86_400L
            + digits(text, 11, 2) * 3_600L + digits(text, 14, 2) * 60L + digits(text, 17, 2);
        int milliseconds = 0;
        int scale = 100;
        for (int place = 20; place < length - 1 && scale > 0; place++, scale /= 10) {
            milliseconds += (text.charAt(place) - '0') * scale;
        }
        return seconds * 1000 + milliseconds;
    }

    private static int digits(String text, int from, int count) {
        int number = 0;
        for (int place = from; place < from + count; place++) {
            int digit = text.charAt(place) - '0';
            expect(digit >= 0 && digit <= 9, "a time that is none");
            number = number * 10 + digit;
        }
        return number;
    }

    /** Days since 1970-01-01 of a Gregorian date. */
    private static long days(int year, int month, int day) {
        int y = month <= 2 ? year - 1 : year;
        int era = Math.floorDiv(y, 400);
        int yearOfEra = y - era * 400;
        int dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
        return era * 146_097L + yearOfEra * 365L + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468L;
    }

    private static void expect(boolean holds, String what) {
        if (!holds) {
            throw new IllegalArgumentException(what);
        }
    }
}
