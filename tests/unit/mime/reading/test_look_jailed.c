// SPDX-License-Identifier: BSD-2-Clause
// The real readers, in a jail and out of it: what they find is equal, byte for byte.
#include "mime/dissect.h"

#include <locale.h>
#include <unistd.h>

#include "base/frame.h"
#include "base/fs.h"
#include "base/mem.h"
#include "tests/unit/harness.h"
#include "tests/unit/mime/nursery_stand.h"

#define TO_BASE64 "Content-Transfer-Encoding: base64\r\n\r\n"
#define HEAD "From: a@example.com\r\nMIME-Version: 1.0\r\n"
#define MIXED HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n"

// "evil.exe" in a zip, stored.
#define ZIP                                                                                        \
    "UEsDBAoAAAAAAAAAAACoqOm2BAAAAAQAAAAIAAAAZXZpbC5leGV0ZXN0UEsBAh4DCgAAAAAAAAAAAKio6bYEAAAABAAA" \
    "AAgAAAAAAAAAAAAAAKSBAAAAAGV2aWwuZXhlUEsFBgAAAAABAAEANgAAACoAAAAAAA==\r\n"

static const struct row {
    const char *name;
    const char *message;
} rows[] = {
    {"nothing",        ""                                                                                           },
    {"no header",      "\r\njust text\r\n"                                                                          },
    {"plain",          HEAD "Subject: hello\r\n\r\nSee http://example.com/x?y=1 there.\r\n"                         },
    {"encoded words",  "Subject: =?koi8-r?B?8NLJ18XU?= =?gb18030?B?xOO6ww==?= =?big5?Q?=A7A?=\r\n"
                      "From: =?iso-2022-jp?B?GyRCRnxLXBsoQg==?= <a@b>\r\n\r\nx\r\n"            },
    {"unknown words",  "Subject: =?x-none?Q?a?= =?ebcdic-us?Q?=C1?= =?utf-7?Q?+AGE-?=\r\n\r\nx\r\n"                 },
    {"HTML in UTF-16", HEAD "Content-Type: text/html; charset=utf-16le\r\n" TO_BASE64
                            "PABhACAAaAByAGUAZgA9ACIAaAB0AHQAcAA6AC8ALwB4AC4AeQAvACIAPgA=\r\n"},
    {"archive",
     MIXED "--b\r\nContent-Type: application/zip; name=a.zip\r\n" TO_BASE64 ZIP "--b--\r\n"                         },
    {"broken archive", MIXED "--b\r\nContent-Type: application/zip\r\n" TO_BASE64
                             "UEsDBAoAAAAAAAAA//////////8=\r\n--b--\r\n"                      },
    {"gzip",           MIXED "--b\r\nContent-Type: application/gzip\r\n" TO_BASE64
                   "H4sIAAAAAAAAAytJLS4BAAx+f9gEAAAA\r\n--b--\r\n"                                      },
    {"in a message",   MIXED "--b\r\nContent-Type: message/rfc822\r\n\r\n" HEAD
                           "Content-Type: image/png; name*=utf-8''%e2%80%ae.png\r\n" TO_BASE64
                           "iVBORw0KGgoAAAANSUhEUg==\r\n--b--\r\n"                              },
    {"executable",     MIXED "--b\r\nContent-Type: text/plain; name=\"a.txt\"\r\n" TO_BASE64
                         "TVqQAAMAAAAEAAAA//8AALgAAAA=\r\n--b--\r\n"                              },
};

static struct {
    struct loop *loop;
    struct dissect *dissect;
    struct buf jailed; // as a payload
    bool is_found;
    size_t parts, members, links; // of all
} fix;

static void
on_done(void *arg, enum dissect_end end, struct findings *findings_take, const struct err *err)
{
    (void)arg;
    fix.is_found = end == DISSECT_FOUND;
    if (fix.is_found) {
        CU_ASSERT_EQUAL(findings_write(findings_take, &fix.jailed), 0);
    } else {
        fprintf(stderr, "%s\n", err->text);
    }
    findings_free(&findings_take);
    loop_stop(fix.loop);
}

// What both see, or not.
static bool
are_equal(const struct dissect_query *query, int fd, struct look *look)
{
    struct dissect_request request = {.query = *query, .fd = fd, .wait_ms = 20000};
    struct err err = {0};
    struct findings *findings = look_at(look, query, fd, &err);
    struct buf here;
    bool equal;

    CU_ASSERT_PTR_NOT_NULL_FATAL(findings);
    fix.parts += findings->part_count;
    fix.members += findings->member_count;
    fix.links += findings->link_count;
    buf_init(&here, FRAME_PAYLOAD_MAX);
    CU_ASSERT_EQUAL(findings_write(findings, &here), 0);
    findings_free(&findings);
    buf_reset(&fix.jailed);
    (void)dissect_start(fix.dissect, &request, on_done, NULL);
    loop_run(fix.loop);
    equal = fix.is_found && here.len == fix.jailed.len &&
            memcmp(here.data, fix.jailed.data, here.len) == 0;
    buf_clear(&here);
    return equal;
}

static int
file_of(const char *message, uint64_t offset)
{
    struct err err = {0};
    int fd = fs_memory_file("message", &err);

    CU_ASSERT_EQUAL_FATAL(fs_write_all_at(fd, message, strlen(message), (off_t)offset, &err), 0);
    return fd;
}

// Large enough to be given back while it is read (mime/reading/ebb).
static void
make_large(struct buf *out)
{
    enum { LARGE = 4 << 20 };

    buf_init(out, (size_t)2 * LARGE);
    buf_add_text(out,
                 MIXED "--b\r\nContent-Type: application/pdf\r\n" TO_BASE64 "JVBERi0xLjQK\r\n");
    while (out->len < LARGE)
        buf_add_text(out, "IC9Db250ZW50cyA0IDAgUg0KIC9Db250ZW50cyA0IDAgUg0K\r\n");
    buf_add_text(out, "IC9FbmNyeXB0\r\n--b--\r\n"); // "/Encrypt"
}

static void
check_large(struct look *look)
{
    struct dissect_query query = {.offset = 5000};
    struct buf message;
    int fd;

    make_large(&message);
    fd = file_of(buf_text(&message), query.offset);
    query.len = message.len;
    CU_ASSERT_TRUE(are_equal(&query, fd, look));
    (void)close(fd);
    buf_clear(&message);
}

static void
test_equal(void)
{
    struct dissect_settings settings;
    struct dissect_setup setup = {.pattern_count = 0};
    struct nursery_stand stand;
    struct dissect_config config = {.build_id = "test-1", .settings = &settings, .max = 1};
    struct err err = {0};
    struct look *look;

    CU_ASSERT_PTR_NOT_NULL(setlocale(LC_CTYPE, "C.UTF-8")); // as the program does
    setting_defaults(dissect_rows, dissect_row_count, &settings);
    setup.limits = settings;
    nursery_stand_start(&stand, &settings);
    look = look_new(&setup, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(look);
    buf_init(&fix.jailed, FRAME_PAYLOAD_MAX);
    config.loop = fix.loop = loop_new(&err);
    fix.dissect = dissect_new(&config);
    dissect_set_nursery(fix.dissect, nursery_stand_line(&stand));
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct dissect_query query = {.content = span_of(rows[i].message),
                                      .len = strlen(rows[i].message)};
        int fd = file_of(rows[i].message, 5000);

        UNIT_CHECK_ROW(rows[i].name, are_equal(&query, -1, look));
        query.content = span_from(NULL, 0);
        query.offset = 5000;
        UNIT_CHECK_ROW(rows[i].name, are_equal(&query, fd, look));
        (void)close(fd);
    }
    check_large(look);
    CU_ASSERT_EQUAL(dissect_crashes(fix.dissect), 0);
    // And there was something to find.
    CU_ASSERT_TRUE(fix.parts > UNIT_COUNT(rows) && fix.members > 0 && fix.links > 0);
    dissect_free(&fix.dissect);
    loop_free(&fix.loop);
    buf_clear(&fix.jailed);
    look_free(&look);
    CU_ASSERT_EQUAL(nursery_stand_stop(&stand), 0);
    setting_clear(dissect_rows, dissect_row_count, &settings);
}

static const struct unit_test tests[] = {
    {"equal", test_equal},
};

UNIT_MAIN("mime/look_jailed", tests)
