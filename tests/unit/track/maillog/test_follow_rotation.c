// SPDX-License-Identifier: BSD-2-Clause
// A log is rotated in all the ways there are, while it is followed and while it is not.
#include "track/maillog/follow.h"

#include "tests/unit/track/follow_kit.h"

#define LINE "Nov  3 04:05:06 mx postfix/master[1]: daemon started -- version 3.7.11"
#define HEAD LINE "\n"

static struct reader r;

// Followed from its end on.
static void
begin(void)
{
    reader_begin(&r);
    log_append(&r.dir, "log", HEAD);
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "");
}

static void
renamed_and_made_anew(void)
{
    begin();
    log_append(&r.dir, "log", "one\n");
    log_rename(&r.dir, "log", "log.1");
    log_append(&r.dir, "log", "");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "one|");
    log_append(&r.dir, "log.1", "two\n"); // whoever writes has not heard of it yet
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "two|");
    log_append(&r.dir, "log.1", "three\n");
    log_append(&r.dir, "log", "four\n");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "three|four|");
    log_append(&r.dir, "log", "five\n");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "five|");
    CU_ASSERT(r.is_well && reader_has_note(&r, NULL) && follow_dropped(r.follow) == 0);
    reader_end(&r);
}

static void
renamed_within_a_line(void)
{
    begin();
    log_append(&r.dir, "log", "one\ntw");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "one|");
    log_rename(&r.dir, "log", "log.1");
    log_append(&r.dir, "log", "three\n");
    for (int i = 0; i < FOLLOW_PATIENCE - 1; i++)
        CU_ASSERT_STRING_EQUAL(reader_poll(&r), "");
    log_append(&r.dir, "log.1", "o\n");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "two|three|");
    CU_ASSERT(r.is_well && follow_dropped(r.follow) == 0);
    reader_end(&r);
}

// What then stands at the beginning of the new file may be the rest of it, which a stranger chose.
static void
a_torn_line_is_dropped_with_its_rest(void)
{
    begin();
    log_append(&r.dir, "log", "one\ntwo: half ");
    log_rename(&r.dir, "log", "log.1");
    log_append(&r.dir, "log", "forged\nthree\n");
    CU_ASSERT_STRING_EQUAL(reader_wait(&r), "one|three|");
    CU_ASSERT(follow_dropped(r.follow) == 1);
    reader_end(&r);
}

static void
away_for_a_while(void)
{
    begin();
    log_rename(&r.dir, "log", "log.1");
    log_append(&r.dir, "log.1", "one\n");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "one|");
    CU_ASSERT(r.is_well); // as in the middle of each rotation
    CU_ASSERT_STRING_EQUAL(reader_wait(&r), "");
    CU_ASSERT(!r.is_well && strstr(r.err.text, "log") != NULL);
    log_append(&r.dir, "log.1", "two\n");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "two|");
    log_rename(&r.dir, "log.1", "log");
    log_append(&r.dir, "log", "three\n");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "three|");
    CU_ASSERT(r.is_well);
    log_remove(&r.dir, "log");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "");
    log_append(&r.dir, "log", "four\n");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "four|");
    CU_ASSERT(r.is_well && reader_has_note(&r, NULL));
    reader_end(&r);
}

static void
rotated_several_times_between_two_polls(void)
{
    begin();
    log_append(&r.dir, "log", "one\n");
    log_set_time(&r.dir, "log", 100);
    log_rename(&r.dir, "log", "log.2");
    log_append(&r.dir, "log.1", "two\n");
    log_set_time(&r.dir, "log.1", 200);
    log_append(&r.dir, "log.3", "older\n");
    log_set_time(&r.dir, "log.3", 50);
    log_append(&r.dir, "log", "");
    CU_ASSERT_STRING_EQUAL(reader_wait(&r), "one|two|");
    log_append(&r.dir, "log", "three\n");
    CU_ASSERT_STRING_EQUAL(reader_wait(&r), "three|");
    CU_ASSERT(r.is_well && reader_has_note(&r, NULL));
    reader_end(&r);
}

static void
through_a_link_that_is_turned(void)
{
    reader_begin(&r);
    log_append(&r.dir, "monday", HEAD);
    log_must(symlinkat("monday", r.dir.fd, "log") == 0, "log");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "");
    log_append(&r.dir, "monday", "one\n");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "one|");
    log_append(&r.dir, "monday", "two\n");
    log_append(&r.dir, "tuesday", "three\n");
    log_remove(&r.dir, "log");
    log_must(symlinkat("tuesday", r.dir.fd, "log") == 0, "log");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "two|three|");
    reader_end(&r);
}

// --- copied and truncated ---

static void
truncated_with_a_copy(void)
{
    begin();
    log_append(&r.dir, "log", "one\n");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "one|");
    log_append(&r.dir, "log", "two\n");
    log_copy(&r.dir, "log", "log.1");
    log_truncate(&r.dir, "log");
    log_append(&r.dir, "log", "three\n");
    CU_ASSERT_STRING_EQUAL(reader_wait(&r), "two|three|");
    log_append(&r.dir, "log", "four\n");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "four|");
    CU_ASSERT(reader_has_note(&r, NULL) && follow_dropped(r.follow) == 0);
    reader_end(&r);
}

// It has grown beyond where we were before we look again.
static void
truncated_and_grown_again(void)
{
    char more[3000];

    memset(more, 'x', sizeof more - 1);
    more[sizeof more - 1] = '\0';
    more[sizeof more - 2] = '\n';
    begin();
    log_append(&r.dir, "log", "one\n");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "one|");
    log_append(&r.dir, "log", "two\n");
    log_copy(&r.dir, "log", "log-20261103");
    log_truncate(&r.dir, "log");
    log_append(&r.dir, "log", "three\n");
    log_append(&r.dir, "log", more);
    log_append(&r.dir, "log", "four\n");
    (void)reader_wait(&r);
    CU_ASSERT(r.told.len == 4 + 6 + sizeof more - 1 + 5);
    CU_ASSERT(strncmp(r.told.data, "two|three|xxx", 13) == 0);
    CU_ASSERT(strcmp(r.told.data + r.told.len - 7, "x|four|") == 0);
    reader_end(&r);
}

static void
truncated_without_a_copy(void)
{
    begin();
    log_append(&r.dir, "log", "one\n");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "one|");
    log_truncate(&r.dir, "log");
    CU_ASSERT_STRING_EQUAL(reader_wait(&r), "");
    CU_ASSERT(reader_has_note(&r, "truncated"));
    log_append(&r.dir, "log", "two\n");
    CU_ASSERT_STRING_EQUAL(reader_wait(&r), "two|");
    CU_ASSERT(r.is_well && reader_has_note(&r, NULL));
    reader_end(&r);
}

static void
truncated_within_a_line(void)
{
    begin();
    log_append(&r.dir, "log", "one\ntwo: half ");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "one|");
    log_truncate(&r.dir, "log");
    log_append(&r.dir, "log", "forged\nthree\n");
    CU_ASSERT_STRING_EQUAL(reader_wait(&r), "three|");
    CU_ASSERT(follow_dropped(r.follow) == 1);
    // With a copy: the half line is at the end of that.
    log_append(&r.dir, "log", HEAD);
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), LINE "|");
    log_append(&r.dir, "log", "four: half ");
    log_copy(&r.dir, "log", "log.1");
    log_truncate(&r.dir, "log");
    log_append(&r.dir, "log", "forged\nfive\n");
    CU_ASSERT_STRING_EQUAL(reader_wait(&r), "five|");
    CU_ASSERT(follow_dropped(r.follow) == 2);
    reader_end(&r);
}

// Whoever does not append goes on writing where he was: a hole of NULs is in front of it.
static void
truncated_under_a_writer_who_does_not_append(void)
{
    int fd;

    begin();
    fd = openat(r.dir.fd, "log", O_WRONLY | O_CLOEXEC);
    log_must(lseek(fd, 0, SEEK_END) > 0 && write(fd, "one\n", 4) == 4, "one");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "one|");
    log_copy(&r.dir, "log", "log.1");
    log_truncate(&r.dir, "log");
    log_must(write(fd, "two\n", 4) == 4, "two");
    (void)reader_wait(&r);
    log_must(write(fd, "three\n", 6) == 6, "three");
    CU_ASSERT_STRING_EQUAL(reader_wait(&r), "three|");
    close(fd);
    reader_end(&r);
}

// --- while nobody was looking ---

static void
rotated_while_nobody_looked(void)
{
    static const char *const names[] = {"log.1", "log-20261121", "log-20261121-0400", "log.0"};

    for (size_t i = 0; i < UNIT_COUNT(names); i++) {
        begin();
        log_append(&r.dir, "log", "one\n");
        CU_ASSERT_STRING_EQUAL(reader_poll(&r), "one|");
        reader_keep_place(&r);
        log_append(&r.dir, "log", "two\n");
        log_rename(&r.dir, "log", names[i]);
        log_append(&r.dir, "log", "three\n");
        reader_again(&r);
        UNIT_CHECK_ROW(names[i], strcmp(reader_wait(&r), "two|three|") == 0);
        UNIT_CHECK_ROW(names[i], r.is_well && reader_has_note(&r, NULL));
        reader_end(&r);
    }
}

static void
rotated_and_not_yet_made_anew(void)
{
    begin();
    reader_keep_place(&r);
    log_append(&r.dir, "log", "one\n");
    log_rename(&r.dir, "log", "log.1");
    reader_again(&r);
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "one|");
    CU_ASSERT(r.is_well);
    log_append(&r.dir, "log", "two\n");
    CU_ASSERT_STRING_EQUAL(reader_poll(&r), "two|");
    reader_end(&r);
}

static void
rotated_twice_while_nobody_looked(void)
{
    begin();
    reader_keep_place(&r);
    log_append(&r.dir, "log", "one\n");
    log_set_time(&r.dir, "log", 100);
    log_rename(&r.dir, "log", "log.2");
    log_append(&r.dir, "log.1", "two\n");
    log_set_time(&r.dir, "log.1", 200);
    log_append(&r.dir, "log", "three\n");
    reader_again(&r);
    CU_ASSERT_STRING_EQUAL(reader_wait(&r), "one|two|three|");
    CU_ASSERT(reader_has_note(&r, NULL));
    reader_end(&r);
}

static void
compressed_while_nobody_looked(void)
{
    begin();
    reader_keep_place(&r);
    log_append(&r.dir, "log", "lost\n");
    log_remove(&r.dir, "log");
    log_append(&r.dir, "log.1.gz", "\x1f\x8b");
    log_append(&r.dir, "log", "one\n");
    reader_again(&r);
    CU_ASSERT_STRING_EQUAL(reader_wait(&r), "one|");
    CU_ASSERT(reader_has_note(&r, "lost") && r.is_well);
    reader_end(&r);
}

static void
another_file_under_the_same_name(void)
{
    begin();
    log_append(&r.dir, "log", "one\n");
    (void)reader_poll(&r);
    reader_keep_place(&r);
    // The same inode, other content, and longer than before.
    log_truncate(&r.dir, "log");
    log_append(&r.dir, "log", "Dec" HEAD HEAD "two\n");
    reader_again(&r);
    CU_ASSERT(strstr(reader_wait(&r), "|two|") != NULL && strncmp(r.told.data, "DecNov", 6) == 0);
    CU_ASSERT(reader_has_note(&r, "lost"));
    reader_end(&r);
}

static void
truncated_while_nobody_looked(void)
{
    begin();
    log_append(&r.dir, "log", "one\n");
    (void)reader_poll(&r);
    reader_keep_place(&r);
    log_append(&r.dir, "log", "two\n");
    log_copy(&r.dir, "log", "log.1");
    log_truncate(&r.dir, "log");
    log_append(&r.dir, "log", "three\n");
    reader_again(&r);
    CU_ASSERT_STRING_EQUAL(reader_wait(&r), "two|three|");
    CU_ASSERT(reader_has_note(&r, NULL));
    // And without a copy, shorter than the place.
    reader_keep_place(&r);
    log_remove(&r.dir, "log.1");
    log_truncate(&r.dir, "log");
    reader_again(&r);
    CU_ASSERT_STRING_EQUAL(reader_wait(&r), "");
    CU_ASSERT(reader_has_note(&r, "lost"));
    log_append(&r.dir, "log", "four\n");
    CU_ASSERT_STRING_EQUAL(reader_wait(&r), "four|");
    reader_end(&r);
}

static const struct unit_test tests[] = {
    {"renamed and made anew",                renamed_and_made_anew                       },
    {"renamed within a line",                renamed_within_a_line                       },
    {"a torn line is dropped with its rest", a_torn_line_is_dropped_with_its_rest        },
    {"away for a while",                     away_for_a_while                            },
    {"rotated several times between polls",  rotated_several_times_between_two_polls     },
    {"through a link that is turned",        through_a_link_that_is_turned               },
    {"truncated with a copy",                truncated_with_a_copy                       },
    {"truncated and grown again",            truncated_and_grown_again                   },
    {"truncated without a copy",             truncated_without_a_copy                    },
    {"truncated within a line",              truncated_within_a_line                     },
    {"truncated under a writer",             truncated_under_a_writer_who_does_not_append},
    {"rotated while nobody looked",          rotated_while_nobody_looked                 },
    {"rotated and not yet made anew",        rotated_and_not_yet_made_anew               },
    {"rotated twice while nobody looked",    rotated_twice_while_nobody_looked           },
    {"compressed while nobody looked",       compressed_while_nobody_looked              },
    {"another file under the same name",     another_file_under_the_same_name            },
    {"truncated while nobody looked",        truncated_while_nobody_looked               },
};

UNIT_MAIN("track/follow_rotation", tests)
