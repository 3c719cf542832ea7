// SPDX-License-Identifier: BSD-2-Clause
#include "spool/writing.h"

#include "tests/unit/spool/faults.h"
#include "tests/unit/spool/kit.h"

static char folder[64];
static struct place_root root;
static int dir, day;
static const char id[] = "4X2k9QzT7mB";

static void
begin(void)
{
    memset(faults, 0, sizeof faults);
    kit_folder(folder);
    dir = open(folder, O_RDONLY | O_DIRECTORY);
    CU_ASSERT_EQUAL(place_root_open(&root, folder, true, NULL), 0);
    day = place_quarantine_day(&root, 0, NULL);
}

static void
end(void)
{
    close(day);
    close(dir);
    place_root_close(&root);
    kit_remove(folder);
}

// As whoever adds the content knows it.
static struct digest_value
digest_up_to(size_t len)
{
    struct digest_value value;
    struct buf text;

    buf_init(&text, len + 1);
    for (size_t i = 0; i < len; i++)
        (void)buf_add_char(&text, kit_byte(id, i));
    value = digest_of(buf_span(&text));
    buf_clear(&text);
    return value;
}

static void
prepare(struct writing *writing, size_t len)
{
    struct smtp_envelope envelope;
    char head[FORMAT_HEAD_LEN];

    writing_init(writing);
    writing->id = id;
    writing->rcpt_count = 1;
    writing->dir_fd = dir;
    writing->unnamed = true;
    writing->sync = true;
    kit_envelope(&envelope, id, 1);
    format_head_write(NULL, head);
    (void)buf_add(&writing->flight, head, sizeof head);
    CU_ASSERT_EQUAL(format_envelope_write(&envelope, &writing->flight), 0);
    writing->seal.offset = writing->flight.len;
    for (size_t i = 0; i < len; i++)
        (void)buf_add_char(&writing->flight, kit_byte(id, i));
    writing->message_digest = digest_up_to(len);
    envelope_clear(&envelope);
}

static void
add(struct writing *writing, size_t from, size_t to)
{
    buf_reset(&writing->flight);
    for (size_t i = from; i < to; i++)
        (void)buf_add_char(&writing->flight, kit_byte(id, i));
    writing->message_digest = digest_up_to(to);
}

static void
check_good(int fd, size_t len)
{
    struct reader_message message;

    CU_ASSERT_EQUAL(reader_load(fd, &message, NULL), READER_OK);
    CU_ASSERT_STRING_EQUAL(message.envelope.id, id);
    CU_ASSERT_EQUAL(message.seal.len, len);
    reader_message_clear(&message);
}

// In blocks split at each of some places, and whole: the same file.
static void
test_blocks(void)
{
    enum { LEN = 3000 };

    static const size_t splits[] = {0, 1, 999, 2999, 3000};
    struct writing writing;

    for (size_t i = 0; i < UNIT_COUNT(splits); i++) {
        begin();
        prepare(&writing, splits[i]);
        CU_ASSERT_EQUAL(writing_block(&writing), 0);
        CU_ASSERT_EQUAL(kit_count(folder, ""), 0); // no name before the seal
        add(&writing, splits[i], LEN);
        CU_ASSERT_EQUAL(writing_into_file(&writing), 0);
        CU_ASSERT_EQUAL(kit_count(folder, id), 1);
        check_good(writing.draft.fd, LEN);
        close(writing.draft.fd);
        writing_clear(&writing);
        end();
    }
    begin();
    prepare(&writing, LEN);
    CU_ASSERT_EQUAL(writing_into_file(&writing), 0);
    check_good(writing.draft.fd, LEN);
    close(writing.draft.fd);
    writing_clear(&writing);
    end();
}

static void
test_slot(void)
{
    struct writing writing;
    int fd;

    begin();
    fd = fs_create(dir, "slot-0000", 0600, NULL);
    CU_ASSERT_EQUAL(ftruncate(fd, STORE_SLOT_SIZE), 0);
    prepare(&writing, 9000);
    CU_ASSERT_EQUAL(writing_into_slot(&writing, fd), 0);
    check_good(fd, 9000);
    fault_set(FAULT_FDATASYNC, 0, 1);
    CU_ASSERT_EQUAL(writing_into_slot(&writing, fd), -1);
    CU_ASSERT_EQUAL(writing.err.kind, ERR_TEMP);
    writing_clear(&writing);
    close(fd);
    end();
}

static void
test_exists(void)
{
    struct writing writing;
    const int *folders[] = {&dir, &root.hold_fd, &day};

    for (size_t i = 0; i < UNIT_COUNT(folders); i++) {
        begin();
        close(fs_create(*folders[i], id, 0600, NULL));
        prepare(&writing, 10);
        writing.root = &root;
        CU_ASSERT_EQUAL(writing_into_file(&writing), -1);
        CU_ASSERT(writing.exists);
        CU_ASSERT_EQUAL(kit_count(folder, id), 1);
        CU_ASSERT_EQUAL(writing.draft.fd, -1);
        writing_clear(&writing);
        end();
    }
}

// Only for a child it means that it was made before; else two have one id.
static void
test_collision(void)
{
    struct writing writing;

    begin();
    close(fs_create(dir, id, 0600, NULL));
    prepare(&writing, 10);
    CU_ASSERT_EQUAL(writing_into_file(&writing), -1);
    CU_ASSERT(!writing.exists);
    CU_ASSERT_EQUAL(writing.err.kind, ERR_TEMP);
    writing_clear(&writing);
    end();
}

static void
test_relay(void)
{
    struct writing writing;
    struct reader_message message;

    begin();
    prepare(&writing, 1000);
    CU_ASSERT_EQUAL(writing_block(&writing), 0);
    add(&writing, 1000, 2000);
    CU_ASSERT_EQUAL(writing_end_relay(&writing), 0);
    CU_ASSERT_EQUAL(writing.seal.len, 2000);
    CU_ASSERT_EQUAL(kit_count(folder, ""), 0);
    // Never sealed: recovery would remove it.
    CU_ASSERT_EQUAL(reader_load(writing.draft.fd, &message, NULL), READER_UNSEALED);
    reader_message_clear(&message);
    store_draft_drop(&writing.draft);
    writing_clear(&writing);
    end();
}

static const struct unit_test tests[] = {
    {"blocks",      test_blocks   },
    {"slot",        test_slot     },
    {"exists",      test_exists   },
    {"an id twice", test_collision},
    {"relay",       test_relay    },
};

UNIT_MAIN("spool/writing", tests)
