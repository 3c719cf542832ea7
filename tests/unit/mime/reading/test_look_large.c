// SPDX-License-Identifier: BSD-2-Clause
// A large message is read in pieces, and is not in memory as a whole; what is found in it does not
// depend on that.
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fs.h"
#include "mime/reading/look_private.h"
#include "tests/unit/mime/look_kit.h"

enum { MEGA = 1 << 20, LARGE = 24 * MEGA, ROOM = 64 * MEGA };

static struct look *look;

// No two pieces of it are the same, and no mark is in it.
static void
add_noise(struct buf *out, size_t len)
{
    uint32_t noise = 1;

    for (size_t i = 0; i < len; i++) {
        noise = noise * 1664525 + 1013904223;
        (void)buf_add_char(out, (char)(noise >> 25 | 0x80));
    }
}

static void
add_message(struct buf *out, const char *type, struct span content)
{
    buf_printf(out,
               "From: a@example.org\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"
               "hello\r\n--b\r\nContent-Type: %s\r\nContent-Transfer-Encoding: base64\r\n\r\n",
               type);
    sample_base64(out, content);
    buf_add_text(out, "\r\n--b--\r\n");
}

static struct findings *
see(const char *type, struct span content)
{
    struct findings *findings;
    struct buf message;

    buf_init(&message, ROOM);
    add_message(&message, type, content);
    findings = kit_see(look, buf_span(&message));
    buf_clear(&message);
    return findings;
}

static const size_t places[] = {
    5,
    PIECES_KEPT - 4,
    PIECES_STRIDE / 4 * 3 - 30,
    PIECES_STRIDE / 4 * 3 - 9,
    PIECES_STRIDE / 4 * 3 - 1,
    PIECES_STRIDE / 4 * 3,
    PIECES_STRIDE,
    PIECES_STRIDE / 4 * 9 - 5,
    MEGA - 40,
};

static const struct {
    const char *begin;
    struct span mark;
} marks[] = {
    {"%PDF-1.4\n",       SPAN_LITERAL("/Encrypt")                   },
    {"\xff\xd8\xff\xe0", SPAN_LITERAL("-----BEGIN PGP MESSAGE-----")},
};

// Wherever the mark stands, over the end of a piece, too.
static void
test_marks(void)
{
    for (size_t i = 0; i < UNIT_COUNT(marks); i++) {
        for (size_t k = 0; k <= UNIT_COUNT(places); k++) {
            struct findings *findings;
            struct buf content;

            buf_init(&content, ROOM);
            buf_add_text(&content, marks[i].begin);
            add_noise(&content, MEGA);
            if (k < UNIT_COUNT(places))
                memcpy(content.data + strlen(marks[i].begin) + places[k] - 5, marks[i].mark.data,
                       marks[i].mark.len);
            findings = see("a/b", buf_span(&content));
            CU_ASSERT(findings_is_encrypted(findings) == (k < UNIT_COUNT(places)));
            CU_ASSERT(findings->parts[2].decoded_len == content.len);
            findings_free(&findings);
            buf_clear(&content);
        }
    }
}

// By its end it is a zip, though its beginning was a picture's and is not in memory any more.
static void
test_zip_behind(void)
{
    const struct sample_member member = {"evil.com", "evil.com", SPAN_LITERAL("x")};
    static const size_t lens[] = {1000, PIECES_STRIDE, MEGA};

    for (size_t i = 0; i < UNIT_COUNT(lens); i++) {
        struct findings *findings;
        struct buf content;

        buf_init(&content, ROOM);
        buf_add_text(&content, "\xff\xd8\xff\xe0");
        add_noise(&content, lens[i]);
        sample_zip(&content, &member, 1);
        findings = see("image/jpeg", buf_span(&content));
        CU_ASSERT(kit_has_member(findings, "evil.com"));
        CU_ASSERT(span_is(findings->parts[2].sniffed, "image/jpeg"));
        findings_free(&findings);
        buf_clear(&content);
    }
}

// Of this process since it was asked last, at its peak. 0: unknown.
static size_t
most_kb(void)
{
    size_t most = 0;
    char line[200];
    FILE *file = fopen("/proc/self/status", "re");

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        (void)sscanf(line, "VmHWM: %zu", &most);
    if (file != NULL)
        (void)fclose(file);
    file = fopen("/proc/self/clear_refs", "we");
    if (file != NULL) {
        (void)fputs("5\n", file); // begins anew
        (void)fclose(file);
    }
    return most;
}

static void
write_findings(const struct findings *findings, struct buf *out)
{
    buf_init(out, ROOM);
    CU_ASSERT(findings_write(findings, out) == 0);
}

// In memory and in a file the same is found; no more than `most` bytes are needed for the latter.
static void
check_mapped(const struct buf *message, size_t most)
{
    struct dissect_query query = {.offset = 100, .len = message->len};
    struct findings *whole, *mapped;
    struct buf wanted, got;
    struct err err;
    int fd = fs_memory_file("message", NULL);
    size_t before, after;

    CU_ASSERT_FATAL(fs_write_all_at(fd, message->data, message->len, 100, NULL) == 0);
    whole = kit_see(look, buf_span(message));
    (void)most_kb();
    before = most_kb();
    mapped = look_at(look, &query, fd, &err);
    after = most_kb();
    CU_ASSERT_PTR_NOT_NULL_FATAL(mapped);
    CU_ASSERT(before > 0 && after < before + most / 1024);
    write_findings(whole, &wanted);
    write_findings(mapped, &got);
    CU_ASSERT(span_equal(buf_span(&wanted), buf_span(&got)));
    CU_ASSERT(mapped->limit == LIMIT_NONE && mapped->part_count > 1);
    findings_free(&whole);
    findings_free(&mapped);
    buf_clear(&wanted);
    buf_clear(&got);
    (void)close(fd);
}

static void
test_attachment(void)
{
    struct buf message, content;

    buf_init(&message, ROOM);
    buf_init(&content, ROOM);
    buf_add_text(&content, "%PDF-1.4\n");
    add_noise(&content, LARGE);
    add_message(&message, "application/pdf", buf_span(&content));
    check_mapped(&message, LARGE / 4);
    buf_clear(&content);
    buf_clear(&message);
}

static void
test_as_it_stands(void)
{
    struct buf message;

    buf_init(&message, ROOM);
    buf_add_text(&message,
                 "From: a@example.org\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
                 "--b\r\n\r\nhello\r\n--b\r\nContent-Type: image/gif\r\n\r\nGIF89a");
    while (message.len < LARGE)
        buf_add_text(&message, "This is no picture, but it begins like one - to all but eyes.\r\n");
    buf_add_text(&message, "\r\n--b--\r\n");
    check_mapped(&message, LARGE / 4);
    buf_clear(&message);
}

// A text is decoded as a whole, since files may stand in it; but it is not mapped as a whole.
static void
test_text(void)
{
    struct buf message, content;

    buf_init(&message, ROOM);
    buf_init(&content, ROOM);
    while (content.len < LARGE)
        buf_add_text(&content, "A line of a text, which has a link: http://a.example/\r\n");
    add_message(&message, "text/plain", buf_span(&content));
    check_mapped(&message, LARGE + LARGE / 2);
    buf_clear(&content);
    buf_clear(&message);
}

static const struct unit_test tests[] = {
    {"marks",        test_marks       },
    {"zip behind",   test_zip_behind  },
    {"attachment",   test_attachment  },
    {"as it stands", test_as_it_stands},
    {"text",         test_text        },
};

int
main(void)
{
    struct dissect_setup setup;
    int result;

    kit_setup(&setup);
    look = kit_look(&setup);
    result = unit_run("mime/reading/look_large", tests, UNIT_COUNT(tests));
    look_free(&look);
    return result;
}
