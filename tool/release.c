// SPDX-License-Identifier: BSD-2-Clause
// Out of quarantine, on the files themselves, whether a daemon runs or not: a child is made in an
// instance of our own, which the daemon takes up when we are done.
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "spool/quarantine.h"
#include "tool/ask.h"
#include "tool/offline.h"
#include "tool/print.h"
#include "tool/tool.h"

#define USAGE "release [--to A] [--again] ID..."

struct release {
    struct tool *tool;
    const char *to; // a pattern; NULL: all
    bool again, has_released;
    char by[100];
    struct place_root root;
    struct offline offline;
    enum tool_exit result;
};

static void
refuse(struct release *release, const char *id, enum tool_exit exit, const char *text)
{
    struct tool *tool = release->tool;
    struct json *object;

    release->result = print_worse(release->result, exit);
    if (!tool->as_json) {
        print_error(tool, "%s: %s", id, text);
        return;
    }
    object = json_object_new();
    json_set_text(object, "queue_id", span_of(id));
    json_set_text(object, "status", span_of(exit == TOOL_NOTHING ? "refused" : "failed"));
    json_set_text(object, "text", span_of(text));
    print_json(tool, &object);
}

static void
refuse_for(struct release *release, const char *id, const struct err *err)
{
    refuse(release, id, err->kind == ERR_PERM ? TOOL_NOTHING : TOOL_IO, err->text);
}

static bool
is_in(const struct rcpt_state *rcpt, const char *child)
{
    return rcpt->released != NULL && strcmp(rcpt->released, child) == 0;
}

static void
tell_object(struct tool *tool, const struct reader_message *message, const char *child)
{
    struct json *object = json_object_new(), *rcpts = json_array_new();

    json_set_text(object, "queue_id", span_of(message->envelope.id));
    json_set_text(object, "status", SPAN_LITERAL("done"));
    json_set_text(object, "child", span_of(child));
    for (size_t i = 0; i < message->envelope.rcpt_count; i++) {
        if (is_in(&message->state.rcpts[i], child))
            json_add_text(rcpts, span_of(message->envelope.rcpts[i].path));
    }
    json_set_take(object, "recipients", &rcpts);
    print_json(tool, &object);
}

static void
tell(struct tool *tool, const struct reader_message *message, const char *child)
{
    (void)fprintf(tool->out, "%s: release: as %s to", message->envelope.id, child);
    for (size_t i = 0; i < message->envelope.rcpt_count; i++) {
        if (!is_in(&message->state.rcpts[i], child))
            continue;
        (void)fputs(" <", tool->out);
        print_text(tool->out, message->envelope.rcpts[i].path);
        (void)fputc('>', tool->out);
    }
    (void)fputc('\n', tool->out);
}

// Who is wanted, and why nobody is.
static const char *
choose(const struct release *release, const struct reader_message *message, struct ranges *wanted)
{
    const char *why_not = "no recipient of it has that address";

    for (size_t i = 0; i < message->envelope.rcpt_count; i++) {
        const struct rcpt_state *rcpt = &message->state.rcpts[i];

        if (release->to != NULL &&
            fnmatch(release->to, message->envelope.rcpts[i].path, FNM_CASEFOLD | FNM_NOESCAPE) != 0)
            continue;
        if (!state_rcpt_is_retired(rcpt) && (rcpt->released == NULL || release->again))
            ranges_add(wanted, i);
        else if (rcpt->released != NULL)
            why_not = "it was let go before (--again does so once more)";
        else
            why_not = "it has gone its way before it was put into quarantine";
    }
    return why_not;
}

// Those of the first one's rule who are wanted and had no turn; false: nobody is left.
static bool
take_share(const struct spool_state *state, const struct ranges *wanted, struct ranges *taken,
           struct ranges *share)
{
    const char *rule = NULL;
    bool has_first = false;

    for (size_t i = 0; i < state->rcpt_count; i++) {
        const char *mine = quarantine_rule(state, i);

        if (!ranges_has(wanted, i) || ranges_has(taken, i))
            continue;
        if (has_first && (mine == NULL || rule == NULL ? mine != rule : strcmp(mine, rule) != 0))
            continue;
        rule = mine;
        has_first = true;
        ranges_add(taken, i);
        ranges_add(share, i);
    }
    return has_first;
}

static int
let_go(struct release *release, int fd, struct reader_message *message, const struct ranges *share)
{
    struct quarantine_release wish = {.message = message,
                                      .file_fd = fd,
                                      .rcpts = share,
                                      .again = release->again,
                                      .by = release->by,
                                      .now_ms = release->tool->now_ms,
                                      .sync = release->tool->settings->spool.sync};
    char child[ID_MAX + 1];
    struct err err;

    if (offline_open_bucket(&release->offline, &err) != 0 ||
        quarantine_release(&wish, release->offline.bucket_fd, child, &err) != 0) {
        refuse_for(release, message->envelope.id, &err);
        return -1;
    }
    release->offline.bucket_files++;
    release->has_released = true;
    if (release->tool->as_json)
        tell_object(release->tool, message, child);
    else
        tell(release->tool, message, child);
    return 0;
}

// One child for each rule that caught somebody: it is not asked again.
static void
let_go_all(struct release *release, int fd, struct reader_message *message)
{
    struct ranges wanted, taken, share;
    const char *why_not;
    int result = 0;

    ranges_init(&wanted, message->envelope.rcpt_count);
    ranges_init(&taken, message->envelope.rcpt_count);
    ranges_init(&share, message->envelope.rcpt_count);
    why_not = choose(release, message, &wanted);
    if (ranges_size(&wanted) == 0)
        refuse(release, message->envelope.id, TOOL_NOTHING, why_not);
    while (result == 0 && take_share(&message->state, &wanted, &taken, &share)) {
        result = let_go(release, fd, message, &share);
        ranges_clear(&share);
        ranges_init(&share, message->envelope.rcpt_count);
    }
    ranges_clear(&share);
    ranges_clear(&taken);
    ranges_clear(&wanted);
}

static void
tell_where(struct release *release, const char *id)
{
    struct find_target target = {.is_found = false};
    char text[100];
    struct err err;

    (void)snprintf(target.id, sizeof target.id, "%s", id);
    if (find_targets(&release->root, &target, 1, &err) != 0) {
        refuse_for(release, id, &err);
    } else if (!target.is_found) {
        refuse(release, id, TOOL_NOTHING, "there is no such message");
    } else {
        (void)snprintf(text, sizeof text, "it is not in quarantine: it lies in %s%s",
                       spool_place_name(target.place.place),
                       target.place.place == PLACE_HOLD ? " (unhold lets it go)" : "");
        refuse(release, id, TOOL_NOTHING, text);
    }
}

static void
release_one(struct release *release, const char *id)
{
    struct reader_message message;
    struct err err;
    int day_fd, fd;

    if (!id_is_valid(span_of(id))) {
        refuse(release, id, TOOL_NOTHING, "that is no message id");
        return;
    }
    fd = quarantine_open(&release->root, id, &day_fd, &err);
    if (fd < 0 && err.kind == ERR_PERM) {
        tell_where(release, id);
        return;
    }
    if (fd < 0) {
        refuse(release, id, errno == EWOULDBLOCK ? TOOL_NOTHING : TOOL_IO, err.text);
        return;
    }
    if (reader_load(fd, &message, &err) == READER_OK)
        let_go_all(release, fd, &message);
    else
        refuse(release, id, TOOL_IO, err.text);
    reader_message_clear(&message);
    close(fd);
    close(day_fd);
}

static void
name_user(char *out, size_t size)
{
    const struct passwd *user = getpwuid(getuid());

    if (user != NULL)
        (void)snprintf(out, size, "%s", user->pw_name);
    else
        (void)snprintf(out, size, "%u", (unsigned)getuid());
}

enum tool_exit
release_run(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {
        {"to",    required_argument, NULL, 't'},
        {"again", no_argument,       NULL, 'a'},
        {"json",  no_argument,       NULL, 'j'},
        {NULL,    0,                 NULL, 0  }
    };
    struct release release = {.tool = tool};
    int option;

    optind = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 't')
            release.to = optarg;
        else if (option == 'a')
            release.again = true;
        else if (option == 'j')
            tool->as_json = true;
        else
            return print_usage(tool, USAGE);
    }
    if (optind == argc)
        return print_usage(tool, USAGE);
    release.result = find_open_spool(tool, &release.root);
    if (release.result != TOOL_DONE)
        return release.result;
    name_user(release.by, sizeof release.by);
    offline_init(&release.offline, &release.root, tool->now_ms, tool->settings->spool.sync);
    for (int i = optind; i < argc; i++)
        release_one(&release, argv[i]);
    offline_clear(&release.offline);
    if (release.has_released)
        ask_to_adopt(&tool->settings->control.socket);
    place_root_close(&release.root);
    return release.result;
}
