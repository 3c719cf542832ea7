// SPDX-License-Identifier: BSD-2-Clause
#include "spool/remember.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

#define FILE_NAME "remembered"
#define LAYOUT UINT64_C(0x706f7374726f7732) // seeds the checksums: another layout, other rows
#define SETUP_BYTE (INT64_C(1) << 61)
#define OWNER_BYTES (INT64_C(1) << 62) // and on

enum { ROWS = 8, FILE_MODE = 0600, LOCK_TRIES = 200, OPEN_TRIES = 100 };

struct row {
    uint64_t check; // of what follows; anything else: no row
    struct digest_value key;
    uint64_t owner; // of whom he is under way; 0: answered
    int64_t at_ms;
    int32_t code;
    char id[ID_MAX + 1];
    char enhanced[sizeof((struct smtp_reply *)NULL)->enhanced];
    char text[159];
};

_Static_assert(sizeof(struct row) == 256, "rows do not straddle pages");

enum { BUCKET_LEN = ROWS * sizeof(struct row) };

struct head {       // in the place of a bucket
    uint64_t check; // of what follows
    uint64_t buckets;
    uint64_t seed;
};

struct remember {
    int fd;
    uint64_t owner;
    uint64_t buckets;
    uint64_t seed;
    int64_t lifetime_ms;
};

struct bucket_view { // of one bucket, while it is locked
    struct row rows[ROWS];
    int64_t now_ms;
    uint64_t number;
};

// --- locks ---

static int
lock(const struct remember *remember, int command, short type, int64_t start, int64_t len)
{
    struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
    int result;

    do
        result = fcntl(remember->fd, command, &range);
    while (result < 0 && errno == EINTR);
    return result == 0 && command == F_OFD_GETLK ? range.l_type != F_UNLCK : result;
}

static bool
is_alive(const struct remember *remember, uint64_t owner)
{
    return owner == remember->owner ||
           lock(remember, F_OFD_GETLK, F_WRLCK, (int64_t)owner, 1) != 0; // cannot tell: he lives
}

static int64_t
place_of(uint64_t bucket)
{
    return (int64_t)((bucket + 1) * BUCKET_LEN);
}

// Whoever holds it needs it for microseconds only; but he may have been stopped.
static int
lock_bucket(const struct remember *remember, uint64_t bucket)
{
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (lock(remember, F_OFD_SETLK, F_WRLCK, place_of(bucket), BUCKET_LEN) == 0)
            return 0;
        if (errno != EAGAIN && errno != EACCES)
            return -1;
        (void)sched_yield();
    }
    errno = EAGAIN;
    return -1;
}

static void
unlock_bucket(const struct remember *remember, uint64_t bucket)
{
    (void)lock(remember, F_OFD_SETLK, F_UNLCK, place_of(bucket), BUCKET_LEN);
}

// --- rows ---

static uint64_t
check_of(const struct row *row)
{
    size_t skip = sizeof row->check;

    return digest_sum64(span_from((const char *)row + skip, sizeof *row - skip), LAYOUT);
}

static bool
is_good(const struct row *row)
{
    return row->at_ms > 0 && row->check == check_of(row);
}

// Either way: a clock that was set must not keep it for ever.
static bool
is_expired(const struct remember *remember, const struct row *row, int64_t now_ms)
{
    int64_t age = now_ms > row->at_ms ? now_ms - row->at_ms : row->at_ms - now_ms;

    return age >= remember->lifetime_ms;
}

// 0: it holds nothing that counts; 1: an answer; 2: what a dead process has left; 3: a live one's.
static int
worth_of(const struct remember *remember, const struct row *row, int64_t now_ms)
{
    if (!is_good(row))
        return 0;
    if (row->owner != 0 && is_alive(remember, row->owner))
        return 3;
    if (is_expired(remember, row, now_ms))
        return 0;
    return row->owner != 0 ? 2 : 1;
}

static bool
has_torn(const struct bucket_view *view)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (view->rows[i].at_ms != 0 && !is_good(&view->rows[i]))
            return true;
    }
    return false;
}

// An owner answers without the lock. A row that is torn the second time, too, was so left.
static int
read_bucket(const struct remember *remember, struct digest_value key, int64_t now_ms,
            struct bucket_view *view)
{
    ssize_t got;

    memset(view, 0, sizeof *view);
    view->now_ms = now_ms;
    view->number = key.high % remember->buckets;
    for (int i = 0; i < 2; i++) {
        got = fs_read_at(remember->fd, view->rows, sizeof view->rows, place_of(view->number), NULL);
        if (got < 0)
            return -1;
        if (!has_torn(view))
            break;
    }
    return 0;
}

static struct row *
find_row(struct bucket_view *view, struct digest_value key)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (digest_equal(view->rows[i].key, key) && is_good(&view->rows[i]))
            return &view->rows[i];
    }
    return NULL;
}

// The least worth, and of these the oldest; NULL: all are under way.
static struct row *
find_room(const struct remember *remember, struct bucket_view *view)
{
    struct row *best = NULL;
    int best_worth = 3;

    for (size_t i = 0; i < ROWS; i++) {
        struct row *row = &view->rows[i];
        int worth = worth_of(remember, row, view->now_ms);

        if (worth > best_worth || worth == 3 ||
            (best != NULL && worth == best_worth && row->at_ms >= best->at_ms))
            continue;
        best = row;
        best_worth = worth;
    }
    return best;
}

static uint64_t
number_of(const struct bucket_view *view, const struct row *row)
{
    return view->number * ROWS + (uint64_t)(row - view->rows);
}

static int
write_row(const struct remember *remember, uint64_t number, struct row *row)
{
    row->check = check_of(row);
    return fs_write_all_at(remember->fd, row, sizeof *row,
                           place_of(0) + (int64_t)(number * sizeof *row), NULL);
}

static void
set_text(char *out, size_t size, const char *text)
{
    size_t len = strnlen(text, size - 1);

    memcpy(out, text, len);
    out[len] = '\0';
}

static void
fill_row(struct row *row, struct digest_value key, const char *id, int64_t at_ms)
{
    memset(row, 0, sizeof *row);
    row->key = key;
    row->at_ms = at_ms;
    set_text(row->id, sizeof row->id, id);
}

static void
take_out(const struct row *row, struct remember_told *told_out)
{
    memcpy(told_out->id, row->id, sizeof told_out->id);
    reply_set(&told_out->reply, row->code, row->enhanced[0] != '\0' ? row->enhanced : NULL, "%s",
              row->text);
}

// --- the calls ---

static bool
is_answer(const struct row *row)
{
    return row->owner == 0 && (row->code / 100 == 2 || row->code / 100 == 5) &&
           memchr(row->id, '\0', sizeof row->id) != NULL &&
           memchr(row->enhanced, '\0', sizeof row->enhanced) != NULL &&
           memchr(row->text, '\0', sizeof row->text) != NULL;
}

static enum remember_find
claim_in(const struct remember *remember, const struct remember_claim *claim,
         struct bucket_view *view, struct remember_told *told_out)
{
    struct row *row = find_row(view, claim->key);
    int worth = row == NULL ? 0 : worth_of(remember, row, claim->now_ms);

    if (worth == 3 || (worth == 2 && !claim->is_heir)) {
        set_text(told_out->id, sizeof told_out->id, row->id);
        return REMEMBER_UNDER_WAY;
    }
    if (worth == 1 && is_answer(row) && !(claim->is_anew && row->code / 100 == 5)) {
        take_out(row, told_out);
        return REMEMBER_TOLD;
    }
    if (claim->is_left_only && worth != 2)
        return REMEMBER_NO_ROOM;
    if (row == NULL)
        row = find_room(remember, view);
    if (row == NULL)
        return REMEMBER_NO_ROOM;
    fill_row(row, claim->key, claim->id, claim->now_ms);
    row->owner = remember->owner;
    told_out->row = number_of(view, row);
    return write_row(remember, told_out->row, row) == 0 ? REMEMBER_OURS : REMEMBER_NO_ROOM;
}

enum remember_find
remember_claim(struct remember *remember, const struct remember_claim *claim,
               struct remember_told *told_out)
{
    enum remember_find find = REMEMBER_NO_ROOM;
    struct bucket_view view;
    uint64_t number;

    memset(told_out, 0, sizeof *told_out);
    if (remember == NULL)
        return REMEMBER_NO_ROOM;
    number = claim->key.high % remember->buckets;
    if (lock_bucket(remember, number) < 0)
        return errno == EAGAIN ? REMEMBER_UNDER_WAY : REMEMBER_NO_ROOM;
    if (read_bucket(remember, claim->key, claim->now_ms, &view) == 0)
        find = claim_in(remember, claim, &view, told_out);
    unlock_bucket(remember, number);
    return find;
}

struct digest_value
remember_key(const struct remember *remember, struct span text)
{
    return digest_seeded(text, remember == NULL ? 0 : remember->seed);
}

void
remember_tell(struct remember *remember, const struct remember_answer *answer)
{
    const struct smtp_reply *reply = answer->reply;
    struct row row;

    if (remember == NULL || answer->at_ms <= 0)
        return;
    fill_row(&row, answer->key, answer->id, answer->at_ms);
    row.code = reply->code;
    set_text(row.enhanced, sizeof row.enhanced, reply->enhanced);
    set_text(row.text, sizeof row.text, reply->text);
    (void)write_row(remember, answer->row, &row);
}

void
remember_forget(struct remember *remember, uint64_t number)
{
    struct row none = {.at_ms = 0};

    if (remember != NULL)
        (void)write_row(remember, number, &none);
}

void
remember_forget_answer(struct remember *remember, struct digest_value key)
{
    struct bucket_view view;
    struct row *row;
    uint64_t number;

    if (remember == NULL)
        return;
    number = key.high % remember->buckets;
    if (lock_bucket(remember, number) < 0)
        return;
    row = read_bucket(remember, key, 0, &view) == 0 ? find_row(&view, key) : NULL;
    if (row != NULL && row->owner == 0)
        remember_forget(remember, number_of(&view, row));
    unlock_bucket(remember, number);
}

// --- life ---

static uint64_t
check_of_head(const struct head *head)
{
    size_t skip = sizeof head->check;

    return digest_sum64(span_from((const char *)head + skip, sizeof *head - skip), LAYOUT);
}

// Its blocks are there before they are needed, where the file system can do that.
static int
make_rows(const struct remember *remember, struct err *err)
{
    off_t size = place_of(remember->buckets);

    if (fallocate(remember->fd, 0, 0, size) == 0)
        return 0;
    if ((errno != EOPNOTSUPP && errno != ENOSYS) || ftruncate(remember->fd, size) < 0)
        return err_sys(err, ERR_TEMP, errno, "make room in " FILE_NAME);
    return 0;
}

static int
make_head(const struct remember *remember, struct err *err)
{
    struct head head = {.buckets = remember->buckets};

    if (getrandom(&head.seed, sizeof head.seed, 0) != sizeof head.seed)
        return err_sys(err, ERR_TEMP, errno, "draw a number");
    head.check = check_of_head(&head);
    return fs_write_all_at(remember->fd, &head, sizeof head, 0, err);
}

// 1: it is as we need it; 0: it is another's, with other buckets or another layout.
static int
know_file(struct remember *remember, struct err *err)
{
    struct stat info;
    struct head head;

    if (fstat(remember->fd, &info) < 0)
        return err_sys(err, ERR_TEMP, errno, "look at " FILE_NAME);
    if (info.st_size == 0 && (make_rows(remember, err) < 0 || make_head(remember, err) < 0))
        return -1;
    if (info.st_size != 0 && info.st_size != place_of(remember->buckets))
        return 0;
    if (fs_read_at(remember->fd, &head, sizeof head, 0, err) != sizeof head)
        return 0;
    remember->seed = head.seed;
    return head.check == check_of_head(&head) && head.buckets == remember->buckets;
}

static bool
has_its_name(const struct remember *remember, int dir_fd)
{
    struct stat named, open;

    return fstatat(dir_fd, FILE_NAME, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstat(remember->fd, &open) == 0 && named.st_ino == open.st_ino &&
           named.st_dev == open.st_dev;
}

// 1: set up; 0: it is no more, or never was, what we need: another try. Another generation that
// uses it still keeps it, without its name.
static int
set_up(struct remember *remember, int dir_fd, struct err *err)
{
    int result = 0;

    if (lock(remember, F_OFD_SETLKW, F_WRLCK, SETUP_BYTE, 1) != 0)
        return err_sys(err, ERR_TEMP, errno, "lock " FILE_NAME);
    if (has_its_name(remember, dir_fd)) {
        result = know_file(remember, err);
        if (result == 0 && unlinkat(dir_fd, FILE_NAME, 0) < 0)
            result = err_sys(err, ERR_TEMP, errno, "remove " FILE_NAME);
    }
    (void)lock(remember, F_OFD_SETLK, F_UNLCK, SETUP_BYTE, 1);
    return result;
}

static int
open_file(struct remember *remember, int dir_fd, struct err *err)
{
    int result = 0;

    for (int i = 0; i < OPEN_TRIES && result == 0; i++) {
        if (remember->fd >= 0)
            close(remember->fd);
        remember->fd = openat(dir_fd, FILE_NAME,
                              O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, FILE_MODE);
        if (remember->fd < 0)
            return err_sys(err, ERR_TEMP, errno, "open " FILE_NAME);
        result = set_up(remember, dir_fd, err);
    }
    if (result == 0)
        return err_set(err, ERR_TEMP, FILE_NAME " is replaced again and again");
    return result < 0 ? -1 : 0;
}

static int
become_owner(struct remember *remember, struct err *err)
{
    if (getrandom(&remember->owner, sizeof remember->owner, 0) != sizeof remember->owner)
        return err_sys(err, ERR_TEMP, errno, "draw a number");
    remember->owner = (uint64_t)OWNER_BYTES | (remember->owner >> 3);
    if (lock(remember, F_OFD_SETLK, F_WRLCK, (int64_t)remember->owner, 1) != 0)
        return err_sys(err, ERR_TEMP, errno, "lock a byte of " FILE_NAME);
    return 0;
}

struct remember *
remember_open(int dir_fd, const struct spool_settings *settings, struct err *err)
{
    struct remember *remember;

    err->kind = ERR_NONE;
    if (settings->remember == 0)
        return NULL;
    remember = mem_zalloc(sizeof *remember);
    remember->buckets = (settings->remember_max + ROWS - 1) / ROWS;
    remember->lifetime_ms = (int64_t)settings->remember;
    remember->fd = -1;
    if (open_file(remember, dir_fd, err) < 0 || become_owner(remember, err) < 0)
        remember_close(&remember);
    return remember;
}

void
remember_close(struct remember **remember)
{
    if (*remember != NULL && (*remember)->fd >= 0)
        close((*remember)->fd);
    mem_free(remember);
}
