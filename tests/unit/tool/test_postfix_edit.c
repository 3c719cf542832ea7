// SPDX-License-Identifier: BSD-2-Clause
#include "tool/postfix_edit.h"

#include "tests/unit/harness.h"
#include "tests/unit/tool/fake_postconf.h"

#define IN "postern unix - - n - 20 smtp -o a=b"
#define BACK "127.0.0.1:10025 inet n - n - 40 smtpd -o syslog_name=postfix/reinject"

static char filter[] = "postern:[127.0.0.1]:10024", override[] = POSTFIX_OVERRIDE, limit[] = "20",
            other_limit[] = "0", id_in[] = "postern/unix", id_back[] = "127.0.0.1:10025/inet",
            line_in[] = IN, line_back[] = BACK;

static const struct postfix_lines lines = {
    .params = {{"content_filter", filter},
               {"receive_override_options", override},
               {"postern_destination_recipient_limit", limit},
               {"postern_destination_concurrency_limit", limit},
               {"postern_initial_destination_concurrency", limit},
               {"postern_destination_concurrency_failed_cohort_limit", other_limit}},
    .services = {{id_in, line_in}, {id_back, line_back}}
};

// What is there, whether it is to be removed, how much is changed, and how it ends: main.cf and
// master.cf are expected to have (with "!": not to have) those lines then.
// clang-format off
static const struct {
    const char *name;
    const char *main_cf, *master_cf;
    bool removes;
    size_t changes;
    const char *main_has, *master_has;
    const char *error; // NULL: none
} rows[] = {
    {"nothing there",
     "myhostname\tmx\n", "smtp/inet\tx\n", false, 8,
     "content_filter\tpostern:[127.0.0.1]:10024\n", "postern/unix\t" IN "\n", NULL},
    {"others stay",
     "myhostname\tmx\n", "smtp/inet\tx\n", false, 8,
     "myhostname\tmx\n", "smtp/inet\tx\n", NULL},
    {"a word is added",
     "receive_override_options\tno_milters\n", "", false, 8,
     "receive_override_options\tno_milters, no_address_mappings\n", "postern/unix", NULL},
    {"the word is there",
     "receive_override_options\tno_address_mappings no_milters\n", "", false, 7,
     "receive_override_options\tno_address_mappings no_milters\n", "postern/unix", NULL},
    {"a longer word is another",
     "receive_override_options\tno_address_mappingsx\n", "", false, 8,
     "\tno_address_mappingsx, no_address_mappings\n", "postern/unix", NULL},
    {"an earlier Postern",
     "content_filter\tpostern:[127.0.0.1]:1\n",
     "postern/unix\tpostern unix - - n - 5 lmtp\n127.0.0.1:10025/inet\t" BACK "\n", false, 7,
     "content_filter\tpostern:[127.0.0.1]:10024\n", "postern/unix\t" IN "\n", NULL},
    {"blanks do not count",
     "", "postern/unix\tpostern   unix -  - n - 20 smtp   -o a=b\n", false, 7,
     "content_filter", "20 smtp   -o", NULL},
    {"another filter",
     "content_filter\tamavis:[127.0.0.1]:10024\n", "", false, 0,
     "\tamavis:", "", "content_filter is \"amavis:[127.0.0.1]:10024\": another filter"},
    {"another service",
     "", "127.0.0.1:10025/inet\t127.0.0.1:10025 inet n - n - - smtpd\n", false, 0,
     "!content_filter", "", "master.cf has a service 127.0.0.1:10025/inet of another kind"},
    {"another transport",
     "", "postern/unix\tpostern unix - n n - - pipe argv=/bin/x smtp\n", false, 0,
     "!content_filter", "n n - - pipe", "service postern/unix of another kind"},
    {"removed",
     "content_filter\tpostern:x\nreceive_override_options\tno_milters,no_address_mappings\n"
     "postern_destination_recipient_limit\t5\nmyhostname\tmx\n",
     "postern/unix\tpostern unix - - n - 5 lmtp\nsmtp/inet\tx\n127.0.0.1:10025/inet\t" BACK "\n",
     true, 5,
     "receive_override_options\tno_milters\n", "!postern/unix", NULL},
    {"others stay when it is removed",
     "content_filter\tamavis:x\nmyhostname\tmx\n",
     "127.0.0.1:10025/inet\t127.0.0.1:10025 inet n - n - - smtpd\n", true, 0,
     "content_filter\tamavis:x\n", "smtpd\n", NULL},
    {"the last word",
     "receive_override_options\tno_address_mappings\n", "", true, 1,
     "!receive_override_options", "", NULL},
    {"nothing to remove",
     "myhostname\tmx\n", "", true, 0,
     "myhostname", "", NULL},
};

// clang-format on

static bool
is_as_expected(const struct scratch *scratch, const char *name, const char *part)
{
    char *text = fake_postconf_read(scratch, name);
    bool has = strstr(text, part[0] == '!' ? part + 1 : part) != NULL;

    mem_free(&text);
    return has == (part[0] != '!');
}

static void
rows_hold(void)
{
    struct scratch scratch;
    char folder[1024];

    fake_postconf_make(&scratch);
    scratch_name(&scratch, "conf", folder);
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct postfix_edit edit;
        struct err err;
        int result;

        scratch_write(&scratch, "conf/main.cf", rows[i].main_cf);
        scratch_write(&scratch, "conf/master.cf", rows[i].master_cf);
        postfix_edit_init(&edit, folder, &lines);
        result = rows[i].removes ? postfix_edit_remove(&edit, &err) : postfix_edit_put(&edit, &err);
        UNIT_CHECK_ROW(rows[i].name, (result == 0) == (rows[i].error == NULL));
        if (rows[i].error != NULL)
            UNIT_CHECK_ROW(rows[i].name, strstr(err.text, rows[i].error) != NULL);
        else
            UNIT_CHECK_ROW(rows[i].name, edit.change_count == rows[i].changes);
        UNIT_CHECK_ROW(rows[i].name, is_as_expected(&scratch, "conf/main.cf", rows[i].main_has));
        UNIT_CHECK_ROW(rows[i].name,
                       is_as_expected(&scratch, "conf/master.cf", rows[i].master_has));
        postfix_edit_clear(&edit);
    }
    scratch_remove(&scratch);
}

// Each way back again: what was there before is there after.
static void
second_time_changes_nothing(void)
{
    struct scratch scratch;
    char folder[1024], *once, *twice;
    struct postfix_edit edit;

    fake_postconf_make(&scratch);
    scratch_name(&scratch, "conf", folder);
    postfix_edit_init(&edit, folder, &lines);
    CU_ASSERT(postfix_edit_put(&edit, NULL) == 0 && edit.change_count == 8);
    CU_ASSERT(strcmp(edit.changes[0].name, "postern/unix") == 0);
    CU_ASSERT(edit.changes[0].file == POSTFIX_MASTER_CF && edit.changes[0].before[0] == '\0');
    postfix_edit_clear(&edit);
    once = fake_postconf_read(&scratch, "conf/main.cf");
    CU_ASSERT(postfix_edit_put(&edit, NULL) == 0 && edit.change_count == 0);
    twice = fake_postconf_read(&scratch, "conf/main.cf");
    CU_ASSERT(strcmp(once, twice) == 0);
    mem_free(&once);
    mem_free(&twice);
    CU_ASSERT(postfix_edit_remove(&edit, NULL) == 0 && edit.change_count == 8);
    postfix_edit_clear(&edit);
    CU_ASSERT(postfix_edit_remove(&edit, NULL) == 0 && edit.change_count == 0);
    once = fake_postconf_read(&scratch, "conf/main.cf");
    CU_ASSERT(strcmp(once, "myhostname\tmx\n") == 0);
    mem_free(&once);
    scratch_remove(&scratch);
}

static const struct unit_test tests[] = {
    {"rows hold",                   rows_hold                  },
    {"second time changes nothing", second_time_changes_nothing},
};

UNIT_MAIN("tool/postfix_edit", tests)
