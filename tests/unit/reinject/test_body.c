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
behind_head(const struct body_source *source, const char *head)
{
    struct body_piece pieces[] = {{.literal = span_of(head)}, {.len = source->len}};

    return body_new(source, pieces, 2);
}

static struct body_source
disk_source(struct disk *disk, struct span message)
{
    *disk = (struct disk){.message = message};
    return (struct body_source){
        .len = message.len, .read = read_later, .arg = disk, .digest = digest_of(message)};
}

static struct body *
from_disk(struct disk *disk, struct span message, const char *head)
{
    struct body_source source = disk_source(disk, message);

    return behind_head(&source, head);
}

// All of a transaction, answering reads as they come. Bites are put together in out.
static size_t
collect(struct body *body, struct disk *disk, struct buf *out)
{
    size_t bites = 0;
    bool is_last = false;
    struct body_bite bite;

    buf_reset(out);
    while (!is_last) {
        enum body_result result = body_next(body, &bite, &is_last);

        CU_ASSERT_FATAL(result == BODY_READY || result == BODY_WAIT);
        if (result == BODY_WAIT) {
            answer(disk, NULL);
            continue;
        }
        CU_ASSERT(bite.len > 0 || is_last);
        CU_ASSERT(bite.len == bite.parts[0].len + bite.parts[1].len + bite.parts[2].len);
        for (size_t i = 0; i < BODY_PARTS; i++)
            CU_ASSERT(buf_add_span(out, bite.parts[i]) == 0);
        bites++;
    }
    CU_ASSERT(body_next(body, &bite, &is_last) == BODY_END);
    return bites;
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
    struct body *body = is_in_memory ? behind_head(&source, rows[row].head)
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

#define LITERAL(text)                                                                              \
    {                                                                                              \
        .literal = SPAN_LITERAL(text)                                                              \
    }
#define RANGE(from, length)                                                                        \
    {                                                                                              \
        .offset = (from), .len = (length)                                                          \
    }

// Of the message "abcdef\r\n.x\r\n".
static const struct {
    const char *name;
    struct body_piece pieces[6];
    const char *chunk;
    bool is_whole;
    size_t reads;
} piece_rows[] = {
    {"none",               {LITERAL("")},                                         "",                 false, 0},
    {"whole",              {RANGE(0, 12)},                                        "abcdef\r\n.x\r\n", true,  1},
    {"whole in parts",     {RANGE(0, 5), RANGE(5, 7)},                            "abcdef\r\n.x\r\n", true,  1},
    {"literals between",
     {LITERAL("A\r\n"), RANGE(0, 8), LITERAL("B\r\n"), RANGE(8, 4)},
     "A\r\nabcdef\r\nB\r\n.x\r\n",                                                                    true,
     2                                                                                                        },
    {"literals together",
     {LITERAL("A"), LITERAL("\r\n"), RANGE(8, 4), LITERAL("C\r"), LITERAL("\n")},
     "A\r\n.x\r\nC\r\n",                                                                              false,
     1                                                                                                        },
    {"empty ones",
     {LITERAL(""), RANGE(12, 0), RANGE(0, 8), LITERAL(""), RANGE(8, 4)},
     "abcdef\r\n.x\r\n",                                                                              true,
     1                                                                                                        },
    {"another head",       {LITERAL("A: b\r\n"), RANGE(8, 4)},                    "A: b\r\n.x\r\n",   false, 1},
    {"a hole",             {RANGE(0, 3), RANGE(6, 6)},                            "abc\r\n.x\r\n",    false, 2},
    {"replaced",           {RANGE(0, 1), LITERAL("BC"), RANGE(3, 9)},             "aBCdef\r\n.x\r\n", false, 2},
    {"the end is missing", {RANGE(0, 8)},                                         "abcdef\r\n",       false, 1},
    {"twice",              {RANGE(8, 4), RANGE(8, 4)},                            ".x\r\n.x\r\n",     false, 2},
    {"backwards",          {RANGE(8, 4), RANGE(0, 8)},                            ".x\r\nabcdef\r\n", false, 2},
};

static void
check_pieces(size_t row, bool is_in_memory)
{
    struct span message = SPAN_LITERAL("abcdef\r\n.x\r\n");
    struct disk disk;
    struct body_source source = disk_source(&disk, message);
    const char *name = piece_rows[row].name;
    struct body *body;
    struct buf out;

    if (is_in_memory)
        source.memory = message;
    body = body_new(&source, piece_rows[row].pieces, UNIT_COUNT(piece_rows[row].pieces));
    buf_init(&out, 1000);
    UNIT_CHECK_ROW(name, body_size(body) == strlen(piece_rows[row].chunk));
    UNIT_CHECK_ROW(name, body_is_whole(body) == piece_rows[row].is_whole);
    for (int i = 0; i < 2; i++) {
        disk.reads = 0;
        body_begin(body, STUFF_CHUNK, on_ready, &disk);
        UNIT_CHECK_ROW(name, collect(body, &disk, &out) == 1); // small ones leave together
        UNIT_CHECK_ROW(name, strcmp(buf_text(&out), piece_rows[row].chunk) == 0);
        UNIT_CHECK_ROW(name, body_is_same(body) == piece_rows[row].is_whole);
        UNIT_CHECK_ROW(name, disk.reads == (is_in_memory ? 0 : piece_rows[row].reads));
    }
    buf_clear(&out);
    body_free(&body);
}

static void
test_pieces(void)
{
    for (size_t i = 0; i < UNIT_COUNT(piece_rows); i++) {
        check_pieces(i, true);
        check_pieces(i, false);
    }
}

// Whatever the pieces, no chunk is above two blocks, and what comes out is their sum.
static void
test_large_pieces(void)
{
    enum { LEN = 3 * BODY_BLOCK + 17, HEAD = 2 * BODY_BLOCK + 5 };

    char *message = memset(malloc(LEN), '.', LEN), *head = memset(malloc(HEAD), 'h', HEAD);
    struct body_piece pieces[] = {
        {.literal = span_from(head, HEAD)}, RANGE(1000, 10), RANGE(5000, LEN - 5000)};
    struct disk disk;
    struct body_source source = disk_source(&disk, span_from(message, LEN));
    struct body *body;
    struct buf out;

    memcpy(message + LEN - 2, "\r\n", 2);
    body = body_new(&source, pieces, UNIT_COUNT(pieces));
    buf_init(&out, 1 << 20);
    body_begin(body, STUFF_DATA, on_ready, &disk);
    CU_ASSERT(collect(body, &disk, &out) == 5);
    CU_ASSERT(out.len == body_size(body) + 3);
    CU_ASSERT(memcmp(out.data, head, HEAD) == 0);
    CU_ASSERT(memcmp(out.data + HEAD, message + 1000, 10) == 0);
    CU_ASSERT(memcmp(out.data + HEAD + 10, message + 5000, LEN - 5000) == 0);
    buf_clear(&out);
    body_free(&body);
    free(message);
    free(head);
}

// A row of bytes that all double, behind a CR that is held: nothing grows beyond its room.
static void
test_doubled(void)
{
    size_t len = (size_t)2 * BODY_BLOCK;
    char *message = malloc(len);
    struct body_source source;
    struct body_piece pieces[] = {{.literal = SPAN_LITERAL("a\r")}, RANGE(0, len)};
    struct body *body;
    struct buf out;

    memset(message, '\n', len);
    source = (struct body_source){.memory = span_from(message, len), .len = len};
    body = body_new(&source, pieces, 2);
    buf_init(&out, 1 << 20);
    body_begin(body, STUFF_DATA, NULL, NULL);
    CU_ASSERT(collect(body, NULL, &out) == 2);
    CU_ASSERT(out.len == 3 + 2 * (len - 1) + 3);
    buf_clear(&out);
    body_free(&body);
    free(message);
}

static void
test_wrong_digest(void)
{
    struct span message = SPAN_LITERAL("a\r\n");
    struct body_source source = {
        .memory = message, .len = message.len, .digest = digest_of(SPAN_LITERAL("b\r\n"))};
    struct body *body = behind_head(&source, "");
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
    struct body_bite bite;
    bool is_last;

    body_begin(body, STUFF_DATA, on_ready, &disk);
    answer(&disk, &err);
    CU_ASSERT(disk.ready == 1);
    CU_ASSERT(body_next(body, &bite, &is_last) == BODY_FAILED);
    CU_ASSERT(body_next(body, &bite, &is_last) == BODY_FAILED);
    CU_ASSERT_STRING_EQUAL(body_err(body)->text, "I/O error");
    // Another try may have more luck.
    body_begin(body, STUFF_DATA, on_ready, &disk);
    answer(&disk, NULL);
    CU_ASSERT(body_next(body, &bite, &is_last) == BODY_READY && is_last);
    CU_ASSERT(body_is_same(body));
    body_free(&body);
}

static void
test_begun_anew_during_a_read(void)
{
    char message[BODY_BLOCK + 4];
    struct disk disk;
    struct body *body;
    struct body_bite bite;
    bool is_last;

    memset(message, 'x', sizeof(message));
    memcpy(message + sizeof(message) - 4, "yy\r\n", 4);
    body = from_disk(&disk, span_from(message, sizeof(message)), "");
    body_begin(body, STUFF_CHUNK, on_ready, &disk);
    answer(&disk, NULL);
    CU_ASSERT(body_next(body, &bite, &is_last) == BODY_READY && !is_last);
    // The second block is being read; the transaction is given up and begun on another connection.
    CU_ASSERT(disk.offset == BODY_BLOCK);
    body_stop(body);
    body_begin(body, STUFF_CHUNK, on_ready, &disk);
    CU_ASSERT(body_next(body, &bite, &is_last) == BODY_WAIT);
    answer(&disk, NULL);
    CU_ASSERT(body_next(body, &bite, &is_last) == BODY_WAIT);
    CU_ASSERT(disk.offset == 0);
    answer(&disk, NULL);
    CU_ASSERT(body_next(body, &bite, &is_last) == BODY_READY && !is_last);
    CU_ASSERT(bite.len == BODY_BLOCK && bite.parts[1].data[0] == 'x');
    answer(&disk, NULL);
    CU_ASSERT(body_next(body, &bite, &is_last) == BODY_READY && is_last);
    CU_ASSERT(body_is_same(body));
    body_free(&body);
}

// What needs no change leaves from where it lies, head and end with it; what does is copied.
static void
test_lent_from_memory(void)
{
    static const struct {
        struct span message;
        bool is_lent;
    } lent_rows[] = {
        {SPAN_LITERAL("A: b\r\n\r\nc\r\n"),  true },
        {SPAN_LITERAL("A: b\r\n\r\n.c\r\n"), false},
        {SPAN_LITERAL("A: b\n\r\nc\r\n"),    false},
    };

    for (size_t i = 0; i < UNIT_COUNT(lent_rows); i++) {
        struct span message = lent_rows[i].message;
        struct body_source source = {.memory = message, .len = message.len};
        struct body *body = behind_head(&source, "H: x\r\n");
        struct body_bite bite;
        bool is_last;

        body_begin(body, STUFF_DATA, NULL, NULL);
        CU_ASSERT(body_next(body, &bite, &is_last) == BODY_READY && is_last);
        UNIT_CHECK_ROW(message.data, (bite.parts[1].data == message.data) == lent_rows[i].is_lent);
        if (lent_rows[i].is_lent) {
            CU_ASSERT(span_is(bite.parts[0], "H: x\r\n"));
            CU_ASSERT(span_equal(bite.parts[1], message));
            CU_ASSERT(span_is(bite.parts[2], ".\r\n"));
        }
        body_free(&body);
    }
}

// A block that left as it is stays as it is while the next one is read.
static void
test_lent_during_a_read(void)
{
    enum { LEN = 4 * BODY_BLOCK };

    char *message = malloc(LEN);
    struct disk disk;
    struct body *body;
    struct body_bite bite;
    bool is_last;

    for (size_t i = 0; i < LEN; i++)
        message[i] = (char)('a' + i / BODY_BLOCK);
    memcpy(message + LEN - 2, "\r\n", 2);
    body = from_disk(&disk, span_from(message, LEN), "");
    body_begin(body, STUFF_DATA, on_ready, &disk);
    for (size_t i = 0; i < 3; i++) {
        answer(&disk, NULL);
        CU_ASSERT_FATAL(body_next(body, &bite, &is_last) == BODY_READY && !is_last);
        CU_ASSERT_PTR_NOT_NULL_FATAL(disk.data);
        memset(disk.data, 'X', disk.len);
        CU_ASSERT(bite.len == BODY_BLOCK);
        CU_ASSERT(span_equal(bite.parts[1], span_from(message + i * BODY_BLOCK, BODY_BLOCK)));
    }
    answer(&disk, NULL);
    CU_ASSERT_FATAL(body_next(body, &bite, &is_last) == BODY_READY && is_last);
    CU_ASSERT(bite.len == BODY_BLOCK + 3);
    CU_ASSERT(body_is_same(body));
    body_free(&body);
    free(message);
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
    {"pieces",                          test_pieces                         },
    {"large pieces",                    test_large_pieces                   },
    {"doubled",                         test_doubled                        },
    {"wrong digest",                    test_wrong_digest                   },
    {"unreadable",                      test_unreadable                     },
    {"begun anew during a read",        test_begun_anew_during_a_read       },
    {"lent from memory",                test_lent_from_memory               },
    {"lent during a read",              test_lent_during_a_read             },
    {"stopped and freed during a read", test_stopped_and_freed_during_a_read},
};

UNIT_MAIN("reinject/body", tests)
