// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/spool/kit.h"

static struct kit kit;
static char folder[64];
static const char id[] = "4X2k9QzT7mB";

static void
on_wish(void *arg, enum spool_wish_result result, const struct err *err)
{
    kit_on_done(arg, err);
    kit.wish = result;
}

static enum spool_wish_result
wish(enum spool_wish what, const char *which)
{
    kit.is_done = false;
    spool_wish(kit.spool, what, which, "the operator's reason", on_wish, &kit);
    CU_ASSERT(!kit.is_done);
    kit_run(&kit, kit_is_done);
    CU_ASSERT_EQUAL(kit.has_err, kit.wish == SPOOL_WISH_FAILED);
    return kit.wish;
}

static void
begin(void)
{
    struct spool_file *file;

    kit_folder(folder);
    kit_open(&kit, folder, true);
    file = kit_write(&kit, WRITER_SPOOL, id, 2000);
    kit_note(file, "deferred", "0-1");
    spool_file_wait(&file, loop_realtime_ms(kit.loop) + 3600000);
    kit_run(&kit, kit_is_idle);
}

static void
end(void)
{
    kit_close(&kit);
    kit_remove(folder);
}

static void
test_retry(void)
{
    begin();
    CU_ASSERT_EQUAL(wish(SPOOL_RETRY, id), SPOOL_WISH_DONE);
    kit_await_files(&kit, 1);
    CU_ASSERT_EQUAL(spool_file_state(kit.files[0])->rcpts[0].until_ms, 0); // the note clears it
    CU_ASSERT(kit_is_whole(&kit, kit.files[0]));
    CU_ASSERT_EQUAL(wish(SPOOL_RETRY, id), SPOOL_WISH_UNDER_WAY);
    CU_ASSERT_EQUAL(wish(SPOOL_DELETE, id), SPOOL_WISH_UNDER_WAY);
    CU_ASSERT_EQUAL(wish(SPOOL_HOLD, id), SPOOL_WISH_UNDER_WAY);
    CU_ASSERT_EQUAL(wish(SPOOL_RETRY, "4X2k9QzT7mC"), SPOOL_WISH_NOT_OURS);
    CU_ASSERT_EQUAL(kit.left.len, 0);
    end();
}

// All that wait are opened again, though their journals say that they have time.
static void
test_retry_all(void)
{
    begin();
    spool_retry_all(kit.spool);
    CU_ASSERT_EQUAL(kit.file_count, 0);
    kit_await_files(&kit, 1);
    CU_ASSERT_EQUAL(spool_file_state(kit.files[0])->rcpts[0].status, RCPT_DEFERRED);
    CU_ASSERT_EQUAL(spool_file_state(kit.files[0])->rcpts[0].until_ms, 0);
    end();
}

// As a retry, and open recipients are undecided again.
static void
test_rescan(void)
{
    struct spool_file *file;
    const struct spool_state *state;
    struct journal_writer writer;

    begin();
    spool_retry_all(kit.spool);
    kit_await_files(&kit, 1);
    file = kit.files[0];
    kit.files[0] = NULL;
    spool_note_begin(file, &writer, "decided");
    journal_field_text(&writer, "g", "0");
    journal_field_text(&writer, "verdict", "accept");
    journal_field_text(&writer, "r", "0-1");
    spool_note_end(file, &writer);
    kit_note(file, "sent", "1");
    kit_note(file, "deferred", "0");
    spool_file_wait(&file, loop_realtime_ms(kit.loop) + 3600000);
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_EQUAL(wish(SPOOL_RESCAN, id), SPOOL_WISH_DONE);
    kit_await_files(&kit, 2);
    state = spool_file_state(kit.files[1]);
    CU_ASSERT_EQUAL(state->rcpts[0].group, -1);
    CU_ASSERT_EQUAL(state->rcpts[0].status, RCPT_OPEN);
    CU_ASSERT_EQUAL(state->rcpts[1].group, 0);
    CU_ASSERT_EQUAL(state->rcpts[1].status, RCPT_SENT);
    CU_ASSERT(kit_is_whole(&kit, kit.files[1]));
    CU_ASSERT_EQUAL(wish(SPOOL_RESCAN, id), SPOOL_WISH_UNDER_WAY);
    CU_ASSERT_EQUAL(kit.counters.messages, 1);
    end();
}

static void
test_hold(void)
{
    struct reader_message message;
    int fd;

    begin();
    CU_ASSERT_EQUAL(wish(SPOOL_HOLD, id), SPOOL_WISH_DONE);
    CU_ASSERT_EQUAL(spool_waiting_count(kit.spool), 0);
    CU_ASSERT_EQUAL(kit.counters.messages, 0);
    CU_ASSERT_EQUAL(wish(SPOOL_HOLD, id), SPOOL_WISH_NOT_OURS);
    fd = fs_open_read(kit.spool->root.hold_fd, id, NULL);
    CU_ASSERT_EQUAL(reader_load(fd, &message, NULL), READER_OK);
    CU_ASSERT(message.state.held);
    CU_ASSERT_STRING_EQUAL(message.state.held_reason, "the operator's reason");
    CU_ASSERT_EQUAL(message.state.rcpts[0].status, RCPT_DEFERRED);
    CU_ASSERT_EQUAL(message.bad_lines, 0);
    CU_ASSERT_STRING_EQUAL(buf_text(&kit.left), "4X2k9QzT7mB hold 2; ");
    reader_message_clear(&message);
    close(fd);
    end();
}

static void
test_delete(void)
{
    begin();
    CU_ASSERT_EQUAL(wish(SPOOL_DELETE, id), SPOOL_WISH_DONE);
    CU_ASSERT_EQUAL(spool_waiting_count(kit.spool), 0);
    CU_ASSERT_EQUAL(kit.counters.messages, 0);
    CU_ASSERT_EQUAL(kit_count(folder, id), 0);
    CU_ASSERT_EQUAL(wish(SPOOL_DELETE, id), SPOOL_WISH_NOT_OURS);
    CU_ASSERT_STRING_EQUAL(buf_text(&kit.left), "4X2k9QzT7mB nowhere 2; ");
    end();
}

static void
on_first(void *arg, enum spool_wish_result result, const struct err *err)
{
    CU_ASSERT_PTR_NULL(err);
    *(enum spool_wish_result *)arg = result;
}

// While one wish is fulfilled, the message is under way for another.
static void
test_two(void)
{
    enum spool_wish_result first = SPOOL_WISH_FAILED;

    begin();
    spool_wish(kit.spool, SPOOL_HOLD, id, "first", on_first, &first);
    CU_ASSERT_EQUAL(wish(SPOOL_DELETE, id), SPOOL_WISH_UNDER_WAY);
    kit_run(&kit, kit_is_idle);
    CU_ASSERT_EQUAL(first, SPOOL_WISH_DONE);
    CU_ASSERT_EQUAL(kit_count(folder, id), 1);
    end();
}

// It cannot be done: it waits as before.
static void
test_damaged(void)
{
    char path[300];
    int fd;

    begin();
    snprintf(path, sizeof path, "%s/active/%s/0001/%s", folder, kit.spool->homes.own->instance.name,
             id);
    fd = open(path, O_WRONLY);
    CU_ASSERT_EQUAL(pwrite(fd, "\xff", 1, 1000), 1);
    close(fd);
    CU_ASSERT_EQUAL(wish(SPOOL_RETRY, id), SPOOL_WISH_FAILED);
    CU_ASSERT_EQUAL(wish(SPOOL_HOLD, id), SPOOL_WISH_FAILED);
    CU_ASSERT_EQUAL(spool_waiting_count(kit.spool), 1);
    CU_ASSERT_EQUAL(kit_count(folder, id), 1);
    CU_ASSERT_EQUAL(wish(SPOOL_DELETE, id), SPOOL_WISH_DONE);
    end();
}

static const struct unit_test tests[] = {
    {"retry",     test_retry    },
    {"retry all", test_retry_all},
    {"rescan",    test_rescan   },
    {"hold",      test_hold     },
    {"delete",    test_delete   },
    {"two",       test_two      },
    {"damaged",   test_damaged  },
};

UNIT_MAIN("spool/wish", tests)
