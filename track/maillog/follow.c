// SPDX-License-Identifier: BSD-2-Clause
#include "track/maillog/follow.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "track/maillog/logfile.h"
#include "track/maillog/maillog.h"

enum { CHUNK = 64 << 10, NOTE_MAX = 600 };

enum start { START_AT_END, START_AT_PLACE, START_AT_BEGIN };

struct follow {
    char *path;
    enum start start; // where, while no file is open
    bool is_searched; // for the place, among rotated files
    int fd, next_fd;  // next: seen before the end of this one was
    bool is_looked;   // for a file between this one and that at path
    struct logplace place;
    uint64_t read_at; // between place.offset and it lies a line that is not whole
    struct buf held;  // what we have of it
    bool is_skipping; // it is too long, or its beginning is not known
    unsigned idle;    // polls in a row that could not go on
    struct buf note;
    bool is_note_told;
    uint64_t dropped;
    char chunk[CHUNK];
};

static void
note(struct follow *follow, const char *what)
{
    if (follow->is_note_told)
        buf_reset(&follow->note);
    follow->is_note_told = false;
    (void)buf_printf(&follow->note, "%s%.200s %s", follow->note.len > 0 ? "; " : "", follow->path,
                     what);
}

struct follow *
follow_new(const char *path, struct span place)
{
    struct follow *follow = mem_zalloc(sizeof *follow);

    follow->path = mem_strdup(path);
    follow->fd = follow->next_fd = -1;
    buf_init(&follow->held, MAILLOG_LINE_MAX);
    buf_init(&follow->note, NOTE_MAX);
    if (place.len == 0)
        return follow;
    if (logplace_parse(place, &follow->place) == 0) {
        follow->start = START_AT_PLACE;
    } else {
        follow->place = (struct logplace){0};
        note(follow, "is followed from its end: the place in it that was kept makes no sense");
    }
    return follow;
}

static void
close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void
follow_free(struct follow **follow)
{
    if (*follow == NULL)
        return;
    close_fd(&(*follow)->fd);
    close_fd(&(*follow)->next_fd);
    buf_clear(&(*follow)->held);
    buf_clear(&(*follow)->note);
    mem_free(&(*follow)->path);
    mem_free(follow);
}

// --- where to read ---

// The place's file; where the offset is in the middle of a line, the rest of it is skipped.
static void
go_on_in(struct follow *follow, int fd, uint64_t offset)
{
    close_fd(&follow->fd);
    close_fd(&follow->next_fd);
    follow->fd = fd;
    follow->is_looked = false;
    follow->idle = 0;
    follow->place.offset = follow->read_at = offset;
    buf_reset(&follow->held);
    follow->is_skipping = !logfile_is_line_start(fd, offset);
    logfile_describe(fd, offset, &follow->place);
}

// At its beginning. Where half a line stood at the end of what came before, the rest of that line
// may stand here: it is nobody's line, and what it says was chosen by a stranger.
static void
begin_file(struct follow *follow, int fd)
{
    bool is_torn = follow->held.len > 0 || follow->is_skipping;

    if (follow->held.len > 0)
        follow->dropped++;
    follow->place = (struct logplace){0};
    go_on_in(follow, fd, 0);
    follow->is_skipping = is_torn;
}

// The former of them is closed.
static int
replace_fd(int fd, int by)
{
    close_fd(&fd);
    return by;
}

// fd: of the file at path, or -1.
static int
begin_at_place(struct follow *follow, int fd)
{
    const struct logplace *place = &follow->place;
    int other = -1;

    if (fd >= 0 && logfile_is(fd, place, place->offset)) {
        go_on_in(follow, fd, place->offset);
        return 0;
    }
    if (!follow->is_searched)
        other = logfile_find_rotated(follow->path, place);
    follow->is_searched = true;
    if (other >= 0) {
        go_on_in(follow, replace_fd(fd, other), place->offset);
        return 0;
    }
    if (fd < 0)
        return -1;
    if (place->inode != 0) {
        note(follow, "was rotated or truncated: what was not read yet of the file before is lost");
        other = logfile_find_next(follow->path, place);
    }
    begin_file(follow, other >= 0 ? replace_fd(fd, other) : fd);
    return 0;
}

static int
begin(struct follow *follow, struct err *err)
{
    int fd = logfile_open(follow->path, err);
    struct stat info;

    if (follow->start == START_AT_PLACE)
        return begin_at_place(follow, fd);
    if (fd < 0 && stat(follow->path, &info) != 0 && errno == ENOENT)
        follow->start = START_AT_BEGIN; // all that will be in it is new
    if (fd < 0)
        return -1;
    if (follow->start == START_AT_BEGIN)
        begin_file(follow, fd);
    else
        go_on_in(follow, fd, fstat(fd, &info) == 0 ? (uint64_t)info.st_size : 0);
    return 0;
}

// --- the end of a file ---

// Who truncates a log has copied it before, and we may not have read all of that.
static void
leave_truncated(struct follow *follow)
{
    int copy = logfile_find_rotated(follow->path, &follow->place);

    if (copy >= 0) {
        go_on_in(follow, copy, follow->place.offset);
        return;
    }
    note(follow, "was truncated: what was not read yet of it is lost");
    copy = follow->fd;
    follow->fd = -1;
    begin_file(follow, copy);
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static int
open_next(struct follow *follow, const struct stat *named, struct err *err)
{
    struct stat opened;

    if (named->st_size == 0 && S_ISREG(named->st_mode))
        return 0; // whoever writes has not changed over to it yet
    follow->next_fd = logfile_open(follow->path, err);
    if (follow->next_fd < 0)
        return -1;
    if (fstat(follow->next_fd, &opened) == 0 && is_same(&opened, named))
        return 1;
    close_fd(&follow->next_fd); // rotated again since we looked for files in between
    return 0;
}

// 1: there is a next file; 0: not yet; -1: the file at path cannot be read.
static int
look_for_next(struct follow *follow, struct err *err)
{
    struct stat named, own;

    if (stat(follow->path, &named) != 0) {
        if (errno == ENOENT && follow->idle++ < FOLLOW_PATIENCE)
            return 0;
        return err_sys(err, ERR_TEMP, errno, "cannot open %s", follow->path);
    }
    if (fstat(follow->fd, &own) == 0 && is_same(&own, &named)) {
        follow->idle = 0;
        return 0;
    }
    if (!follow->is_looked || named.st_size > 0)
        follow->next_fd = logfile_find_next(follow->path, &follow->place);
    follow->is_looked = true;
    follow->idle = 0;
    if (follow->next_fd >= 0)
        return 1;
    return open_next(follow, &named, err);
}

// 1: there is more to read.
static int
turn(struct follow *follow, struct err *err)
{
    int next;

    if (follow->next_fd < 0) // what was written before we saw it is read first
        return look_for_next(follow, err);
    if ((follow->held.len > 0 || follow->is_skipping) && follow->idle++ < FOLLOW_PATIENCE)
        return 0;
    next = follow->next_fd;
    follow->next_fd = -1;
    begin_file(follow, next);
    return 1;
}

// --- lines ---

// The end of a line, without its line feed.
static void
end_line(struct follow *follow, struct span piece, follow_line *each, void *arg)
{
    if (follow->is_skipping)
        follow->is_skipping = false;
    else if (buf_add_span(&follow->held, piece) != 0)
        follow->dropped++;
    else
        each(arg, buf_span(&follow->held));
    buf_reset(&follow->held);
}

static void
take(struct follow *follow, size_t count, follow_line *each, void *arg)
{
    struct span rest = span_from(follow->chunk, count);
    uint64_t at = follow->read_at;
    const char *end;

    follow->idle = 0;
    follow->read_at += count;
    logfile_describe(follow->fd, follow->read_at, &follow->place);
    while ((end = memchr(rest.data, '\n', rest.len)) != NULL) {
        size_t len = (size_t)(end - rest.data);

        end_line(follow, span_from(rest.data, len), each, arg);
        rest = span_skip(rest, len + 1);
        at += len + 1;
        follow->place.offset = at;
    }
    if (!follow->is_skipping && buf_add_span(&follow->held, rest) != 0) {
        follow->dropped++;
        follow->is_skipping = true;
        buf_reset(&follow->held);
    }
}

int
follow_poll(struct follow *follow, follow_line *each, void *arg, struct err *err)
{
    size_t room = FOLLOW_READ_MAX;
    ssize_t count;
    int result = 1;

    if (follow->fd < 0 && begin(follow, err) != 0)
        return -1;
    while (room > 0 && result > 0) {
        count = fs_read_at(follow->fd, follow->chunk, room < CHUNK ? room : CHUNK,
                           (off_t)follow->read_at, err);
        if (count < 0)
            return -1;
        // Looked at afterwards: what was read before is not from a file that was truncated.
        if (!logfile_is(follow->fd, &follow->place, follow->read_at + (uint64_t)count)) {
            leave_truncated(follow);
            result = 0; // whoever does nothing but truncate cannot keep us here
        } else if (count > 0) {
            take(follow, (size_t)count, each, arg);
            room -= (size_t)count;
        } else {
            result = turn(follow, err);
        }
    }
    return result < 0 ? -1 : 0;
}

void
follow_place(const struct follow *follow, struct buf *out)
{
    if (follow->fd >= 0 || follow->start != START_AT_END)
        logplace_format(&follow->place, out);
}

const char *
follow_note(struct follow *follow)
{
    if (follow->note.len == 0 || follow->is_note_told)
        return NULL;
    follow->is_note_told = true;
    return buf_text(&follow->note);
}

uint64_t
follow_dropped(const struct follow *follow)
{
    return follow->dropped;
}
