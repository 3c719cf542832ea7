// SPDX-License-Identifier: BSD-2-Clause
// Fields with any values, two bytes (what, how long) and the value each: as JSON, one line comes
// out that says just that, up to where it is cut.
#include "tests/fuzz/fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"

enum { LINE_MAX_LEN = 10000, FIELDS_MAX = 3000, KEYS = 4 };

static const char *const keys[KEYS] = {"key", "to", "status", "reply"};

struct said {
    size_t count[KEYS];
    struct span values[KEYS][FIELDS_MAX];
};

static int
open_log(void)
{
    static char mail[] = "mail", none[] = "", json[] = "json", path[64];
    struct log_settings settings = {.facility = mail, .error_file = none, .format = json};
    int fd = memfd_create("log", MFD_CLOEXEC);

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    settings.file = path;
    settings.syslog_path = none;
    FUZZ_CHECK(fd >= 0 && log_open("fuzz", &settings, false, 1, NULL) == 0);
    return fd;
}

static void
say(struct log_line *line, struct said *said, unsigned what, struct span value)
{
    static const struct {
        void (*log)(struct log_line *line, const char *key, struct span value);
        size_t key;
    } verbs[] = {
        {log_value, 0},
        {log_value, 1},
        {log_path,  1},
        {log_path,  2},
    };

    if (what % 5 == 4) {
        log_status(line, "sent", value);
        said->values[2][said->count[2]++] = span_of("sent");
        said->values[3][said->count[3]++] = value;
        return;
    }
    verbs[what % 5].log(line, keys[verbs[what % 5].key], value);
    said->values[verbs[what % 5].key][said->count[verbs[what % 5].key]++] = value;
    if (what >= 128) {
        log_number(line, "n", value.len);
        log_duration(line, "delay", value.len * 100);
    }
}

// The text that stands for a value: what is no UTF-8, and NUL, as \xNN.
static void
plain_text(struct span value, struct buf *out)
{
    buf_init(out, LINE_MAX_LEN);
    while (value.len > 0) {
        size_t len = str_utf8_len(value);

        if (len == 0 || value.data[0] == '\0')
            buf_printf(out, "\\x%02X", (unsigned char)value.data[0]);
        else
            buf_add(out, value.data, len);
        value = span_skip(value, len == 0 ? 1 : len);
    }
}

// Equal, or cut behind what was asked for.
static bool
stands_for(const char *text, struct span value)
{
    struct buf expected;
    size_t len = strlen(text);
    bool is_good;

    plain_text(value, &expected);
    is_good = span_is(buf_span(&expected), text);
    if (!is_good && len >= 3 && strcmp(text + len - 3, "...") == 0)
        is_good = len + 3 > 256 / 6 && len - 3 <= expected.len &&
                  memcmp(text, expected.data, len - 3) == 0;
    buf_clear(&expected);
    return is_good;
}

static void
check_key(const struct json *json, const struct said *said, size_t key, bool is_cut)
{
    size_t count = json_get_count(json, keys[key]);
    const char *only = json_get_text(json, keys[key]);

    if (count == 0 && only != NULL)
        FUZZ_CHECK(stands_for(only, said->values[key][0]));
    for (size_t i = 0; i < count; i++)
        FUZZ_CHECK(stands_for(json_get_item_text(json, keys[key], i), said->values[key][i]));
    count += only != NULL;
    FUZZ_CHECK(count == said->count[key] || (is_cut && count < said->count[key]));
}

static void
check_line(int fd, struct span id, const struct said *said)
{
    static char text[LINE_MAX_LEN];
    ssize_t len = pread(fd, text, sizeof text, 0);
    struct json *json;

    FUZZ_CHECK(len > 0 && memchr(text, '\n', (size_t)len) == text + len - 1);
    for (ssize_t i = 0; i < len - 1; i++)
        FUZZ_CHECK((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
    json = json_parse(span_from(text, (size_t)len - 1), NULL);
    FUZZ_CHECK(json != NULL);
    FUZZ_CHECK(json_get_number(json, "pid", 0) == getpid());
    FUZZ_CHECK(span_is(span_of(json_get_text(json, "level")), "info"));
    FUZZ_CHECK(json_get_text(json, "time") != NULL);
    if (id.len > 0)
        FUZZ_CHECK(json_get_text(json, "id") != NULL);
    for (size_t key = 0; key < KEYS; key++)
        check_key(json, said, key, json_get_bool(json, "cut", false));
    json_free(&json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct said said;
    static int fd = -1;
    struct log_line line;
    char id[20] = "";

    if (size / 2 >= FIELDS_MAX)
        return 0;
    if (fd < 0)
        fd = open_log();
    memset(said.count, 0, sizeof said.count);
    memcpy(id, data, size < sizeof id ? size : 0);
    log_begin(&line, LOG_INFO_, "fuzz", id);
    while (size >= 2) {
        size_t len = (size_t)data[1] * 4 < size - 2 ? (size_t)data[1] * 4 : size - 2;

        say(&line, &said, data[0], fuzz_span(data + 2, len));
        data += 2 + len;
        size -= 2 + len;
    }
    FUZZ_CHECK(ftruncate(fd, 0) == 0);
    log_end(&line);
    check_line(fd, span_of(id), &said);
    return 0;
}
