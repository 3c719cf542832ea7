// SPDX-License-Identifier: BSD-2-Clause
#include "control/settings.h"

#include "tests/unit/control/scratch.h"
#include "tests/unit/harness.h"

static const char full[] =
    "# as an administrator would write it\n"
    "hostname = \"mx1.example.com\"  user = mail\n"
    "workers = 3  handoff = relay  trace = no\n"
    "bare_newlines = reject  source_routes = strip  strict_paths = yes\n"
    "max_size = \"100M\"  max_recipients = 50  max_connections = 500\n"
    "max_errors = 7  max_session = 30m\n"
    "relay_deadline = 100s  soft_bounce = yes  on_next_hop_reject = hold  delay_warning = 4h\n"
    "listen \"inet:127.0.0.1:10024\" { }\n"
    "listen \"unix:/run/lmtp.sock\" {\n"
    "    mode = \"0666\"  group = postfix  name = local  next_hop = second  handoff = spool\n"
    "}\n"
    "listen \"inet:[::1]:10026\" {\n"
    "    protocol = lmtp  clients = {\"10.0.0.0/8\"}  xforward_clients += {\"192.0.2.1\"}\n"
    "    chunking = yes  timeout = 60s\n"
    "    tls { cert = \"/c.pem\"  key = \"/k.pem\"  mode = require  client_ca = \"/ca.pem\" }\n"
    "}\n"
    "next_hop \"inet:localhost:10025\" { connections = 5  backup = {\"inet:127.0.0.1:2525\"} }\n"
    "next_hop \"unix:/x\" { name = second  protocol = lmtp  tls = no }\n"
    "spool { path = \"/var/spool/p\"  min_free = 1G  max_messages = 10  lifetime = 2d\n"
    "        retry = {1s, 5m}  sync = no }\n"
    "log { syslog = no  facility = local3  file = \"/var/log/p\" }\n"
    "control { socket = \"unix:/c.sock\"  mode = 0600  group = adm }\n";

static struct settings *
load(const struct scratch *scratch, const char *text, struct err *err)
{
    struct settings *settings = NULL;
    char path[1024];

    scratch_write(scratch, "f", text);
    scratch_name(scratch, "f", path);
    return settings_load(path, &settings, err) == 0 ? settings : NULL;
}

static void
check_listeners(const struct settings *settings)
{
    const struct smtp_listener_settings *listeners = settings->listeners;

    CU_ASSERT_FATAL(settings->listener_count == 3);
    CU_ASSERT_STRING_EQUAL(listeners[0].name, "inet:127.0.0.1:10024");
    CU_ASSERT(listeners[0].protocol == SMTP_PROTOCOL_SMTP && listeners[0].clients.count == 2);
    CU_ASSERT(addr_is_unix(&listeners[1].addr));
    CU_ASSERT(listeners[1].protocol == SMTP_PROTOCOL_LMTP && listeners[1].mode == 0666);
    CU_ASSERT(listeners[1].handoff == SMTP_HANDOFF_SPOOL + 1);
    CU_ASSERT_STRING_EQUAL(listeners[1].name, "local");
    CU_ASSERT_STRING_EQUAL(listeners[1].group, "postfix");
    CU_ASSERT_STRING_EQUAL(listeners[1].next_hop, "second");
    CU_ASSERT(listeners[2].protocol == SMTP_PROTOCOL_LMTP && listeners[2].chunking);
    CU_ASSERT(listeners[2].clients.count == 1 && listeners[2].xforward_clients.count == 3);
    CU_ASSERT(listeners[2].timeout == 60000 && listeners[2].tls_mode == SMTP_TLS_REQUIRE);
    CU_ASSERT_STRING_EQUAL(listeners[2].tls_cert, "/c.pem");
    CU_ASSERT_STRING_EQUAL(listeners[2].tls_key, "/k.pem");
    CU_ASSERT_STRING_EQUAL(listeners[2].tls_client_ca, "/ca.pem");
}

static void
check_hops(const struct settings *settings)
{
    char text[ADDR_TEXT_MAX];

    CU_ASSERT_FATAL(settings->hop_count == 2);
    CU_ASSERT_STRING_EQUAL(settings->hops[0].name, "inet:localhost:10025");
    addr_format_host(&settings->hops[0].addr, text); // the name was looked up
    CU_ASSERT(strcmp(text, "127.0.0.1") == 0 || strcmp(text, "::1") == 0);
    CU_ASSERT(settings->hops[0].connections == 5 && settings->hops[0].backup.count == 1);
    CU_ASSERT(settings->hops[1].protocol == HOP_LMTP);
    CU_ASSERT_PTR_EQUAL(settings_find_hop(settings, ""), &settings->hops[0]);
    CU_ASSERT_PTR_EQUAL(settings_find_hop(settings, "second"), &settings->hops[1]);
    CU_ASSERT_PTR_NULL(settings_find_hop(settings, "third"));
}

static void
everything_is_taken(void)
{
    struct scratch scratch;
    struct err err = {ERR_NONE, ""};
    struct settings *settings;

    scratch_make(&scratch);
    settings = load(&scratch, full, &err);
    CU_ASSERT_STRING_EQUAL(err.text, "");
    CU_ASSERT_FATAL(settings != NULL);
    CU_ASSERT(strncmp(settings->file, scratch.path, strlen(scratch.path)) == 0);
    CU_ASSERT_STRING_EQUAL(settings->smtp.hostname, "mx1.example.com");
    CU_ASSERT_STRING_EQUAL(settings->daemon.user, "mail");
    CU_ASSERT(settings->daemon.workers == 3);
    CU_ASSERT(settings->smtp.handoff == SMTP_HANDOFF_RELAY && !settings->smtp.trace);
    CU_ASSERT(settings->smtp.bare_newlines == 1 && settings->smtp.source_routes == 1);
    CU_ASSERT(settings->smtp.strict_paths && settings->smtp.max_size == 100 << 20);
    CU_ASSERT(settings->smtp.max_recipients == 50 && settings->smtp.max_connections == 500);
    CU_ASSERT(settings->smtp.max_errors == 7 && settings->smtp.max_session == 1800000);
    CU_ASSERT(settings->delivery.relay_deadline == 100000 && settings->delivery.soft_bounce);
    CU_ASSERT(settings->delivery.on_next_hop_reject == 1);
    CU_ASSERT(settings->delivery.delay_warning == 4 * 3600000);
    check_listeners(settings);
    check_hops(settings);
    CU_ASSERT_STRING_EQUAL(settings->spool.path, "/var/spool/p");
    CU_ASSERT(settings->spool.min_free == 1 << 30 && settings->spool.max_messages == 10);
    CU_ASSERT(settings->spool.lifetime == 2 * 86400000 && !settings->spool.sync);
    CU_ASSERT_FATAL(settings->spool.retry.count == 2);
    CU_ASSERT(((uint64_t *)settings->spool.retry.items)[1] == 300000);
    CU_ASSERT(!settings->log.syslog);
    CU_ASSERT_STRING_EQUAL(settings->log.facility, "local3");
    CU_ASSERT_STRING_EQUAL(settings->log.file, "/var/log/p");
    CU_ASSERT(settings->control.mode == 0600);
    CU_ASSERT_STRING_EQUAL(settings->control.group, "adm");
    settings_free(&settings);
    scratch_remove(&scratch);
}

static void
nothing_is_enough(void)
{
    struct scratch scratch;
    struct err err = {ERR_NONE, ""};
    struct settings *settings;

    scratch_make(&scratch);
    settings = load(&scratch, "", &err);
    CU_ASSERT_FATAL(settings != NULL);
    CU_ASSERT(settings->listener_count == 1 && settings->hop_count == 1);
    CU_ASSERT(settings->daemon.workers >= 1);
    CU_ASSERT_STRING_EQUAL(settings->spool.path, "/var/spool/postern");
    settings_free(&settings);
    scratch_remove(&scratch);
}

static const struct {
    const char *name, *text, *expected; // how the error begins; @ is the folder
} bad[] = {
    {"size",                          "\n\nmax_size = 12Q",                                                     "@/f:3: max_size: expected a size such as 10M"         },
    {"size, multi",                   "trace = yes max_size =\n\"x\"\nuser = a",                                "@/f:2: max_size: expected a size"                     },
    {"bool",                          "# c\ntrace = maybe",                                                     "@/f:2: trace: expected yes or no, not \"maybe\""      },
    {"number",                        "workers = -1",                                                           "@/f:1: workers: expected a number"                    },
    {"too many workers",              "\nworkers = 65",
     "@/f:2: workers: expected a number between 0 and 64, not"                                                                                                         },
    {"choice",                        "\n/* x */ handoff = both",                                               "@/f:2: handoff: expected spool or relay, not \"both\""},
    {"time",                          "relay_deadline = 5w",                                                    "@/f:1: relay_deadline: expected a time such as 30s"   },
    {"empty user",                    "user = \"\"",                                                            "@/f:1: user: expected a text that is not empty"       },
    {"unknown",                       "max-size = 5",
     "@/f:1: max-size: there is no such setting; did you mean max_size?"                                                                                               },
    {"of a later time",               "webmail { }",                                                            "@/f:1: webmail: there is no such setting"             },
    {"a ledger without a folder",     "track { ledger = \"ledger.db\" }",
     "@/f:1: ledger: expected the absolute path of a file, not \"ledger.db\""                                                                                          },
    {"a log that is a folder",        "track { postfix_log = \"/var/log/\" }",
     "@/f:1: postfix_log: expected the absolute path"                                                                                                                  },
    {"Redis without a port",          "redis { servers = {\"inet:localhost\"} }",
     "@/f:1: servers: expected inet:HOST:PORT or unix:/path, not \"inet:localhost\""                                                                                   },
    {"Redis at an odd host",          "redis { servers = {\"inet:a b:6379\"} }",
     "@/f:1: servers: expected inet:HOST:PORT"                                                                                                                         },
    {"a password with a control",     "redis { password = \"se\\x01cret\" }",
     "@/f:1: password: expected"                                                                                                                                       },
    {"an odd prefix",                 "redis { prefix = \"a b\" }",                                             "@/f:1: prefix: expected letters, digits"              },
    {"a user without a password",     "redis { user = \"a\" }",
     "@/f:1: user: expected a password, too"                                                                                                                           },
    {"http where mail comes in",      "listen \"inet:127.0.0.1:1\" { }\nhttp \"inet:127.0.0.1:1\" { }",
     "@/f:2: http: something else listens on that address"                                                                                                             },
    {"http without an address",       "http \"here\" { }",                                                      "@/f:1: http: "                                        },
    {"a filter of no type",           "filter \"a\" {\n servers = {\"inet:127.0.0.1:1\"} }",
     "@/f:1: type: expected clamd or rspamd"                                                                                                                           },
    {"a filter without a server",     "filter \"a\" {\n type = clamd }",
     "@/f:1: servers: expected at least one"                                                                                                                           },
    {"a filter of another type",      "filter \"a\" {\n type = dog }",                                          "@/f:2: type: expected"                                },
    {"a slow filter",                 "filter \"a\" { type = clamd servers = {\"unix:/c\"}\n timeout = 200s }",
     "@/f:2: timeout: expected at most deadline"                                                                                                                       },
    {"two filters of a name",         "filter \"a\" { }\nfilter \"a\" { }",
     "@/f:2: filter \"a\": it is there already, on line 1"                                                                                                             },
    {"a rule's action",               "rule \"a\" { from = \"*\"\n action = burn }",                            "@/f:2: action: "                                      },
    {"a rule's range",                "rule \"a\" { action = hold\n score = \"9..1\" }",                        "@/f:2: score: "                                       },
    {"a rule's filter",               "rule \"a\" { action = hold\n failed = \"none\" }",                       "@/f:2: failed: "                                      },
    {"a listener's rule",             "listen \"inet:127.0.0.1:1\" {\n rules = {\"no\"} }",
     "@/f:2: rules: there is no rule with the name \"no\""                                                                                                             },
    {"unpacked above memory",         "dissect {\n max_unpacked = \"400M\" }",
     "@/f:2: max_unpacked: expected at most half of memory"                                                                                                            },
    {"rules on what nobody looks at",
     "rule \"a\" { subject = \"*\" action = hold }\ndissect {\n enabled = no }",                                "@/f:3: enabled: expected yes"                         },
    {"too little time to look",       "deadline = 10s",
     "@/f:1: deadline: expected at least the timeout of dissect"                                                                                                       },
    {"retry item",                    "spool {\n retry = {1s,\n 2x}\n}",                                        "@/f:2: retry: expected a time such as 30s"            },
    {"empty condition",               "rule a {\n from = {} action = accept }",
     "@/f:2: from: expected 1 to 10000 values, not 0"                                                                                                                  },
    {"empty retry",                   "spool {\n retry = {} }",                                                 "@/f:2: retry: expected 1 to 32 values, not 0"         },
    {"relative spool",                "spool {\n\n path = \"x/y\" }",                                           "@/f:3: path: expected an absolute path"               },
    {"listen address",                "\nlisten \"127.0.0.1:10024\" {\n }",                                     "@/f:2: listen: "                                      },
    {"listen port",                   "listen \"inet:127.0.0.1:0\" { }",                                        "@/f:1: listen: "                                      },
    {"listen twice",                  "listen \"inet:127.0.0.1:1\" { }\nlisten \"inet:127.0.0.01:1\" { }",
     "@/f:2: listen: "                                                                                                                                                 },
    {"listen twice, names",
     "listen \"inet:127.0.0.1:1\" { }\nlisten \"inet:localhost:1\" {\n }\n listen \"inet:[::1]:1\" "
     "{ }",                                                                                                     "@/f:"                                                 },
    {"listener's name",               "listen \"unix:/a\" { name = x }\nlisten \"unix:/b\" {\n name = x }",
     "@/f:3: name: another listen has the name \"x\""                                                                                                                  },
    {"listener's next hop",           "listen \"unix:/a\" {\n next_hop = far }",
     "@/f:2: next_hop: there is no next_hop with the name \"far\""                                                                                                     },
    {"smtp on unix",                  "listen \"unix:/a\" {\n\n protocol = smtp }",
     "@/f:3: protocol: expected lmtp on a UNIX socket, not smtp"                                                                                                       },
    {"tls without files",             "listen \"unix:/a\" {\n tls { mode = may }\n}",
     "@/f:2: cert: expected a file"                                                                                                                                    },
    {"tls without key",               "listen \"unix:/a\" {\n tls {\n cert = \"/c\" }\n}",
     "@/f:2: key: expected a file"                                                                                                                                     },
    {"network",                       "listen \"unix:/a\" {\n clients = {\"10.0.0.0/8\", \"10.0.0.1/8\"} }",
     "@/f:2: clients: "                                                                                                                                                },
    {"hop twice",                     "next_hop \"inet:127.0.0.1:1\" { }\nnext_hop \"inet:127.0.0.1:1\" { }",
     "@/f:2: next_hop \"inet:127.0.0.1:1\": it is there already, on line 1"                                                                                            },
    {"hop's name",                    "next_hop \"unix:/a\" { name = x }\nnext_hop \"unix:/b\" {\n name = x }",
     "@/f:3: name: another next_hop has the name \"x\""                                                                                                                },
    {"hop is us",                     "listen \"unix:/a\" { }\nnext_hop \"unix:/a\" {\n }",
     "@/f:2: next_hop: mail to \"unix:/a\" would come back to us"                                                                                                      },
    {"hop's connections",             "next_hop \"unix:/a\" {\n connections = 0 }",
     "@/f:2: connections: expected"                                                                                                                                    },
    {"hop's backup",                  "next_hop \"unix:/a\" {\n backup = {\"unix:/b\", \"c\"} }",               "@/f:2: backup: "                                      },
    {"hop's authorities",             "next_hop \"unix:/a\" { tls = may\n tls_ca = \"/none/ca\" }",
     "@/f:2: tls_ca: expected a file, \"/none/ca\""                                                                                                                    },
    {"too few connections",           "workers = 9\nmax_connections = 8",
     "@/f:2: max_connections: expected at least one for each of the 9 workers"                                                                                         },
    {"control over TCP",              "control {\n socket = \"inet:127.0.0.1:1\" }",
     "@/f:2: socket: expected a UNIX socket"                                                                                                                           },
    {"no control socket",             "control {\n socket = \"\" }",                                            "@/f:2: socket: expected a UNIX socket"                },
    {"control is a listener",         "listen \"unix:/a\" { }\ncontrol {\n socket = \"unix:/a\" }",
     "@/f:3: socket: a listen has that address"                                                                                                                        },
    {"control mode",                  "control {\n mode = 888 }",                                               "@/f:2: mode: expected an octal mode"                  },
    {"facility",                      "log {\n facility = news }",
     "@/f:2: facility: expected mail, daemon or local0 to local7, not \"news\""                                                                                        },
    {"format",                        "log {\n format = xml }",                                                 "@/f:2: format: expected text or json, not \"xml\""    },
    {"control character",             "user = \"a\\nb\"",
     "@/f:1: user: expected a text without control characters"                                                                                                         },
    {"included",                      "\ninclude(\"sub.conf\")",                                                "@/sub.conf:3: trace: expected yes or no"              },
};

static void
errors_name_file_and_line(void)
{
    struct scratch scratch;

    scratch_make(&scratch);
    scratch_write(&scratch, "sub.conf", "# a\n\ntrace = 7\n");
    for (size_t i = 0; i < UNIT_COUNT(bad); i++) {
        struct err err = {ERR_NONE, ""};
        struct settings *settings = load(&scratch, bad[i].text, &err);
        char expected[2048];

        scratch_expand(&scratch, bad[i].expected, expected, sizeof expected);
        UNIT_CHECK_ROW(bad[i].name, settings == NULL);
        UNIT_CHECK_ROW(bad[i].name, err.kind == ERR_PERM);
        UNIT_CHECK_ROW(bad[i].name, strncmp(err.text, expected, strlen(expected)) == 0);
        if (strncmp(err.text, expected, strlen(expected)) != 0)
            fprintf(stderr, "got      %s\nexpected %s\n", err.text, expected);
        settings_free(&settings);
    }
    scratch_remove(&scratch);
}

static void
too_many_sections(void)
{
    struct scratch scratch;
    struct err err = {ERR_NONE, ""};
    struct settings *settings;
    struct buf text;
    char expected[2048];

    scratch_make(&scratch);
    buf_init(&text, 1 << 16);
    for (int i = 0; i < SETTINGS_LISTENERS_MAX; i++)
        (void)buf_printf(&text, "listen \"inet:127.0.0.1:%d\" { }\n", i + 1);
    settings = load(&scratch, buf_text(&text), &err);
    CU_ASSERT_PTR_NOT_NULL(settings);
    settings_free(&settings);
    (void)buf_add_text(&text, "listen \"inet:127.0.0.1:999\" { }\n");
    CU_ASSERT_PTR_NULL(load(&scratch, buf_text(&text), &err));
    scratch_expand(&scratch, "@/f:65: listen: expected at most 64", expected, sizeof expected);
    CU_ASSERT_STRING_EQUAL(err.text, expected);
    buf_clear(&text);
    scratch_remove(&scratch);
}

static void
relative_names_become_absolute(void)
{
    struct scratch scratch;
    struct err err;
    struct settings *settings = NULL;
    char before[1024];

    scratch_make(&scratch);
    scratch_write(&scratch, "f", "include(\"g\")");
    scratch_write(&scratch, "g", "trace = 5");
    CU_ASSERT_FATAL(getcwd(before, sizeof before) != NULL && chdir(scratch.path) == 0);
    CU_ASSERT(settings_load("f", &settings, &err) == -1);
    CU_ASSERT(strncmp(err.text, "g:1: trace: expected", 20) == 0);
    scratch_write(&scratch, "g", "trace = no");
    CU_ASSERT(settings_load("f", &settings, &err) == 0);
    CU_ASSERT_FATAL(chdir(before) == 0 && settings != NULL);
    CU_ASSERT(settings->file[0] == '/' && !settings->smtp.trace);
    settings_free(&settings);
    scratch_remove(&scratch);
}

static const struct unit_test tests[] = {
    {"everything is taken",            everything_is_taken           },
    {"nothing is enough",              nothing_is_enough             },
    {"errors name file and line",      errors_name_file_and_line     },
    {"too many sections",              too_many_sections             },
    {"relative names become absolute", relative_names_become_absolute},
};

UNIT_MAIN("control/settings", tests)
