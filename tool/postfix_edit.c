// SPDX-License-Identifier: BSD-2-Clause
#include "tool/postfix_edit.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "tool/postconf.h"

#define OUR_NAME "-o syslog_name=postfix/reinject" // tells the way back from others' services

enum { SAID_MAX = 1 << 20, PROGRAM_FIELD = 7 /* of a line of master.cf, from 0 */ };

void
postfix_edit_init(struct postfix_edit *edit, const char *folder, const struct postfix_lines *lines)
{
    *edit = (struct postfix_edit){.folder = folder, .lines = lines};
}

void
postfix_edit_clear(struct postfix_edit *edit)
{
    for (size_t i = 0; i < edit->change_count; i++) {
        mem_free(&edit->changes[i].name);
        mem_free(&edit->changes[i].before);
        mem_free(&edit->changes[i].after);
    }
    edit->change_count = 0;
}

static void
note(struct postfix_edit *edit, enum postfix_file file, const char *name, const char *before,
     const char *after)
{
    assert(edit->change_count < sizeof edit->changes / sizeof edit->changes[0]);
    edit->changes[edit->change_count++] = (struct postfix_change){.file = file,
                                                                  .name = mem_strdup(name),
                                                                  .before = mem_strdup(before),
                                                                  .after = mem_strdup(after)};
}

// What `postconf OPTION WORD` says, with one blank where it has several.
static int
ask(const struct postfix_edit *edit, const char *option, const char *word, char **said_out,
    struct err *err)
{
    const char *arguments[] = {option, word, NULL};
    struct buf out;
    size_t len = 0;

    buf_init(&out, SAID_MAX);
    if (postconf_run(edit->folder, arguments, &out, err) != 0) {
        buf_clear(&out);
        return -1;
    }
    for (size_t i = 0; i < out.len; i++) {
        char c = out.data[i] == '\t' || out.data[i] == '\n' ? ' ' : out.data[i];

        if (c != ' ' || (len > 0 && out.data[len - 1] != ' '))
            out.data[len++] = c;
    }
    *said_out = mem_strndup(len == 0 ? "" : out.data, len);
    buf_clear(&out);
    return 0;
}

// postconf OPTION WORD...
static int
change(const struct postfix_edit *edit, const char *option, char *const *words, size_t count,
       struct err *err)
{
    const char *arguments[POSTFIX_PARAMS + 2] = {option};
    struct buf out;
    int result;

    if (count == 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        arguments[i + 1] = words[i];
    buf_init(&out, SAID_MAX);
    result = postconf_run(edit->folder, arguments, &out, err);
    buf_clear(&out);
    return result;
}

// main.cf: a parameter

// Is word one of a list's, parted by commas or blanks?
static bool
has_word(const char *list, const char *word)
{
    static const char separators[] = ", \t";
    size_t len;

    for (; *list != '\0'; list += len) {
        list += strspn(list, separators);
        len = strcspn(list, separators);
        if (len == strlen(word) && memcmp(list, word, len) == 0)
            return true;
    }
    return false;
}

static char *
without_word(const char *list, const char *word)
{
    static const char separators[] = ", \t";
    struct buf out;
    char *rest;
    size_t len;

    buf_init(&out, SAID_MAX);
    for (; *list != '\0'; list += len) {
        list += strspn(list, separators);
        len = strcspn(list, separators);
        if (len == 0 || (len == strlen(word) && memcmp(list, word, len) == 0))
            continue;
        (void)buf_add_text(&out, out.len > 0 ? ", " : "");
        (void)buf_add(&out, list, len);
    }
    rest = mem_strdup(buf_text(&out));
    buf_clear(&out);
    return rest;
}

static bool
is_list(const struct postfix_param *param)
{
    return strcmp(param->value, POSTFIX_OVERRIDE) == 0;
}

static bool
is_of_another(const struct postfix_param *param, const char *now)
{
    return strcmp(param->name, "content_filter") == 0 && now[0] != '\0' &&
           strncmp(now, POSTFIX_TRANSPORT ":", strlen(POSTFIX_TRANSPORT ":")) != 0;
}

// What a parameter shall be, by what it is.
static char *
wanted(const struct postfix_param *param, const char *now)
{
    if (!is_list(param) || now[0] == '\0')
        return mem_strdup(param->value);
    return has_word(now, param->value) ? mem_strdup(now) : mem_printf("%s, %s", now, param->value);
}

static int
find_param(struct postfix_edit *edit, const struct postfix_param *param, struct err *err)
{
    char *now = NULL, *then = NULL;
    int result = ask(edit, "-nh", param->name, &now, err);

    if (result != 0)
        return -1;
    if (is_of_another(param, now)) {
        result = err_set(err, ERR_PERM,
                         "content_filter is \"%s\": another filter has the place; see who needs "
                         "it, and empty it: postconf -e content_filter=",
                         now);
    } else {
        then = wanted(param, now);
        if (strcmp(now, then) != 0)
            note(edit, POSTFIX_MAIN_CF, param->name, now, then);
    }
    mem_free(&then);
    mem_free(&now);
    return result;
}

static int
find_param_to_remove(struct postfix_edit *edit, const struct postfix_param *param, struct err *err)
{
    char *now = NULL, *then = NULL;
    int result = ask(edit, "-nh", param->name, &now, err);

    if (result != 0)
        return -1;
    if (now[0] != '\0' && !is_of_another(param, now)) {
        then = is_list(param) ? without_word(now, param->value) : mem_strdup("");
        if (strcmp(now, then) != 0)
            note(edit, POSTFIX_MAIN_CF, param->name, now, then);
    }
    mem_free(&then);
    mem_free(&now);
    return result;
}

// All at once: postconf does not read a file that was changed within a second.
static int
change_params(const struct postfix_edit *edit, struct err *err)
{
    char *set[POSTFIX_PARAMS] = {NULL}, *removed[POSTFIX_PARAMS] = {NULL};
    size_t set_count = 0, removed_count = 0;
    int result;

    for (size_t i = 0; i < edit->change_count; i++) {
        const struct postfix_change *one = &edit->changes[i];

        if (one->file != POSTFIX_MAIN_CF)
            continue;
        if (one->after[0] == '\0')
            removed[removed_count++] = one->name;
        else
            set[set_count++] = mem_printf("%s=%s", one->name, one->after);
    }
    result = change(edit, "-e", set, set_count, err);
    if (result == 0)
        result = change(edit, "-X", removed, removed_count, err);
    while (set_count > 0)
        mem_free(&set[--set_count]);
    return result;
}

// master.cf: a service

static bool
is_service_ours(const struct postfix_edit *edit, const struct postfix_service *service,
                const char *now)
{
    struct span rest = span_of(now), program;

    if (service == &edit->lines->services[0]) {
        for (int i = 0; i < PROGRAM_FIELD; i++)
            (void)span_cut(&rest, ' ');
        program = span_cut(&rest, ' ');
        return span_is(program, "smtp") || span_is(program, "lmtp");
    }
    return strstr(now, OUR_NAME) != NULL;
}

static int
put_service(struct postfix_edit *edit, const struct postfix_service *service, struct err *err)
{
    char *now = NULL, *word;
    int result = ask(edit, "-M", service->id, &now, err);

    if (result != 0)
        return -1;
    if (now[0] != '\0' && !is_service_ours(edit, service, now)) {
        result = err_set(err, ERR_PERM,
                         "master.cf has a service %s of another kind (%.200s); see who needs it, "
                         "and remove it (postconf -MX %s), or give Postern another address",
                         service->id, now, service->id);
    } else if (strcmp(now, service->line) != 0) {
        word = mem_printf("%s=%s", service->id, service->line);
        result = change(edit, "-M", &word, 1, err);
        mem_free(&word);
        note(edit, POSTFIX_MASTER_CF, service->id, now, service->line);
    }
    mem_free(&now);
    return result;
}

static int
remove_service(struct postfix_edit *edit, const struct postfix_service *service, struct err *err)
{
    char *now = NULL;
    int result = ask(edit, "-M", service->id, &now, err);

    if (result == 0 && now[0] != '\0' && is_service_ours(edit, service, now)) {
        result = change(edit, "-MX", &service->id, 1, err);
        note(edit, POSTFIX_MASTER_CF, service->id, now, "");
    }
    mem_free(&now);
    return result;
}

// Services first: without them postconf does not know the names that follow from theirs.
int
postfix_edit_put(struct postfix_edit *edit, struct err *err)
{
    int result = 0;

    for (size_t i = 0; i < POSTFIX_SERVICES && result == 0; i++)
        result = put_service(edit, &edit->lines->services[i], err);
    for (size_t i = 0; i < POSTFIX_PARAMS && result == 0; i++)
        result = find_param(edit, &edit->lines->params[i], err);
    return result == 0 ? change_params(edit, err) : -1;
}

int
postfix_edit_remove(struct postfix_edit *edit, struct err *err)
{
    int result = 0;

    for (size_t i = 0; i < POSTFIX_PARAMS && result == 0; i++)
        result = find_param_to_remove(edit, &edit->lines->params[i], err);
    for (size_t i = 0; i < POSTFIX_SERVICES && result == 0; i++)
        result = remove_service(edit, &edit->lines->services[i], err);
    return result == 0 ? change_params(edit, err) : -1;
}
