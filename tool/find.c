// SPDX-License-Identifier: BSD-2-Clause
#include "tool/find.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spool/reader.h"
#include "tool/print.h"

struct walk {
    struct place_root *root;
    find_visit *visit;
    void *arg;
    struct find_place place;
    struct err *err;
};

enum tool_exit
find_open_spool(struct tool *tool, struct place_root *root)
{
    const char *path = tool->settings->spool.path;
    struct err err;

    if (faccessat(AT_FDCWD, path, R_OK | W_OK | X_OK, AT_EACCESS) != 0) {
        int reason = errno;

        print_error(tool, "spool %s: %s", path, strerror(reason));
        if (reason == ENOENT)
            return TOOL_NOTHING; // Postern has not run yet
        return reason == EACCES || reason == EPERM || reason == EROFS ? TOOL_FORBIDDEN : TOOL_IO;
    }
    if (place_root_open(root, path, false, &err) == 0)
        return TOOL_DONE;
    print_error(tool, "spool %s: %s", path, err.text);
    return TOOL_IO;
}

static int
take(struct walk *walk, int dir_fd, const char *folder, const char *name)
{
    (void)snprintf(walk->place.folder, sizeof walk->place.folder, "%s", folder);
    (void)snprintf(walk->place.name, sizeof walk->place.name, "%s", name);
    walk->place.is_slot = walk->place.place == PLACE_ACTIVE && folder[0] == '\0';
    return walk->visit(walk->arg, dir_fd, &walk->place);
}

static int
on_file(void *arg, int dir_fd, const char *bucket, const char *name, bool is_ours)
{
    return is_ours ? take(arg, dir_fd, bucket == NULL ? "" : bucket, name) : 0;
}

static int
on_instance(void *arg, const char *name)
{
    struct walk *walk = arg;
    struct place_instance instance = {.fd = fs_open_dir(walk->root->active_fd, name, walk->err)};
    int result;

    if (instance.fd < 0)
        return errno == ENOENT ? 0 : -1;
    (void)snprintf(instance.name, sizeof instance.name, "%s", name);
    (void)snprintf(walk->place.instance, sizeof walk->place.instance, "%s", name);
    result = place_walk_instance(&instance, on_file, walk, walk->err);
    close(instance.fd);
    return result;
}

// NULL with errno ENOENT or ENOTDIR: there is no such folder (any more).
static DIR *
open_folder(struct walk *walk, int dir_fd, const char *name)
{
    int fd = fs_open_dir(dir_fd, name, walk->err);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (fd >= 0 && dir == NULL) {
        (void)err_sys(walk->err, ERR_TEMP, errno, "read folder %s", name);
        close(fd);
    }
    return dir;
}

static int
no_folder(void)
{
    return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
}

// Names are checked by who reads the files.
static int
walk_files(struct walk *walk, int dir_fd, const char *name, const char *folder)
{
    DIR *dir = open_folder(walk, dir_fd, name);
    const struct dirent *entry;
    int result = 0;

    if (dir == NULL)
        return no_folder();
    while (result == 0 && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.')
            result = take(walk, dirfd(dir), folder, entry->d_name);
    }
    closedir(dir);
    return result;
}

static int
walk_days(struct walk *walk, int dir_fd)
{
    DIR *dir = open_folder(walk, dir_fd, ".");
    const struct dirent *entry;
    int result = 0;

    if (dir == NULL)
        return no_folder();
    while (result == 0 && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.')
            result = walk_files(walk, dirfd(dir), entry->d_name, entry->d_name);
    }
    closedir(dir);
    return result;
}

int
find_walk(struct place_root *root, unsigned places, find_visit *visit, void *arg, struct err *err)
{
    struct walk walk = {.root = root, .visit = visit, .arg = arg, .err = err};
    int result = 0;

    walk.place.place = PLACE_ACTIVE;
    if ((places & 1U << PLACE_ACTIVE) != 0)
        result = place_walk_instances(root, on_instance, &walk, err);
    walk.place = (struct find_place){.place = PLACE_HOLD};
    if (result == 0 && (places & 1U << PLACE_HOLD) != 0)
        result = place_walk_hold(root, on_file, &walk, err);
    walk.place = (struct find_place){.place = PLACE_QUARANTINE};
    if (result == 0 && (places & 1U << PLACE_QUARANTINE) != 0)
        result = walk_days(&walk, root->quarantine_fd);
    walk.place = (struct find_place){.place = PLACE_CORRUPT};
    if (result == 0 && (places & 1U << PLACE_CORRUPT) != 0)
        result = walk_files(&walk, root->corrupt_fd, ".", "");
    return result;
}

struct search {
    struct find_target *targets;
    size_t count;
};

static int
compare(const void *a, const void *b)
{
    return strcmp(((const struct find_target *)a)->id, ((const struct find_target *)b)->id);
}

// A slot's id stands inside of it. -1: there is no message in it.
static int
read_id(int dir_fd, const struct find_place *place, char id[ID_MAX + 1])
{
    struct smtp_envelope envelope;
    struct format_seal seal;
    enum reader_result result;
    int fd;

    if (!place->is_slot) {
        (void)snprintf(id, ID_MAX + 1, "%.*s", ID_MAX, place->name);
        return 0;
    }
    fd = fs_open_read(dir_fd, place->name, NULL);
    if (fd < 0)
        return -1;
    envelope_init(&envelope);
    result = reader_peek(fd, &envelope, &seal, NULL);
    if (result == READER_OK)
        (void)snprintf(id, ID_MAX + 1, "%s", envelope.id);
    envelope_clear(&envelope);
    close(fd);
    return result == READER_OK ? 0 : -1;
}

static int
on_place(void *arg, int dir_fd, const struct find_place *place)
{
    struct search *search = arg;
    struct find_target key = {.is_found = false}, *target;

    if (read_id(dir_fd, place, key.id) != 0)
        return 0;
    target = bsearch(&key, search->targets, search->count, sizeof key, compare);
    if (target == NULL)
        return 0;
    // The same id may be asked for more than once.
    while (target > search->targets && compare(target - 1, &key) == 0)
        target--;
    for (; target < search->targets + search->count && compare(target, &key) == 0; target++) {
        target->is_found = true;
        target->place = *place;
    }
    return 0;
}

int
find_targets(struct place_root *root, struct find_target *targets, size_t count, struct err *err)
{
    struct search search = {.targets = targets, .count = count};

    qsort(targets, count, sizeof *targets, compare);
    return find_walk(root, FIND_ALL, on_place, &search, err);
}

static int
open_active(struct place_root *root, const struct find_place *place, struct err *err)
{
    int instance_fd = fs_open_dir(root->active_fd, place->instance, err), fd, reason;

    if (instance_fd < 0 || place->folder[0] == '\0')
        return instance_fd;
    fd = fs_open_dir(instance_fd, place->folder, err);
    reason = errno;
    close(instance_fd);
    errno = reason;
    return fd;
}

int
find_open_folder(struct place_root *root, const struct find_place *place, struct err *err)
{
    switch (place->place) {
    case PLACE_ACTIVE:
        return open_active(root, place, err);
    case PLACE_HOLD:
        return fs_open_dir(root->hold_fd, ".", err);
    case PLACE_QUARANTINE:
        return fs_open_dir(root->quarantine_fd, place->folder, err);
    default:
        return fs_open_dir(root->corrupt_fd, ".", err);
    }
}

// -1, errno ENOENT: it is not there any more.
static int
open_file(struct place_root *root, const struct find_place *place, struct err *err)
{
    int dir_fd = find_open_folder(root, place, err), fd, reason;

    if (dir_fd < 0)
        return -1;
    fd = fs_open_read(dir_fd, place->name, err);
    reason = errno;
    close(dir_fd);
    errno = reason;
    return fd;
}

// READER_ERROR with errno ENOENT: it has gone, or there is another message by now.
static enum reader_result
load(struct place_root *root, const char *id, struct find_found *found, struct err *err)
{
    enum reader_result result;

    found->fd = open_file(root, &found->place, err);
    if (found->fd < 0)
        return READER_ERROR;
    result = reader_load(found->fd, &found->message, err);
    if (result == READER_OK && strcmp(found->message.envelope.id, id) == 0)
        return READER_OK;
    if (result == READER_OK)
        reader_message_clear(&found->message);
    close(found->fd);
    errno = result == READER_OK || result == READER_UNSEALED || found->place.is_slot ? ENOENT : EIO;
    return result == READER_OK ? READER_ERROR : result;
}

enum tool_exit
find_message(struct tool *tool, struct place_root *root, const char *id,
             struct find_found *found_out)
{
    struct find_target target;
    struct err err;

    for (int tries = 0; tries < 2; tries++) {
        target = (struct find_target){.is_found = false};
        (void)snprintf(target.id, sizeof target.id, "%s", id);
        if (find_targets(root, &target, 1, &err) != 0) {
            print_error(tool, "%s", err.text);
            return TOOL_IO;
        }
        found_out->place = target.place;
        if (!target.is_found)
            continue;
        if (load(root, id, found_out, &err) == READER_OK)
            return TOOL_DONE;
        if (errno != ENOENT) {
            print_error(tool, "%s: %s", id, err.text);
            return TOOL_IO;
        }
    }
    print_error(tool, "%s: there is no such message", id);
    return TOOL_NOTHING;
}

void
find_sha256(const struct find_found *found, char out[SHA256_TEXT_LEN + 1])
{
    const struct format_seal *seal = &found->message.seal;
    struct digest *digest = digest_new();
    struct sha256 *sha256 = sha256_new();
    uint8_t value[SHA256_LEN];
    uint64_t done = 0;

    while (done < seal->len) {
        char block[16 << 10];
        size_t want = seal->len - done < sizeof block ? (size_t)(seal->len - done) : sizeof block;
        ssize_t got = fs_read_at(found->fd, block, want, (off_t)(seal->offset + done), NULL);

        if (got <= 0)
            break;
        digest_add(digest, block, (size_t)got);
        sha256_add(sha256, block, (size_t)got);
        done += (uint64_t)got;
    }
    sha256_get(sha256, value);
    sha256_format(value, out);
    // A slot may get another message while we read.
    if (done < seal->len || !digest_equal(digest_get(digest), found->message.digest))
        out[0] = '\0';
    sha256_free(&sha256);
    digest_free(&digest);
}

void
find_close(struct find_found *found)
{
    reader_message_clear(&found->message);
    close(found->fd);
}
