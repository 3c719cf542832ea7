// SPDX-License-Identifier: BSD-2-Clause
#include "src/scribe/books.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "track/maillog/follow.h"
#include "track/maillog/pending.h"

#define FOLLOW_MARK "follow"
#define REDIS_MARK "redis"

enum { MARK_MAX = 1000, EXPIRE_ROWS = 500, IDLE_MARK_MS = 10000 };

struct books {
    const struct settings *settings;
    struct ledger *ledger;
    struct stat file; // the ledger's, as it was opened
    bool is_opened;   // and not yet told
    struct follow *follow;
    struct pending *pending;
    uint64_t redis_mark;
    uint64_t marked_ms; // monotonic: when the marks were written last
    char *log_trouble;  // told last
    struct books_batch *batch;
    bool has_failed; // a put within the batch
};

struct books *
books_new(const struct settings *settings)
{
    struct books *books = mem_zalloc(sizeof *books);

    books->settings = settings;
    return books;
}

static void
stop_following(struct books *books)
{
    follow_free(&books->follow);
    pending_free(&books->pending);
}

void
books_free(struct books **books)
{
    if (*books == NULL)
        return;
    stop_following(*books);
    ledger_close(&(*books)->ledger);
    mem_free(&(*books)->log_trouble);
    mem_free(books);
}

static void
warn(struct books_batch *batch, const char *text)
{
    size_t len = strlen(batch->warning);

    (void)snprintf(batch->warning + len, sizeof batch->warning - len, "%s%s", len > 0 ? "; " : "",
                   text);
}

// --- opening: what the ledger knows of where we were ---

static int
follow_on(struct books *books, struct err *err)
{
    struct buf place;
    int result;

    buf_init(&place, MARK_MAX);
    result = ledger_get_mark(books->ledger, FOLLOW_MARK, &place, err);
    if (result == 0) {
        books->follow = follow_new(books->settings->track.postfix_log, buf_span(&place));
        books->pending = pending_new();
    }
    buf_clear(&place);
    return result;
}

static int
read_redis_mark(struct books *books, struct err *err)
{
    struct buf text;
    int result;

    buf_init(&text, MARK_MAX);
    result = ledger_get_mark(books->ledger, REDIS_MARK, &text, err);
    if (result == 0 && str_parse_u64(buf_span(&text), UINT64_MAX, &books->redis_mark) != 0)
        books->redis_mark = 0;
    buf_clear(&text);
    return result;
}

// SQLite would go on in a file that nobody else can find. A disk that does not answer has removed
// nothing: the next write says what ails it.
static bool
is_file_gone(const struct books *books)
{
    struct stat now;

    if (stat(books->settings->track.ledger, &now) != 0)
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
    return now.st_ino != books->file.st_ino || now.st_dev != books->file.st_dev;
}

static void
look_after_file(struct books *books, struct books_batch *batch)
{
    if (books->ledger == NULL || !is_file_gone(books))
        return;
    (void)snprintf(batch->alarm, sizeof batch->alarm,
                   "the ledger was removed or replaced: what was in it is lost");
    ledger_close(&books->ledger);
}

static int
open_ledger(struct books *books, struct books_batch *batch)
{
    const char *path = books->settings->track.ledger;
    char note[LEDGER_NOTE_MAX + 1] = "";

    books->ledger = ledger_open(path, note, &batch->err);
    if (note[0] != '\0')
        (void)snprintf(batch->alarm, sizeof batch->alarm, "%s", note);
    if (books->ledger == NULL)
        return -1;
    books->is_opened = read_redis_mark(books, &batch->err) == 0;
    if (books->is_opened && stat(path, &books->file) != 0) {
        err_sys(&batch->err, ERR_TEMP, errno, "%s", path);
        books->is_opened = false;
    }
    if (!books->is_opened)
        ledger_close(&books->ledger);
    return books->is_opened ? 0 : -1;
}

static int
open_books(struct books *books, struct books_batch *batch)
{
    look_after_file(books, batch);
    if (books->ledger == NULL && open_ledger(books, batch) != 0)
        return -1;
    if (books->follow == NULL && books->settings->track.postfix_log[0] != '\0' && !batch->is_last)
        return follow_on(books, &batch->err);
    return 0;
}

// --- Postfix's log ---

static void
on_line(void *arg, struct span line)
{
    struct books *books = arg;
    struct maillog_line parsed;
    struct buf place;

    if (maillog_parse(line, books->batch->now_ms, &parsed) != MAILLOG_DELIVERY)
        return;
    buf_init(&place, FOLLOW_PLACE_MAX);
    follow_place(books->follow, &place);
    pending_add(books->pending, &parsed, buf_span(&place), books->batch->clock_ms);
    buf_clear(&place);
}

// Trouble with the log is told once, and keeps nothing else back.
static void
read_log(struct books *books)
{
    struct err err = {0};
    const char *note;

    if (books->follow == NULL)
        return;
    if (follow_poll(books->follow, on_line, books, &err) == 0) {
        mem_free(&books->log_trouble);
    } else if (books->log_trouble == NULL || strcmp(books->log_trouble, err.text) != 0) {
        mem_free(&books->log_trouble);
        books->log_trouble = mem_strdup(err.text);
        warn(books->batch, err.text);
    }
    note = follow_note(books->follow);
    if (note != NULL)
        warn(books->batch, note);
}

static bool
claim(void *arg, const struct maillog_line *line)
{
    struct books *books = arg;
    bool is_known = false;

    if (books->has_failed)
        return false;
    if (ledger_put_delivery(books->ledger, line, &is_known, &books->batch->err) != 0) {
        books->has_failed = true;
        return false;
    }
    if (is_known)
        books->batch->rows++;
    return is_known;
}

// --- a batch ---

static int
put_follow_mark(struct books *books, struct err *err)
{
    struct span waiting = pending_place(books->pending);
    struct buf place;
    int result;

    if (waiting.len > 0)
        return ledger_put_mark(books->ledger, FOLLOW_MARK, waiting, err);
    buf_init(&place, FOLLOW_PLACE_MAX);
    follow_place(books->follow, &place);
    result = ledger_put_mark(books->ledger, FOLLOW_MARK, buf_span(&place), err);
    buf_clear(&place);
    return result;
}

// A change of the ledger before this one is none of this one.
static bool
is_redis_news(const struct books *books)
{
    return !books->is_opened && books->batch->redis_change > books->redis_mark;
}

static int
put_marks(struct books *books)
{
    struct books_batch *batch = books->batch;
    char text[24];

    if (books->follow != NULL && put_follow_mark(books, &batch->err) != 0)
        return -1;
    if (!is_redis_news(books))
        return 0;
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)batch->redis_change);
    return ledger_put_mark(books->ledger, REDIS_MARK, span_of(text), &batch->err);
}

static int
put_records(struct books *books)
{
    struct books_batch *batch = books->batch;

    for (size_t i = 0; i < batch->count; i++) {
        if (ledger_put_record(books->ledger, batch->records[i], &batch->err) != 0)
            return -1;
        batch->rows++;
    }
    return 0;
}

// More than came with the batch: whatever comes in, the ledger stays within its bounds.
static int
expire(struct books *books)
{
    struct books_batch *batch = books->batch;
    struct ledger_expiry expiry = {.before_ms = batch->expire_ms,
                                   .max_bytes = books->settings->track.max_size,
                                   .max_rows = EXPIRE_ROWS + batch->count};

    if (batch->expire_ms == 0)
        return 0;
    return ledger_expire(books->ledger, &expiry, &batch->has_more, &batch->err);
}

// Marks alone, for a log full of other people's mail, are worth a write now and then only.
static bool
is_worth_writing(const struct books *books)
{
    const struct books_batch *batch = books->batch;

    return batch->count > 0 || batch->expire_ms != 0 || (batch->is_last && is_redis_news(books)) ||
           (books->pending != NULL && pending_is_due(books->pending, batch->clock_ms)) ||
           batch->clock_ms - books->marked_ms >= IDLE_MARK_MS;
}

static int
write_batch(struct books *books)
{
    struct books_batch *batch = books->batch;

    if (ledger_begin(books->ledger, &batch->err) != 0)
        return -1;
    if (put_records(books) != 0)
        return -1;
    if (books->pending != NULL) {
        books->has_failed = false;
        pending_each(books->pending, batch->clock_ms, claim, books);
        pending_expire(books->pending, batch->clock_ms);
        if (books->has_failed)
            return -1;
    }
    if (put_marks(books) != 0 || expire(books) != 0)
        return -1;
    return ledger_commit(books->ledger, &batch->err);
}

// What was read of the log since the last commit is read again.
static void
give_up(struct books *books)
{
    if (books->ledger != NULL)
        ledger_abort(books->ledger);
    stop_following(books);
    if (books->batch->err.kind == ERR_PERM)
        ledger_close(&books->ledger);
}

void
books_write(struct books *books, struct books_batch *batch)
{
    books->batch = batch;
    if (open_books(books, batch) != 0) {
        give_up(books);
        return;
    }
    if (batch->is_last)
        stop_following(books); // the next scribe goes on in front of what still waits
    read_log(books);
    if (is_worth_writing(books)) {
        if (write_batch(books) != 0) {
            give_up(books);
            return;
        }
        books->marked_ms = batch->clock_ms;
        if (is_redis_news(books))
            books->redis_mark = batch->redis_change;
    }
    batch->is_written = true;
    batch->is_opened = books->is_opened;
    books->is_opened = false;
    batch->last_change = ledger_last_change(books->ledger);
    batch->redis_mark = books->redis_mark;
}

void
books_read(struct books *books, struct books_changes *changes)
{
    if (books->ledger == NULL) {
        err_set(&changes->err, ERR_TEMP, "the ledger is not open");
        return;
    }
    changes->is_read = ledger_read_changes(books->ledger, changes->after, changes->since_ms,
                                           BOOKS_CHANGES_MAX, &changes->arena, changes->records,
                                           &changes->count, &changes->last, &changes->err) == 0;
}
