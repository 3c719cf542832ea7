// SPDX-License-Identifier: BSD-2-Clause
#include "track/maillog/follow.h"

#include "tests/unit/track/follow_kit.h"
#include "track/maillog/maillog.h"

static struct reader r;

static void
begins_at_the_end(void)
{
    reader_begin(&r);
    log_append(&r.dir, "log", "old\nolder\n");
    reader_keep_place(&r);
    CU_ASSERT(r.place.len == 0); // nothing is known yet
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "");
    log_append(&r.dir, "log", "one\n");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "one|");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "");
    log_append(&r.dir, "log", "two\n\nthree\nfo");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "two||three|");
    log_append(&r.dir, "log", "ur\n");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "four|");
    CU_ASSERT(r.is_well && follow_dropped(r.follow) == 0 && reader_has_note(&r, NULL));
    reader_end(&r);
}

// A stranger may have chosen what stands in the middle of a line.
static void
never_begins_in_the_middle_of_a_line(void)
{
    reader_begin(&r);
    log_append(&r.dir, "log", "old\nhalf a li");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "");
    reader_keep_place(&r);
    log_append(&r.dir, "log", "ne: and this is no line\none\n");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "one|");
    reader_again(&r);
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "one|");
    reader_end(&r);
}

static void
a_file_that_comes_later_is_read_whole(void)
{
    reader_begin(&r);
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "");
    CU_ASSERT(!r.is_well && r.err.kind == ERR_TEMP && strstr(r.err.text, "log") != NULL);
    reader_keep_place(&r);
    CU_ASSERT(r.place.len > 0);
    log_append(&r.dir, "log", "one\ntwo\n");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "one|two|");
    CU_ASSERT(r.is_well);
    // And by who was told so before, and was restarted meanwhile.
    reader_again(&r);
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "one|two|");
    CU_ASSERT(reader_has_note(&r, NULL));
    reader_end(&r);
}

static void
an_empty_file_is_followed(void)
{
    reader_begin(&r);
    log_append(&r.dir, "log", "");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "");
    reader_keep_place(&r);
    log_append(&r.dir, "log", "one\n");
    reader_again(&r);
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "one|");
    CU_ASSERT(reader_has_note(&r, NULL));
    reader_end(&r);
}

// Each cut of two lines: the place is in front of the line that is not whole.
static void
goes_on_at_its_place(void)
{
    static const char text[] = "the first line\nthe second\n";

    for (size_t cut = 0; cut < sizeof text; cut++) {
        reader_begin(&r);
        log_append(&r.dir, "log", "old\n");
        (void)reader_poll(&r);
        log_write(&r.dir, "log", O_APPEND, text, cut);
        CU_ASSERT_STRING_EQUAL(reader_poll(&r), cut < 15   ? ""
                                                : cut < 26 ? "the first line|"
                                                           : "the first line|the second|");
        reader_keep_place(&r);
        log_append(&r.dir, "log", text + cut);
        reader_again(&r);
        CU_ASSERT_STRING_EQUAL(reader_poll(&r), cut < 15   ? "the first line|the second|"
                                                : cut < 26 ? "the second|"
                                                           : "");
        CU_ASSERT(reader_has_note(&r, NULL));
        reader_end(&r);
    }
}

struct keeper {
    struct follow *follow;
    struct buf first;
};

static void
keep_first_place(void *arg, struct span line)
{
    struct keeper *keeper = arg;

    (void)line;
    if (keeper->first.len == 0)
        follow_place(keeper->follow, &keeper->first);
}

static void
the_place_within_a_call_is_in_front_of_the_line(void)
{
    struct keeper keeper;

    reader_begin(&r);
    log_append(&r.dir, "log", "");
    (void)reader_poll(&r);
    log_append(&r.dir, "log", "one\ntwo\n");
    keeper = (struct keeper){.follow = r.follow};
    buf_init(&keeper.first, FOLLOW_PLACE_MAX);
    CU_ASSERT(follow_poll(r.follow, keep_first_place, &keeper, &r.err) == 0);
    CU_ASSERT(buf_add_span(&r.place, buf_span(&keeper.first)) == 0);
    reader_again(&r);
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "one|two|");
    buf_clear(&keeper.first);
    reader_end(&r);
}

static void
lines_that_are_too_long_are_dropped(void)
{
    static const struct {
        size_t len;
        bool is_line;
    } rows[] = {
        {MAILLOG_LINE_MAX - 1,    true },
        {MAILLOG_LINE_MAX,        true },
        {MAILLOG_LINE_MAX + 1,    false},
        {64 << 10,                false},
        {(64 << 10) + 1,          false},
        {3 * FOLLOW_READ_MAX + 5, false},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        char *line = malloc(rows[i].len);
        size_t told;

        reader_begin(&r);
        log_append(&r.dir, "log", "");
        (void)reader_poll(&r);
        memset(line, 'x', rows[i].len);
        log_write(&r.dir, "log", O_APPEND, line, rows[i].len);
        (void)reader_poll(&r);
        reader_keep_place(&r);
        log_append(&r.dir, "log", "\nnext\n");
        (void)reader_wait(&r);
        told = rows[i].is_line ? rows[i].len + 6 : 5;
        CU_ASSERT(r.told.len == told && strcmp(r.told.data + told - 5, "next|") == 0);
        CU_ASSERT(follow_dropped(r.follow) == !rows[i].is_line);
        // In the middle of it nobody goes on either.
        reader_again(&r);
        (void)reader_wait(&r);
        CU_ASSERT(r.told.len == told);
        reader_end(&r);
        free(line);
    }
}

static void
a_poll_has_a_bound(void)
{
    size_t size = 2 * FOLLOW_READ_MAX + FOLLOW_READ_MAX / 2, told = 0;
    char *text = malloc(size);
    unsigned polls = 0;

    reader_begin(&r);
    log_append(&r.dir, "log", "");
    (void)reader_poll(&r);
    for (size_t i = 0; i < size; i++)
        text[i] = i % 64 == 63 ? '\n' : 'x';
    log_write(&r.dir, "log", O_APPEND, text, size);
    while (reader_poll(&r)[0] != '\0') {
        CU_ASSERT(r.told.len <= FOLLOW_READ_MAX);
        told += r.told.len;
        polls++;
    }
    CU_ASSERT(told == size && polls == 3 && follow_dropped(r.follow) == 0);
    free(text);
    reader_end(&r);
}

static void
bytes_of_any_kind_are_handed_over(void)
{
    reader_begin(&r);
    log_append(&r.dir, "log", "");
    (void)reader_poll(&r);
    log_write(&r.dir, "log", O_APPEND, "a\0b\n\xff\r\n\0\0\n", 10);
    (void)reader_poll(&r);
    CU_ASSERT(r.told.len == 10 && memcmp(r.told.data, "a\0b|\xff\r|\0\0|", 10) == 0);
    reader_end(&r);
}

static void
a_place_that_makes_no_sense_is_told(void)
{
    reader_begin(&r);
    log_append(&r.dir, "log", "old\n");
    CU_ASSERT(buf_add_text(&r.place, "1 2 3 nonsense") == 0);
    reader_again(&r);
    CU_ASSERT(reader_has_note(&r, "makes no sense") && reader_has_note(&r, NULL));
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "");
    log_append(&r.dir, "log", "new\n");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "new|");
    reader_end(&r);
}

// --- what is no log ---

static void
put_fifo(void)
{
    log_must(mkfifoat(r.dir.fd, "log", 0600) == 0, "fifo");
}

static void
put_folder(void)
{
    log_must(mkdirat(r.dir.fd, "log", 0700) == 0, "folder");
}

static void
put_device(void)
{
    log_must(symlinkat("/dev/zero", r.dir.fd, "log") == 0, "link");
}

static void
put_loop(void)
{
    log_must(symlinkat("log", r.dir.fd, "log") == 0, "link");
}

static void
put_log_below_a_file(void)
{
    log_append(&r.dir, "file", "x");
    log_must(symlinkat("file/log", r.dir.fd, "log") == 0, "link");
}

static const struct {
    const char *what;
    void (*put)(void);
} no_logs[] = {
    {"a FIFO",                put_fifo            },
    {"a folder",              put_folder          },
    {"a device",              put_device          },
    {"a link to itself",      put_loop            },
    {"a path through a file", put_log_below_a_file},
};

static void
what_is_no_log_is_trouble_until_it_goes(void)
{
    for (size_t i = 0; i < UNIT_COUNT(no_logs); i++) {
        reader_begin(&r);
        no_logs[i].put();
        UNIT_CHECK_ROW(no_logs[i].what, reader_poll(&r)[0] == '\0' && !r.is_well);
        UNIT_CHECK_ROW(no_logs[i].what, r.err.kind == ERR_TEMP && r.err.text[0] != '\0');
        log_must(remove(tempdir_name(&r.dir, "log")) == 0, "remove");
        log_append(&r.dir, "log", "old\n");
        (void)reader_poll(&r);
        log_append(&r.dir, "log", "new\n");
        UNIT_CHECK_ROW(no_logs[i].what, strstr(reader_poll(&r), "new|") != NULL && r.is_well);
        reader_end(&r);
    }
}

// The file that was there is read on, however long it takes.
static void
trouble_in_the_place_of_a_file(void)
{
    for (size_t i = 0; i < UNIT_COUNT(no_logs); i++) {
        reader_begin(&r);
        log_append(&r.dir, "log", "old\n");
        (void)reader_poll(&r);
        log_rename(&r.dir, "log", "log.1");
        no_logs[i].put();
        log_append(&r.dir, "log.1", "one\n");
        UNIT_CHECK_ROW(no_logs[i].what, strcmp(reader_poll(&r), "one|") == 0);
        (void)reader_wait(&r);
        UNIT_CHECK_ROW(no_logs[i].what, !r.is_well && r.err.kind == ERR_TEMP);
        log_append(&r.dir, "log.1", "two\n");
        UNIT_CHECK_ROW(no_logs[i].what, strcmp(reader_poll(&r), "two|") == 0);
        log_must(remove(tempdir_name(&r.dir, "log")) == 0, "remove");
        log_append(&r.dir, "log", "three\n");
        UNIT_CHECK_ROW(no_logs[i].what, strcmp(reader_poll(&r), "three|") == 0 && r.is_well);
        reader_end(&r);
    }
}

static void
forbidden_until_it_is_allowed(void)
{
    bool is_root = geteuid() == 0;

    reader_begin(&r);
    log_must(chmod(r.dir.path, 0755) == 0, "chmod");
    log_append(&r.dir, "log", "old\n");
    log_must(fchmodat(r.dir.fd, "log", 0, 0) == 0, "chmod");
    log_must(!is_root || seteuid(65534) == 0, "seteuid");
    CU_ASSERT_STRING_EQUAL(reader_wait(&r), "");
    CU_ASSERT(!r.is_well && r.err.kind == ERR_TEMP && strstr(r.err.text, "Permission") != NULL);
    log_must(!is_root || seteuid(0) == 0, "seteuid");
    log_must(fchmodat(r.dir.fd, "log", 0644, 0) == 0, "chmod");
    log_must(!is_root || seteuid(65534) == 0, "seteuid");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "");
    CU_ASSERT(r.is_well);
    log_must(!is_root || seteuid(0) == 0, "seteuid");
    log_append(&r.dir, "log", "new\n");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "new|");
    reader_end(&r);
}

static const struct unit_test tests[] = {
    {"begins at the end",                       begins_at_the_end                              },
    {"never begins in the middle of a line",    never_begins_in_the_middle_of_a_line           },
    {"a file that comes later is read whole",   a_file_that_comes_later_is_read_whole          },
    {"an empty file is followed",               an_empty_file_is_followed                      },
    {"goes on at its place",                    goes_on_at_its_place                           },
    {"the place within a call",                 the_place_within_a_call_is_in_front_of_the_line},
    {"lines that are too long are dropped",     lines_that_are_too_long_are_dropped            },
    {"a poll has a bound",                      a_poll_has_a_bound                             },
    {"bytes of any kind are handed over",       bytes_of_any_kind_are_handed_over              },
    {"a place that makes no sense is told",     a_place_that_makes_no_sense_is_told            },
    {"what is no log is trouble until it goes", what_is_no_log_is_trouble_until_it_goes        },
    {"trouble in the place of a file",          trouble_in_the_place_of_a_file                 },
    {"forbidden until it is allowed",           forbidden_until_it_is_allowed                  },
};

UNIT_MAIN("track/maillog/follow", tests)
