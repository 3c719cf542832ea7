// SPDX-License-Identifier: BSD-2-Clause
#include "spool/found.h"

#include "tests/unit/spool/kit.h"

static char folder[64];
static int dir;
static struct found_list list;

static void
begin(void)
{
    kit_folder(folder);
    dir = open(folder, O_RDONLY | O_DIRECTORY);
    list.count = 0;
}

static void
end(void)
{
    close(dir);
    kit_remove(folder);
}

static void
put(const char *name, const char *text, size_t len)
{
    int fd = fs_create(dir, name, 0600, NULL);

    CU_ASSERT_EQUAL(fs_write_all_at(fd, text, len, 0, NULL), 0);
    CU_ASSERT_EQUAL(store_set_due(fd, 4000000000123, NULL), 0);
    close(fd);
}

// Names and times only; what a crash left hidden goes, what is not ours stays and is not ours.
static void
test_files(void)
{
    static const struct {
        const char *name;
        bool is_found, is_left;
    } rows[] = {
        {"4X2k9QzT7mB",      true,  true },
        {"4X2k9QzT7mB.0",    true,  true },
        {".4X2k9QzT7mB.new", false, false},
        {"notes.txt",        false, true },
        {"slot-0001",        false, true },
        {".hidden",          false, true },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        begin();
        put(rows[i].name, "x", 1);
        found_file(&list, dir, rows[i].name);
        UNIT_CHECK_ROW(rows[i].name, list.count == rows[i].is_found);
        UNIT_CHECK_ROW(rows[i].name, (kit_count(folder, "") == 1) == rows[i].is_left);
        if (rows[i].is_found) {
            CU_ASSERT_STRING_EQUAL(list.items[0].id, rows[i].name);
            CU_ASSERT_STRING_EQUAL(list.items[0].name, "");
            CU_ASSERT_EQUAL(list.items[0].due_ms, 4000000000123);
        }
        end();
    }
}

static void
image(struct buf *out, bool is_sealed)
{
    struct format_seal seal;
    struct smtp_envelope envelope;
    char head[FORMAT_HEAD_LEN];

    kit_envelope(&envelope, "4X2k9QzT7mB", 1);
    buf_init(out, 100000);
    format_head_write(NULL, head);
    (void)buf_add(out, head, sizeof head);
    CU_ASSERT_EQUAL(format_envelope_write(&envelope, out), 0);
    seal = (struct format_seal){.offset = out->len, .len = 4, .checksum = 7};
    (void)buf_add_text(out, "test");
    if (is_sealed)
        format_head_write(&seal, out->data);
    envelope_clear(&envelope);
}

static void
test_slots(void)
{
    struct buf sealed, unsealed;

    image(&sealed, true);
    image(&unsealed, false);

    const struct {
        const char *name;
        struct span content;
        const char *id; // NULL: it is removed
    } rows[] = {
        {"sealed",   buf_span(&sealed),   "4X2k9QzT7mB"},
        {"unsealed", buf_span(&unsealed), NULL         },
        {"empty",    span_from("",        0),            "slot-0042"},
        {"nonsense",          span_of("what is this"),                    "slot-0042"},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        begin();
        put("slot-0042", rows[i].content.data, rows[i].content.len);
        found_slot(&list, dir, "slot-0042");
        UNIT_CHECK_ROW(rows[i].name, list.count == (rows[i].id != NULL));
        UNIT_CHECK_ROW(rows[i].name, kit_count(folder, "") == (rows[i].id != NULL));
        if (rows[i].id != NULL) {
            CU_ASSERT_STRING_EQUAL(list.items[0].id, rows[i].id);
            CU_ASSERT_STRING_EQUAL(list.items[0].name, "slot-0042");
            CU_ASSERT_EQUAL(list.items[0].due_ms, 0);
        }
        end();
    }
    begin();
    found_slot(&list, dir, "slot-0042"); // gone meanwhile
    CU_ASSERT_EQUAL(list.count, 0);
    end();
    buf_clear(&sealed);
    buf_clear(&unsealed);
}

static const struct unit_test tests[] = {
    {"files of a bucket", test_files},
    {"slots",             test_slots},
};

UNIT_MAIN("spool/found", tests)
