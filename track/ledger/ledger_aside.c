// SPDX-License-Identifier: BSD-2-Clause
#include "track/ledger/ledger_aside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

enum { STAMP_MAX = 40, TRIES_MAX = 100, REASON_MAX = 150 };

static char *
mark_of(const char *path)
{
    return mem_printf("%s-damaged", path);
}

void
ledger_mark_damaged(const char *path, const char *reason)
{
    char *mark = mark_of(path);
    int fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);

    if (fd >= 0) {
        ssize_t written = write(fd, reason, strlen(reason)); // for the note only

        (void)written;
        (void)close(fd);
    }
    mem_free(&mark);
}

bool
ledger_is_marked(const char *path, char reason_out[LEDGER_NOTE_MAX + 1])
{
    char *mark = mark_of(path);
    int fd = open(mark, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t len = fd < 0 ? -1 : read(fd, reason_out, LEDGER_NOTE_MAX);

    reason_out[len > 0 ? len : 0] = '\0';
    if (fd >= 0)
        (void)close(fd);
    mem_free(&mark);
    return fd >= 0;
}

static void
remove_mark(const char *path)
{
    char *mark = mark_of(path);

    (void)unlink(mark);
    mem_free(&mark);
}

static bool
is_there(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0;
}

// A name of its own for this one; NULL: there is none.
static char *
find_name(const char *path)
{
    time_t now = time(NULL);
    struct tm utc;
    char stamp[STAMP_MAX];

    if (gmtime_r(&now, &utc) == NULL || strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &utc) == 0)
        stamp[0] = '\0';
    for (int i = 0; i < TRIES_MAX; i++) {
        char *name = i == 0 ? mem_printf("%s.damaged-%s", path, stamp)
                            : mem_printf("%s.damaged-%s.%d", path, stamp, i);

        if (!is_there(name))
            return name;
        mem_free(&name);
    }
    return NULL;
}

static int
move(const char *path, const char *name, const char *suffix, struct err *err)
{
    char *from = mem_printf("%s%s", path, suffix);
    char *to = mem_printf("%s%s", name, suffix);
    int answer = 0;

    if (rename(from, to) != 0 && errno != ENOENT)
        answer = err_sys(err, ERR_TEMP, errno, "cannot rename %s", from);
    mem_free(&from);
    mem_free(&to);
    return answer;
}

int
ledger_set_aside(const char *path, const char *reason, char note_out[LEDGER_NOTE_MAX + 1],
                 struct err *err)
{
    // The log of changes must not be taken for the new file's. The file itself goes last: after a
    // kill it is found damaged once more.
    static const char *const suffixes[] = {"-wal", "-shm", ""};
    char *name = find_name(path);
    int answer = 0;

    if (name == NULL)
        return err_set(err, ERR_TEMP, "there are too many %s.damaged-*", path);
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]) && answer == 0; i++)
        answer = move(path, name, suffixes[i], err);
    if (answer == 0) {
        remove_mark(path);
        (void)snprintf(note_out, LEDGER_NOTE_MAX + 1,
                       "the ledger was damaged and is set aside as %s, a new one is begun: %.*s",
                       name, REASON_MAX, reason);
    }
    mem_free(&name);
    return answer;
}
