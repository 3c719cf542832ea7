// SPDX-License-Identifier: BSD-2-Clause
#include "tool/postfix_files.h"

#include <sys/syscall.h>

#include "tests/unit/harness.h"
#include "tests/unit/tool/fake_postconf.h"

static int owners_until_failure, owners_to_fail; // none fails where the second is 0

int
fchownat(int dir_fd, const char *path, uid_t owner, gid_t group, int flags)
{
    if (owners_to_fail > 0 && --owners_until_failure < 0) {
        owners_to_fail--;
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fchownat, dir_fd, path, owner, group, flags);
}

static void
check_file(const struct scratch *scratch, const char *name, const char *expected)
{
    char *text = fake_postconf_read(scratch, name);

    UNIT_CHECK_ROW(name, strcmp(text, expected) == 0);
    mem_free(&text);
}

static void
set_up(struct scratch *scratch, struct postfix_files *files)
{
    char folder[1024];

    fake_postconf_make(scratch);
    scratch_write(scratch, "conf/main.cf", "main\n");
    scratch_write(scratch, "conf/master.cf", "master\n");
    scratch_name(scratch, "conf", folder);
    CU_ASSERT_FATAL(postfix_files_open(folder, files, NULL) == 0);
}

static void
change_copy(const struct postfix_files *files, const char *name)
{
    struct scratch aside;

    snprintf(aside.path, sizeof aside.path, "%s", files->aside);
    scratch_write(&aside, name, "changed\n");
}

static void
tear_down(struct scratch *scratch, struct postfix_files *files)
{
    char *aside = mem_strdup(files->aside);

    postfix_files_close(files);
    CU_ASSERT(access(aside, F_OK) != 0);
    mem_free(&aside);
    scratch_remove(scratch);
}

static void
what_did_not_change_is_not_written(void)
{
    struct postfix_files files;
    struct scratch scratch;

    set_up(&scratch, &files);
    CU_ASSERT(postfix_files_take(&files, POSTFIX_MAIN_CF, ".old", NULL) == 0);
    check_file(&scratch, "conf/main.cf.old", "");
    change_copy(&files, "main.cf");
    CU_ASSERT(postfix_files_take(&files, POSTFIX_MASTER_CF, ".old", NULL) == 1);
    check_file(&scratch, "conf/main.cf", "changed\n");
    check_file(&scratch, "conf/main.cf.old", "main\n");
    check_file(&scratch, "conf/master.cf", "master\n");
    check_file(&scratch, "conf/master.cf.old", "");
    tear_down(&scratch, &files);
}

static void
mode_is_kept(void)
{
    struct postfix_files files;
    struct scratch scratch;
    char path[1024];
    struct stat info;
    mode_t mask = umask(077);

    fake_postconf_make(&scratch);
    scratch_name(&scratch, "conf/main.cf", path);
    CU_ASSERT(chmod(path, 0664) == 0);
    scratch_name(&scratch, "conf", path);
    CU_ASSERT_FATAL(postfix_files_open(path, &files, NULL) == 0);
    change_copy(&files, "main.cf");
    CU_ASSERT(postfix_files_take(&files, POSTFIX_MAIN_CF, ".old", NULL) == 1);
    scratch_name(&scratch, "conf/main.cf", path);
    CU_ASSERT(stat(path, &info) == 0 && (info.st_mode & 07777) == 0664);
    scratch_name(&scratch, "conf/main.cf.old", path);
    CU_ASSERT(stat(path, &info) == 0 && (info.st_mode & 07777) == 0664);
    umask(mask);
    tear_down(&scratch, &files);
}

static void
owner_is_kept(void)
{
    struct postfix_files files;
    struct scratch scratch;
    char path[1024];
    struct stat info;
    gid_t group = geteuid() == 0 ? 65534 : getegid();

    set_up(&scratch, &files);
    scratch_name(&scratch, "conf/main.cf", path);
    CU_ASSERT(chown(path, (uid_t)-1, group) == 0);
    change_copy(&files, "main.cf");
    CU_ASSERT(postfix_files_take(&files, POSTFIX_MAIN_CF, ".old", NULL) == 1);
    CU_ASSERT(stat(path, &info) == 0 && info.st_gid == group && info.st_uid == geteuid());
    tear_down(&scratch, &files);
}

static void
others_changes_are_kept(void)
{
    struct postfix_files files;
    struct scratch scratch;
    struct err err;

    set_up(&scratch, &files);
    change_copy(&files, "main.cf");
    scratch_write(&scratch, "conf/master.cf", "by another\n");
    CU_ASSERT(postfix_files_take(&files, POSTFIX_MAIN_CF, ".old", &err) == -1);
    CU_ASSERT(strstr(err.text, "master.cf has been changed meanwhile") != NULL);
    check_file(&scratch, "conf/main.cf", "main\n");
    check_file(&scratch, "conf/master.cf", "by another\n");
    tear_down(&scratch, &files);
}

// A folder has the name under which the second is to be kept.
static void
first_is_put_back_if_the_second_fails(void)
{
    struct postfix_files files;
    struct scratch scratch;
    struct err err;

    set_up(&scratch, &files);
    change_copy(&files, "main.cf");
    change_copy(&files, "master.cf");
    scratch_folder(&scratch, "conf/main.cf.old");
    CU_ASSERT(postfix_files_take(&files, POSTFIX_MASTER_CF, ".old", &err) == -1);
    CU_ASSERT(strstr(err.text, "main.cf.old") != NULL);
    check_file(&scratch, "conf/master.cf.old", "master\n");
    check_file(&scratch, "conf/master.cf", "master\n");
    check_file(&scratch, "conf/main.cf", "main\n");
    tear_down(&scratch, &files);
}

static void
give_away(const struct scratch *scratch, const char *name, gid_t group)
{
    char path[1024];

    scratch_name(scratch, name, path);
    CU_ASSERT(chown(path, (uid_t)-1, group) == 0 && chmod(path, 0640) == 0);
}

static void
check_group(const struct scratch *scratch, const char *name, gid_t group)
{
    char path[1024];
    struct stat info;

    scratch_name(scratch, name, path);
    UNIT_CHECK_ROW(name, stat(path, &info) == 0 && info.st_gid == group);
    UNIT_CHECK_ROW(name, (info.st_mode & 07777) == 0640);
}

// The file has its new content by then, and a new owner. What is put back may fail there, too.
static void
both_are_put_back_if_an_owner_fails(void)
{
    static const struct {
        const char *name;
        int before, failures;
        const char *said;
        bool is_given_back;
    } rows[] = {
        {"the first",             0, 1, "master.cf to its",   true },
        {"the second",            1, 1, "main.cf to its",     true },
        {"the first, and again",  0, 2, "cannot be put back", false},
        {"the second, and first", 1, 2, "cannot be put back", false},
    };

    gid_t group = geteuid() == 0 ? 65534 : getegid();

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct postfix_files files;
        struct scratch scratch;
        struct err err;

        set_up(&scratch, &files);
        give_away(&scratch, "conf/main.cf", group);
        give_away(&scratch, "conf/master.cf", group);
        change_copy(&files, "main.cf");
        change_copy(&files, "master.cf");
        owners_until_failure = rows[i].before;
        owners_to_fail = rows[i].failures;
        UNIT_CHECK_ROW(rows[i].name,
                       postfix_files_take(&files, POSTFIX_MASTER_CF, ".old", &err) == -1);
        UNIT_CHECK_ROW(rows[i].name, strstr(err.text, rows[i].said) != NULL);
        CU_ASSERT_EQUAL(owners_to_fail, 0);
        check_file(&scratch, "conf/master.cf", "master\n");
        check_file(&scratch, "conf/main.cf", "main\n");
        if (rows[i].is_given_back)
            check_group(&scratch, "conf/master.cf", group);
        check_group(&scratch, "conf/main.cf", group);
        tear_down(&scratch, &files);
    }
}

static void
what_is_no_plain_file_is_refused(void)
{
    char folder[1024], link[1024], target[1024];
    struct postfix_files files;
    struct scratch scratch;
    struct err err;

    fake_postconf_make(&scratch);
    scratch_name(&scratch, "conf", folder);
    scratch_name(&scratch, "conf/main.cf", link);
    scratch_name(&scratch, "elsewhere", target);
    CU_ASSERT(rename(link, target) == 0 && symlink(target, link) == 0);
    CU_ASSERT(postfix_files_open(folder, &files, &err) == -1);
    CU_ASSERT(err.kind == ERR_PERM && strstr(err.text, "main.cf is not a plain file") != NULL);
    postfix_files_close(&files);
    CU_ASSERT(unlink(link) == 0);
    CU_ASSERT(postfix_files_open(folder, &files, &err) == -1);
    CU_ASSERT(strstr(err.text, "main.cf: No such file") != NULL);
    postfix_files_close(&files);
    CU_ASSERT(postfix_files_open("/nonexistent", &files, &err) == -1);
    postfix_files_close(&files);
    scratch_remove(&scratch);
}

static const struct unit_test tests[] = {
    {"what did not change is not written",    what_did_not_change_is_not_written   },
    {"mode is kept",                          mode_is_kept                         },
    {"owner is kept",                         owner_is_kept                        },
    {"others changes are kept",               others_changes_are_kept              },
    {"first is put back if the second fails", first_is_put_back_if_the_second_fails},
    {"both are put back if an owner fails",   both_are_put_back_if_an_owner_fails  },
    {"what is no plain file is refused",      what_is_no_plain_file_is_refused     },
};

UNIT_MAIN("tool/postfix_files", tests)
