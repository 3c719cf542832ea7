// SPDX-License-Identifier: BSD-2-Clause
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "tool/postfix_edit.h"
#include "tool/print.h"
#include "tool/tool.h"

#define USAGE "setup-postfix [--apply | --remove] [--listener L] [-c DIR]"

struct wish {
    bool applies, removes;
    const char *listener, *folder;
};

static int
read_options(struct tool *tool, int argc, char **argv, struct wish *wish)
{
    static const struct option options[] = {
        {"apply",    no_argument,       NULL, 'a'},
        {"remove",   no_argument,       NULL, 'r'},
        {"listener", required_argument, NULL, 'l'},
        {"json",     no_argument,       NULL, 'j'},
        {NULL,       0,                 NULL, 0  }
    };
    int option;

    optind = 0;
    while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        if (option == 'a')
            wish->applies = true;
        else if (option == 'r')
            wish->removes = true;
        else if (option == 'l')
            wish->listener = optarg;
        else if (option == 'c')
            wish->folder = optarg;
        else if (option == 'j')
            tool->as_json = true;
        else
            return -1;
    }
    return optind < argc || (wish->applies && wish->removes) ? -1 : 0;
}

static const struct smtp_listener_settings *
find_listener(const struct settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->listener_count; i++) {
        if (name == NULL || strcmp(settings->listeners[i].name, name) == 0)
            return &settings->listeners[i];
    }
    return NULL;
}

// What is there, or shall be: a setting of main.cf, a service of master.cf.
static void
print_object(struct tool *tool, enum postfix_file file, const char *name, const char *before,
             const char *after)
{
    struct json *object = json_object_new();

    json_set_text(object, "file", span_of(postfix_file_names[file]));
    json_set_text(object, "name", span_of(name));
    if (before != NULL)
        json_set_text(object, "before", span_of(before));
    json_set_text(object, "value", span_of(after));
    print_json(tool, &object);
}

static void
print_lines(struct tool *tool, const struct postfix_lines *lines)
{
    struct buf out;

    if (!tool->as_json) {
        buf_init(&out, POSTFIX_TEXT_MAX);
        postfix_lines_print(lines, &out);
        (void)fwrite(out.data, 1, out.len, tool->out);
        buf_clear(&out);
        return;
    }
    for (size_t i = 0; i < POSTFIX_PARAMS; i++)
        print_object(tool, POSTFIX_MAIN_CF, lines->params[i].name, NULL, lines->params[i].value);
    for (size_t i = 0; i < POSTFIX_SERVICES; i++)
        print_object(tool, POSTFIX_MASTER_CF, lines->services[i].id, NULL, lines->services[i].line);
}

static void
print_change(struct tool *tool, const struct postfix_change *change)
{
    if (tool->as_json) {
        print_object(tool, change->file, change->name, change->before, change->after);
        return;
    }
    (void)fprintf(tool->out, "%s: ", postfix_file_names[change->file]);
    print_text(tool->out, change->name);
    if (change->file == POSTFIX_MAIN_CF && change->after[0] != '\0') {
        (void)fputs(" = ", tool->out);
        print_text(tool->out, change->after);
    }
    if (change->before[0] == '\0') {
        (void)fputs(" (new)", tool->out);
    } else {
        (void)fputs(change->after[0] == '\0' ? " (removed), was " : ", was ", tool->out);
        print_text(tool->out, change->before);
    }
    (void)fputc('\n', tool->out);
}

// In local time, to the millisecond: nothing is ever overwritten.
static void
format_suffix(int64_t now_ms, char out[40])
{
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm when;
    size_t len;

    (void)localtime_r(&seconds, &when);
    len = strftime(out, 40, ".before-%Y%m%d-%H%M%S", &when);
    (void)snprintf(out + len, 40 - len, ".%03d", (int)(now_ms % 1000));
}

static int
edit_copies(struct postfix_edit *edit, const struct wish *wish, struct err *err)
{
    return wish->removes ? postfix_edit_remove(edit, err) : postfix_edit_put(edit, err);
}

// Once more: now there must be nothing to do.
static int
check_copies(const struct postfix_edit *done, const struct wish *wish, struct err *err)
{
    struct postfix_edit again;
    int result;

    postfix_edit_init(&again, done->folder, done->lines);
    result = edit_copies(&again, wish, err);
    if (result == 0 && again.change_count > 0)
        result = err_set(err, ERR_PERM, "postconf did not take %s as \"%.200s\"",
                         again.changes[0].name, again.changes[0].after);
    postfix_edit_clear(&again);
    return result;
}

static void
tell_done(struct tool *tool, const struct wish *wish, const struct postfix_files *files,
          const char *suffix)
{
    if (tool->as_json)
        return;
    (void)fprintf(tool->out, "# what was changed in %s is kept there as *%s\n", files->folder,
                  suffix);
    (void)fprintf(tool->out, "# it is in force after: postfix -c %s reload\n", files->folder);
    if (!wish->removes)
        return;
    (void)fprintf(tool->out, "# and for mail that is queued: postsuper -c %s -r ALL\n",
                  files->folder);
    (void)fputs("# what Postern still has (postern list) cannot come back any more\n", tool->out);
}

static enum tool_exit
change_files(struct tool *tool, const struct wish *wish, struct postfix_files *files,
             struct postfix_edit *edit)
{
    // Whatever falls between the two, Postfix never hands mail to a service that is not there.
    enum postfix_file first = wish->removes ? POSTFIX_MAIN_CF : POSTFIX_MASTER_CF;
    char suffix[40];
    struct err err;

    if (edit_copies(edit, wish, &err) != 0 || check_copies(edit, wish, &err) != 0) {
        print_error(tool, "nothing is changed: %s", err.text);
        return TOOL_NOTHING;
    }
    if (edit->change_count == 0) {
        if (!tool->as_json)
            (void)fprintf(tool->out, "# nothing to change in %s\n", files->folder);
        return TOOL_DONE;
    }
    if (faccessat(files->folder_fd, ".", W_OK, AT_EACCESS) != 0) {
        print_error(tool, "nothing is changed: no right to write to %s", files->folder);
        return TOOL_FORBIDDEN;
    }
    format_suffix(tool->now_ms, suffix);
    if (postfix_files_take(files, first, suffix, &err) < 0) {
        print_error(tool, "%s", err.text);
        return TOOL_IO;
    }
    for (size_t i = 0; i < edit->change_count; i++)
        print_change(tool, &edit->changes[i]);
    tell_done(tool, wish, files, suffix);
    return TOOL_DONE;
}

static enum tool_exit
change_postfix(struct tool *tool, const struct wish *wish, const struct postfix_lines *lines)
{
    struct postfix_files files;
    struct postfix_edit edit;
    enum tool_exit result;
    struct err err;

    if (postfix_files_open(wish->folder, &files, &err) != 0) {
        print_error(tool, "nothing is changed: %s", err.text);
        result = TOOL_IO;
    } else {
        postfix_edit_init(&edit, files.aside, lines);
        result = change_files(tool, wish, &files, &edit);
        postfix_edit_clear(&edit);
    }
    postfix_files_close(&files);
    return result;
}

enum tool_exit
setup_postfix_run(struct tool *tool, int argc, char **argv)
{
    const struct smtp_listener_settings *listener;
    struct postfix_lines lines;
    struct wish wish = {0};
    enum tool_exit result = TOOL_DONE;
    struct err err;

    if (read_options(tool, argc, argv, &wish) != 0)
        return print_usage(tool, USAGE);
    listener = find_listener(tool->settings, wish.listener);
    if (listener == NULL) {
        print_error(tool, "the configuration has no listener \"%s\"", wish.listener);
        return TOOL_NOTHING;
    }
    if (postfix_lines_make(tool->settings, listener, &lines, &err) != 0) {
        print_error(tool, "%s", err.text);
        return TOOL_CONFIGURATION;
    }
    if (wish.applies || wish.removes)
        result = change_postfix(tool, &wish, &lines);
    else
        print_lines(tool, &lines);
    postfix_lines_clear(&lines);
    return result;
}
