// SPDX-License-Identifier: BSD-2-Clause
#include "base/json.h"
#include "control/settings.h"
#include "tests/unit/control/scratch.h"
#include "tests/unit/harness.h"

enum { PRINT_MAX = 1 << 20 };

static const struct {
    const char *name, *text;
    const char *changed; // what settings_print says of it with SETTINGS_CHANGED
} rows[] = {
    {"nothing",             "",
     "listen \"inet:127.0.0.1:10024\" {\n}\nnext_hop \"inet:127.0.0.1:10025\" {\n}\n"                                                                                               },
    {"default said",        "trace = yes max_size = 102400K",
     "listen \"inet:127.0.0.1:10024\" {\n}\nnext_hop \"inet:127.0.0.1:10025\" {\n}\n"                                                                                               },
    {"global",
     "trace = no max_size = 5M hostname = \"a\\\"b\\\\c${NONE:-$}{\" relay_deadline = 90000ms",      "hostname = \"a\\\"b\\\\c\\${\"\nmax_size = \"5M\"\ntrace = no\nrelay_deadline = \"90s\"\n"
     "listen \"inet:127.0.0.1:10024\" {\n}\nnext_hop \"inet:127.0.0.1:10025\" {\n}\n"},
    {"a rule's conditions", "rule a { from = \"<>\" add_header = {} action = hold }",
     "listen \"inet:127.0.0.1:10024\" {\n}\nnext_hop \"inet:127.0.0.1:10025\" {\n}\n"
     "rule \"a\" {\n    from = {\"<>\"}\n    action = \"hold\"\n}\n"                                                                                                                },
    {"sections",
     "spool { retry = {90s, 1h} sync = no } control { mode = 0600 } log { facility = local0 }",      "spool {\n    retry = {\"90s\", \"1h\"}\n    sync = no\n}\ncontrol {\n    mode = 0600\n}\n"
     "log {\n    facility = \"local0\"\n}\n"
     "listen \"inet:127.0.0.1:10024\" {\n}\nnext_hop \"inet:127.0.0.1:10025\" {\n}\n"},
    {"listeners",
     "listen \"unix:/a b\" { name = x clients = {} handoff = relay\n"
     "tls { cert = \"/c\" key = \"/k\" mode = may } }\n"
     "next_hop \"inet:127.0.0.1:1\" { name = \"y\" backup = {\"unix:/b\"} tls = may }",              "listen \"unix:/a b\" {\n    name = \"x\"\n    handoff = relay\n    clients = {}\n    tls {\n"
     "        cert = \"/c\"\n        key = \"/k\"\n        mode = may\n    }\n}\n"
     "next_hop \"inet:127.0.0.1:1\" {\n    backup = {\"unix:/b\"}\n    name = \"y\"\n"
     "    tls = may\n}\n"                                                                    },
    {"long address",
     "listen \"unix:/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" {}", "listen \"unix:/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" "
     "{\n}\nnext_hop \"inet:127.0.0.1:10025\" {\n}\n"                           },
};

static struct settings *
load(const struct scratch *scratch, const char *row, const char *text)
{
    struct settings *settings = NULL;
    struct err err = {ERR_NONE, ""};
    char path[1024];

    scratch_write(scratch, "f", text);
    scratch_name(scratch, "f", path);
    if (settings_load(path, &settings, &err) != 0)
        fprintf(stderr, "row \"%s\": %s in\n%s\n", row, err.text, text);
    return settings;
}

static void
print(const struct settings *settings, enum settings_print which, bool as_json, struct buf *out)
{
    buf_init(out, PRINT_MAX);
    CU_ASSERT(settings_print(settings, which, as_json, out) == 0);
}

// Printed, loaded and printed again it is the same; so is what differs from the defaults.
static void
print_is_read_again(void)
{
    static const enum settings_print kinds[] = {SETTINGS_ALL, SETTINGS_CHANGED};
    struct scratch scratch;

    scratch_make(&scratch);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct settings *settings = load(&scratch, rows[i].name, rows[i].text);

        CU_ASSERT_FATAL(settings != NULL);
        for (size_t j = 0; j < UNIT_COUNT(kinds); j++) {
            struct settings *again;
            struct buf printed, first, second;

            print(settings, kinds[j], false, &printed);
            again = load(&scratch, rows[i].name, buf_text(&printed));
            CU_ASSERT_FATAL(again != NULL);
            print(settings, SETTINGS_ALL, true, &first);
            print(again, SETTINGS_ALL, true, &second);
            UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&first), buf_text(&second)) == 0);
            if (kinds[j] == SETTINGS_CHANGED)
                UNIT_CHECK_ROW(rows[i].name, strcmp(buf_text(&printed), rows[i].changed) == 0);
            if (kinds[j] == SETTINGS_CHANGED && strcmp(buf_text(&printed), rows[i].changed) != 0)
                fprintf(stderr, "got\n%s\nexpected\n%s\n", buf_text(&printed), rows[i].changed);
            settings_free(&again);
            buf_clear(&printed);
            buf_clear(&first);
            buf_clear(&second);
        }
        settings_free(&settings);
    }
    scratch_remove(&scratch);
}

static void
defaults_are_explained(void)
{
    struct scratch scratch;
    struct settings *settings, *again;
    struct buf out;

    scratch_make(&scratch);
    settings = load(&scratch, "changed", "trace = no listen \"unix:/x\" { }");
    CU_ASSERT_FATAL(settings != NULL);
    print(settings, SETTINGS_DEFAULTS, false, &out);
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_text(&out), "\ntrace = yes\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_text(&out), "listen \"inet:127.0.0.1:10024\""));
    CU_ASSERT_PTR_NULL(strstr(buf_text(&out), "unix:/x"));
    CU_ASSERT_PTR_NOT_NULL(strstr(buf_text(&out), "# Processes that carry mail; 0: one a core.\n"));
    again = load(&scratch, "defaults", buf_text(&out));
    CU_ASSERT_FATAL(again != NULL);
    buf_clear(&out);
    print(again, SETTINGS_CHANGED, false, &out);
    CU_ASSERT_STRING_EQUAL(buf_text(&out), rows[0].changed);
    buf_clear(&out);
    settings_free(&again);
    settings_free(&settings);
    scratch_remove(&scratch);
}

// Text and JSON, whatever of it is asked for; that there is one is told.
static void
secrets_are_hidden(void)
{
    static const enum settings_print kinds[] = {SETTINGS_ALL, SETTINGS_CHANGED};
    struct scratch scratch;
    struct settings *settings;

    scratch_make(&scratch);
    settings = load(&scratch, "secret", "redis { password = \"xyzzy\" }");
    CU_ASSERT_FATAL(settings != NULL);
    for (size_t i = 0; i < UNIT_COUNT(kinds) * 2; i++) {
        bool as_json = i % 2 == 1;
        struct buf out;

        print(settings, kinds[i / 2], as_json, &out);
        CU_ASSERT_PTR_NULL(strstr(buf_text(&out), "xyzzy"));
        CU_ASSERT_PTR_NOT_NULL(strstr(buf_text(&out), "\"***\""));
        buf_clear(&out);
    }
    settings_free(&settings);
    settings = load(&scratch, "none", "redis { database = 2 }");
    CU_ASSERT_FATAL(settings != NULL);
    for (size_t i = 0; i < 2; i++) {
        struct buf out;

        print(settings, SETTINGS_ALL, i == 1, &out);
        CU_ASSERT_PTR_NULL(strstr(buf_text(&out), "***"));
        buf_clear(&out);
    }
    settings_free(&settings);
    scratch_remove(&scratch);
}

static void
json_is_json(void)
{
    struct scratch scratch;
    struct settings *settings;
    struct json *json;
    struct err err;
    struct buf out;

    scratch_make(&scratch);
    settings = load(&scratch, "json",
                    "max_size = 5M user = \"a\\\"b\" workers = 2\n"
                    "listen \"unix:/x\" { clients = {\"10.0.0.0/8\", \"::1\"} }\n"
                    "next_hop \"unix:/y\" { backup = {\"unix:/a\\\"b\", \"unix:/c\"} }");
    CU_ASSERT_FATAL(settings != NULL);
    print(settings, SETTINGS_CHANGED, true, &out);
    CU_ASSERT(out.len > 0 && out.data[out.len - 1] == '\n');
    json = json_parse(span_from(out.data, out.len - 1), &err);
    CU_ASSERT_FATAL(json != NULL);
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "max_size"), "5M");
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "user"), "a\"b");
    CU_ASSERT_PTR_NULL(json_get_text(json, "trace"));
    CU_ASSERT(json_get_count(json, "listen") == 1 && json_get_count(json, "next_hop") == 1);
    CU_ASSERT_STRING_EQUAL(json_get_text(json_get_item(json, "listen", 0), "address"), "unix:/x");
    CU_ASSERT_STRING_EQUAL(json_get_item_text(json_get_item(json, "listen", 0), "clients", 1),
                           "::1");
    CU_ASSERT_STRING_EQUAL(json_get_item_text(json_get_item(json, "next_hop", 0), "backup", 0),
                           "unix:/a\"b");
    CU_ASSERT(json_get_count(json_get_item(json, "next_hop", 0), "backup") == 2);
    json_free(&json);
    buf_clear(&out);
    settings_free(&settings);
    scratch_remove(&scratch);
}

static void
no_half_print(void)
{
    struct scratch scratch;
    struct settings *settings;
    struct buf out;

    scratch_make(&scratch);
    settings = load(&scratch, "half", "");
    CU_ASSERT_FATAL(settings != NULL);
    buf_init(&out, 100);
    CU_ASSERT(settings_print(settings, SETTINGS_ALL, false, &out) == -1);
    CU_ASSERT(out.len == 0);
    CU_ASSERT(settings_print(settings, SETTINGS_ALL, true, &out) == -1);
    CU_ASSERT(out.len == 0);
    buf_clear(&out);
    settings_free(&settings);
    scratch_remove(&scratch);
}

// Takes the "#" off each default that the example shows.
static void
uncomment(char *text)
{
    for (char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
        char *mark;

        line += strspn(line, "\n");
        mark = line + strspn(line, " ");
        if (mark[0] != '#' || mark[1] < 'a' || mark[1] > 'z' ||
            strncmp(mark, "#hostname", 9) == 0 || strncmp(mark, "#backup", 7) == 0 ||
            strncmp(mark, "#listen", 7) == 0 || strncmp(mark, "#filter", 7) == 0 ||
            strncmp(mark, "#rule", 5) == 0)
            continue;
        *mark = ' ';
    }
}

// What is installed loads, and what it says the defaults are, they are.
static void
example_tells_the_truth(void)
{
    struct scratch scratch;
    struct settings *settings, *all;
    struct buf first, second;
    char text[1 << 14];
    FILE *file = fopen(EXAMPLE_FILE, "r");
    size_t len;

    CU_ASSERT_FATAL(file != NULL);
    len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    CU_ASSERT_FATAL(len > 1000 && len < sizeof text - 1);
    text[len] = '\0';
    scratch_make(&scratch);
    settings = load(&scratch, "example", text);
    uncomment(text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\n max_recipients = "));
    all = load(&scratch, "example without comments", text);
    CU_ASSERT_FATAL(settings != NULL && all != NULL);
    print(settings, SETTINGS_CHANGED, false, &first);
    print(all, SETTINGS_CHANGED, false, &second);
    CU_ASSERT_STRING_EQUAL(buf_text(&first), buf_text(&second));
    CU_ASSERT_STRING_EQUAL(buf_text(&first),
                           "listen \"inet:127.0.0.1:10024\" {\n}\n"
                           "next_hop \"inet:127.0.0.1:10025\" {\n    name = \"reinject\"\n}\n");
    buf_clear(&first);
    buf_clear(&second);
    settings_free(&settings);
    settings_free(&all);
    scratch_remove(&scratch);
}

static const struct unit_test tests[] = {
    {"example tells the truth", example_tells_the_truth},
    {"print is read again",     print_is_read_again    },
    {"secrets",                 secrets_are_hidden     },
    {"defaults are explained",  defaults_are_explained },
    {"JSON is JSON",            json_is_json           },
    {"no half print",           no_half_print          },
};

UNIT_MAIN("control/settings_print", tests)
