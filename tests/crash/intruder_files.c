// SPDX-License-Identifier: BSD-2-Clause
#include "tests/crash/intruder.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { NAME_SIZE = 600, PAGE = 4096 };

static int
open_path(const char *path, int flags)
{
    return intruder_outcome(open(path, flags | O_CLOEXEC | O_NONBLOCK, 0600));
}

static const char *
in_spool(const struct intruder *intruder, const char *name, char out[NAME_SIZE])
{
    (void)snprintf(out, NAME_SIZE, "%s/%s", intruder->spool, name);
    return out;
}

static const char *
of_process(pid_t pid, const char *name, char out[NAME_SIZE])
{
    (void)snprintf(out, NAME_SIZE, "/proc/%d/%s", (int)pid, name);
    return out;
}

// --- outside ---

#define OPENS(function, path, flags)                                                               \
    static int function(const struct intruder *intruder)                                           \
    {                                                                                              \
        (void)intruder;                                                                            \
        return open_path((path), (flags));                                                         \
    }

OPENS(read_users, "/etc/passwd", O_RDONLY)
OPENS(read_shadow, "/etc/shadow", O_RDONLY)
OPENS(list_root, "/", O_RDONLY | O_DIRECTORY)
OPENS(list_run, "/run", O_RDONLY | O_DIRECTORY)
OPENS(make_in_tmp, "/tmp/postern-intruder", O_WRONLY | O_CREAT)
OPENS(make_in_memory, "/dev/shm/postern-intruder", O_WRONLY | O_CREAT)
OPENS(make_unnamed, "/tmp", O_WRONLY | O_TMPFILE)
OPENS(write_device, "/dev/zero", O_RDWR)
OPENS(read_kernel_log, "/dev/kmsg", O_RDONLY)
OPENS(use_terminal, "/dev/ptmx", O_RDWR)
OPENS(write_own_score, "/proc/self/oom_score_adj", O_WRONLY)
OPENS(write_own_memory, "/proc/self/mem", O_RDWR)
OPENS(write_core_pattern, "/proc/sys/kernel/core_pattern", O_WRONLY)
OPENS(read_program, "/usr/bin/env", O_RDONLY)

static int
read_config(const struct intruder *intruder)
{
    return open_path(intruder->config, O_RDONLY);
}

static int
write_config(const struct intruder *intruder)
{
    return open_path(intruder->config, O_WRONLY);
}

#define OPENS_OF(function, who, file)                                                              \
    static int function(const struct intruder *intruder)                                           \
    {                                                                                              \
        char path[NAME_SIZE];                                                                      \
                                                                                                   \
        return open_path(of_process(intruder->who, (file), path), O_RDONLY);                       \
    }

OPENS_OF(read_master_memory, master, "mem")
OPENS_OF(read_master_environment, master, "environ")
OPENS_OF(list_master_root, master, "root/etc")
OPENS_OF(list_master_descriptors, master, "fd")
OPENS_OF(read_peer_memory, peer, "mem")
OPENS_OF(read_peer_maps, peer, "maps")
OPENS_OF(read_peer_environment, peer, "environ")
OPENS_OF(list_peer_root, peer, "root/etc")
OPENS_OF(list_peer_descriptors, peer, "fd")

static int
make_folder(const struct intruder *intruder)
{
    (void)intruder;
    return intruder_outcome(mkdir("/tmp/postern-intruder.d", 0700));
}

static int
remove_config(const struct intruder *intruder)
{
    return intruder_outcome(unlink(intruder->config));
}

// --- tricks with the spool ---

static int
leave_by_dots(const struct intruder *intruder)
{
    char path[NAME_SIZE];

    return open_path(in_spool(intruder, "../../../../../../../etc/passwd", path), O_RDONLY);
}

static int
leave_by_link(const struct intruder *intruder)
{
    char path[NAME_SIZE];

    return open_path(in_spool(intruder, "hold/link-to-a-file", path), O_RDONLY);
}

static int
leave_by_linked_folder(const struct intruder *intruder)
{
    char path[NAME_SIZE];

    return open_path(in_spool(intruder, "hold/link-to-a-folder/passwd", path), O_RDONLY);
}

static int
make_link(const struct intruder *intruder)
{
    char path[NAME_SIZE];

    return intruder_outcome(symlink("/etc/passwd", in_spool(intruder, "hold/new-link", path)));
}

static int
link_in(const struct intruder *intruder)
{
    char path[NAME_SIZE];

    return intruder_outcome(link(intruder->config, in_spool(intruder, "hold/linked", path)));
}

static int
move_in(const struct intruder *intruder)
{
    char path[NAME_SIZE];

    return intruder_outcome(rename(intruder->config, in_spool(intruder, "hold/moved", path)));
}

static int
move_out(const struct intruder *intruder)
{
    char path[NAME_SIZE];

    return intruder_outcome(rename(in_spool(intruder, "hold/bait", path), "/tmp/postern-bait"));
}

static int
make_pipe(const struct intruder *intruder)
{
    char path[NAME_SIZE];

    return intruder_outcome(mkfifo(in_spool(intruder, "hold/pipe", path), 0600));
}

static int
make_device(const struct intruder *intruder)
{
    char path[NAME_SIZE];

    return intruder_outcome(mknod(in_spool(intruder, "hold/device", path), S_IFCHR | 0600, 0x103));
}

static int
give_away(const struct intruder *intruder)
{
    char path[NAME_SIZE];

    return intruder_outcome(chown(in_spool(intruder, "hold/bait", path), getuid(), getgid()));
}

static int
mark_file(const struct intruder *intruder)
{
    char path[NAME_SIZE];

    return intruder_outcome(
        syscall(SYS_setxattr, in_spool(intruder, "hold/bait", path), "user.x", "y", 1, 0));
}

static int
execute_bait(const struct intruder *intruder)
{
    char path[NAME_SIZE], *arguments[] = {NULL, NULL};

    return intruder_outcome(execve(in_spool(intruder, "hold/bait", path), arguments, arguments));
}

static int
map_bait(const struct intruder *intruder)
{
    char path[NAME_SIZE];
    int fd = open(in_spool(intruder, "hold/bait", path), O_RDONLY | O_CLOEXEC);
    void *memory = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

    return memory == MAP_FAILED ? errno : 0;
}

static int
make_in_spool(const struct intruder *intruder)
{
    char path[NAME_SIZE];

    return open_path(in_spool(intruder, "hold/forged", path), O_WRONLY | O_CREAT);
}

static int
change_bait(const struct intruder *intruder)
{
    char path[NAME_SIZE];

    return open_path(in_spool(intruder, "hold/bait", path), O_WRONLY);
}

const struct attempt intruder_files[] = {
    {BY_ALL & ~BY_WORKER, "make a file in the spool",           make_in_spool          },
    {BY_ALL & ~BY_WORKER, "change a file of the spool",         change_bait            },
    {BY_ALL,              "read /etc/passwd",                   read_users             },
    {BY_ALL,              "read /etc/shadow",                   read_shadow            },
    {BY_ALL,              "read the configuration",             read_config            },
    {BY_ALL,              "write the configuration",            write_config           },
    {BY_ALL,              "remove the configuration",           remove_config          },
    {BY_ALL,              "list /",                             list_root              },
    {BY_ALL,              "list /run",                          list_run               },
    {BY_ALL,              "read a program",                     read_program           },
    {BY_ALL,              "make a file in /tmp",                make_in_tmp            },
    {BY_ALL,              "make a file without a name in /tmp", make_unnamed           },
    {BY_ALL,              "make a folder in /tmp",              make_folder            },
    {BY_ALL,              "make a file in /dev/shm",            make_in_memory         },
    {BY_ALL,              "open /dev/zero",                     write_device           },
    {BY_ALL,              "open /dev/kmsg",                     read_kernel_log        },
    {BY_ALL,              "open /dev/ptmx",                     use_terminal           },
    {BY_ALL,              "write /proc/self/oom_score_adj",     write_own_score        },
    {BY_ALL,              "write /proc/self/mem",               write_own_memory       },
    {BY_ALL,              "write core_pattern",                 write_core_pattern     },
    {BY_ALL,              "read the master's memory",           read_master_memory     },
    {BY_ALL,              "read the master's environment",      read_master_environment},
    {BY_ALL,              "look at the master's root",          list_master_root       },
    {BY_ALL,              "list the master's descriptors",      list_master_descriptors},
    {BY_ALL,              "read a peer's memory",               read_peer_memory       },
    {BY_ALL,              "read a peer's map",                  read_peer_maps         },
    {BY_ALL,              "read a peer's environment",          read_peer_environment  },
    {BY_ALL,              "look at a peer's root",              list_peer_root         },
    {BY_ALL,              "list a peer's descriptors",          list_peer_descriptors  },
    {BY_ALL,              "leave the spool by ..",              leave_by_dots          },
    {BY_ALL,              "leave the spool by a link",          leave_by_link          },
    {BY_ALL,              "leave the spool by a linked folder", leave_by_linked_folder },
    {BY_ALL,              "make a symbolic link in the spool",  make_link              },
    {BY_ALL,              "link a file into the spool",         link_in                },
    {BY_ALL,              "move a file into the spool",         move_in                },
    {BY_ALL,              "move a file out of the spool",       move_out               },
    {BY_ALL,              "make a FIFO in the spool",           make_pipe              },
    {BY_ALL,              "make a device in the spool",         make_device            },
    {BY_ALL,              "change a file's owner",              give_away              },
    {BY_ALL,              "set an extended attribute",          mark_file              },
    {BY_ALL,              "execute a file of the spool",        execute_bait           },
    {BY_ALL,              "map a file of the spool to execute", map_bait               },
};
const size_t intruder_file_count = sizeof intruder_files / sizeof intruder_files[0];

// --- what must get through, or all of the above would say nothing ---

static void *
be_thread(void *arg)
{
    return arg;
}

static int
start_thread(const struct intruder *intruder)
{
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, be_thread, NULL);

    (void)intruder;
    return failed != 0 ? failed : pthread_join(thread, NULL);
}

static int
keep_file(const struct intruder *intruder)
{
    char path[NAME_SIZE], other[NAME_SIZE];
    int fd = open(in_spool(intruder, "hold/mine", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0 || write(fd, "x", 1) != 1 || fdatasync(fd) != 0 || close(fd) != 0)
        return errno;
    if (rename(path, in_spool(intruder, "corrupt/mine", other)) != 0)
        return errno;
    return intruder_outcome(unlink(other));
}

static int
use_memory(const struct intruder *intruder)
{
    char *memory = malloc(64 << 20);
    time_t now = time(NULL);
    struct tm parts;

    (void)intruder;
    if (memory == NULL || localtime_r(&now, &parts) == NULL)
        return ENOMEM;
    memset(memory, 1, 64 << 20);
    free(memory);
    return 0;
}

const struct attempt intruder_work[] = {
    {BY_BIG,    "start a thread",         start_thread},
    {BY_WORKER, "keep a file",            keep_file   },
    {BY_ALL,    "take and return memory", use_memory  },
};
const size_t intruder_work_count = sizeof intruder_work / sizeof intruder_work[0];
