// SPDX-License-Identifier: BSD-2-Clause
// Lives of a log at random: written in halves, rotated, copied and truncated, read now and then.
#include "track/maillog/follow.h"

#include "tests/unit/track/draw.h"
#include "tests/unit/track/follow_kit.h"

static struct reader r;

struct writer {
    int fd; // as a syslog daemon holds it
    unsigned next;
    const char *rest; // of a line that is written by halves
    char line[128];
    time_t clock;
};

#define FORMAT "Nov  3 04:05:06 mx postfix/smtp[%u]: a line that is long enough to be known again"

// Writes and rotations within the test are nearer each other than a file's time can tell: let there
// be a second in between.
static void
date(struct writer *writer, int fd)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1767225600 + writer->clock++}};

    log_must(futimens(fd, times) == 0, "futimens");
}

static void
write_some(struct writer *writer, size_t most)
{
    size_t len;

    if (writer->rest == NULL) {
        (void)snprintf(writer->line, sizeof writer->line, FORMAT "\n", writer->next++);
        writer->rest = writer->line;
    }
    len = strlen(writer->rest);
    len = len < most ? len : most;
    log_must(write(writer->fd, writer->rest, len) == (ssize_t)len, "write");
    date(writer, writer->fd);
    writer->rest = writer->rest[len] == '\0' ? NULL : writer->rest + len;
}

static void
finish_line(struct writer *writer)
{
    while (writer->rest != NULL)
        write_some(writer, SIZE_MAX);
}

static void
open_again(struct writer *writer)
{
    if (writer->fd >= 0)
        close(writer->fd);
    writer->fd = openat(r.dir.fd, "log", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    log_must(writer->fd >= 0, "log");
}

// log.1 becomes log.2, and so on.
static void
shift(void)
{
    for (unsigned i = 40; i > 1; i--) {
        char from[16], to[16];

        (void)snprintf(from, sizeof from, "log.%u", i - 1);
        (void)snprintf(to, sizeof to, "log.%u", i);
        (void)renameat(r.dir.fd, from, r.dir.fd, to);
    }
}

// The daemon hears of it later, and not in the middle of a line.
static void
rename_log(struct writer *writer, uint64_t *seed)
{
    shift();
    log_rename(&r.dir, "log", "log.1");
    if (draw(seed, 2) == 0)
        log_append(&r.dir, "log", "");
    for (uint64_t count = draw(seed, 4); count > 0; count--)
        write_some(writer, 1 + draw(seed, 100));
    finish_line(writer);
    open_again(writer);
}

static void
poll_and_keep(struct buf *all)
{
    log_must(buf_add_text(all, reader_poll(&r)) == 0, "all");
    reader_keep_place(&r);
}

// Who has read nothing of a file does not know it again in a copy.
static void
copy_and_truncate(struct writer *writer, uint64_t *seed, struct buf *all)
{
    int copy;

    finish_line(writer);
    write_some(writer, SIZE_MAX);
    log_must(buf_add_text(all, reader_wait(&r)) == 0, "all");
    reader_keep_place(&r);
    for (uint64_t count = draw(seed, 4); count > 0; count--)
        write_some(writer, SIZE_MAX);
    shift();
    log_copy(&r.dir, "log", "log.1");
    log_truncate(&r.dir, "log");
    copy = openat(r.dir.fd, "log.1", O_WRONLY | O_CLOEXEC);
    date(writer, copy);
    close(copy);
    date(writer, writer->fd);
}

static void
live_on(struct writer *writer, uint64_t *seed, struct buf *all)
{
    switch (draw(seed, 14)) {
    case 0:
        rename_log(writer, seed);
        break;
    case 1:
        copy_and_truncate(writer, seed, all);
        break;
    case 2: // killed; it begins again where it has kept its place
        reader_again(&r);
        break;
    case 3:
    case 4:
    case 5:
        poll_and_keep(all);
        break;
    default:
        write_some(writer, 1 + draw(seed, 100));
    }
}

// All lines, each once and in order, whatever comes between writing and reading.
static void
nothing_is_lost_or_doubled(void)
{
    uint64_t seed = 0x9e3779b97f4a7c15;

    for (int round = 0; round < 150; round++) {
        struct writer writer = {.fd = -1, .clock = 1500000000};
        struct buf all, expected;

        reader_begin(&r);
        log_append(&r.dir, "log", "what was there before, and is of no interest to anybody here\n");
        CU_ASSERT_STRING_EQUAL(reader_poll(&r), "");
        buf_init(&all, 1 << 20);
        buf_init(&expected, 1 << 20);
        open_again(&writer);
        poll_and_keep(&all);
        for (int step = 0; step < 150; step++)
            live_on(&writer, &seed, &all);
        finish_line(&writer);
        log_must(buf_add_text(&all, reader_wait(&r)) == 0, "all");
        for (unsigned i = 0; i < writer.next; i++)
            log_must(buf_printf(&expected, FORMAT "|", i) == 0, "expected");
        CU_ASSERT_STRING_EQUAL(buf_text(&all), buf_text(&expected));
        CU_ASSERT(follow_dropped(r.follow) == 0 && reader_has_note(&r, NULL));
        close(writer.fd);
        buf_clear(&all);
        buf_clear(&expected);
        reader_end(&r);
    }
}

static const struct unit_test tests[] = {
    {"nothing is lost or doubled", nothing_is_lost_or_doubled},
};

UNIT_MAIN("track/follow_life", tests)
