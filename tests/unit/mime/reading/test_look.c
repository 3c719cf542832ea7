// SPDX-License-Identifier: BSD-2-Clause
#include "mime/reading/look.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/fs.h"
#include "tests/unit/mime/look_kit.h"

static struct look *look;

#define MESSAGE "From: a@example.org\r\nSubject: x\r\n\r\nhello\r\n"

// The message at an offset in a file, with other things around it.
static int
file_with(const char *content, uint64_t offset)
{
    int fd = memfd_create("message", 0);

    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT(pwrite(fd, content, strlen(content), (off_t)offset) == (ssize_t)strlen(content));
    CU_ASSERT(pwrite(fd, "behind it", 9, (off_t)(offset + strlen(content))) == 9);
    return fd;
}

static void
test_offsets(void)
{
    static const uint64_t offsets[] = {0, 1, 4095, 4096, 4097, 10000};
    struct findings *wanted = kit_look_at(look, MESSAGE);

    for (size_t i = 0; i < UNIT_COUNT(offsets); i++) {
        struct dissect_query query = {.offset = offsets[i], .len = strlen(MESSAGE)};
        int fd = file_with(MESSAGE, offsets[i]);
        struct findings *findings;
        struct err err;

        findings = look_at(look, &query, fd, &err);
        CU_ASSERT_PTR_NOT_NULL_FATAL(findings);
        CU_ASSERT(findings->len == strlen(MESSAGE) && findings->header_count == 2);
        CU_ASSERT(memcmp(findings->parts[0].sha256, wanted->parts[0].sha256, SHA256_LEN) == 0);
        CU_ASSERT(findings->header_len == wanted->header_len);
        findings_free(&findings);
        close(fd);
    }
    findings_free(&wanted);
}

// A file that is shorter than it should be would kill who reads it.
static void
test_bad_files(void)
{
    struct dissect_query query = {.offset = 100, .len = strlen(MESSAGE) + 10};
    struct err err = {.kind = ERR_NONE};
    int fd = file_with(MESSAGE, 100);

    CU_ASSERT_PTR_NULL(look_at(look, &query, fd, &err));
    CU_ASSERT(err.kind == ERR_TEMP);
    query.offset = UINT64_MAX - 5;
    CU_ASSERT_PTR_NULL(look_at(look, &query, fd, &err));
    close(fd);
    err.kind = ERR_NONE;
    CU_ASSERT_PTR_NULL(look_at(look, &query, -1, &err));
    CU_ASSERT(err.kind == ERR_TEMP);
}

// Not even touched: there is no such file.
static void
test_size(void)
{
    static const char text[] = MESSAGE;
    struct dissect_query query = {
        .content = {text, sizeof text - 1},
          .len = sizeof text - 1
    };
    struct err err = {.kind = ERR_NONE};
    struct dissect_setup setup;
    struct findings *findings;
    struct look *small;

    kit_setup(&setup);
    setup.limits.memory = 4 * query.len;
    small = kit_look(&setup);
    findings = look_at(small, &query, -1, &err);
    CU_ASSERT(findings != NULL && findings->limit == LIMIT_NONE && findings->header_count == 2);
    findings_free(&findings);
    query = (struct dissect_query){.len = query.len + 1};
    findings = look_at(small, &query, -1, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(findings);
    CU_ASSERT(findings->limit == LIMIT_SIZE && findings->len == query.len);
    CU_ASSERT(findings->part_count == 0 && findings->header_count == 0);
    findings_free(&findings);
    look_free(&small);
}

static void
test_nothing(void)
{
    struct findings *findings = kit_look_at(look, "");

    CU_ASSERT(findings->len == 0 && findings->part_count == 1 && findings->limit == LIMIT_NONE);
    findings_free(&findings);
}

// One look says the same as the next, whatever was looked at in between.
static void
test_again(void)
{
    struct buf first, second;
    struct findings *findings;

    buf_init(&first, 1 << 20);
    buf_init(&second, 1 << 20);
    findings = kit_look_at(look, MESSAGE);
    CU_ASSERT(findings_write(findings, &first) == 0);
    findings_free(&findings);
    findings = kit_look_at(look, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n{E}");
    findings_free(&findings);
    findings = kit_look_at(look, MESSAGE);
    CU_ASSERT(findings_write(findings, &second) == 0);
    findings_free(&findings);
    CU_ASSERT(first.len > 0 && first.len == second.len);
    CU_ASSERT(memcmp(first.data, second.data, first.len) == 0);
    buf_clear(&first);
    buf_clear(&second);
}

// What is found can be told, and reads back as it was.
static void
test_wire(void)
{
    struct findings *findings = kit_look_at(
        look,
        "Content-Type: multipart/mixed; boundary=b; boundary=c\r\n\r\np\r\n--b\r\n"
        "Content-Type: a/b; name=x\r\n\r\nbegin 644 y\r\n#0V%T\r\n`\r\nend\r\n--b--\r\ne\r\n");
    struct findings *back;
    struct buf first, second;
    struct err err;

    buf_init(&first, 1 << 20);
    buf_init(&second, 1 << 20);
    CU_ASSERT(findings_write(findings, &first) == 0);
    back = findings_read(buf_span(&first), &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(back);
    CU_ASSERT(findings_write(back, &second) == 0);
    CU_ASSERT(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    findings_free(&back);
    findings_free(&findings);
    buf_clear(&first);
    buf_clear(&second);
}

#define HIDDEN                                                                                     \
    "From: a@example.org\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n" \
    "--b\r\nContent-Transfer-Encoding: base64\r\n\r\n{B}\r\n--b\r\n"                               \
    "Content-Transfer-Encoding: base64\r\nContent-Transfer-Encoding: 7bit\r\n\r\n{B}\r\n--b--\r\n"

// The leaves of all readings, each once, where they are asked for.
static void
test_parts(void)
{
    static const struct {
        uint64_t max, len;
        bool has_more;
    } rows[] = {
        {0,               0,               false},
        {1 << 20,         3 * 1024 + 1024, false},
        {3 * 1024 + 1024, 3 * 1024 + 1024, false},
        {3 * 1024 + 1023, 2 * 1024 + 1024, true },
        {100,             0,               true },
    };
    struct buf message;

    buf_init(&message, 10000);
    kit_fill(HIDDEN, &message);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        int fd = fs_memory_file("parts", NULL);
        struct dissect_query query = {.content = buf_span(&message),
                                      .len = message.len,
                                      .parts_max = rows[i].max,
                                      .parts_fd = fd};
        struct findings *findings = look_at(look, &query, -1, NULL);
        char *bytes = mem_zalloc(10000);

        CU_ASSERT_PTR_NOT_NULL_FATAL(findings);
        CU_ASSERT_EQUAL(findings->parts_len, rows[i].len);
        CU_ASSERT_EQUAL(findings->has_more_parts, rows[i].has_more);
        CU_ASSERT(findings->is_odd && kit_has_eicar(findings));
        CU_ASSERT_EQUAL(pread(fd, bytes, 10000, 0), (ssize_t)rows[i].len);
        if (rows[i].len == 3 * 1024 + 1024) {
            CU_ASSERT_EQUAL(memcmp(bytes + 512, "hello", 5), 0);
            CU_ASSERT_EQUAL(memcmp(bytes + 1536, sample_eicar().data, sample_eicar().len), 0);
        }
        findings_free(&findings);
        mem_free(&bytes);
        (void)close(fd);
    }
    buf_clear(&message);
}

static void
test_times(void)
{
    struct findings *findings;
    uint64_t all = 0;

    look_measure(look, true);
    findings = kit_look_at(look, "Subject : x\r\n\r\nhello"); // GMime is not asked about most
    look_measure(look, false);
    findings_free(&findings);
    for (unsigned i = 0; i < LOOK_WORK_COUNT; i++) {
        CU_ASSERT(strcmp(look_work_name(i), "?") != 0);
        all += look_times(look)[i];
    }
    CU_ASSERT(all > 0 && look_times(look)[LOOK_PARSE] > 0 && look_times(look)[LOOK_SNIFF] > 0);
}

static const struct unit_test tests[] = {
    {"offsets",   test_offsets  },
    {"bad files", test_bad_files},
    {"nothing",   test_nothing  },
    {"size",      test_size     },
    {"again",     test_again    },
    {"wire",      test_wire     },
    {"parts",     test_parts    },
    {"times",     test_times    },
};

int
main(void)
{
    struct dissect_setup setup;
    int result;

    kit_setup(&setup);
    look = kit_look(&setup);
    result = unit_run("mime/reading/look", tests, UNIT_COUNT(tests));
    look_free(&look);
    return result;
}
