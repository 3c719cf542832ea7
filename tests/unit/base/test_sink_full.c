// SPDX-License-Identifier: BSD-2-Clause
// A log on a disk that is full for a while. The disk is a limit to the size of our files.
#include "base/sink.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/unit/base/tempdir.h"
#include "tests/unit/harness.h"

static struct tempdir dir;
static char path[200];

static void
open_log(struct sink *sink)
{
    struct sink_settings settings = {.program = "prog", .facility = "mail", .file = path};
    struct err err;

    tempdir_make(&dir);
    snprintf(path, sizeof path, "%s/file", dir.path);
    CU_ASSERT_EQUAL_FATAL(sink_set(sink, &settings, &err), 0);
}

static size_t
size_now(void)
{
    struct stat info = {.st_size = 0};

    CU_ASSERT(stat(path, &info) == 0);
    return (size_t)info.st_size;
}

static void
set_size_max(rlim_t bytes)
{
    struct rlimit limit;

    CU_ASSERT(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    CU_ASSERT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

// What stands there, without what is in front of each line's text.
static void
read_texts(char *out, size_t size)
{
    char *text = tempdir_read(&dir, "file");
    size_t len = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        const char *tag;

        *end = '\0';
        tag = strstr(line, "]: ");
        len += (size_t)snprintf(out + len, size - len, "%s|", tag != NULL ? tag + 3 : line);
    }
    free(text);
}

// What finds no room is lost; what comes after it is whole.
static void
test_full_for_a_while(void)
{
    static const struct {
        const char *name;
        bool is_gathered;
        size_t lines, bytes; // that there is room for
        const char *left;
    } rows[] = {
        {"nothing",                     false, 0, 0, "nil|new|next|"      },
        {"a byte",                      false, 0, 1, "nil|2|new|next|"    },
        {"a line",                      false, 1, 0, "nil|one|new|next|"  },
        {"a line and a byte",           false, 1, 1, "nil|one|2|new|next|"},
        {"nothing, gathered",           true,  0, 0, "nil|new|next|"      },
        {"a byte, gathered",            true,  0, 1, "nil|2|new|next|"    },
        {"a line, gathered",            true,  1, 0, "nil|one|new|next|"  },
        {"a line and a byte, gathered", true,  1, 1, "nil|one|2|new|next|"},
    };

    void (*former)(int) = signal(SIGXFSZ, SIG_IGN);

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct sink sink = SINK_INITIAL;
        char left[400] = "";

        open_log(&sink);
        sink_put(&sink, 6, "x", SPAN_LITERAL("nil"));
        if (rows[i].is_gathered)
            sink_gather(&sink);
        set_size_max((1 + rows[i].lines) * size_now() + rows[i].bytes);
        sink_put(&sink, 6, "x", SPAN_LITERAL("one"));
        sink_put(&sink, 6, "x", SPAN_LITERAL("two"));
        sink_flush(&sink);
        sink_put(&sink, 6, "x", SPAN_LITERAL("three"));
        sink_flush(&sink);
        set_size_max(RLIM_INFINITY);
        sink_put(&sink, 6, "x", SPAN_LITERAL("new"));
        sink_put(&sink, 6, "x", SPAN_LITERAL("next"));
        sink_clear(&sink);
        read_texts(left, sizeof left);
        UNIT_CHECK_ROW(rows[i].name, strcmp(left, rows[i].left) == 0);
        tempdir_remove(&dir);
    }
    (void)signal(SIGXFSZ, former);
}

static const struct unit_test tests[] = {
    {"full for a while", test_full_for_a_while},
};

UNIT_MAIN("base/sink, full", tests)
