// SPDX-License-Identifier: BSD-2-Clause
#include "reinject/body.h"

#include "tests/unit/harness.h"

// A source that answers when it is told to.
struct disk {
    struct span message;
    char *data; // of the read that waits, NULL: none
    size_t len;
    uint64_t offset;
    body_read_done *done;
    void *done_arg;
    unsigned reads, ready;
};

static void
read_later(void *arg, uint64_t offset, char *data, size_t len, body_read_done *done, void *done_arg)
{
    struct disk *disk = arg;

    CU_ASSERT_PTR_NULL_FATAL(disk->data); // one read at a time
    CU_ASSERT_FATAL(offset + len <= disk->message.len);
    disk->data = data;
    disk->len = len;
    disk->offset = offset;
    disk->done = done;
    disk->done_arg = done_arg;
    disk->reads++;
}

static void
answer(struct disk *disk, const struct err *err)
{
    char *data = disk->data;

    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    disk->data = NULL;
    if (err == NULL)
        memcpy(data, disk->message.data + disk->offset, disk->len);
    disk->done(disk->done_arg, err);
}

static void
on_ready(void *arg)
{
    struct disk *disk = arg;

    disk->ready++;
}

static struct body *
from_disk(struct disk *disk, struct span message, const char *head)
{
    struct body_source source = {
        .len = message.len, .read = read_later, .arg = disk, .digest = digest_of(message)};

    *disk = (struct disk){.message = message};
    return body_new(&source, span_of(head));
}

// All of a transaction, answering reads as they come. Pieces are put together in out.
static size_t
collect(struct body *body, struct disk *disk, struct buf *out)
{
    size_t pieces = 0;
    bool is_last = false;
    struct span piece;

    buf_reset(out);
    while (!is_last) {
        enum body_result result = body_next(body, &piece, &is_last);

        CU_ASSERT_FATAL(result == BODY_READY || result == BODY_WAIT);
        if (result == BODY_WAIT) {
            answer(disk, NULL);
            continue;
        }
        CU_ASSERT(piece.len > 0 || is_last);
        CU_ASSERT(buf_add_span(out, piece) == 0);
        pieces++;
    }
    CU_ASSERT(body_next(body, &piece, &is_last) == BODY_END);
    return pieces;
}

static const struct {
    const char *name, *head, *message, *data, *chunk;
    bool is_same;
} rows[] = {
    {"head and message", "Received: x\r\n", "A: b\r\n\r\n.c\r\n",
     "Received: x\r\nA: b\r\n\r\n..c\r\n.\r\n",                                      "Received: x\r\nA: b\r\n\r\n.c\r\n", true },
    {"no head",          "",                ".\r\n",              "..\r\n.\r\n",     ".\r\n",                             true },
    {"nothing",          "",                "",                   ".\r\n",           "",                                  true },
    {"only a head",      "H: x\r\n",        "",                   "H: x\r\n.\r\n",   "H: x\r\n",                          true },
    {"no line end",      "",                "a",                  "a\r\n.\r\n",      "a\r\n",                             false},
    {"bare lf",          "",                "a\nb\r\n",           "a\r\nb\r\n.\r\n", "a\r\nb\r\n",                        false},
};

static void
check(size_t row, bool is_in_memory)
{
    struct span message = span_of(rows[row].message);
    struct body_source source = {
        .memory = message, .len = message.len, .digest = digest_of(message)};
    struct disk disk = {.reads = 0};
    struct body *body = is_in_memory ? body_new(&source, span_of(rows[row].head))
                                     : from_disk(&disk, message, rows[row].head);
    struct buf out;

    buf_init(&out, 10000);
    UNIT_CHECK_ROW(rows[row].name, body_size(body) == strlen(rows[row].head) + message.len);
    // Twice: a body may be used for one transaction after the other.
    for (int i = 0; i < 2; i++) {
        body_begin(body, STUFF_DATA, on_ready, &disk);
        (void)collect(body, &disk, &out);
        UNIT_CHECK_ROW(rows[row].name, strcmp(buf_text(&out), rows[row].data) == 0);
        UNIT_CHECK_ROW(rows[row].name, body_is_same(body) == rows[row].is_same);
        UNIT_CHECK_ROW(rows[row].name, digest_equal(body_digest(body), digest_of(message)));
        body_begin(body, STUFF_CHUNK, on_ready, &disk);
        (void)collect(body, &disk, &out);
        UNIT_CHECK_ROW(rows[row].name, strcmp(buf_text(&out), rows[row].chunk) == 0);
    }
    buf_clear(&out);
    body_free(&body);
}

static void
test_rows(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        check(i, true);
        check(i, false);
    }
}

static void
test_large(void)
{
    static const size_t lens[] = {BODY_BLOCK - 1, BODY_BLOCK, BODY_BLOCK + 1, 3 * BODY_BLOCK + 17};

    for (size_t i = 0; i < UNIT_COUNT(lens); i++) {
        char *message = malloc(lens[i]);
        struct disk disk;
        struct body *body;
        struct buf out;

        for (size_t at = 0; at < lens[i]; at++)
            message[at] = at % 64 == 62 ? '\r' : at % 64 == 63 ? '\n' : 'x';
        memcpy(message + lens[i] - 2, "\r\n", 2);
        if (message[lens[i] - 3] == '\r')
            message[lens[i] - 3] = 'x';
        body = from_disk(&disk, span_from(message, lens[i]), "H: x\r\n");
        buf_init(&out, 1 << 20);
        body_begin(body, STUFF_CHUNK, on_ready, &disk);
        CU_ASSERT(collect(body, &disk, &out) == (lens[i] + BODY_BLOCK - 1) / BODY_BLOCK);
        CU_ASSERT(out.len == lens[i] + 6);
        CU_ASSERT(memcmp(out.data + 6, message, lens[i]) == 0);
        CU_ASSERT(body_is_same(body));
        CU_ASSERT(disk.ready == disk.reads);
        buf_clear(&out);
        body_free(&body);
        free(message);
    }
}

static void
test_wrong_digest(void)
{
    struct span message = SPAN_LITERAL("a\r\n");
    struct body_source source = {
        .memory = message, .len = message.len, .digest = digest_of(SPAN_LITERAL("b\r\n"))};
    struct body *body = body_new(&source, span_of(""));
    struct buf out;

    buf_init(&out, 100);
    body_begin(body, STUFF_DATA, NULL, NULL);
    (void)collect(body, NULL, &out);
    CU_ASSERT(!body_is_same(body));
    buf_clear(&out);
    body_free(&body);
}

static void
test_unreadable(void)
{
    struct err err = {.kind = ERR_TEMP, .text = "I/O error"};
    struct disk disk;
    struct body *body = from_disk(&disk, SPAN_LITERAL("a\r\n"), "");
    struct span piece;
    bool is_last;

    body_begin(body, STUFF_DATA, on_ready, &disk);
    answer(&disk, &err);
    CU_ASSERT(disk.ready == 1);
    CU_ASSERT(body_next(body, &piece, &is_last) == BODY_FAILED);
    CU_ASSERT(body_next(body, &piece, &is_last) == BODY_FAILED);
    CU_ASSERT_STRING_EQUAL(body_err(body)->text, "I/O error");
    // Another try may have more luck.
    body_begin(body, STUFF_DATA, on_ready, &disk);
    answer(&disk, NULL);
    CU_ASSERT(body_next(body, &piece, &is_last) == BODY_READY && is_last);
    CU_ASSERT(body_is_same(body));
    body_free(&body);
}

static void
test_begun_anew_during_a_read(void)
{
    char message[BODY_BLOCK + 4];
    struct disk disk;
    struct body *body;
    struct span piece;
    bool is_last;

    memset(message, 'x', sizeof(message));
    memcpy(message + sizeof(message) - 4, "yy\r\n", 4);
    body = from_disk(&disk, span_from(message, sizeof(message)), "");
    body_begin(body, STUFF_CHUNK, on_ready, &disk);
    answer(&disk, NULL);
    CU_ASSERT(body_next(body, &piece, &is_last) == BODY_READY && !is_last);
    // The second block is being read; the transaction is given up and begun on another connection.
    CU_ASSERT(disk.offset == BODY_BLOCK);
    body_stop(body);
    body_begin(body, STUFF_CHUNK, on_ready, &disk);
    CU_ASSERT(body_next(body, &piece, &is_last) == BODY_WAIT);
    answer(&disk, NULL);
    CU_ASSERT(body_next(body, &piece, &is_last) == BODY_WAIT);
    CU_ASSERT(disk.offset == 0);
    answer(&disk, NULL);
    CU_ASSERT(body_next(body, &piece, &is_last) == BODY_READY && !is_last);
    CU_ASSERT(piece.len == BODY_BLOCK && piece.data[0] == 'x');
    answer(&disk, NULL);
    CU_ASSERT(body_next(body, &piece, &is_last) == BODY_READY && is_last);
    CU_ASSERT(body_is_same(body));
    body_free(&body);
}

static void
test_stopped_and_freed_during_a_read(void)
{
    struct disk disk;
    struct body *body = from_disk(&disk, SPAN_LITERAL("a\r\n"), "");

    body_begin(body, STUFF_DATA, on_ready, &disk);
    body_stop(body);
    body_free(&body);
    CU_ASSERT_PTR_NULL(body);
    answer(&disk, NULL); // writes into memory that must still be there, and tells nobody
    CU_ASSERT(disk.ready == 0);
}

static const struct unit_test tests[] = {
    {"rows",                            test_rows                           },
    {"large",                           test_large                          },
    {"wrong digest",                    test_wrong_digest                   },
    {"unreadable",                      test_unreadable                     },
    {"begun anew during a read",        test_begun_anew_during_a_read       },
    {"stopped and freed during a read", test_stopped_and_freed_during_a_read},
};

UNIT_MAIN("reinject/body", tests)
