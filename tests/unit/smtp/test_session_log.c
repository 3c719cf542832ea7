// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/base/tempdir.h"
#include "tests/unit/smtp/talk.h"

struct row {
    const char *name;
    const char *says;
    const char *line; // what the last line holds; NULL: no line at all
};

static const struct row rows[] = {
    {"nothing to tell",                     TALK_UP_TO_RCPT "RSET\r\nQUIT\r\n",                                     NULL},
    {"unknown",                             "FOO bar\r\n",
     ": reject=unknown, client=local, code=500, enhanced=5.5.2, text=Command not recognized\n"                          },
    {"sender",                              TALK_HELLO "MAIL FROM:<a b> SIZE=1\r\n",
     ": reject=MAIL, client=local, code=501, enhanced=5.1.7, text=Bad sender address syntax, "
     "from=<a "
     "b>\n"                                                                                                             },
    {"recipient, with the message's id",    TALK_HELLO TALK_MAIL "RCPT TO:c@d\r\n",
     ": id1: reject=RCPT, client=local, code=501, enhanced=5.1.3, text=Bad recipient address "
     "syntax, "
     "from=<a@b>, to=<c@d>\n"                                                                                           },
    {"the outermost client",                TALK_HELLO "XFORWARD NAME=n.example ADDR=192.0.2.7\r\nMAIL FROM:x\r\n",
     ": reject=MAIL, client=n.example[192.0.2.7], code=501, "                                                           },
    {"the outermost client without a name", TALK_HELLO "XFORWARD ADDR=192.0.2.7\r\nMAIL FROM:x\r\n",
     ": reject=MAIL, client=unknown[192.0.2.7], code=501, "                                                             },
    {"content",                             TALK_UP_TO_RCPT "DATA\r\na\n.\r\n\r\n.\r\n",
     ": id1: reject=DATA, client=local, code=550, enhanced=5.5.2, text=Bare "                                           },
    {"RCPT behind a refused MAIL",          TALK_HELLO TALK_RCPT TALK_RCPT "DATA\r\n",                              NULL},
};

static void
log_to(const struct tempdir *dir)
{
    static char facility[] = "mail", format[] = "text", empty[] = "";
    char file[200];
    struct log_settings settings = {.facility = facility,
                                    .file = file,
                                    .error_file = empty,
                                    .format = format,
                                    .syslog_path = empty};
    struct err err;

    snprintf(file, sizeof(file), "%s/log", dir->path);
    CU_ASSERT_FATAL(log_open("test", &settings, false, 0, &err) == 0);
}

static void
check_row(const struct row *row)
{
    struct tempdir dir;
    struct talk talk;
    char *text;
    char *line;

    tempdir_make(&dir);
    talk_init(&talk, TALK_REJECT_NEWLINES);
    log_to(&dir);
    talk_start(&talk);
    talk_say(&talk, span_of(row->says));
    talk_settle(&talk);
    text = tempdir_read(&dir, "log");
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    line = strstr(text, "reject=");
    UNIT_CHECK_ROW(row->name, row->line == NULL ? line == NULL : strstr(text, row->line) != NULL);
    // One line a refusal, whatever the client says.
    UNIT_CHECK_ROW(row->name, line == NULL || strchr(line, '\n') == strrchr(line, '\n'));
    free(text);
    talk_clear(&talk);
    tempdir_remove(&dir);
}

static void
test_rows(void)
{
    for (size_t i = 0; i < UNIT_COUNT(rows); i++)
        check_row(&rows[i]);
}

static void
test_counts(void)
{
    static const struct {
        const char *name;
        unsigned flags;
        const char *says;
        const char *counts; // code and how often, in the order of the codes
    } rows_of_counts[] = {
        {"all is well",                 0,                               TALK_UP_TO_RCPT "RSET\r\nQUIT\r\n",        ""            },
        {"unknown, twice",              0,                               "FOO\r\nBAR\r\n",                          "500 2 "      },
        {"those nobody logs",           0,                               TALK_HELLO TALK_RCPT TALK_RCPT "DATA\r\n", "503 3 "      },
        {"too many of them",            TALK_FEW_ERRORS,                 "FOO\r\nFOO\r\nFOO\r\n",                   "421 1 500 2 "},
        {"a message of an LMTP client", TALK_LMTP | TALK_EACH_ITS_REPLY,
         "LHLO c\r\n" TALK_MAIL TALK_RCPT TALK_RCPT "DATA\r\nx\r\n.\r\n",                                           "451 1 "      },
    };

    for (size_t i = 0; i < UNIT_COUNT(rows_of_counts); i++) {
        struct counter_worker counters = {.pid = 0};
        struct talk talk;
        struct buf text;

        talk_init(&talk, rows_of_counts[i].flags);
        talk.config.counters = &counters;
        talk_start(&talk);
        talk_say(&talk, span_of(rows_of_counts[i].says));
        talk_settle(&talk);
        buf_init(&text, 1000);
        for (size_t k = 0; k < COUNTER_CODES; k++) {
            if (counters.rejects[k] > 0)
                buf_printf(&text, "%s %u ", counter_code_name(k), (unsigned)counters.rejects[k]);
        }
        UNIT_CHECK_ROW(rows_of_counts[i].name, span_is(buf_span(&text), rows_of_counts[i].counts));
        buf_clear(&text);
        talk_clear(&talk);
    }
}

static const struct unit_test tests[] = {
    {"rows",   test_rows  },
    {"counts", test_counts},
};

UNIT_MAIN("smtp/session_log", tests)
