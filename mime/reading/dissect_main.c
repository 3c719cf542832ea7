// SPDX-License-Identifier: BSD-2-Clause
#include <locale.h>
#include <stdio.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/frame.h"
#include "base/fs.h"
#include "base/jail.h"
#include "base/mem.h"
#include "mime/reading/nursery.h"

// As sysexits(3) numbers them.
enum { EXIT_USAGE = 64, EXIT_IO = 74, EXIT_CONFIG = 78 };

// To who started us, and to who looks on. By hand there is no channel, and nothing is sent.
static int
fail(int status, const char *why)
{
    (void)fprintf(stderr, "postern-dissect: %s\n", why);
    (void)channel_send(NURSERY_CHANNEL, CHANNEL_TROUBLE, why, -1);
    return status;
}

static int
read_setup(struct dissect_setup *setup_out, struct err *err)
{
    char *bytes = mem_zalloc(FRAME_PAYLOAD_MAX);
    ssize_t len = fs_read_at(NURSERY_SETUP, bytes, FRAME_PAYLOAD_MAX, 0, err);
    int failed = -1;

    (void)close(NURSERY_SETUP);
    if (len >= 0)
        failed = query_setup_read(span_from(bytes, (size_t)len), setup_out, err);
    mem_free(&bytes);
    return failed;
}

// All that dissectors will need is loaded. They let their standard error go to where nobody reads.
static int
confine(struct err *err)
{
    char nowhere[] = "/dev/null";
    struct landlock_grant grant = {nowhere, LANDLOCK_WRITE};
    const struct landlock_rules reach = {.grants = &grant, .grant_count = 1};

    return jail_confine(JAIL_NURSERY, &reach, err);
}

int
main(void)
{
    struct dissect_setup setup;
    struct look *look;
    struct err err = {0};
    int status;

    if (read_setup(&setup, &err) != 0)
        return fail(EXIT_USAGE, "is started by posternd and postern, not by hand");
    // In the locale C libarchive tells no names that are not ASCII. Numbers stay as C writes them.
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
        return fail(EXIT_CONFIG, "there is no locale C.UTF-8");
    look = look_new(&setup, &err);
    if (look == NULL || confine(&err) != 0) {
        look_free(&look);
        query_setup_clear(&setup);
        return fail(err.kind == ERR_PERM ? EXIT_CONFIG : EXIT_IO, err.text);
    }
    status = nursery_run("postern-" POSTERN_VERSION, look, &setup);
    look_free(&look);
    query_setup_clear(&setup);
    return status;
}
