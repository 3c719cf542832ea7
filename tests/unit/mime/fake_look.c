// SPDX-License-Identifier: BSD-2-Clause
// mime/reading/look.h as no reader would behave: what it does stands in the query's id.
#include "mime/reading/look.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/frame.h"
#include "base/mem.h"
#include "mime/reading/nursery.h"

struct look {
    unsigned asked;
};

struct look *
look_new(const struct dissect_setup *setup, struct err *err)
{
    if (setup->pattern_count > 0 && span_is(setup->patterns[0].text, "(")) {
        err_set(err, ERR_PERM, "not an expression");
        return NULL;
    }
    return mem_zalloc(sizeof(struct look));
}

void
look_free(struct look **look)
{
    mem_free(look);
}

static void
die_of_signal(void)
{
    // A sanitizer's own handler would tell a story first.
    (void)signal(SIGSEGV, SIG_DFL);
    (void)raise(SIGSEGV);
}

static void
hang(void)
{
    for (;;)
        (void)getpid();
}

static void
eat_memory(void)
{
    for (;;) {
        char *volatile memory = mem_zalloc(1 << 20);

        memory[0] = 1;
    }
}

static void
talk_nonsense(void)
{
    (void)!write(NURSERY_CHANNEL, "\xff\xff\xff\xff\xff\xff", 6);
}

// A whole frame, of findings that are none.
static void
tell_bad_findings(void)
{
    (void)!write(NURSERY_CHANNEL,
                 "\0\0\0\x03\0\x05"
                 "abc",
                 9);
}

static void
open_file(void)
{
    if (open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 && errno == EPERM)
        _exit(7);
}

static void
make_socket(void)
{
    (void)socket(AF_INET, SOCK_STREAM, 0);
}

static const struct {
    const char *id;
    void (*run)(void);
} deeds[] = {
    {"crash",    die_of_signal    },
    {"hang",     hang             },
    {"memory",   eat_memory       },
    {"nonsense", talk_nonsense    },
    {"bad",      tell_bad_findings},
    {"open",     open_file        },
    {"socket",   make_socket      },
};

static void
find_much(struct findings *findings)
{
    enum { MANY = 20000 };
    struct span name;
    char text[1000];

    memset(text, 'x', sizeof text);
    name = arena_copy(&findings->arena, span_from(text, sizeof text));
    findings->parts = arena_array(&findings->arena, 1, sizeof *findings->parts);
    findings->parts[0].parent = -1;
    findings->part_count = 1;
    findings->members = arena_array(&findings->arena, MANY, sizeof *findings->members);
    findings->member_count = MANY;
    for (size_t i = 0; i < MANY; i++)
        findings->members[i].name = name;
}

// What it was given, so that a test sees that it arrived: the bytes, and the number of queries.
static void
echo(struct look *look, const struct dissect_query *query, int fd, struct findings *findings)
{
    char text[200] = "";
    ssize_t len = (ssize_t)query->content.len;

    if (query->content.data != NULL)
        memcpy(text, query->content.data, (size_t)len < 100 ? (size_t)len : 100);
    else
        (void)!pread(fd, text, query->len < 100 ? query->len : 100, (off_t)query->offset);
    findings->limit_text = arena_copy(&findings->arena, span_of(text));
    findings->header_len = look->asked <= query->len ? look->asked : 0;
}

// Its content is all that it has. What it may not do with the file: exit status 7.
static void
write_parts(const struct dissect_query *query, struct findings *findings)
{
    const struct span content = query->content;
    const int fd = query->parts_fd;

    if (span_is(query->id, "grow") && pwrite(fd, "x", 1, (off_t)query->parts_max) < 0 &&
        errno == EPERM && ftruncate(fd, 1) < 0 && errno == EPERM)
        _exit(7);
    if (span_is(query->id, "share") &&
        mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM)
        _exit(7);
    (void)!pwrite(fd, content.data, content.len, 0);
    findings->parts_len = span_is(query->id, "lie") ? query->parts_max + 1 : content.len;
}

struct findings *
look_at(struct look *look, const struct dissect_query *query, int fd, struct err *err)
{
    struct findings *findings;

    look->asked++;
    for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++) {
        if (span_is(query->id, deeds[i].id))
            deeds[i].run();
    }
    if (span_is(query->id, "exit"))
        _exit(3);
    if (span_is(query->id, "unreadable")) {
        err_set(err, ERR_TEMP, "read: no luck");
        return NULL;
    }
    findings = findings_new();
    findings->len = query->len;
    echo(look, query, fd, findings);
    if (query->parts_max > 0)
        write_parts(query, findings);
    if (span_is(query->id, "much"))
        find_much(findings);
    return findings;
}
