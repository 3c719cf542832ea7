// SPDX-License-Identifier: BSD-2-Clause
#include "policy/rule.h"

#include "tests/unit/policy/kit.h"

struct bad_row {
    const char *rules, *text; // what the error must hold
};

// Each is the second rule.
static const struct bad_row bad_rows[] = {
    {"x: from=*",                                               "action: the rule does nothing"               },
    {"x: action=maybe",                                         "action: expected accept, quarantine"         },
    {"x: action=none",                                          "action: expected"                            },
    {"x: action=redirect",                                      "redirect: goes with"                         },
    {"x: action=accept; redirect=a@example.com",                "redirect: goes with"                         },
    {"x: action=redirect; redirect=a@",                         "redirect: expected an address, not \"a@\""   },
    {"x: action=redirect; redirect=<a@example.com>",            "redirect: expected an address"               },
    {"x: action=redirect; redirect=a@example.com NOTIFY=NEVER", "redirect: expected an address"               },
    {"x: copy_to=a@example.com|a b@example.com",                "copy_to: expected an address"                },
    {"x: add_header=X-Spam",                                    "add_header: expected \"Name: value\""        },
    {"x: add_header=X Spam: yes",                               "add_header: "                                },
    {"x: set_header=: yes",                                     "set_header: "                                },
    {"x: action=hold; from=!",                                  "from: a value is empty"                      },
    {"x: action=hold; size=big",                                "size: expected a range such as \"10M..\""    },
    {"x: action=hold; score=a",                                 "score: expected a range such as \"6..15\""   },
    {"x: action=hold; score=15..6",                             "score: nothing lies in the range"            },
    {"x: action=hold; score=nobody:5..",                        "score: there is no filter \"nobody\""        },
    {"x: action=hold; score=clamav:5..",                        "score: filter \"clamav\" tells of no score"  },
    {"x: action=hold; virus=rspamd:*",                          "virus: filter \"rspamd\" tells of no virus"  },
    {"x: action=hold; virus=clamav:",                           "virus: a value is empty"                     },
    {"x: action=hold; virus=/x/",                               "virus: no expression"                        },
    {"x: action=hold; symbol=clamav:X",                         "symbol: filter \"clamav\" tells of no symbol"},
    {"x: action=hold; result=nobody:reject",                    "result: there is no filter \"nobody\""       },
    {"x: action=hold; failed=nobody",                           "failed: there is no filter \"nobody\""       },
    {"x: action=hold; failed=dissect",                          "failed: there is no filter \"dissect\""      },
    {"x: action=hold; unscannable=nobody",                      "unscannable: there is no filter \"nobody\""  },
    {"x: action=hold; defect=odd",                              "defect: there is no defect \"odd\""          },
    {"x: action=hold; encrypted=may",                           "encrypted: expected yes or no, not \"may\""  },
    {"x: action=hold; auth=dkim",                               "auth: expected \"method=result\""            },
    {"x: action=hold; auth==pass",                              "auth: expected \"method=result\""            },
    {"x: action=hold; header=X-Spam",                           "header: expected \"Name: glob\""             },
    {"x: action=hold; client=192.0.2.300",                      "client: "                                    },
    {"x: action=hold; client=192.0.2.1/24",                     "client: "                                    },
    {"x: action=hold; client=2001:db8::/129",                   "client: "                                    },
    {"x: action=hold; subject=/(/",                             "subject: "                                   },
    {"x: action=hold; subject=/a/is",                           "subject: expected \"/.../\""                 },
    {"x: action=hold; subject=!!a",                             "subject: expected \"!\" in front"            },
    {"x: action=hold; header=Subject: /a/i",                    "header: expected \"/.../\""                  },
    {"x: action=hold; header=Subject: !a",                      "header: expected \"!\" in front"             },
    {"x: action=hold; auth=dkim=!pass",                         "auth: expected \"!\" in front"               },
    {"x: action=hold; symbol=rspamd:/a/",                       "symbol: expected \"/.../\""                  },
    {"x: action=hold; virus=clamav:!a",                         "virus: expected \"!\" in front"              },
    {"x: action=hold; subject=/[a/i",                           "subject: "                                   },
};

static void
test_bad(void)
{
    for (size_t i = 0; i < UNIT_COUNT(bad_rows); i++) {
        const struct bad_row *row = &bad_rows[i];
        struct err err = {.text = ""};
        size_t rule = SIZE_MAX;
        struct kit kit;

        kit_begin(&kit);
        kit_read(&kit, "first: action=accept");
        kit_read(&kit, row->rules);
        UNIT_CHECK_ROW(row->rules, kit_compile(&kit, &rule, &err) != 0);
        UNIT_CHECK_ROW(row->rules, err.kind == ERR_PERM && rule == 1);
        if (strstr(err.text, row->text) == NULL)
            fprintf(stderr, "%s\n", err.text);
        UNIT_CHECK_ROW(row->rules, strstr(err.text, row->text) != NULL);
        UNIT_CHECK_ROW(row->rules, kit.rules.items == NULL && kit.rules.count == 0);
        kit_clear(&kit);
    }
}

struct good_row {
    const char *rules;
    bool needs_findings;
    size_t patterns;
    const char *summary;
};

static const struct good_row good_rows[] = {
    {"x: action=accept",                                                                    false, 0, "accept"                },
    {"x: action=redirect; redirect=a@example.com",                                          false, 0, "redirect a@example.com"},
    {"x: add_header=X-A: 1|X-B: 2; subject_prefix=[SPAM] ; copy_to=a@b.example",            false, 0,
     "add_header X-A: 1, add_header X-B: 2, subject_prefix [SPAM], copy_to a@b.example"                                       },
    {"x: remove_header=X-A",                                                                false, 0, "remove_header X-A"     },
    {"x: remove_header=X-*",                                                                true,  0, "remove_header X-*"     },
    {"x: strip=*.exe",                                                                      true,  0, "strip *.exe"           },
    {"x: action=hold; from=<>|example.com|.example.com|!*@example.org",                     false, 0, "hold"                  },
    {"x: action=hold; from=/^a/i|!/b$/; to=/c/",                                            true,  3, "hold"                  },
    {"x: action=hold; client=192.0.2.0/24|::1|*.example.com|local",                         false, 0, "hold"                  },
    {"x: action=hold; client=/dsl/i",                                                       true,  1, "hold"                  },
    {"x: action=hold; size=10M..|!..1K; score=rspamd:5..; virus=*:a:b",                     false, 0, "hold"                  },
    {"x: action=hold; symbol=GTUBE|rspamd:X*; result=rspamd:reject|*:hit; failed=*|clamav", false,
     0,                                                                                               "hold"                  },
    {"x: action=hold; unscannable=*",                                                       false, 0, "hold"                  },
    {"x: action=hold; unscannable=dissect",                                                 true,  0, "hold"                  },
    {"x: action=hold; encrypted=no",                                                        true,  0, "hold"                  },
    {"x: action=hold; defect=*|ambiguous|bad_name",                                         true,  0, "hold"                  },
    {"x: action=hold; auth=d*=pass",                                                        true,  0, "hold"                  },
    {"x: action=hold; header=X-A: *; subject=a/b|/; attachment=*.exe; mime_type=a/*",       true,  0,
     "hold"                                                                                                                   },
};

static void
test_good(void)
{
    for (size_t i = 0; i < UNIT_COUNT(good_rows); i++) {
        const struct good_row *row = &good_rows[i];
        struct kit kit;

        kit_init(&kit, row->rules);
        UNIT_CHECK_ROW(row->rules, kit.rules.count == 1);
        UNIT_CHECK_ROW(row->rules, kit.rules.needs_findings == row->needs_findings);
        UNIT_CHECK_ROW(row->rules, kit.rules.pattern_count == row->patterns);
        UNIT_CHECK_ROW(row->rules, strcmp(kit.rules.items[0].summary, row->summary) == 0);
        kit_clear(&kit);
    }
}

// Numbers go on from rule to rule.
static void
test_patterns(void)
{
    static const struct pattern_spec expected[] = {
        {PATTERN_FROM,       SPAN_LITERAL("^a/b"), true },
        {PATTERN_SUBJECT,    SPAN_LITERAL("x"),    false},
        {PATTERN_TO,         SPAN_LITERAL("c"),    false},
        {PATTERN_ATTACHMENT, SPAN_LITERAL("d"),    false},
    };
    struct kit kit;

    kit_init(&kit, "one: action=hold; from=/^a/b/i; subject=!/x/\ntwo: to=/c/; attachment=/d/; "
                   "action=hold");
    CU_ASSERT_FATAL(kit.rules.pattern_count == UNIT_COUNT(expected));
    for (size_t i = 0; i < UNIT_COUNT(expected); i++) {
        const struct pattern_spec *is = &kit.rules.patterns[i];

        CU_ASSERT(is->target == expected[i].target);
        CU_ASSERT(is->ignore_case == expected[i].ignore_case);
        UNIT_CHECK_ROW(expected[i].text.data, span_is(is->text, expected[i].text.data));
    }
    kit_clear(&kit);
}

static void
test_own_headers(void)
{
    struct kit kit;

    kit_init(&kit, "a: add_header=X-Spam: yes|Reply-To: a@b\nb: set_header=x-spam: no|X-Level: 5; "
                   "remove_header=X-Gone; subject_prefix=X-");
    CU_ASSERT_FATAL(kit.rules.own_header_count == 2);
    CU_ASSERT_STRING_EQUAL(kit.rules.own_headers[0], "X-Spam");
    CU_ASSERT_STRING_EQUAL(kit.rules.own_headers[1], "X-Level");
    kit_clear(&kit);
}

static void
test_names(void)
{
    struct kit kit;

    kit_init(&kit, "a: action=hold\nb: action=accept");
    CU_ASSERT(rules_find(&kit.rules, "b") == 1);
    CU_ASSERT(rules_find(&kit.rules, "c") == SIZE_MAX);
    CU_ASSERT_STRING_EQUAL(rules_name(&kit.rules, 0), "a");
    CU_ASSERT_PTR_NULL(rules_name(&kit.rules, 2));
    CU_ASSERT(kit.rules.filter_count == KIT_FILTERS);
    CU_ASSERT_STRING_EQUAL(kit.rules.filter_rules[KIT_RSPAMD], "filter:rspamd");
    CU_ASSERT_STRING_EQUAL(kit.rules.filter_rules[KIT_FILTERS], "filter:dissect");
    kit_clear(&kit);
}

// Where no filter could ever tell, a condition would only look like protection.
static void
test_no_filters(void)
{
    static const char *const rules[] = {"x: virus=*; action=hold", "x: score=5..; action=hold",
                                        "x: symbol=*; action=hold"};

    for (size_t i = 0; i < UNIT_COUNT(rules); i++) {
        struct err err = {.text = ""};
        struct kit kit;
        size_t rule;

        kit_begin(&kit);
        kit_read(&kit, rules[i]);
        CU_ASSERT(rules_compile(kit.settings, 1, NULL, 0, &kit.rules, &rule, &err) != 0);
        UNIT_CHECK_ROW(rules[i], strstr(err.text, "there is no filter that tells") != NULL);
        kit_clear(&kit);
    }
}

static void
test_pattern_bounds(void)
{
    struct setting_list list = {mem_zarray(PATTERNS_MAX + 1, sizeof(char *)), PATTERNS_MAX + 1};
    char **texts = list.items;
    struct err err = {.text = ""};
    struct kit kit;
    size_t rule;

    kit_begin(&kit);
    kit_read(&kit, "x: action=hold");
    for (size_t i = 0; i < list.count; i++)
        texts[i] = mem_strdup("/a/");
    kit.settings[0].subject = list;
    CU_ASSERT(kit_compile(&kit, &rule, &err) != 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "at most 4096 expressions"));
    kit.settings[0].subject.count = PATTERNS_MAX;
    mem_free(&texts[PATTERNS_MAX]);
    CU_ASSERT(kit_compile(&kit, &rule, &err) == 0);
    CU_ASSERT(kit.rules.pattern_count == PATTERNS_MAX);
    rules_clear(&kit.rules);
    mem_free(&texts[0]);
    texts[0] = mem_zalloc(PATTERN_TEXT_MAX + 4);
    memset(texts[0], 'a', PATTERN_TEXT_MAX + 3);
    texts[0][0] = texts[0][PATTERN_TEXT_MAX + 2] = '/';
    CU_ASSERT(kit_compile(&kit, &rule, &err) != 0);
    kit_clear(&kit);
}

static const struct unit_test tests[] = {
    {"bad",            test_bad           },
    {"good",           test_good          },
    {"patterns",       test_patterns      },
    {"own headers",    test_own_headers   },
    {"names",          test_names         },
    {"no filters",     test_no_filters    },
    {"pattern bounds", test_pattern_bounds},
};

UNIT_MAIN("policy/rule", tests)
