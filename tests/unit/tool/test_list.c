// SPDX-License-Identifier: BSD-2-Clause
#include "base/json.h"
#include "tests/unit/tool/quarantined.h"
#include "tests/unit/tool/stand.h"

static const struct {
    const char *name;
    const char *options[5];
    const char *ids; // of what is listed, by the senders' letters, sorted
} filters[] = {
    {"all",             {NULL},                                   "ABD"},
    {"active",          {"--where", "active", NULL},              "AB" },
    {"hold",            {"--where", "hold", NULL},                "D"  },
    {"both",            {"--where=hold, active", NULL},           "ABD"},
    {"quarantine",      {"--where", "quarantine", NULL},          ""   },
    {"sender",          {"--from", "SB@example.org", NULL},       "B"  },
    {"senders",         {"--from", "s[AD]@*", NULL},              "AD" },
    {"null sender",     {"--from", "<>", NULL},                   ""   },
    {"recipient",       {"--to", "r2@example.com", NULL},         "ABD"},
    {"other recipient", {"--to", "r3@example.com", NULL},         ""   },
    {"older",           {"--older", "100s", NULL},                ""   },
    {"older still",     {"--older", "99s", NULL},                 "ABD"},
    {"newer",           {"--newer", "99s", NULL},                 ""   },
    {"newer still",     {"--newer", "2m", NULL},                  "ABD"},
    {"both bounds",     {"--older", "1m", "--newer", "2m", NULL}, "ABD"},
};

static void
filters_hold(void)
{
    struct stand stand;

    stand_make(&stand);
    stand_fill(&stand);
    for (size_t i = 0; i < UNIT_COUNT(filters); i++) {
        char got[16] = "";
        size_t got_len = 0;
        enum tool_exit result =
            stand_run(&stand, list_run, "list", filters[i].options[0], filters[i].options[1],
                      filters[i].options[2], filters[i].options[3], NULL);

        for (const char *letter = "ABCDZ"; *letter != '\0'; letter++) {
            char sender[32];

            snprintf(sender, sizeof sender, "<s%c@example.org>", *letter);
            if (strstr(stand.out, sender) != NULL)
                got[got_len++] = *letter;
        }
        UNIT_CHECK_ROW(filters[i].name, strcmp(got, filters[i].ids) == 0);
        UNIT_CHECK_ROW(filters[i].name,
                       result == (filters[i].ids[0] == '\0' ? TOOL_NOTHING : TOOL_DONE));
        UNIT_CHECK_ROW(filters[i].name, stand.errors_len == 0);
    }
    stand_remove(&stand);
}

static const char *const bad[][3] = {
    {"--where",    "nowhere", NULL},
    {"--where",    "",        NULL},
    {"--older",    "soon",    NULL},
    {"--nonsense", NULL,      NULL},
    {"--from",     NULL,      NULL},
    {"more",       NULL,      NULL},
};

static void
bad_usage_is_told(void)
{
    struct stand stand;

    stand_make(&stand);
    opterr = 0;
    for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
        UNIT_CHECK_ROW(bad[i][0], stand_run(&stand, list_run, "list", bad[i][0], bad[i][1], NULL) ==
                                      TOOL_USAGE);
        UNIT_CHECK_ROW(bad[i][0],
                       stand_has(stand.errors, "usage: postern [-c FILE] [--json] list"));
    }
    stand_remove(&stand);
}

static void
rows_are_one_line(void)
{
    struct stand stand;
    int bucket;

    stand_make(&stand);
    stand_fill(&stand);
    bucket = stand_bucket(&stand);
    stand_put(bucket, STAND_C, STAND_C, "", "deferred r=0 until=1700000160000 reply=a`b^[2J", "");
    close(bucket);
    CU_ASSERT(stand_run(&stand, list_run, "list", NULL) == TOOL_DONE);
    CU_ASSERT(stand_has(stand.out,
                        STAND_A "  active            22 2023-11-14 22:13:20     3/3   now "
                                "<sA@example.org>\n"));
    CU_ASSERT(stand_has(stand.out,
                        STAND_B "  waiting           22 2023-11-14 22:13:20     2/3    1m "
                                "<sB@example.org> (4.3.0 later)\n"));
    CU_ASSERT(stand_has(stand.out,
                        STAND_D "  hold              22 2023-11-14 22:13:20     3/3     - "
                                "<sD@example.org> (by hand)\n"));
    CU_ASSERT_PTR_NULL(strchr(stand.out, '\033'));
    CU_ASSERT_PTR_NULL(strstr(stand.out, "\nb"));
    stand.tool.is_terminal = true;
    CU_ASSERT(stand_run(&stand, list_run, "list", NULL) == TOOL_DONE);
    CU_ASSERT(strncmp(stand.out, "ID ", 3) == 0);
    stand_remove(&stand);
}

static void
quarantine_is_explained(void)
{
    struct stand stand;
    struct json *json;
    struct err err;

    stand_make(&stand);
    quarantine_put(&stand, STAND_NONE,
                   QUARANTINE_CAUGHT "|release r=1 child=x|released r=1 child=x by=root");
    CU_ASSERT(stand_run(&stand, list_run, "list", "--where", "quarantine", NULL) == TOOL_DONE);
    CU_ASSERT(stand_has(stand.out, STAND_NONE "  quarantine "));
    CU_ASSERT(stand_has(stand.out, " rule=virus released=1 (Eicar)\n"));
    CU_ASSERT(stand_run(&stand, list_run, "list", "--json", NULL) == TOOL_DONE);
    json = json_parse(span_of(stand.out), &err);
    CU_ASSERT_FATAL(json != NULL);
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "status"), "quarantine");
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "quarantine_rule"), "virus");
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "quarantine_reason"), "Eicar");
    CU_ASSERT_STRING_EQUAL(json_get_text(json_get_item(json, "recipients", 1), "released"), "x");
    CU_ASSERT_PTR_NULL(json_get_text(json_get_item(json, "recipients", 0), "released"));
    json_free(&json);
    stand_remove(&stand);
}

static void
json_is_one_object_a_line(void)
{
    struct stand stand;
    struct json *json;
    const struct json *rcpt;
    struct err err;

    stand_make(&stand);
    stand_fill(&stand);
    CU_ASSERT(stand_run(&stand, list_run, "list", "--json", "--from", "sB@*", NULL) == TOOL_DONE);
    CU_ASSERT_FATAL(stand.out_len > 0 && strchr(stand.out, '\n') == stand.out + stand.out_len - 1);
    json = json_parse(span_of(stand.out), &err);
    CU_ASSERT_FATAL(json != NULL);
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "queue_name"), "active");
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "queue_id"), STAND_B);
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "status"), "waiting");
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "sender"), "sB@example.org");
    CU_ASSERT(json_get_number(json, "arrival_time", 0) == 1700000000);
    CU_ASSERT(json_get_number(json, "next_try", 0) == 1700000160);
    CU_ASSERT(json_get_number(json, "message_size", 0) == 22);
    CU_ASSERT_FATAL(json_get_count(json, "recipients") == 3);
    rcpt = json_get_item(json, "recipients", 0);
    CU_ASSERT_STRING_EQUAL(json_get_text(rcpt, "status"), "sent");
    rcpt = json_get_item(json, "recipients", 1);
    CU_ASSERT_STRING_EQUAL(json_get_text(rcpt, "address"), "r1@example.com");
    CU_ASSERT_STRING_EQUAL(json_get_text(rcpt, "status"), "deferred");
    CU_ASSERT_STRING_EQUAL(json_get_text(rcpt, "delay_reason"), "4.3.0 later");
    json_free(&json);
    stand_remove(&stand);
}

static void
damage_is_listed(void)
{
    struct stand stand;
    struct err err;
    struct json *json;
    int fd;

    stand_make(&stand);
    fd = openat(stand.root.corrupt_fd, "slot-0007.1", O_CREAT | O_WRONLY, 0600);
    CU_ASSERT_FATAL(fd >= 0 && write(fd, "nonsense", 8) == 8);
    close(fd);
    CU_ASSERT(stand_run(&stand, list_run, "list", NULL) == TOOL_NOTHING);
    CU_ASSERT(stand_run(&stand, list_run, "list", "--where", "corrupt", NULL) == TOOL_DONE);
    CU_ASSERT(stand_has(stand.out, "slot-0007.1 damaged 8 ("));
    CU_ASSERT(stand_run(&stand, list_run, "list", "--where", "corrupt", "--json", NULL) ==
              TOOL_DONE);
    json = json_parse(span_of(stand.out), &err);
    CU_ASSERT_FATAL(json != NULL);
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "queue_id"), "slot-0007.1");
    CU_ASSERT_STRING_EQUAL(json_get_text(json, "status"), "damaged");
    json_free(&json);
    stand_remove(&stand);
}

static const struct unit_test tests[] = {
    {"filters hold",              filters_hold             },
    {"bad usage is told",         bad_usage_is_told        },
    {"rows are one line",         rows_are_one_line        },
    {"quarantine is explained",   quarantine_is_explained  },
    {"JSON is one object a line", json_is_one_object_a_line},
    {"damage is listed",          damage_is_listed         },
};

UNIT_MAIN("tool/list", tests)
