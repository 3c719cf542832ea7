// SPDX-License-Identifier: BSD-2-Clause
#include "base/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/un.h>

#include "tests/unit/harness.h"

#define TEN "0123456789"
#define PATH_107 "/" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "012345"

static void
test_parse(void)
{
    static const struct {
        const char *name, *text, *host;
        const char *written; // NULL: as text
        uint16_t port;
    } rows[] = {
        {"IPv4",            "inet:127.0.0.1:25",          "127.0.0.1",        NULL,                   25   },
        {"highest port",    "inet:192.0.2.1:65535",       "192.0.2.1",        NULL,                   65535},
        {"any",             "inet:0.0.0.0:10024",         "0.0.0.0",          NULL,                   10024},
        {"IPv6",            "inet:[::1]:25",              "::1",              NULL,                   25   },
        {"IPv6, long form", "inet:[2001:DB8:0:0::1]:1",   "2001:db8::1",      "inet:[2001:db8::1]:1", 1    },
        {"IPv6, any",       "inet:[::]:25",               "::",               NULL,                   25   },
        {"IPv4 in IPv6",    "inet:[::ffff:192.0.2.1]:25", "::ffff:192.0.2.1", NULL,                   25   },
        {"path",            "unix:/run/p.sock",           "/run/p.sock",      NULL,                   0    },
        {"path, root",      "unix:/",                     "/",                NULL,                   0    },
        {"path, longest",   "unix:" PATH_107,             PATH_107,           NULL,                   0    },
    };

    char text[ADDR_TEXT_MAX];

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        const char *written = rows[i].written != NULL ? rows[i].written : rows[i].text;
        struct addr addr, again;
        struct err err;

        UNIT_CHECK_ROW(rows[i].name, addr_parse(span_of(rows[i].text), &addr, &err) == 0);
        UNIT_CHECK_ROW(rows[i].name, addr_port(&addr) == rows[i].port);
        UNIT_CHECK_ROW(rows[i].name, addr_is_unix(&addr) == (rows[i].port == 0));
        addr_format_host(&addr, text);
        UNIT_CHECK_ROW(rows[i].name, strcmp(text, rows[i].host) == 0);
        addr_format(&addr, text);
        UNIT_CHECK_ROW(rows[i].name, strcmp(text, written) == 0);
        UNIT_CHECK_ROW(rows[i].name, addr_resolve(span_of(text), &again, &err) == 0);
        UNIT_CHECK_ROW(rows[i].name, addr_equal(&addr, &again));
    }
}

static void
test_bad(void)
{
    static const struct {
        const char *name;
        struct span text;
        const char *said;
    } rows[] = {
        {"empty",             SPAN_LITERAL(""),                                    "expected inet:HOST:PORT"},
        {"null",              {NULL, 0},                                           "expected inet:HOST:PORT"},
        {"no scheme",         SPAN_LITERAL("127.0.0.1:25"),                        "not \"127.0.0.1:25\""   },
        {"scheme alone",      SPAN_LITERAL("inet:"),                               "expected inet:HOST:PORT"},
        {"upper case",        SPAN_LITERAL("INET:127.0.0.1:25"),                   "expected inet:HOST:PORT"},
        {"no port",           SPAN_LITERAL("inet:127.0.0.1"),                      "expected inet:HOST:PORT"},
        {"empty port",        SPAN_LITERAL("inet:127.0.0.1:"),                     "a port from 1 to 65535" },
        {"port 0",            SPAN_LITERAL("inet:127.0.0.1:0"),                    "a port from 1 to 65535" },
        {"port too high",     SPAN_LITERAL("inet:127.0.0.1:65536"),                "not \"65536\""          },
        {"port overflows",    SPAN_LITERAL("inet:127.0.0.1:18446744073709551641"), "a port"                 },
        {"port's name",       SPAN_LITERAL("inet:127.0.0.1:smtp"),                 "a port from 1 to 65535" },
        {"port and blank",    SPAN_LITERAL("inet:127.0.0.1:25 "),                  "a port from 1 to 65535" },
        {"empty host",        SPAN_LITERAL("inet::25"),                            "expected inet:HOST:PORT"},
        {"empty brackets",    SPAN_LITERAL("inet:[]:25"),                          "expected inet:HOST:PORT"},
        {"star",              SPAN_LITERAL("inet:*:25"),                           "not \"*\""              },
        {"IPv6, no brackets", SPAN_LITERAL("inet:::1:25"),                         "IPv6 stands in brackets"},
        {"IPv4 in brackets",  SPAN_LITERAL("inet:[127.0.0.1]:25"),                 "not \"127.0.0.1\""      },
        {"half a bracket",    SPAN_LITERAL("inet:[::1:25"),                        "not \"[::1\""           },
        {"short IPv4",        SPAN_LITERAL("inet:127.1:25"),                       "not \"127.1\""          },
        {"a number",          SPAN_LITERAL("inet:1:25"),                           "not \"1\""              },
        {"hexadecimal",       SPAN_LITERAL("inet:0x7f.1:25"),                      "not \"0x7f.1\""         },
        {"octal",             SPAN_LITERAL("inet:0177.0.0.1:25"),                  "not \"0177.0.0.1\""     },
        {"IPv4 too high",     SPAN_LITERAL("inet:256.0.0.1:25"),                   "not \"256.0.0.1\""      },
        {"NUL in host",       SPAN_LITERAL("inet:127.0.0.1\0x:25"),                "expected inet:HOST:PORT"},
        {"relative path",     SPAN_LITERAL("unix:run/p"),                          "absolute path"          },
        {"empty path",        SPAN_LITERAL("unix:"),                               "expected inet:HOST:PORT"},
        {"NUL in path",       SPAN_LITERAL("unix:/a\0b"),                          "absolute path"          },
        {"abstract",          SPAN_LITERAL("unix:\0a"),                            "absolute path"          },
        {"path of 108",       SPAN_LITERAL("unix:" PATH_107 "x"),                  "at most 107 bytes"      },
    };
    struct addr before;

    memset(&before, 'x', sizeof(before));
    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct addr addr = before;
        struct err err = {.kind = ERR_NONE};

        UNIT_CHECK_ROW(rows[i].name, addr_parse(rows[i].text, &addr, &err) == -1);
        UNIT_CHECK_ROW(rows[i].name, err.kind == ERR_PERM);
        UNIT_CHECK_ROW(rows[i].name, strstr(err.text, rows[i].said) != NULL);
        UNIT_CHECK_ROW(rows[i].name, addr_resolve(rows[i].text, &addr, NULL) == -1);
        UNIT_CHECK_ROW(rows[i].name, addr.len == before.len);
    }
}

static void
test_long_host(void)
{
    char text[400] = "inet:";
    struct addr addr;
    struct err err;

    memset(text + 5, 'a', sizeof(text) - 5);
    memcpy(text + sizeof(text) - 4, ":25", 4);
    CU_ASSERT(addr_parse(span_of(text), &addr, &err) == -1);
    CU_ASSERT(addr_resolve(span_of(text), &addr, &err) == -1);
    CU_ASSERT_EQUAL(err.kind, ERR_PERM);
}

// "localhost" stands in every hosts file: no question leaves the machine.
static void
test_resolve(void)
{
    char text[ADDR_TEXT_MAX];
    struct addr addr;
    struct err err;

    CU_ASSERT(addr_resolve(span_of("inet:localhost:2525"), &addr, &err) == 0);
    addr_format(&addr, text);
    CU_ASSERT(strcmp(text, "inet:127.0.0.1:2525") == 0 || strcmp(text, "inet:[::1]:2525") == 0);
    CU_ASSERT(addr_parse(span_of("inet:localhost:2525"), &addr, &err) == -1);
    CU_ASSERT_STRING_EQUAL(
        err.text, "expected a numeric address, not \"localhost\" (IPv6 stands in brackets)");
    CU_ASSERT(addr_resolve(span_of("inet:a b:25"), &addr, &err) == -1);
    CU_ASSERT(addr_resolve(span_of("inet:[localhost]:25"), &addr, &err) == -1);
}

static void
test_equal(void)
{
    static const char *const texts[] = {
        "inet:127.0.0.1:25", "inet:127.0.0.1:26",          "inet:127.0.0.2:25", "inet:[::1]:25",
        "inet:[::2]:25",     "inet:[::ffff:127.0.0.1]:25", "unix:/a",           "unix:/ab"};
    struct addr none = {.len = 0};
    struct addr a, b;

    for (size_t i = 0; i < UNIT_COUNT(texts); i++) {
        addr_parse(span_of(texts[i]), &a, NULL);
        UNIT_CHECK_ROW(texts[i], !addr_equal(&a, &none));
        for (size_t j = 0; j < UNIT_COUNT(texts); j++) {
            addr_parse(span_of(texts[j]), &b, NULL);
            UNIT_CHECK_ROW(texts[i], addr_equal(&a, &b) == (i == j));
        }
    }
    CU_ASSERT(addr_equal(&none, &none));
}

// What accept(2) and getsockname(2) tell, which addr_parse never makes.
static void
test_from_kernel(void)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct addr addr = {.len = sizeof(sa_family_t)};
    struct addr full;
    char text[ADDR_TEXT_MAX];

    memcpy(&addr.sa, &un, sizeof(un));
    addr_format_host(&addr, text);
    CU_ASSERT_STRING_EQUAL(text, "local");
    addr_format(&addr, text);
    CU_ASSERT_STRING_EQUAL(text, "local");
    CU_ASSERT(addr_is_unix(&addr) && addr_port(&addr) == 0 && addr_equal(&addr, &addr));

    memcpy(un.sun_path, "\0abstract", 9);
    memcpy(&addr.sa, &un, sizeof(un));
    addr.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 9);
    addr_format_host(&addr, text);
    CU_ASSERT_STRING_EQUAL(text, "local");

    // A path that fills its room has no NUL; len then tells one more than there is.
    memset(un.sun_path, '/', sizeof(un.sun_path));
    memset(&full, 'x', sizeof(full));
    memcpy(&full.sa, &un, sizeof(un));
    full.len = (socklen_t)sizeof(un) + 1;
    addr_format_host(&full, text);
    CU_ASSERT_EQUAL(strlen(text), sizeof(un.sun_path));
    addr_format(&full, text);
    CU_ASSERT_EQUAL(strlen(text), sizeof(un.sun_path) + 5);
    CU_ASSERT(!addr_equal(&addr, &full));
}

static void
test_none(void)
{
    struct addr none = {.len = 0};
    char text[ADDR_TEXT_MAX];

    addr_format(&none, text);
    CU_ASSERT_STRING_EQUAL(text, "");
    addr_format_host(&none, text);
    CU_ASSERT_STRING_EQUAL(text, "");
    CU_ASSERT(!addr_is_unix(&none) && addr_port(&none) == 0);
}

static void
test_net_parse(void)
{
    static const struct {
        const char *text, *written; // NULL: an error
    } rows[] = {
        {"192.0.2.0/24",                                                "192.0.2.0/24" },
        {"127.0.0.1",                                                   "127.0.0.1"    },
        {"127.0.0.1/32",                                                "127.0.0.1"    },
        {"0.0.0.0/0",                                                   "0.0.0.0/0"    },
        {"10.0.0.0/7",                                                  "10.0.0.0/7"   },
        {"128.0.0.0/1",                                                 "128.0.0.0/1"  },
        {"::1",                                                         "::1"          },
        {"::/0",                                                        "::/0"         },
        {"2001:DB8::/32",                                               "2001:db8::/32"},
        {"fe80::/10",                                                   "fe80::/10"    },
        {"::ffff:192.0.2.0/120",                                        "192.0.2.0/24" },
        {"::ffff:0:0/96",                                               "0.0.0.0/0"    },
        {"::/95",                                                       "::/95"        },
        {"192.0.2.1/24",                                                NULL           },
        {"192.0.2.0/33",                                                NULL           },
        {"11.0.0.0/7",                                                  NULL           },
        {"0.0.0.1/0",                                                   NULL           },
        {"2001:db8::1/32",                                              NULL           },
        {"::/129",                                                      NULL           },
        {"10.0.0.0/",                                                   NULL           },
        {"10.0.0.0/-1",                                                 NULL           },
        {"10.0.0.0/8/8",                                                NULL           },
        {"10.0.0.0/ 8",                                                 NULL           },
        {"10.0.0.0/256",                                                NULL           },
        {"10.0.0.0/18446744073709551624",                               NULL           },
        {"10.0.0/8",                                                    NULL           },
        {"10/8",                                                        NULL           },
        {"/8",                                                          NULL           },
        {"",                                                            NULL           },
        {"localhost",                                                   NULL           },
        {"[::1]",                                                       NULL           },
        {"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", NULL           },
    };

    char text[ADDR_TEXT_MAX];

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct err err = {.kind = ERR_NONE};
        struct net net, again;

        UNIT_CHECK_ROW(rows[i].text, net_parse(span_of(rows[i].text), &net, &err) ==
                                         (rows[i].written != NULL ? 0 : -1));
        if (rows[i].written == NULL) {
            UNIT_CHECK_ROW(rows[i].text, err.kind == ERR_PERM && err.text[0] != '\0');
            continue;
        }
        net_format(&net, text);
        UNIT_CHECK_ROW(rows[i].text, strcmp(text, rows[i].written) == 0);
        UNIT_CHECK_ROW(rows[i].text, net_parse(span_of(text), &again, &err) == 0);
        UNIT_CHECK_ROW(rows[i].text, memcmp(&net, &again, sizeof(net)) == 0);
    }
    CU_ASSERT(net_parse(SPAN_LITERAL("::1\0"), &(struct net){.bits = 0}, NULL) == -1);
    CU_ASSERT(net_parse(span_of(NULL), &(struct net){.bits = 0}, NULL) == -1);
}

static void
test_net_has(void)
{
    static const struct {
        const char *net, *addr;
        bool expected;
    } rows[] = {
        {"127.0.0.0/8",    "inet:127.255.255.255:1",    true },
        {"127.0.0.0/8",    "inet:128.0.0.0:1",          false},
        {"127.0.0.0/8",    "inet:126.255.255.255:1",    false},
        {"127.0.0.1",      "inet:127.0.0.1:1",          true },
        {"127.0.0.1",      "inet:127.0.0.0:1",          false},
        {"192.0.2.128/25", "inet:192.0.2.128:1",        true },
        {"192.0.2.128/25", "inet:192.0.2.127:1",        false},
        {"10.0.0.0/7",     "inet:11.1.1.1:1",           true },
        {"10.0.0.0/7",     "inet:12.0.0.0:1",           false},
        {"0.0.0.0/0",      "inet:255.255.255.255:1",    true },
        {"0.0.0.0/0",      "inet:[::1]:1",              false},
        {"127.0.0.0/8",    "inet:[::ffff:127.0.0.1]:1", true },
        {"127.0.0.0/8",    "inet:[::7f00:1]:1",         false},
        {"::1",            "inet:[::1]:1",              true },
        {"::1",            "inet:[::]:1",               false},
        {"::/0",           "inet:[2001:db8::1]:1",      true },
        {"2001:db8::/33",  "inet:[2001:db8:7fff::]:1",  true },
        {"2001:db8::/33",  "inet:[2001:db8:8000::]:1",  false},
        {"::/0",           "unix:/a",                   false},
    };

    for (size_t i = 0; i < UNIT_COUNT(rows); i++) {
        struct addr addr;
        struct net net;

        UNIT_CHECK_ROW(rows[i].net, net_parse(span_of(rows[i].net), &net, NULL) == 0);
        UNIT_CHECK_ROW(rows[i].addr, addr_parse(span_of(rows[i].addr), &addr, NULL) == 0);
        UNIT_CHECK_ROW(rows[i].addr, net_has(&net, &addr) == rows[i].expected);
    }
    CU_ASSERT(!net_has(&(struct net){.bits = 0}, &(struct addr){.len = 0}));
}

static const struct unit_test tests[] = {
    {"parse",           test_parse      },
    {"bad addresses",   test_bad        },
    {"an endless host", test_long_host  },
    {"resolve",         test_resolve    },
    {"equal",           test_equal      },
    {"from the kernel", test_from_kernel},
    {"none",            test_none       },
    {"parse networks",  test_net_parse  },
    {"network has",     test_net_has    },
};

UNIT_MAIN("base/addr", tests)
