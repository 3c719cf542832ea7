// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "control/grammar.h"
#include "control/layout.h"
#include "tool/check.h"
#include "tool/find.h"
#include "tool/glance.h"
#include "tool/print.h"
#include "tool/tool.h"

const struct tree_section *
check_section(const struct check *check, const char *name, size_t index)
{
    for (size_t i = 0; i < check->root->section_count; i++) {
        if (strcmp(check->root->sections[i]->rules->name, name) == 0 && index-- == 0)
            return check->root->sections[i];
    }
    return check->root;
}

void
check_tell(struct check *check, const struct tree_section *section, struct err *err)
{
    check->problems++;
    (void)tree_fail(section, err);
    print_error(check->tool, "%s", err->text);
}

void
check_warn(struct check *check, const struct tree_section *section, struct err *err)
{
    if (section != NULL)
        (void)tree_fail(section, err);
    print_error(check->tool, "warning: %s", err->text);
}

static void
check_user(struct check *check)
{
    struct err err;

    check->user = (struct priv_user){.uid = geteuid(), .gid = getegid()};
    if (geteuid() != 0)
        return; // it is not used then
    if (priv_find_user(check->tool->settings->daemon.user, &check->user, &err) != 0) {
        (void)err_prefix(&err, "user");
        check_tell(check, check->root, &err);
    }
}

static void
check_group(struct check *check, const struct tree_section *section, const char *group)
{
    struct err err;
    gid_t gid;

    if (group[0] == '\0' || priv_find_group(group, &gid, &err) == 0)
        return;
    (void)err_prefix(&err, "group");
    check_tell(check, section, &err);
}

// name: the setting's. The file must be there, and a key must be nobody else's to read.
static void
check_file(struct check *check, const struct tree_section *section, const char *name,
           const char *path)
{
    bool is_secret = strcmp(name, "key") == 0;
    struct stat info;
    struct err err;

    if (path[0] == '\0')
        return;
    if (stat(path, &info) != 0)
        (void)err_sys(&err, ERR_PERM, errno, "%s: expected a file, \"%s\"", name, path);
    else if (!S_ISREG(info.st_mode))
        (void)err_set(&err, ERR_PERM, "%s: expected a plain file, \"%s\"", name, path);
    else if (is_secret && (info.st_mode & (S_IROTH | S_IWOTH)) != 0)
        (void)err_set(&err, ERR_PERM, "%s: everybody may read \"%s\"", name, path);
    else
        return;
    check_tell(check, section, &err);
}

static void
check_folder_of(struct check *check, const struct tree_section *section, const char *name,
                const char *path)
{
    const char *slash = strrchr(path, '/');
    struct stat info;
    struct err err;
    char *folder;

    if (slash == NULL || slash == path)
        return;
    folder = mem_strndup(path, (size_t)(slash - path));
    if (stat(folder, &info) != 0) {
        (void)err_sys(&err, ERR_PERM, errno, "%s: the folder of \"%s\"", name, path);
        check_tell(check, section, &err);
    } else if (!S_ISDIR(info.st_mode)) {
        (void)err_set(&err, ERR_PERM, "%s: \"%s\" is no folder", name, folder);
        check_tell(check, section, &err);
    }
    mem_free(&folder);
}

// A socket's folder is made by the daemon; what is in its way is not.
static void
check_socket(struct check *check, const struct tree_section *section, const struct addr *addr)
{
    const char *path = ((const struct sockaddr_un *)&addr->sa)->sun_path;
    struct stat info;
    struct err err;

    if (!addr_is_unix(addr) || lstat(path, &info) != 0 || S_ISSOCK(info.st_mode))
        return;
    (void)err_set(&err, ERR_PERM, "socket: \"%s\" exists and is not a socket", path);
    check_tell(check, section, &err);
}

static void
check_spool(struct check *check)
{
    const struct tree_section *section = check_section(check, "spool", 0);
    const char *path = check->tool->settings->spool.path;
    struct stat info;
    struct err err;

    if (stat(path, &info) != 0) {
        if (errno == ENOENT)
            return; // it will be made
        (void)err_sys(&err, ERR_PERM, errno, "path: \"%s\"", path);
    } else if (!S_ISDIR(info.st_mode)) {
        (void)err_set(&err, ERR_PERM, "path: \"%s\" is no folder", path);
    } else if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        (void)err_set(&err, ERR_PERM, "path: others may write to \"%s\" (mode %04o)", path,
                      (unsigned)(info.st_mode & 07777));
    } else if (geteuid() != 0 && info.st_uid != check->user.uid) {
        (void)err_set(&err, ERR_PERM, "path: \"%s\" belongs to uid %u, not to %u", path,
                      (unsigned)info.st_uid, (unsigned)check->user.uid);
    } else {
        return;
    }
    check_tell(check, section, &err);
}

static void
check_listeners(struct check *check)
{
    const struct settings *settings = check->tool->settings;

    for (size_t i = 0; i < settings->listener_count; i++) {
        const struct smtp_listener_settings *listener = &settings->listeners[i];
        const struct tree_section *section = check_section(check, "listen", i);

        check_group(check, section, listener->group);
        check_file(check, section, "cert", listener->tls_cert);
        check_file(check, section, "key", listener->tls_key);
        check_file(check, section, "client_ca", listener->tls_client_ca);
        check_socket(check, section, &listener->addr);
    }
}

static void
check_rest(struct check *check)
{
    const struct settings *settings = check->tool->settings;

    check_group(check, check_section(check, "control", 0), settings->control.group);
    check_socket(check, check_section(check, "control", 0), &settings->control.socket);
    check_folder_of(check, check_section(check, "log", 0), "file", settings->log.file);
    check_folder_of(check, check_section(check, "log", 0), "error_file", settings->log.error_file);
}

// Mail whose next hop has no such name any more is held when its turn comes.
struct routes {
    const struct settings *settings;
    struct glance *glance;
    size_t lost;
    char example[80];
};

static int
on_place(void *arg, int dir_fd, const struct find_place *place)
{
    struct routes *routes = arg;
    struct smtp_envelope envelope;
    struct format_seal seal;
    int fd = fs_open_read(dir_fd, place->name, NULL);

    if (fd < 0)
        return 0;
    envelope_init(&envelope);
    if (reader_peek(fd, &envelope, &seal, NULL) == READER_OK && envelope.next_hop != NULL &&
        settings_find_hop(routes->settings, envelope.next_hop) == NULL) {
        routes->lost++;
        (void)snprintf(routes->example, sizeof routes->example, "%s", envelope.next_hop);
    }
    envelope_clear(&envelope);
    close(fd);
    return 0;
}

static void
check_waiting(struct check *check)
{
    const struct settings *settings = check->tool->settings;
    struct routes routes = {.settings = settings};
    struct place_root root;
    struct err err;

    if (place_root_open(&root, settings->spool.path, false, &err) != 0)
        return; // not there yet, or not ours to read: check_spool has told
    if (find_walk(&root, 1U << PLACE_ACTIVE, on_place, &routes, &err) == 0 && routes.lost > 0) {
        (void)err_set(&err, ERR_PERM,
                      "%zu messages wait for a next_hop that is not there any more, such as "
                      "\"%s\"; they would be held",
                      routes.lost, routes.example);
        check_warn(check, NULL, &err);
    }
    place_root_close(&root);
}

static int
read_options(int argc, char **argv, bool *connects_out)
{
    static const struct option options[] = {
        {"connect", no_argument, NULL, 'c'},
        {NULL,      0,           NULL, 0  }
    };
    int option;

    optind = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'c')
            *connects_out = true;
        else
            return -1;
    }
    return optind == argc ? 0 : -1;
}

enum tool_exit
check_run(struct tool *tool, int argc, char **argv)
{
    struct check check = {.tool = tool};
    bool connects = false;
    struct tree *tree;
    struct err err;

    if (read_options(argc, argv, &connects) != 0)
        return print_usage(tool, "check [--connect]");
    if (grammar_read(tool->config_file, &layout_rules, &tree, &err) != 0) {
        print_error(tool, "%s", err.text);
        return TOOL_CONFIGURATION;
    }
    check.root = &tree->root;
    check_user(&check);
    check_listeners(&check);
    check_dissect(&check);
    check_spool(&check);
    check_ledger(&check);
    check_postfix_log(&check);
    check_rest(&check);
    check_waiting(&check);
    if (connects)
        check_redis(&check);
    priv_user_clear(&check.user);
    tree_free(&tree);
    return check.problems == 0 ? TOOL_DONE : TOOL_CONFIGURATION;
}
