// SPDX-License-Identifier: BSD-2-Clause
#include "spool/found.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/reader.h"

void
found_file(struct found_list *list, int dir_fd, const char *name)
{
    struct found *found = &list->items[list->count];
    struct stat info;

    if (store_is_hidden_name(name))
        (void)store_remove(dir_fd, name, NULL);
    if (!id_is_valid(span_of(name)))
        return;
    *found = (struct found){0};
    snprintf(found->id, sizeof found->id, "%.*s", (int)sizeof found->id - 1, name);
    if (fstatat(dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0)
        found->due_ms = (int64_t)info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1000000;
    list->count++;
}

void
found_slot(struct found_list *list, int dir_fd, const char *name)
{
    struct found *found = &list->items[list->count];
    struct smtp_envelope envelope;
    struct format_seal seal;
    enum reader_result result;
    int fd = fs_open_read(dir_fd, name, NULL);

    if (fd < 0 && errno == ENOENT)
        return;
    *found = (struct found){0};
    snprintf(found->id, sizeof found->id, "%.*s", (int)sizeof found->name - 1, name);
    snprintf(found->name, sizeof found->name, "%.*s", (int)sizeof found->name - 1, name);
    list->count++;
    if (fd < 0)
        return;
    envelope_init(&envelope);
    result = reader_peek(fd, &envelope, &seal, NULL);
    if (result == READER_OK) {
        snprintf(found->id, sizeof found->id, "%s", envelope.id);
    } else if (result == READER_UNSEALED) {
        (void)store_remove(dir_fd, name, NULL);
        list->count--;
    }
    envelope_clear(&envelope);
    close(fd);
}
