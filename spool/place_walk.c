// SPDX-License-Identifier: BSD-2-Clause
#include "spool/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "spool/names.h"

enum { NUMBER_MAX = 20, DAY_MODE = 0700, DAY_NAME = 10 };

static const char decimal[] = "0123456789";
static const char hexadecimal[] = "0123456789abcdef";
static const char base36[] = "0123456789abcdefghijklmnopqrstuvwxyz";

// Is text from here on a number of min to NUMBER_MAX digits, then `end`? Behind it, or NULL.
static const char *
skip_number(const char *text, const char *digits, size_t min, char end)
{
    size_t len = strspn(text, digits);

    return len >= min && len <= NUMBER_MAX && text[len] == end ? text + len + 1 : NULL;
}

bool
place_is_slot_name(const char *name)
{
    static const char prefix[] = "slot-";

    return strncmp(name, prefix, sizeof(prefix) - 1) == 0 &&
           skip_number(name + sizeof(prefix) - 1, decimal, 4, '\0') != NULL;
}

bool
place_is_bucket_name(const char *name)
{
    return skip_number(name, hexadecimal, 1, '\0') != NULL && strlen(name) < PLACE_BUCKET_NAME;
}

bool
place_is_instance_name(const char *name)
{
    const char *at = skip_number(name, base36, 1, '-');

    at = at != NULL ? skip_number(at, decimal, 1, '-') : NULL;
    return at != NULL && strlen(at) == 8 && skip_number(at, hexadecimal, 8, '\0') != NULL;
}

bool
place_is_day_name(const char *name)
{
    static const char pattern[] = "0000-00-00";
    int month, day;

    if (strlen(name) != DAY_NAME)
        return false;
    for (size_t i = 0; i < DAY_NAME; i++) {
        if (pattern[i] == '-' ? name[i] != '-' : name[i] < '0' || name[i] > '9')
            return false;
    }
    month = (name[5] - '0') * 10 + name[6] - '0';
    day = (name[8] - '0') * 10 + name[9] - '0';
    return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

static DIR *
open_stream(int dir_fd, const char *name, struct err *err)
{
    int fd = fs_open_dir(dir_fd, name, err);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    int errnum = errno;

    if (fd >= 0 && dir == NULL) {
        err_sys(err, ERR_TEMP, errnum, "read directory %s", name);
        close(fd);
    }
    errno = errnum;
    return dir;
}

static mode_t
type_of(const struct dirent *entry, int dir_fd)
{
    struct stat info;

    if (entry->d_type != DT_UNKNOWN)
        return (mode_t)DTTOIF(entry->d_type);
    if (fstatat(dir_fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return 0;
    return info.st_mode & S_IFMT;
}

struct entry {
    int dir_fd;
    const char *name;
    mode_t type; // 0: it has vanished
};

struct scan {
    int (*take)(struct scan *scan, const struct entry *entry);
    place_visit *visit;
    int (*visit_instance)(void *arg, const char *name);
    void *arg;
    const char *bucket;
    struct err *err;
};

// Takes the stream.
static int
scan_stream(struct scan *scan, DIR *dir)
{
    int result = 0;

    while (result == 0) {
        struct dirent *entry;
        struct entry taken;

        errno = 0;
        entry = readdir(dir);
        if (entry == NULL) {
            result = errno == 0 ? 0 : err_sys(scan->err, ERR_TEMP, errno, "read directory");
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        taken = (struct entry){
            .dir_fd = dirfd(dir), .name = entry->d_name, .type = type_of(entry, dirfd(dir))};
        if (taken.type != 0)
            result = scan->take(scan, &taken);
    }
    closedir(dir);
    return result;
}

static int
scan_folder(struct scan *scan, int dir_fd, const char *name)
{
    DIR *dir = open_stream(dir_fd, name, scan->err);

    return dir != NULL ? scan_stream(scan, dir) : -1;
}

static int
take_file(struct scan *scan, const struct entry *entry)
{
    bool is_ours = entry->type == S_IFREG && id_is_valid(span_of(entry->name));

    return scan->visit(scan->arg, entry->dir_fd, scan->bucket, entry->name, is_ours);
}

static int
take_top(struct scan *scan, const struct entry *entry)
{
    bool is_ours = entry->type == S_IFREG && place_is_slot_name(entry->name);
    struct scan inner;
    DIR *dir;

    if (entry->type != S_IFDIR || !place_is_bucket_name(entry->name))
        return scan->visit(scan->arg, entry->dir_fd, NULL, entry->name, is_ours);
    dir = open_stream(entry->dir_fd, entry->name, scan->err);
    if (dir == NULL)
        return errno == ENOENT ? 0 : -1;
    inner = *scan;
    inner.take = take_file;
    inner.bucket = entry->name;
    return scan_stream(&inner, dir);
}

static int
take_instance(struct scan *scan, const struct entry *entry)
{
    if (entry->type != S_IFDIR || !place_is_instance_name(entry->name))
        return 0;
    return scan->visit_instance(scan->arg, entry->name);
}

int
place_walk_instances(struct place_root *root, int (*visit)(void *arg, const char *name), void *arg,
                     struct err *err)
{
    struct scan scan = {.take = take_instance, .visit_instance = visit, .arg = arg, .err = err};

    return scan_folder(&scan, root->active_fd, ".");
}

int
place_walk_instance(const struct place_instance *instance, place_visit *visit, void *arg,
                    struct err *err)
{
    struct scan scan = {.take = take_top, .visit = visit, .arg = arg, .err = err};

    return scan_folder(&scan, instance->fd, ".");
}

int
place_walk_hold(struct place_root *root, place_visit *visit, void *arg, struct err *err)
{
    struct scan scan = {.take = take_file, .visit = visit, .arg = arg, .err = err};

    return scan_folder(&scan, root->hold_fd, ".");
}

static int
take_foreign(struct scan *scan, const struct entry *entry)
{
    return scan->visit(scan->arg, entry->dir_fd, NULL, entry->name, false);
}

int
place_walk_corrupt(struct place_root *root, place_visit *visit, void *arg, struct err *err)
{
    struct scan scan = {.take = take_foreign, .visit = visit, .arg = arg, .err = err};

    return scan_folder(&scan, root->corrupt_fd, ".");
}

// --- quarantine/ ---

static int
take_day(struct scan *scan, const struct entry *entry)
{
    if (entry->type == S_IFDIR && place_is_day_name(entry->name))
        names_add(scan->arg, entry->name);
    return 0;
}

static int
compare_days(const void *a, const void *b)
{
    return memcmp(a, b, DAY_NAME + 1);
}

// Each has the same length, so that they lie behind each other as an array does.
static int
list_days(struct place_root *root, struct names *days, struct err *err)
{
    struct scan scan = {.take = take_day, .arg = days, .err = err};
    int result = scan_folder(&scan, root->quarantine_fd, ".");

    if (days->len > 0)
        qsort(days->text, days->len / (DAY_NAME + 1), DAY_NAME + 1, compare_days);
    return result;
}

static int
scan_day(struct scan *scan, int dir_fd, const char *day)
{
    DIR *dir = open_stream(dir_fd, day, scan->err);

    if (dir == NULL)
        return errno == ENOENT ? 0 : -1;
    scan->bucket = day;
    return scan_stream(scan, dir);
}

int
place_walk_quarantine(struct place_root *root, place_visit *visit, void *arg, struct err *err)
{
    struct scan scan = {.take = take_file, .visit = visit, .arg = arg, .err = err};
    struct names days = {0};
    const char *day;
    int result = list_days(root, &days, err);

    while (result == 0 && (day = names_take(&days)) != NULL)
        result = scan_day(&scan, root->quarantine_fd, day);
    names_clear(&days);
    return result;
}

// -1: not there, or an error (err, errno).
static int
open_day_with(struct place_root *root, const char *day, const char *name, struct err *err)
{
    int fd = fs_open_dir(root->quarantine_fd, day, err), reason;
    struct stat info;

    if (fd < 0 || fstatat(fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0)
        return fd;
    reason = errno;
    (void)err_sys(err, ERR_TEMP, reason, "look for %s", name);
    close(fd);
    errno = reason;
    return -1;
}

int
place_find_quarantined(struct place_root *root, const char *name, struct err *err)
{
    struct names days = {0};
    const char *day;
    int fd = list_days(root, &days, err);

    if (fd == 0) {
        (void)err_set(err, ERR_TEMP, "%s is not in quarantine", name);
        errno = ENOENT;
        fd = -1;
        while (fd < 0 && errno == ENOENT && (day = names_take(&days)) != NULL)
            fd = open_day_with(root, day, name, err);
    }
    names_clear(&days);
    return fd;
}

static int
name_day(int64_t now_ms, char out[PLACE_BUCKET_NAME], struct err *err)
{
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm when;

    if (gmtime_r(&seconds, &when) == NULL ||
        strftime(out, PLACE_BUCKET_NAME, "%Y-%m-%d", &when) == 0 || !place_is_day_name(out))
        return err_set(err, ERR_TEMP, "no day for %lld", (long long)seconds);
    return 0;
}

void
place_remove_empty_days(struct place_root *root, int64_t before_ms)
{
    char before[PLACE_BUCKET_NAME];
    struct names days = {0};
    const char *day;

    if (name_day(before_ms, before, NULL) == 0 && list_days(root, &days, NULL) == 0) {
        while ((day = names_take(&days)) != NULL && strcmp(day, before) < 0)
            (void)unlinkat(root->quarantine_fd, day, AT_REMOVEDIR);
    }
    names_clear(&days);
}

int
place_quarantine_day(struct place_root *root, int64_t now_ms, struct err *err)
{
    char day[PLACE_BUCKET_NAME];
    int fd;

    if (name_day(now_ms, day, err) != 0)
        return -1;
    // Without err: who looks at that alone is told of nothing where it is well.
    fd = fs_open_dir(root->quarantine_fd, day, NULL);
    if (fd >= 0)
        return fd;
    if (errno == ENOENT && (fs_make_dir(root->quarantine_fd, day, DAY_MODE, err) != 0 ||
                            fs_sync(root->quarantine_fd, err) != 0))
        return -1;
    return fs_open_dir(root->quarantine_fd, day, err);
}
